//! RFC 7644 §3.12, table 9: each `scimType`, reached by a request, with a `detail` that
//! names the attribute, the place in the filter or the path, or the operation.

use crate::support::{Reply, World, filter, request};
use serde_json::{Value, json};

struct Case {
    scim_type: &'static str,
    status: u16,
    reply: Reply,
    /// What the detail must name.
    named: &'static [&'static str],
}

fn case(
    scim_type: &'static str,
    status: u16,
    named: &'static [&'static str],
    reply: Reply,
) -> Case {
    Case {
        scim_type,
        status,
        reply,
        named,
    }
}

fn raw(world: &World, method: &str, path: &str, body: &str) -> Reply {
    let mut raw = request(method, path, Some(&Value::Null));
    raw.body = body.as_bytes().to_vec();
    world.send(&raw)
}

#[test]
fn every_scim_type_is_reached_and_explained() {
    let world = World::new();
    let path = format!("/Users/{}", world.user("alice"));
    world.user("bob");
    let fine = json!({"op": "replace", "path": "title", "value": "x"});
    let patch = |wrong: Value| world.patch(&path, &json!([fine, wrong]));
    let find = |text: &str| world.get(&filter("/Users", text));
    let mut wrong = Vec::new();
    let long = format!("not ({})", "(".repeat(100));

    for Case {
        scim_type,
        status,
        reply,
        named,
    } in [
        case(
            "invalidFilter",
            400,
            &["character 12"],
            find("userName eq "),
        ),
        case(
            "invalidFilter",
            400,
            &["\"hobbies\""],
            find("hobbies eq \"x\""),
        ),
        case(
            "invalidFilter",
            400,
            &["\"active\"", "order"],
            find("active gt true"),
        ),
        case("invalidFilter", 400, &["nesting", "20"], find(&long)),
        case(
            "uniqueness",
            409,
            &["userName", "\"BOB\""],
            world.post("/Users", &json!({"userName": "BOB"})),
        ),
        case(
            "uniqueness",
            409,
            &["userName"],
            world.put(&path, &json!({"userName": "bob"})),
        ),
        case(
            "uniqueness",
            409,
            &["userName"],
            patch(json!({"op": "replace", "path": "userName", "value": "bob"})),
        ),
        case(
            "mutability",
            400,
            &["Operation 2", "\"meta.created\""],
            patch(json!({"op": "remove", "path": "meta.created"})),
        ),
        case(
            "mutability",
            400,
            &["Operation 2", "\"userName\""],
            patch(json!({"op": "remove", "path": "userName"})),
        ),
        case(
            "mutability",
            400,
            &["Operation 2", "\"id\""],
            patch(json!({"op": "replace", "value": {"id": "another"}})),
        ),
        case(
            "invalidSyntax",
            400,
            &["byte 13"],
            raw(&world, "POST", "/Users", "{\"userName\": }"),
        ),
        case(
            "invalidSyntax",
            400,
            &["\"username\"", "twice"],
            raw(
                &world,
                "POST",
                "/Users",
                r#"{"userName": "a", "username": "b"}"#,
            ),
        ),
        case(
            "invalidSyntax",
            400,
            &["object"],
            world.post("/Users", &json!(["alice"])),
        ),
        case(
            "invalidSyntax",
            400,
            &["Operation 2", "\"op\""],
            patch(json!({"op": "move", "path": "title"})),
        ),
        case(
            "invalidSyntax",
            400,
            &["\"Operations\""],
            world.patch(&path, &json!([])),
        ),
        case(
            "invalidPath",
            400,
            &["Operation 2", "character 8"],
            patch(json!({"op": "add", "path": "emails[", "value": "x"})),
        ),
        case(
            "invalidPath",
            400,
            &["Operation 2", "\"hobbies\""],
            patch(json!({"op": "add", "path": "hobbies", "value": "x"})),
        ),
        case(
            "invalidPath",
            400,
            &["Operation 2", "\"name\""],
            patch(json!({"op": "add", "path": "name[familyName pr].givenName", "value": "x"})),
        ),
        case(
            "noTarget",
            400,
            &["Operation 2", "emails"],
            patch(json!({"op": "replace", "path": "emails[type sw \"w\"].value", "value": "x"})),
        ),
        case(
            "noTarget",
            400,
            &["Operation 2", "\"path\""],
            patch(json!({"op": "remove"})),
        ),
        case(
            "invalidValue",
            400,
            &["\"userName\"", "required"],
            world.post("/Users", &json!({"title": "x"})),
        ),
        case(
            "invalidValue",
            400,
            &["\"emails\"", "primary"],
            world.post(
                "/Users",
                &json!({"userName": "carol",
            "emails": [{"value": "a@b", "primary": true}, {"value": "c@d", "primary": true}]}),
            ),
        ),
        case(
            "invalidValue",
            400,
            &["\"photos.value\"", "URI"],
            world.post(
                "/Users",
                &json!({"userName": "carol", "photos": [{"value": "a photo"}]}),
            ),
        ),
        case(
            "invalidValue",
            400,
            &["\"x509Certificates.value\"", "base64"],
            world.post(
                "/Users",
                &json!({"userName": "carol", "x509Certificates": [{"value": "A"}]}),
            ),
        ),
        case(
            "invalidValue",
            400,
            &["Operation 2", "\"active\""],
            patch(json!({"op": "replace", "path": "active", "value": "maybe"})),
        ),
        case(
            "invalidValue",
            400,
            &["Operation 2", "\"value\""],
            patch(json!({"op": "add", "path": "title"})),
        ),
        case(
            "invalidCount",
            400,
            &["\"count\""],
            world.get("/Users?count=many"),
        ),
        case(
            "invalidCursor",
            400,
            &["cursor"],
            world.get("/Users?cursor=nonsense"),
        ),
        case(
            "sensitive",
            403,
            &["\"password\""],
            world.get("/Users?sortBy=password"),
        ),
        case(
            "invalidFilter",
            400,
            &["\"password\""],
            world.post("/Users/.search", &json!({"filter": "password pr"})),
        ),
        case(
            "sensitive",
            403,
            &["\"password\""],
            find("password eq \"x\""),
        ),
        case(
            "tooMany",
            400,
            &["count", "excludedAttributes"],
            too_many(&world),
        ),
    ] {
        let error = &reply.body;
        let detail = error["detail"].as_str().unwrap_or_default();
        let is_right = reply.status == status
            && error["scimType"] == scim_type
            && error["status"].as_str() == Some(&status.to_string())
            && error["schemas"] == json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
            && named.iter().all(|name| detail.contains(name));
        if !is_right {
            wrong.push(format!("{scim_type} {status} {named:?}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(world.get(&path).body.get("title"), None);
    world.check();
}

/// More than one answer holds: seventeen users of a megabyte each.
fn too_many(world: &World) -> Reply {
    let title = "x".repeat(1_000_000);
    for i in 0..17 {
        let reply = world.post(
            "/Users",
            &json!({"userName": format!("big {i}"), "title": title}),
        );
        assert_eq!(reply.status, 201, "{}", reply.body["detail"]);
    }
    world.get("/Users?count=100")
}
