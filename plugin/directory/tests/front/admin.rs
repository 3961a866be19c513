//! Tenants and tokens.

use crate::support::{World, call, service};
use directory::kv::memory::Fault;
use serde_json::json;

#[test]
fn a_tenant_is_made_once() {
    let world = World::new();
    let made = world
        .admin("POST", "/tenants")
        .body(&json!({"id": "t-1", "name": "Tenant"}))
        .send();
    assert_eq!(
        (made.status, made.header("content-type")),
        (201, Some("application/json"))
    );
    assert_eq!(
        (&made.body["id"], &made.body["name"]),
        (&json!("t-1"), &json!("Tenant"))
    );
    let again = world
        .admin("POST", "/tenants")
        .body(&json!({"id": "t-1"}))
        .send();
    assert_eq!(
        (again.status, &again.body["scimType"]),
        (409, &json!("uniqueness"))
    );
    let named = world
        .admin("POST", "/tenants")
        .body(&json!({"name": "No id"}))
        .send();
    assert_eq!(named.status, 201);
    let list = world.admin("GET", "/tenants").send();
    let mut ids: Vec<_> = list.body["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected = vec!["acme", "other", "t-1", named.body["id"].as_str().unwrap()];
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

#[test]
fn a_form_that_is_wrong_is_refused_by_the_name_of_what_is_wrong() {
    let world = World::new();
    let before = world.kv.dump();
    for (path, body, named) in [
        ("/tenants", json!({"id": "token"}), "\"id\""),
        ("/tenants", json!({"id": "A/B"}), "\"id\""),
        ("/tenants", json!({"id": 7}), "\"id\""),
        ("/tenants", json!({"identifier": "x"}), "\"identifier\""),
        ("/tenants/acme/tokens", json!({}), "scopes"),
        ("/tenants/acme/tokens", json!({"scopes": []}), "\"scopes\""),
        (
            "/tenants/acme/tokens",
            json!({"scopes": ["root"]}),
            "\"scopes[0]\"",
        ),
        (
            "/tenants/acme/tokens",
            json!({"scopes": ["scim"], "label": "x".repeat(257)}),
            "\"label\"",
        ),
        (
            "/tenants/acme/tokens",
            json!({"scopes": ["scim"], "expiresAt": "soon"}),
            "\"expiresAt\"",
        ),
        (
            "/tenants/acme/tokens",
            json!({"scopes": ["scim"], "expiresAt": "2020-01-01T00:00:00Z"}),
            "\"expiresAt\"",
        ),
    ] {
        let reply = world.admin("POST", path).body(&body).send();
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.detail().contains(named), "{body}: {}", reply.detail());
    }
    assert_eq!(before, world.kv.dump());
}

#[test]
fn a_token_is_shown_once_and_stored_as_its_hash() {
    let world = World::new();
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&json!({"label": "Entra", "scopes": ["scim", "scim"], "expiresAt": "2027-01-31T00:00:00Z"}))
        .send();
    assert_eq!(
        (made.status, made.header("cache-control")),
        (201, Some("no-store"))
    );
    let token = made.body["token"].as_str().unwrap();
    assert!(token.starts_with("scim_") && token.len() == 69);
    assert_eq!(made.body["scopes"], json!(["scim"]));
    assert_eq!(made.body["expiresAt"], "2027-01-31T00:00:00Z");
    assert!(token.ends_with(made.body["lastFour"].as_str().unwrap()));
    let list = world.admin("GET", "/tenants/acme/tokens").send();
    let mut shown = made.body.clone();
    shown.as_object_mut().unwrap().remove("token");
    assert_eq!(list.body["tokens"], json!([shown]));
    let secret = token.trim_start_matches("scim_");
    for (key, value) in world.kv.dump() {
        for text in [key, value] {
            assert!(!String::from_utf8_lossy(&text).contains(secret));
        }
    }
}

#[test]
fn a_token_is_of_a_tenant_that_there_is() {
    let world = World::new();
    for (method, path) in [
        ("POST", "/tenants/none/tokens"),
        ("GET", "/tenants/none/tokens"),
        ("DELETE", "/tenants/none/tokens/x"),
        ("DELETE", "/tenants/acme/tokens/none"),
        ("GET", "/tenants/..%2Ftenant/tokens"),
        ("POST", "/tenants/token/tokens"),
    ] {
        let reply = world
            .admin(method, path)
            .body(&json!({"scopes": ["scim"]}))
            .send();
        assert_eq!(reply.status, 404, "{method} {path}");
    }
    let (_, id) = world.token("acme", &["scim"]);
    let elsewhere = world
        .admin("DELETE", &format!("/tenants/other/tokens/{id}"))
        .send();
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn a_token_with_the_scope_manages_the_tokens_of_its_tenant() {
    let world = World::new();
    let (admin, own) = world.token("acme", &["admin"]);
    let at = |method: &str, path: &str| {
        call(&world.service, method, &format!("/admin/v1{path}")).bearer(&admin)
    };
    let made = at("POST", "/tenants/acme/tokens")
        .body(&json!({"scopes": ["scim"]}))
        .send();
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap();
    let list = at("GET", "/tenants/acme/tokens").send();
    assert_eq!(list.body["tokens"].as_array().unwrap().len(), 2);
    for id in [id, &own] {
        assert_eq!(
            at("DELETE", &format!("/tenants/acme/tokens/{id}"))
                .send()
                .status,
            204
        );
    }
    assert_eq!(
        at("GET", "/tenants/acme/tokens").send().status,
        401,
        "it revoked itself"
    );
}

#[test]
fn without_a_key_in_the_configuration_nobody_has_it() {
    let world = World::new();
    let config = directory::Config::from_json(b"{}").unwrap();
    let bare = directory::Directory::new(
        scim::schema::Registry::standard().unwrap(),
        config,
        world.kv.clone(),
        world.clock.clone(),
        directory::simulation::SeededEntropy::new(3),
    );
    let request = world.admin("GET", "/tenants").request;
    let answer = directory::simulation::block_on(bare.handle(&request));
    assert_eq!(answer.response.status, 401);
}

#[test]
fn a_lost_reply_to_an_administrator_is_found_out() {
    let world = World::new();
    for fault in [Fault::ReplyLost, Fault::RequestLost, Fault::Unavailable] {
        let id = format!("{fault:?}").to_lowercase();
        world.kv.fail_next([Some(fault)]);
        let made = world
            .admin("POST", "/tenants")
            .body(&json!({"id": id}))
            .send();
        assert_eq!(made.status, 201, "{fault:?} {made:?}");
        world.kv.fail_next([Some(fault)]);
        let made = world
            .admin("POST", &format!("/tenants/{id}/tokens"))
            .body(&json!({"scopes": ["scim"]}))
            .send();
        assert_eq!(made.status, 201, "{fault:?} {made:?}");
        let token = made.body["token"].as_str().unwrap();
        assert_eq!(world.scim("GET", "/Users").bearer(token).send().status, 200);
        let list = world.admin("GET", &format!("/tenants/{id}/tokens")).send();
        assert_eq!(list.body["tokens"].as_array().unwrap().len(), 1);
        let revoke = format!("/tenants/{id}/tokens/{}", made.body["id"].as_str().unwrap());
        world.kv.fail_next([None, Some(fault)]);
        assert_eq!(world.admin("DELETE", &revoke).send().status, 204);
        assert_eq!(world.admin("DELETE", &revoke).send().status, 404);
    }
}

#[test]
fn many_tenants_are_listed_page_by_page() {
    let world = World::new();
    for n in 0..501 {
        let made = world
            .admin("POST", "/tenants")
            .body(&json!({"id": format!("t{n}")}))
            .send();
        assert_eq!(made.status, 201);
    }
    let calls = world.kv.calls();
    let list = world.admin("GET", "/tenants").send();
    assert_eq!(list.body["tenants"].as_array().unwrap().len(), 503);
    assert_eq!(world.kv.calls() - calls, 2);
}

#[test]
fn the_trace_of_a_write_bears_ids_and_no_text_of_clients() {
    let world = World::new();
    let service = service(&world.kv, &world.clock, 9);
    let (token, id) = world.token("acme", &["scim"]);
    let create = call(&service, "POST", "/scim/v2/Users")
        .bearer(&token)
        .body(&json!({"userName": "canary@example.com", "password": "canary"}));
    let answer = create.answer();
    let line = answer.trace.log_line(answer.response.status).unwrap();
    assert!(line.contains("\"user.create\"") && line.contains(&id) && line.contains("acme"));
    assert!(!line.contains("canary") && !line.contains(token.trim_start_matches("scim_")));
    let missing = call(&service, "DELETE", "/scim/v2/Users/canary@example.com")
        .bearer(&token)
        .answer();
    let line = missing.trace.log_line(missing.response.status).unwrap();
    assert!(line.contains("404") && !line.contains("canary"));
    let read = call(&service, "GET", "/scim/v2/Users")
        .bearer(&token)
        .answer();
    assert_eq!(read.trace.log_line(read.response.status), None);
}

#[test]
fn a_refused_request_is_counted_by_what_it_asked_for() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for (method, path, operation) in [
        ("POST", "/Users", "user.create"),
        ("GET", "/Nothing", "unrouted"),
        ("TRACE", "/Users", "unrouted"),
    ] {
        let call = world.scim(method, path);
        let refused = call.answer();
        assert_eq!(
            (refused.response.status, refused.trace.operation),
            (401, operation)
        );
        assert_eq!(
            refused.trace.log_line(401),
            None,
            "strangers do not fill the log"
        );
        assert_eq!(call.bearer(&token).answer().trace.operation, operation);
    }
}
