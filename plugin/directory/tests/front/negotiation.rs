//! Paths, methods and media types.

use crate::support::World;
use serde_json::json;

#[test]
fn another_method_is_answered_with_those_there_are() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for route in &world.service.routes().scim {
        let path: Vec<_> = route
            .path
            .split('/')
            .map(|s| if s.starts_with('{') { "x" } else { s })
            .collect();
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "",
        ] {
            if route.allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let reply = world.scim(method, &path.join("/")).bearer(&token).send();
            assert_eq!(reply.status, 405, "{method} {}", route.path);
            assert_eq!(reply.header("allow"), Some(route.allow));
        }
    }
    for (method, path, allow) in [
        ("PUT", "/tenants", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("GET", "/tenants/a/tokens/b", "DELETE, OPTIONS"),
    ] {
        let reply = world.admin(method, path).send();
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)));
    }
}

#[test]
fn whoever_has_a_token_is_told_the_methods_there_are() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim:read"]);
    for (path, allow) in [
        ("/Users", "GET, HEAD, POST, OPTIONS"),
        ("/users/x/", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/Schemas", "GET, HEAD, OPTIONS"),
        ("/Me", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let reply = world.scim("OPTIONS", path).bearer(&token).send();
        assert_eq!(
            (reply.status, reply.header("allow")),
            (204, Some(allow)),
            "{path}"
        );
        assert_eq!(world.scim("OPTIONS", path).send().status, 401, "{path}");
    }
    let nowhere = world.scim("OPTIONS", "/Nothing").bearer(&token).send();
    assert_eq!(nowhere.status, 404);
    let tenants = world.admin("OPTIONS", "/tenants").send();
    let allow = Some("GET, HEAD, POST, OPTIONS");
    assert_eq!((tenants.status, tenants.header("allow")), (204, allow));
}

#[test]
fn an_alias_is_the_base_path_and_locations_bear_the_latter() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let id = world.user(&token, "alice");
    let location = format!("https://eu.example.com/scim/v2/Users/{id}");
    for target in [
        format!("/scim/Users/{id}"),
        format!("/scim/users/{id}/"),
        format!("/scim/v2/Users/{id}"),
        format!("/scim/V2/Users/{id}"),
        format!("/%73c%69m/v2/Users/{id}"),
    ] {
        let mut call = world.scim("GET", "").bearer(&token);
        call.request.target.clone_from(&target);
        let reply = call.send();
        assert_eq!(reply.status, 200, "{target}");
        assert_eq!(reply.body["meta"]["location"], location);
    }
    for target in ["/scim/Nothing", "/scim/v2/v2/Users", "/scim/v2/v1/Users"] {
        let mut call = world.scim("GET", "").bearer(&token);
        target.clone_into(&mut call.request.target);
        assert_eq!(call.send().status, 404, "{target}");
    }
}

#[test]
fn another_version_of_the_protocol_is_refused_by_its_name() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        for target in [
            "/scim/v1/Users",
            "/scim/v1.1/Users/x",
            "/scim/v3",
            "/scim/V1/None",
        ] {
            let mut call = world.scim(method, "").bearer(&token);
            target.clone_into(&mut call.request.target);
            let reply = call.send();
            assert_eq!(reply.status, 400, "{method} {target}");
            assert_eq!(reply.body["scimType"], "invalidVers");
            call.request.headers.clear();
            assert_eq!(call.send().status, 401, "{method} {target}");
        }
    }
}

#[test]
fn what_is_nowhere_is_not_found() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for path in [
        "//",
        "/Nothing",
        "/Users/a/b",
        "//Users",
        "/Users//",
        "/Users/%ff",
    ] {
        let reply = world.scim("GET", path).bearer(&token).send();
        assert_eq!(reply.status, 404, "{path}");
    }
    for path in ["", "/", "/tenants/a", "/tenants/a/tokens/b/c", "/tokens"] {
        assert_eq!(world.admin("GET", path).send().status, 404, "{path}");
    }
}

#[test]
fn paths_are_taken_as_clients_write_them() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for path in [
        "/users",
        "/USERS/",
        "/Users/?filter=userName%20eq%20%22x%22",
        "/%55sers?aadOptscim062020=x",
    ] {
        let reply = world.scim("GET", path).bearer(&token).send();
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.body["totalResults"], 0);
    }
}

#[test]
fn every_scim_answer_has_the_one_media_type() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for (accept, status) in [
        ("*/*", 200),
        ("application/scim+json; charset=utf-8", 200),
        ("application/json", 200),
        ("application/xml, application/json;q=0.1", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ] {
        for path in ["/Users", "/Schemas"] {
            let call = world
                .scim("GET", path)
                .bearer(&token)
                .header("accept", accept);
            let reply = call.send();
            assert_eq!(reply.status, status, "{accept}");
            assert_eq!(reply.header("content-type"), Some("application/scim+json"));
        }
    }
}

#[test]
fn a_body_of_another_type_is_refused() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    for (content_type, status) in [
        (None, 201),
        (Some("application/scim+json"), 201),
        (Some("application/json; charset=utf-8"), 201),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
    ] {
        let mut call = world.scim("POST", "/Users").bearer(&token);
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        let name = content_type.unwrap_or("none");
        let reply = call.body(&json!({"userName": name})).send();
        assert_eq!(reply.status, status, "{content_type:?}");
    }
    let call = world.scim("POST", "/Users").bearer(&token);
    let call = call
        .header("content-encoding", "gzip")
        .body(&json!({"userName": "z"}));
    let encoded = call.send();
    let taken = encoded.header("accept-encoding");
    assert_eq!((encoded.status, taken), (415, Some("identity")));
    let path = format!("/Users/{}", world.user(&token, "bob"));
    let delete = world.scim("DELETE", &path).bearer(&token);
    let reply = delete.header("content-type", "text/plain").send();
    assert_eq!(reply.status, 204, "what has no body has no type");
}

#[test]
fn malformed_bodies_are_refused_and_nothing_is_stored() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let id = world.user(&token, "alice");
    let (user, tokens) = (
        format!("/scim/v2/Users/{id}"),
        "/admin/v1/tenants/acme/tokens",
    );
    let before = world.kv.dump();
    let deep = "[".repeat(10_000);
    let long = format!("{{\"userName\":\"{}\"}}", "a".repeat(16_777_216));
    for (body, statuses) in [
        (&b""[..], [400, 400]),
        (b"{", [400, 400]),
        (b"[]", [400, 400]),
        (b"null", [400, 400]),
        (b"{\"userName\":\"\xff\"}", [400, 400]),
        (b"{\"userName\":\"a\",\"username\":\"b\"}", [400, 400]),
        (b"{\"userName\":\"a\"} x", [400, 400]),
        (deep.as_bytes(), [400, 400]),
        (long.as_bytes(), [413, 413]),
    ] {
        for (method, target, status) in [
            ("POST", "/scim/v2/Users", statuses[0]),
            ("PUT", user.as_str(), statuses[0]),
            ("PATCH", user.as_str(), statuses[0]),
            ("POST", "/scim/v2/Groups", statuses[0]),
            ("POST", tokens, statuses[1]),
            ("POST", "/admin/v1/tenants", statuses[1]),
        ] {
            let mut call = world.scim(method, "").bearer(&token);
            if target.starts_with("/admin") {
                call = world.admin(method, "");
            }
            call.request.target = target.to_owned();
            call.request.body = body.to_vec();
            let shown = String::from_utf8_lossy(body);
            let shown: String = shown.chars().take(40).collect();
            assert_eq!(call.send().status, status, "{method} {target} {shown}");
        }
    }
    assert_eq!(before, world.kv.dump());
}

#[test]
fn head_is_answered_like_get() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let path = format!("/Users/{}", world.user(&token, "alice"));
    for path in [path.as_str(), "/Users", "/Schemas", "/Users/none"] {
        let get = world.scim("GET", path).bearer(&token).send();
        let head = world.scim("HEAD", path).bearer(&token).send();
        assert_eq!(get.response, head.response, "{path}");
    }
}
