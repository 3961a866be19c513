//! Who gets in: every route, every method, with every kind of token.

use crate::support::{ADMIN_KEY, Call, Reply, World, call};
use directory::route::Route;
use serde_json::{Value, json};
use std::time::Duration;

/// Every route and method of a table, with what a path may need.
fn calls(routes: &[Route], id: &str) -> Vec<(&'static str, String)> {
    let mut calls = Vec::new();
    for route in routes {
        let path = route.path.replace("{tenant}", "acme");
        let path: Vec<&str> = path
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    id
                } else {
                    segment
                }
            })
            .collect();
        for method in route.allow.split(", ") {
            calls.push((method, path.join("/")));
        }
    }
    calls
}

/// One body with which every operation could begin its work.
fn body() -> Value {
    json!({"userName": "x", "displayName": "x", "active": true, "scopes": ["scim"],
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp",
            "urn:ietf:params:scim:api:messages:2.0:SearchRequest",
            "urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "x", "method": "DELETE"}]})
}

fn at<'w>(world: &'w World, base: &str, method: &str, path: &str) -> Call<'w> {
    call(&world.service, method, &format!("{base}{path}")).body(&body())
}

/// Sends a call that must be refused, and must change nothing.
fn refused(world: &World, call: &Call<'_>, status: u16) -> Reply {
    let before = world.kv.dump();
    let reply = call.send();
    let request = &call.request;
    assert_eq!(
        reply.status, status,
        "{} {}: {reply:?}",
        request.method, request.target
    );
    assert_eq!(
        before,
        world.kv.dump(),
        "{} {}",
        request.method,
        request.target
    );
    reply
}

#[test]
fn every_route_refuses_what_is_no_valid_token() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim", "admin"]);
    let id = world.user(&token, "alice");
    let (revoked, revoked_id) = world.token("acme", &["scim", "admin"]);
    let expired = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&json!({"scopes": ["scim", "admin"], "expiresAt": "2026-11-19T00:00:00Z"}))
        .send();
    assert_eq!(expired.status, 201, "{expired:?}");
    let expired = expired.body["token"].as_str().unwrap().to_owned();
    // Both are remembered by the instance as valid.
    for token in [&revoked, &expired] {
        assert_eq!(world.scim("GET", "/Users").bearer(token).send().status, 200);
    }
    world.revoke("acme", &revoked_id);
    world.clock.advance(Duration::from_secs(86_400));

    let unknown = format!("scim_{}", "0".repeat(64));
    let cut_off = token.get(..30).unwrap();
    for (base, routes) in [
        ("/scim/v2", &world.service.routes().scim),
        ("/admin/v1", &world.service.routes().admin),
        ("/access/v1", &world.service.routes().access),
    ] {
        for (method, path) in calls(routes, &id) {
            let call = at(&world, base, method, &path);
            let reply = refused(&world, &call, 401);
            assert_eq!(
                reply.header("www-authenticate"),
                Some("Bearer realm=\"scim\"")
            );
            for bad in [unknown.as_str(), cut_off, &revoked, &expired, "x", "{}"] {
                let reply = refused(&world, &call.clone().bearer(bad), 401);
                assert!(
                    reply
                        .header("www-authenticate")
                        .unwrap()
                        .contains("invalid_token")
                );
                assert!(
                    bad.len() < 5 || !reply.detail().contains(bad),
                    "a token is not repeated"
                );
            }
            let basic = call.clone().header("authorization", "Basic dTpw");
            assert_eq!(
                refused(&world, &basic, 401).header("www-authenticate"),
                Some("Bearer realm=\"scim\""),
                "a scheme that is not supported is no error of a token"
            );
        }
    }
}

#[test]
fn nothing_is_learnt_without_a_token() {
    let world = World::new();
    let unauthorized = world.scim("GET", "/Users").send().response;
    for path in [
        "",
        "/",
        "/Users/none",
        "/Nothing",
        "/Users/a/b",
        "/Schemas",
        "/Me",
        "/%ff",
    ] {
        for method in ["GET", "POST", "TRACE"] {
            assert_eq!(
                world.scim(method, path).send().response,
                unauthorized,
                "{path}"
            );
        }
    }
}

#[test]
fn the_reasons_help_the_holder_and_nobody_else() {
    let world = World::new();
    let (revoked, id) = world.token("acme", &["scim"]);
    world.revoke("acme", &id);
    let detail =
        |token: &str| world.scim("GET", "/Users").bearer(token).send().body["detail"].clone();
    let unknown = detail(&format!("scim_{}", "0".repeat(64)));
    assert_eq!(
        unknown,
        "The request is not authorized: the token is unknown or was revoked."
    );
    assert_eq!(detail(&revoked), unknown);
    assert_ne!(detail("scim_0"), unknown);
    assert_ne!(detail("abc"), detail("scim_0"));
}

#[test]
fn every_route_refuses_a_token_without_its_scope() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let id = world.user(&token, "alice");
    let token = |scopes: &[&str]| world.token("acme", scopes).0;
    let (scim, read, access, admin) = (
        token(&["scim"]),
        token(&["scim:read"]),
        token(&["access"]),
        token(&["admin"]),
    );
    for (method, path) in calls(&world.service.routes().scim, &id) {
        let call = at(&world, "/scim/v2", method, &path);
        for token in [&access, &admin] {
            let reply = refused(&world, &call.clone().bearer(token), 403);
            // RFC 6750 §3.1
            let challenge = reply.header("www-authenticate").unwrap();
            assert!(challenge.contains("insufficient_scope"), "{challenge}");
        }
        let reads = matches!(method, "GET" | "HEAD" | "OPTIONS") || path.ends_with("/.search");
        let unsupported = path == "/Me" && matches!(method, "GET" | "HEAD" | "POST");
        match (unsupported, reads) {
            (true, _) => drop(refused(&world, &call.clone().bearer(&read), 501)),
            (false, false) => drop(refused(&world, &call.clone().bearer(&read), 403)),
            // That the other routes know their id is for the next test.
            (false, true) => {
                let status = call.clone().bearer(&read).send().status;
                assert!(
                    matches!(status, 200 | 204 | 404),
                    "{method} {path}: {status}"
                );
            }
        }
    }
    for (method, path) in calls(&world.service.routes().admin, "some-token") {
        let call = at(&world, "/admin/v1", method, &path);
        for token in [&scim, &read, &access] {
            refused(&world, &call.clone().bearer(token), 403);
        }
    }
    for (method, path) in calls(&world.service.routes().access, "alice") {
        let call = at(&world, "/access/v1", method, &path);
        for token in [&scim, &read, &admin] {
            refused(&world, &call.clone().bearer(token), 403);
        }
    }
}

#[test]
fn every_route_works_with_its_scope() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for (method, path) in calls(&world.service.routes().scim, "none") {
        let reply = at(&world, "/scim/v2", method, &path).bearer(&token).send();
        let expected = match (method, path.as_str()) {
            ("OPTIONS", _) => 204,
            (_, "/Me") => 501,
            (_, path) if path.ends_with("/.search") => 200,
            ("POST", "/Bulk") => 200,
            ("POST", _) => 201,
            (_, path) if path.ends_with("/none") => 404,
            _ => 200,
        };
        assert_eq!(reply.status, expected, "{method} {path}: {reply:?}");
    }
}

#[test]
fn no_route_reaches_another_tenant() {
    let world = World::new();
    let (ours, _) = world.token("acme", &["scim", "admin"]);
    let (theirs, _) = world.token("other", &["scim", "admin"]);
    let id = world.user(&theirs, "alice");
    let group = world
        .scim("POST", "/Groups")
        .bearer(&theirs)
        .body(&json!({"displayName": "staff", "members": [{"value": id}]}))
        .send();
    let group = group.body["id"].as_str().unwrap().to_owned();
    let their_keys = || -> Vec<_> {
        let all = world.kv.dump().into_iter();
        all.filter(|(key, _)| key.starts_with(b"scim/other/"))
            .collect()
    };
    let before = their_keys();
    for id in [
        &id,
        &group,
        "../other/user",
        "..%2F..%2Fother%2Fuser%2Fx",
        "%00",
        "%2e%2e",
    ] {
        for (method, path) in calls(&world.service.routes().scim, id) {
            let reply = at(&world, "/scim/v2", method, &path).bearer(&ours).send();
            if path.contains(id) && method != "OPTIONS" {
                assert!(
                    matches!(reply.status, 404 | 405 | 501),
                    "{method} {path} {reply:?}"
                );
            }
            assert!(!reply.body.to_string().contains("alice"), "{method} {path}");
        }
    }
    for query in [
        "",
        "?filter=userName%20eq%20%22alice%22",
        &format!("?filter=id+eq+%22{id}%22"),
    ] {
        let reply = world
            .scim("GET", &format!("/Users{query}"))
            .bearer(&ours)
            .send();
        assert!(!reply.body.to_string().contains("alice"), "{query}");
    }
    for (method, path) in calls(&world.service.routes().admin, "some-token") {
        // It is of no tenant, and the same for all.
        if path == "/openapi.json" {
            continue;
        }
        let path = path.replace("acme", "other");
        let call = at(&world, "/admin/v1", method, &path).bearer(&ours);
        refused(&world, &call, 403);
    }
    assert_eq!(before, their_keys());
}

#[test]
fn the_key_of_the_administrator_is_no_token_and_no_token_is_that_key() {
    let world = World::new();
    let (admin, _) = world.token("acme", &["admin"]);
    for (base, routes) in [
        ("/scim/v2", &world.service.routes().scim),
        ("/access/v1", &world.service.routes().access),
    ] {
        for (method, path) in calls(routes, "x") {
            let call = at(&world, base, method, &path);
            refused(&world, &call.bearer(ADMIN_KEY), 401);
        }
    }
    for key in [
        "correct horse battery stapl",
        "correct horse battery staple2",
        "scim_",
        "a",
    ] {
        let call = world.admin("GET", "/tenants");
        let mut call = call.header("x", "y");
        call.request.headers.clear();
        refused(&world, &call.bearer(key), 401);
    }
    let tenants = at(&world, "/admin/v1", "GET", "/tenants")
        .bearer(&admin)
        .send();
    assert_eq!(tenants.status, 403, "a token administers its own tenant");
}

#[test]
fn a_revoked_token_stops_at_once_in_every_instance() {
    let world = World::new();
    let (token, id) = world.token("acme", &["scim"]);
    let user = world.user(&token, "alice");
    let path = format!("/scim/v2/Users/{user}");
    // What asks the store anyway, what need not ask it, and what fails before.
    // Each at an instance of its own: the first refusal makes one forget.
    let requests = [
        ("GET", path.as_str()),
        ("GET", "/scim/v2/Users?filter=userName+eq+%22alice%22"),
        ("DELETE", &path),
        ("GET", "/scim/v2/Schemas"),
        ("GET", "/scim/v2/Nothing"),
        ("PATCH", "/scim/v2/Users"),
        ("POST", "/scim/v2/Users"),
        ("POST", "/scim/v2/Bulk"),
    ];
    let instances = requests.map(|request| (request, world.another_instance()));
    for (_, service) in &instances {
        assert_eq!(
            call(service, "GET", &path).bearer(&token).send().status,
            200
        );
    }
    world.revoke("acme", &id);
    for ((method, target), service) in &instances {
        for _ in 0..2 {
            refused(&world, &call(service, method, target).bearer(&token), 401);
        }
    }
}

#[test]
fn a_token_revoked_between_reading_and_writing_writes_nothing() {
    let world = World::new();
    let (token, id) = world.token("acme", &["scim"]);
    let user = world.user(&token, "alice");
    let other = world.another_instance();
    let patch = world
        .scim("PATCH", &format!("/Users/{user}"))
        .bearer(&token)
        .body(&json!({"Operations": [{"op": "replace", "path": "title", "value": "x"}]}));
    let calls = world.kv.calls();
    assert_eq!(patch.send().status, 200);
    // Again, with the revocation before its last call: the commit.
    let steps = world.kv.calls() - calls;
    assert_eq!(steps, 2);
    world.kv.before(steps - 1, move |_| {
        let path = format!("/admin/v1/tenants/acme/tokens/{id}");
        assert_eq!(
            call(&other, "DELETE", &path)
                .bearer(ADMIN_KEY)
                .send()
                .status,
            204
        );
    });
    let patch =
        patch.body(&json!({"Operations": [{"op": "replace", "path": "title", "value": "y"}]}));
    assert_eq!(patch.send().status, 401);
    let dump = world.kv.dump();
    let record = dump
        .iter()
        .find(|(key, _)| key.ends_with(user.as_bytes()))
        .unwrap();
    assert!(!String::from_utf8_lossy(&record.1).contains("\"y\""));
}

#[test]
fn a_grant_that_changes_is_followed() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let user = world.user(&token, "alice");
    let dump = world.kv.dump();
    let (key, value) = dump
        .iter()
        .find(|(key, _)| key.starts_with(b"scim/token/"))
        .unwrap();
    let put = |value: Vec<u8>| {
        let txn = directory::kv::Txn {
            then: vec![directory::kv::Op::put(key.clone(), value)],
            ..directory::kv::Txn::default()
        };
        world.kv.apply(&txn).unwrap();
    };
    let path = format!("/Users/{user}");
    // The same grant, put again: a new revision, and nothing else.
    put(value.clone());
    assert_eq!(world.scim("GET", &path).bearer(&token).send().status, 200);
    // Fewer scopes.
    let text = String::from_utf8(value.clone()).unwrap();
    put(text.replace("\"scim\"", "\"scim:read\"").into_bytes());
    refused(&world, &world.scim("DELETE", &path).bearer(&token), 403);
    assert_eq!(world.scim("GET", &path).bearer(&token).send().status, 200);
    // Another tenant, or none that can be told: nobody's request goes on.
    put(text.replace("acme", "other").into_bytes());
    refused(&world, &world.scim("GET", &path).bearer(&token), 403);
    for damaged in [
        text.replace("acme", "token"),
        text.replace("acme", ""),
        "{}".to_owned(),
    ] {
        put(damaged.into_bytes());
        refused(&world, &world.scim("GET", &path).bearer(&token), 500);
    }
}

#[test]
fn a_known_token_costs_no_call() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let user = world.user(&token, "alice");
    for path in [
        format!("/Users/{user}"),
        "/Schemas".to_owned(),
        "/Users/none".to_owned(),
    ] {
        let answer = world.scim("GET", &path).bearer(&token).answer();
        assert_eq!(answer.trace.store_calls, 1, "{path}");
    }
}
