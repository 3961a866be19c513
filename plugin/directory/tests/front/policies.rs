//! Group policies: made, listed, replaced and removed by an administrator.

use crate::support::World;
use serde_json::json;

const POLICIES: &str = "/tenants/acme/policies";

#[test]
fn a_policy_is_of_a_group_by_its_exact_name_whether_there_is_the_group_or_not() {
    let world = World::new();
    let staff = json!({"name": "corporate", "vlan": 100, "bandwidthUp": 100_000_000});
    for (path, group) in [
        ("Staff", "Staff"),
        ("staff", "staff"),
        ("A%2FB%20%C3%A9", "A/B é"),
        ("..", ".."),
        ("%25%7Bexec%3Aid%7D", "%{exec:id}"),
    ] {
        let path = format!("{POLICIES}/{path}");
        assert_eq!(world.admin("GET", &path).send().status, 404);
        let made = world.admin("PUT", &path).body(&staff).send();
        assert_eq!((made.status, &made.body["group"]), (201, &json!(group)));
        assert_eq!(made.body["priority"], 100);
        let again = world.admin("PUT", &path).body(&staff).send();
        assert_eq!((again.status, again.body), (200, made.body.clone()));
        assert_eq!(world.admin("GET", &path).send().body, made.body);
    }
    let list = world.admin("GET", POLICIES).send();
    assert_eq!(list.body["policies"].as_array().unwrap().len(), 5);
    let path = format!("{POLICIES}/Staff");
    assert_eq!(world.admin("DELETE", &path).send().status, 204);
    assert_eq!(world.admin("DELETE", &path).send().status, 404);
    assert_eq!(world.admin("GET", &path).send().status, 404);
}

#[test]
fn a_policy_that_no_network_understands_is_refused_by_what_is_wrong_and_changes_nothing() {
    let world = World::new();
    world.policy("Staff", &json!({"name": "corporate", "vlan": 100}));
    let before = world.kv.dump();
    for (body, named) in [
        (json!({"vlan": 1}), "name"),
        (json!({"name": ""}), "\"name\""),
        (json!({"name": "a", "vlan": 4_095}), "\"vlan\""),
        (json!({"name": "a", "vlan": "guest"}), "\"vlan\""),
        (
            json!({"name": "a", "bandwidthUp": 5_000_000_000_u64}),
            "\"bandwidthUp\"",
        ),
        (json!({"name": "a", "idleTimeout": 0}), "\"idleTimeout\""),
        (
            json!({"name": "a", "sesionTimeout": 1}),
            "\"sesionTimeout\"",
        ),
        (json!([]), "\"body\""),
    ] {
        let reply = world
            .admin("PUT", "/tenants/acme/policies/Staff")
            .body(&body)
            .send();
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.detail().contains(named), "{body}: {}", reply.detail());
    }
    let long = format!("{POLICIES}/{}", "x".repeat(1_025));
    assert_eq!(
        world
            .admin("PUT", &long)
            .body(&json!({"name": "a"}))
            .send()
            .status,
        400
    );
    assert_eq!(before, world.kv.dump());
}

#[test]
fn the_report_tells_policies_without_a_group_and_groups_without_a_policy() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for (group, policy) in [
        ("Staff", "corporate"),
        ("guests", "guest"),
        ("Ghosts", "none"),
    ] {
        world.policy(group, &json!({"name": policy}));
    }
    world.group(&token, "Staff", &[]);
    let guests = world.group(&token, "Guests", &[]);
    let report = world.admin("GET", "/tenants/acme/policy-report").send();
    assert_eq!(
        report.body,
        json!({
            "policiesWithoutGroup": ["Ghosts", "guests"],
            "groupsWithoutPolicy": [{"id": guests, "displayName": "Guests"}],
        })
    );
}

#[test]
fn the_holder_of_an_admin_token_manages_the_policies_of_its_tenant() {
    let world = World::new();
    let (token, _) = world.token("acme", &["admin"]);
    let mut call = world.admin("PUT", "/tenants/acme/policies/Staff");
    call.request.headers.clear();
    let call = call.bearer(&token).body(&json!({"name": "corporate"}));
    assert_eq!(call.send().status, 201);
    assert_eq!(
        world.admin("GET", "/tenants/other/policies").send().body,
        json!({"policies": []})
    );
    assert_eq!(
        world.admin("GET", "/tenants/none/policies").send().status,
        404
    );
}
