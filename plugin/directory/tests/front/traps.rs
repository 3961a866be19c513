//! What others fell for: each test names the flaw, as it was published, that it would have
//! caught. That every route asks for a token (CVE-2025-4210 in Casdoor), that tokens of
//! another kind are refused (CVE-2026-46425 in Budibase) and that a token without a tenant
//! is none (GHSA-j8v8-g9cx-5qf4 in better-auth) is shown in `authentication`, that tenants
//! do not meet (authorizer 2.4.5) in `tenants`.

use crate::support::{Reply, World, configured};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A world with a token and a user.
fn world() -> (World, String, String) {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let id = world.user(&token, "alice");
    (world, token, id)
}

fn send(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Reply {
    world.scim(method, path).bearer(token).body(body).send()
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// CVE-2025-41115 (Grafana): a numeric `externalId` was taken for the internal id of a
/// user, and its bearer became that user.
#[test]
fn an_external_id_is_never_taken_for_an_id() {
    let (world, token, alice) = world();
    let group = json!({"displayName": "staff"});
    let group = send(&world, &token, "POST", "/Groups", &group).body["id"].clone();
    for external in [
        "1",
        "0",
        &alice,
        group.as_str().unwrap(),
        "acme",
        "../alice",
    ] {
        let user = json!({"userName": format!("x{external}"), "externalId": external, "id": alice});
        let made = send(&world, &token, "POST", "/Users", &user);
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.body["id"].as_str().unwrap();
        assert!(id != external && id != alice, "{id}");
        let found = world.scim("GET", "/Users/1").bearer(&token).send();
        assert_eq!(found.status, 404);
        let read = world.scim("GET", &format!("/Users/{alice}")).bearer(&token);
        assert_eq!(read.send().body["userName"], "alice", "{external}");
    }
}

/// GHSA-rjg6-39jm-rgg4, CVE-2026-67330 (better-auth), CVE-2022-1680 (GitLab): an account
/// was taken over by an address or a name that was rewritten, or that it shared.
#[test]
fn nobody_becomes_somebody_else_by_a_name_or_an_address() {
    let (world, token, _) = world();
    let mallory = world.user(&token, "mallory");
    let mail = json!([{"value": "alice@example.com", "primary": true}]);
    let alice = json!({"userName": "alice@example.com", "externalId": "a", "emails": mail});
    let alice = send(&world, &token, "POST", "/Users", &alice).body;
    let path = format!("/Users/{mallory}");
    for name in ["alice@example.com", "ALICE@EXAMPLE.COM"] {
        for reply in [
            send(&world, &token, "PUT", &path, &json!({"userName": name})),
            send(
                &world,
                &token,
                "PATCH",
                &path,
                &patch(&json!([{"op": "replace", "path": "userName", "value": name}])),
            ),
            send(&world, &token, "POST", "/Users", &json!({"userName": name})),
        ] {
            assert_eq!(
                (reply.status, &reply.body["scimType"]),
                (409, &json!("uniqueness"))
            );
        }
    }
    // An address or an externalId may be anybody's: it adopts nobody.
    let same = json!({"userName": "other", "externalId": "a", "emails": mail});
    let other = send(&world, &token, "POST", "/Users", &same);
    assert_eq!(other.status, 201);
    assert_ne!(other.body["id"], alice["id"]);
    let path = format!("/Users/{}", alice["id"].as_str().unwrap());
    assert_eq!(world.scim("GET", &path).bearer(&token).send().body, alice);
}

/// CVE-2026-15630 (Casdoor): what was allowed was judged by the URL, and what was done by
/// the body.
#[test]
fn the_path_says_which_resource_and_the_body_cannot() {
    let (world, token, alice) = world();
    let bob = world.user(&token, "bob");
    let at = |id: &str| format!("/Users/{id}");
    let before = world.scim("GET", &at(&bob)).bearer(&token).send().body;
    let body =
        json!({"id": bob, "userName": "alice", "title": "x", "meta": {"location": at(&bob)}});
    let put = send(&world, &token, "PUT", &at(&alice), &body);
    assert_eq!((put.status, &put.body["id"]), (200, &json!(alice)));
    let operations = json!([{"op": "replace", "value": {"id": bob, "title": "y"}}]);
    let refused = send(&world, &token, "PATCH", &at(&alice), &patch(&operations));
    assert_eq!(
        (refused.status, &refused.body["scimType"]),
        (400, &json!("mutability"))
    );
    let query = format!("{}?id={bob}&userName=bob", at(&alice));
    let deleted = world.scim("DELETE", &query).bearer(&token).send();
    assert_eq!(deleted.status, 204);
    assert_eq!(
        world.scim("GET", &at(&bob)).bearer(&token).send().body,
        before
    );
}

/// CVE-2026-43640 (Bitwarden): the key could be read again by whoever had a session.
#[test]
fn no_answer_holds_a_token_but_the_one_that_made_it() {
    let (world, token, id) = world();
    let (admin, admin_id) = world.token("acme", &["scim", "admin"]);
    let routes = world.service.routes();
    for (base, routes) in [("/scim/v2", &routes.scim), ("/admin/v1", &routes.admin)] {
        for route in routes {
            let path = route.path.replace("{tenant}", "acme");
            let path = path.replace("{id}", &id).replace("{token}", &admin_id);
            let call = crate::support::call(&world.service, "GET", &format!("{base}{path}"));
            let answer = call.bearer(&admin).answer().response;
            let text = format!(
                "{:?} {}",
                answer.headers,
                String::from_utf8_lossy(&answer.body)
            );
            for token in [&token, &admin] {
                assert!(!text.contains(token.trim_start_matches("scim_")), "{path}");
            }
        }
    }
}

/// CVE-2026-48170 (scim-patch): a path-less PATCH wrote to `__proto__`. Here there is no
/// prototype; the name is one of many that no attribute has.
#[test]
fn names_of_another_language_are_no_attributes() {
    let (world, token, id) = world();
    let path = format!("/Users/{id}");
    for name in [
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "__proto__.admin",
    ] {
        for operation in [
            json!({"op": "add", "value": {name: {"admin": true}}}),
            json!({"op": "add", "path": name, "value": {"admin": true}}),
            json!({"op": "replace", "path": format!("{name}.x"), "value": true}),
            json!({"op": "add", "path": format!("name.{name}"), "value": true}),
            json!({"op": "add", "path": "emails", "value": [{"value": "a@example.com", name: 1}]}),
        ] {
            let title = json!({"op": "replace", "path": "title", "value": "x"});
            let reply = send(
                &world,
                &token,
                "PATCH",
                &path,
                &patch(&json!([title, operation])),
            );
            assert!(matches!(reply.status, 200 | 400), "{reply:?}");
        }
        let user = json!({"userName": "alice", name: {"admin": true}});
        assert_eq!(send(&world, &token, "PUT", &path, &user).status, 200);
    }
    for (key, value) in world.kv.dump() {
        let text = format!(
            "{} {}",
            String::from_utf8_lossy(&key),
            String::from_utf8_lossy(&value)
        );
        for name in [
            "__proto__",
            "constructor",
            "prototype",
            "toString",
            "admin\":true",
        ] {
            assert!(!text.contains(name), "{text}");
        }
    }
}

/// scim2-parse-filter 0.3.0 took exponential time for a text that does not end;
/// keycloak#50472, SCIMple#1126, SCIMReferenceCode#138 and scim-v2-rust#49 overflowed their
/// stack. Here with the largest limits that can be configured.
#[test]
fn hostile_filters_paths_and_bodies_take_no_time_and_no_stack() {
    const LIMIT: Duration = Duration::from_millis(250);

    let (world, token, id) = world();
    let limits = json!({"max_filter_bytes": 65_536, "max_filter_depth": 64,
        "max_filter_nodes": 10_000, "max_json_depth": 100});
    let service = configured(&world.kv, &world.clock, 1, json!({"limits": limits}));
    let mut hostile = Vec::new();
    for (open, close, times) in [
        ("(", ")", 2_000),
        ("(", ")", 30_000),
        ("not (", ")", 13_000),
        ("emails[", "]", 9_000),
        ("userName pr and ", "", 4_000),
        ("a.", "", 8_000),
    ] {
        for inner in ["userName pr", "zz", ""] {
            hostile.push(format!(
                "{}{inner}{}",
                open.repeat(times),
                close.repeat(times)
            ));
            hostile.push(format!("{}{inner}", open.repeat(times)));
        }
    }
    hostile.push(format!("userName eq \"{}", "\n".repeat(50_000)));
    hostile.push(format!("userName eq \"{}", "\\".repeat(50_001)));
    hostile.push(format!("userName eq \"{}\" x", "a".repeat(60_000)));

    let ask = |method: &str, path: &str, body: Vec<u8>| {
        let mut call = crate::support::call(&service, method, &format!("/scim/v2{path}"));
        call.request.body = body;
        let begun = Instant::now();
        let reply = call.bearer(&token).send();
        assert!(
            begun.elapsed() < LIMIT,
            "{method} {path}: {:?}",
            begun.elapsed()
        );
        assert_eq!(reply.status, 400, "{method} {path}: {reply:?}");
    };
    for text in hostile {
        let search = json!({"filter": text,
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        // As long as it may be, it may be right; then it is a query like others.
        let right = text.starts_with("userName pr") && text.ends_with("pr");
        if !right {
            ask("POST", "/Users/.search", search.to_string().into_bytes());
        }
        for path in [
            text.clone(),
            format!("emails[{text}].value"),
            format!("emails{text}"),
        ] {
            let operations = json!([{"op": "add", "path": path, "value": "x"}]);
            ask(
                "PATCH",
                &format!("/Users/{id}"),
                patch(&operations).to_string().into_bytes(),
            );
        }
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"name\":[", "]}")] {
        for tail in ["", "1", "zz"] {
            let times = 50_000;
            let whole = format!("{}{tail}{}", open.repeat(times), close.repeat(times));
            ask("POST", "/Users", whole.into_bytes());
            ask(
                "POST",
                "/Users",
                format!("{}{tail}", open.repeat(times)).into_bytes(),
            );
        }
    }
}

/// Doyensec, "SCIM Hunting" (2025): attributes of the service's own could be set, and bulk
/// requests went around the checks of the routes.
#[test]
fn attributes_of_the_services_own_cannot_be_set() {
    let (world, token, _) = world();
    let group = json!({"displayName": "admins"});
    let group = send(&world, &token, "POST", "/Groups", &group).body["id"].clone();
    let user = json!({
        "userName": "eve", "id": "chosen", "groups": [{"value": group}],
        "meta": {"created": "2000-01-01T00:00:00Z", "version": "W/\"1\"", "resourceType": "Group"},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:internal"],
        "urn:example:internal": {"tenant": "other", "isAdmin": true},
        "tenant": "other", "IsAdmin": true,
    });
    let made = send(&world, &token, "POST", "/Users", &user);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body.get("groups"), None);
    assert_ne!(made.body["id"], "chosen");
    assert_ne!(made.body["meta"]["created"], "2000-01-01T00:00:00Z");
    assert_eq!(made.body["meta"]["resourceType"], "User");
    for (key, value) in world.kv.dump() {
        let text = format!(
            "{} {}",
            String::from_utf8_lossy(&key),
            String::from_utf8_lossy(&value)
        );
        assert!(!text.to_lowercase().contains("isadmin"), "{text}");
    }
    let members = world.scim("GET", &format!("/Groups/{}", group.as_str().unwrap()));
    assert_eq!(members.bearer(&token).send().body["members"], json!([]));
}

/// The same: each operation of a bulk request needs what the request of its own would.
#[test]
fn a_bulk_request_does_nothing_that_its_token_could_not_do_alone() {
    let (world, token, alice) = world();
    let (reader, _) = world.token("acme", &["scim:read"]);
    let (other, _) = world.token("other", &["scim"]);
    let foreign = [
        json!({"method": "DELETE", "path": format!("/Users/{alice}")}),
        json!({"method": "PUT", "path": format!("/Users/{alice}"), "data": {"userName": "eve"}}),
    ];
    let elsewhere = [
        json!({"method": "DELETE", "path": format!("/Groups/../Users/{alice}")}),
        json!({"method": "DELETE", "path": format!("/Groups/..%2FUsers%2F{alice}")}),
        json!({"method": "DELETE", "path": format!("/Groups/{alice}")}),
        json!({"method": "POST", "bulkId": "1", "path": "/admin/v1/tenants", "data": {"id": "x"}}),
        json!({"method": "POST", "bulkId": "1", "path": "/../admin/v1/tenants", "data": {"id": "x"}}),
        json!({"method": "GET", "path": format!("/Users/{alice}")}),
        json!({"method": "POST", "bulkId": "1", "path": "/Bulk", "data": {}}),
        json!({"method": "POST", "bulkId": "1", "path": "/Users/.search", "data": {}}),
    ];
    let bulk = |operation: &Value| {
        json!({"Operations": [operation],
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]})
    };
    let before = world.kv.dump();
    for (token, operations) in [
        (&other, &foreign[..]),
        (&other, &elsewhere),
        (&token, &elsewhere),
    ] {
        for operation in operations {
            let bulk = bulk(operation);
            assert_eq!(send(&world, &reader, "POST", "/Bulk", &bulk).status, 403);
            let reply = send(&world, token, "POST", "/Bulk", &bulk);
            let result = &reply.body["Operations"][0]["status"];
            let refused = result
                .as_str()
                .is_some_and(|status| status.starts_with('4'));
            assert!(reply.status == 400 || refused, "{operation}: {reply:?}");
            assert!(before == world.kv.dump(), "{operation}");
        }
    }
    let reply = send(&world, &token, "POST", "/Bulk", &bulk(&foreign[0]));
    assert_eq!(
        reply.body["Operations"][0]["status"], "204",
        "it may do this"
    );
}
