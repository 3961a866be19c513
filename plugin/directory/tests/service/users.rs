//! Users, one request after another.

use crate::support::{World, filter, now, request, request_of};
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn full_user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": "ext/1",
        "userName": "BJensen@example.com",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "emails": [{"value": "B@example.com", "type": "work", "primary": true}],
        "password": "t1meMa$heen",
        ENTERPRISE: {"department": "Tours", "employeeNumber": "701984"},
    })
}

#[test]
fn a_user_lives_its_life() {
    let world = World::new();
    let created = world.post("/Users", &full_user());
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.id();
    let location = format!("https://scim.example.com/scim/v2/Users/{id}");
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(created.body["meta"]["location"], location);
    assert_eq!(created.body["meta"]["version"], created.etag());
    assert_eq!(created.body["meta"]["resourceType"], "User");
    assert_eq!(created.body["active"], true);
    assert_eq!(created.body[ENTERPRISE]["department"], "Tours");
    assert_eq!(created.body.get("password"), None);
    world.check();

    let path = format!("/Users/{id}");
    let read = world.get(&path);
    assert_eq!((read.status, &read.body), (200, &created.body));

    let replaced = world.put(&path, &json!({"userName": "babs", "active": false}));
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(replaced.body["userName"], "babs");
    assert_eq!(replaced.body.get("emails"), None);
    assert_eq!(
        replaced.body["meta"]["created"],
        created.body["meta"]["created"]
    );
    assert_ne!(replaced.etag(), created.etag());
    world.check();

    let operations = json!([{"op": "Replace", "path": "active", "value": "True"},
        {"op": "add", "path": "emails[type eq \"work\"].value", "value": "new@example.com"}]);
    let patched = world.patch(&path, &operations);
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["active"], true);
    assert_eq!(patched.body["emails"][0]["value"], "new@example.com");
    world.check();

    assert_eq!(world.delete(&path).status, 204);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let body = (method != "GET" && method != "DELETE")
            .then(|| json!({"userName": "x", "Operations": [{"op": "remove", "path": "title"}]}));
        assert_eq!(
            world.send(&request(method, &path, body.as_ref())).status,
            404
        );
    }
    world.check();

    let ops: Vec<Value> = world
        .events("acme")
        .iter()
        .map(|e| e["op"].clone())
        .collect();
    assert_eq!(
        ops,
        ["user.create", "user.replace", "user.patch", "user.delete"]
    );
}

#[test]
fn an_event_names_what_changed_and_no_values() {
    let world = World::new();
    let id = world.post("/Users", &full_user()).id();
    world.patch(
        &format!("/Users/{id}"),
        &json!([{"op": "replace", "value": {"displayName": "secret", "title": "secret"}}]),
    );
    let event = world.events("acme").pop().unwrap();
    assert_eq!(event["attributes"], json!(["displayName", "title"]));
    assert_eq!(event["id"], id.as_str());
    assert_eq!(event["token"], "token-of-acme");
    assert!(!event.to_string().contains("secret"));
}

#[test]
fn a_user_name_is_unique_without_regard_to_case() {
    let world = World::new();
    let first = world.user("Élodie");
    let second = world.user("bob");
    let path = format!("/Users/{second}");
    for reply in [
        world.post("/Users", &json!({"userName": "E\u{301}LODIE"})),
        world.put(&path, &json!({"userName": "élodie"})),
        world.patch(
            &path,
            &json!([{"op": "replace", "path": "userName", "value": "élodie"}]),
        ),
    ] {
        assert_eq!(reply.status, 409, "{reply:?}");
        assert_eq!(reply.body["scimType"], "uniqueness");
    }
    let path = format!("/Users/{first}");
    let renamed = world.put(&path, &json!({"userName": "ÉLODIE"}));
    assert_eq!(
        (renamed.status, &renamed.body["userName"]),
        (200, &json!("ÉLODIE"))
    );
    world.check();
}

#[test]
fn the_name_of_a_deleted_user_is_free_and_its_record_kept_for_a_while() {
    let world = World::new();
    let id = world.user("alice");
    let group = world.group("staff", &[&id]);
    assert_eq!(world.delete(&format!("/Users/{id}")).status, 204);
    assert!(world.members(&group).is_empty());
    assert_ne!(world.user("ALICE"), id);
    world.check();

    let kept = || {
        let key = format!("scim/acme/user-deleted/{id}").into_bytes();
        let found = world.kv.dump().into_iter().find(|(k, _)| *k == key);
        found.map(|(_, value)| serde_json::from_slice::<Value>(&value).unwrap())
    };
    let record = kept().unwrap();
    assert_eq!(record["user"]["active"], false);
    assert_eq!(record["groups"], json!([group]));
    let [(lease, seconds)] = world.kv.leases().try_into().unwrap();
    assert_eq!(seconds, 30 * 86_400);
    world.kv.revoke_lease(lease);
    assert_eq!(kept(), None);
}

#[test]
fn deletion_may_be_configured_to_deactivate() {
    let world = World::configured(json!({"on_delete": "deactivate"}));
    let id = world.user("alice");
    let path = format!("/Users/{id}");
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.get(&path).body["active"], false);
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(
        world.post("/Users", &json!({"userName": "alice"})).status,
        409
    );
    world.check();
}

#[test]
fn a_change_that_makes_no_difference_is_not_written() {
    let world = World::new();
    let created = world.post("/Users", &full_user());
    let path = format!("/Users/{}", created.id());
    let revision = world.kv.revision();
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(now(&world) > 0);

    let patched = world.patch(
        &path,
        &json!([{"op": "replace", "path": "name.givenName", "value": "Barbara"}]),
    );
    assert_eq!(patched.body, created.body);
    let replaced = world.put(&path, &created.body);
    assert_eq!(replaced.body, created.body);
    assert_eq!(world.kv.revision(), revision);
}

#[test]
fn a_put_without_active_leaves_a_user_inactive() {
    let world = World::new();
    let id = world.user("alice");
    let path = format!("/Users/{id}");
    world.put(&path, &json!({"userName": "alice", "active": false}));
    let replaced = world.put(&path, &json!({"userName": "alice", "title": "x"}));
    assert_eq!(replaced.body["active"], false);
}

#[test]
fn a_write_may_demand_the_version_that_was_read() {
    let world = World::new();
    let id = world.user("alice");
    let path = format!("/Users/{id}");
    let old = world.get(&path).etag();
    let write = |method: &str, tag: &str| {
        let body = json!({"userName": "alice", "title": tag,
            "Operations": [{"op": "add", "path": "title", "value": tag}]});
        let mut request = request(method, &path, (method != "DELETE").then_some(&body));
        let tag = tag.as_bytes().to_vec();
        request.headers.push(("if-match".to_owned(), tag));
        world.send(&request)
    };
    let new = write("PATCH", &old);
    assert_eq!(new.status, 200, "{new:?}");
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(write(method, &old).status, 412);
    }
    assert_eq!(write("PUT", &new.etag()).status, 200);
    assert_eq!(write("DELETE", "*").status, 204);

    let id = world.user("bob");
    let mut get = request("GET", &format!("/Users/{id}"), None);
    let tag = world.get(&format!("/Users/{id}")).etag().into_bytes();
    get.headers.push(("if-none-match".to_owned(), tag));
    assert_eq!(world.send(&get).status, 304);
}

#[test]
fn groups_of_a_user_are_read_only_and_always_true() {
    let world = World::new();
    let id = world.user("alice");
    let path = format!("/Users/{id}");
    let group = world.group("staff", &[&id]);
    let groups = json!([{"value": group, "display": "staff", "type": "direct",
        "$ref": format!("https://scim.example.com/scim/v2/Groups/{group}")}]);
    assert_eq!(world.get(&path).body["groups"], groups);
    let sent = json!({"userName": "alice", "groups": [{"value": "another"}]});
    assert_eq!(world.put(&path, &sent).body["groups"], groups);

    let rename = json!([{"op": "replace", "path": "displayName", "value": "all"}]);
    world.patch(&format!("/Groups/{group}"), &rename);
    assert_eq!(world.get(&path).body["groups"][0]["display"], "all");
    world.delete(&format!("/Groups/{group}"));
    assert_eq!(world.get(&path).body.get("groups"), None);
    world.check();
}

#[test]
fn reading_a_user_takes_one_call_to_the_store() {
    let world = World::new();
    let path = format!("/Users/{}", world.user("alice"));
    let before = world.kv.calls();
    assert_eq!(world.get(&path).status, 200);
    assert_eq!(world.kv.calls(), before + 1);
}

#[test]
fn a_user_may_have_more_addresses_than_a_transaction_has_operations() {
    let world = World::new();
    let emails: Vec<Value> = (0..300)
        .map(|i| json!({"value": format!("{i}@x")}))
        .collect();
    let reply = world.post("/Users", &json!({"userName": "alice", "emails": emails}));
    assert_eq!(reply.status, 201, "{reply:?}");
    world.check();
    assert_eq!(
        world
            .get(&filter("/Users", r#"emails.value eq "299@X""#))
            .ids(),
        [reply.id()]
    );
    assert_eq!(world.delete(&format!("/Users/{}", reply.id())).status, 204);
    world.check();
}

#[test]
fn tenants_do_not_meet() {
    let world = World::new();
    let mine = world.user("alice");
    let theirs = request_of(
        "other",
        "POST",
        "/Users",
        Some(&json!({"userName": "alice"})),
    );
    let theirs = world.send(&theirs);
    assert_eq!(theirs.status, 201, "{theirs:?}");
    let path = format!("/Users/{mine}");
    let put = json!({"userName": "taken"});
    for (method, body) in [("GET", None), ("DELETE", None), ("PUT", Some(&put))] {
        let reply = world.send(&request_of("other", method, &path, body));
        assert_eq!(reply.status, 404, "{method} {reply:?}");
    }
    for id in [
        "..%2F..%2Facme%2Fuser%2F",
        "%00",
        "..",
        "%2e%2e%2f",
        "a%2fb",
    ] {
        let reply = world.send(&request_of(
            "other",
            "GET",
            &format!("/Users/{id}{mine}"),
            None,
        ));
        assert_eq!(reply.status, 404, "{id}");
    }
    let list = world.send(&request_of("other", "GET", "/Users", None));
    assert_eq!(list.ids(), [theirs.id()]);
    let group = json!({"displayName": "g", "members": [{"value": mine},
        {"value": format!("../../acme/user/{mine}")}]});
    let group = world.send(&request_of("other", "POST", "/Groups", Some(&group)));
    assert_eq!(group.body["members"], json!([]));
    world.check();
}
