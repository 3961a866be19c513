//! A store that is away.

use crate::support::World;
use directory::kv::memory::Fault;
use serde_json::json;

#[test]
fn an_outage_is_told_on_every_route_and_ends_by_itself() {
    let world = World::new();
    let (known, _) = world.token("acme", &["scim"]);
    let id = world.user(&known, "alice");
    let (unknown, _) = world.token("acme", &["scim"]);
    for fault in [Fault::Unavailable, Fault::RequestLost] {
        for route in &world.service.routes().scim {
            let path: Vec<_> = route
                .path
                .split('/')
                .map(|s| if s.starts_with('{') { id.as_str() } else { s })
                .collect();
            for method in route.allow.split(", ") {
                for token in [&known, &unknown] {
                    let call = world
                        .scim(method, &path.join("/"))
                        .bearer(token)
                        .body(&json!({"userName": "x", "displayName": "x",
                            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest",
                                "urn:ietf:params:scim:api:messages:2.0:SearchRequest",
                                "urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                            "Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}));
                    world.kv.set_outage(Some(fault));
                    let answer = call.answer();
                    let reply = call.send();
                    world.kv.set_outage(None);
                    assert_eq!(reply.status, 503, "{method} {}", route.path);
                    assert_eq!(reply.header("retry-after"), Some("1"));
                    assert!(answer.trace.fault.is_some());
                    assert!(!reply.detail().contains("injected"));
                }
            }
        }
    }
    let read = world
        .scim("GET", &format!("/Users/{id}"))
        .bearer(&known)
        .send();
    assert_eq!(read.status, 200);
}

#[test]
fn an_outage_is_told_to_the_administrator() {
    let world = World::new();
    world.kv.set_outage(Some(Fault::Unavailable));
    for (method, path) in [
        ("GET", "/tenants"),
        ("POST", "/tenants"),
        ("GET", "/tenants/acme/tokens"),
        ("POST", "/tenants/acme/tokens"),
        ("DELETE", "/tenants/acme/tokens/x"),
    ] {
        let body = match path {
            "/tenants" => json!({"id": "x"}),
            _ => json!({"scopes": ["scim"]}),
        };
        let reply = world.admin(method, path).body(&body).send();
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("1")),
            "{path}"
        );
    }
}
