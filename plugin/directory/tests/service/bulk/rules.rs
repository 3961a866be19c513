//! What a bulk request is, and what it gets.

use super::{bulk, group, id, message, results, statuses, user};
use crate::support::{World, patch};
use serde_json::{Value, json};

#[test]
fn each_operation_has_its_result_in_the_order_of_the_request() {
    let world = World::new();
    let bob = world.user("bob");
    let carol = world.user("carol");
    let dave = world.user("dave");
    let version = world.get(&format!("/Users/{bob}")).etag();
    let results = bulk(
        &world,
        &json!([
            user("alice"),
            {"method": "PUT", "path": format!("/Users/{bob}"), "version": version,
                "data": {"userName": "bob", "title": "x"}},
            {"method": "patch", "path": format!("/Users/{carol}"), "bulkId": "label",
                "data": patch(&json!([{"op": "add", "path": "title", "value": "y"}]))},
            {"method": "DELETE", "path": format!("/Users/{dave}")},
        ]),
    );
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    let alice = id(&results[0]);
    for (result, method, id) in [
        (&results[0], "POST", &alice),
        (&results[1], "PUT", &bob),
        (&results[2], "PATCH", &carol),
        (&results[3], "DELETE", &dave),
    ] {
        assert_eq!(result["method"], method);
        let location = format!("https://scim.example.com/scim/v2/Users/{id}");
        assert_eq!(result["location"], location);
        let now = world.get(&format!("/Users/{id}"));
        match method {
            "DELETE" => {
                assert_eq!(now.status, 404);
                assert!(result.get("version").is_none());
            }
            _ => assert_eq!(result["version"], now.etag()),
        }
        assert!(result.get("response").is_none());
    }
    assert_eq!(results[0]["bulkId"], "alice");
    assert_eq!(results[2]["bulkId"], "label");
    assert!(results[1].get("bulkId").is_none());
    assert_eq!(world.get(&format!("/Users/{bob}")).body["title"], "x");
    assert_eq!(world.get(&format!("/Users/{carol}")).body["title"], "y");
    world.check();
}

#[test]
fn what_fails_says_why_and_sinks_nothing_else() {
    let world = World::new();
    let alice = world.user("alice");
    let before = world.get(&format!("/Users/{alice}")).body;
    let results = bulk(
        &world,
        &json!([
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "ALICE"}},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"title": "x"}},
            {"method": "PUT", "path": format!("/Users/{alice}"), "version": "W/\"1\"",
                "data": {"userName": "alice", "title": "x"}},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "PATCH", "path": format!("/Users/{alice}"), "data": {"Operations": []}},
            {"method": "POST", "path": "/Users", "bulkId": "c", "data": "x"},
            user("bob"),
        ]),
    );
    assert_eq!(
        statuses(&results),
        ["409", "400", "412", "404", "400", "400", "201"]
    );
    for result in &results[..6] {
        let error = &result["response"];
        assert_eq!(
            error["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(error["status"], result["status"]);
        assert!(error["detail"].is_string());
        assert!(result.get("version").is_none());
        assert_eq!(result.get("location").is_none(), result["method"] == "POST");
    }
    assert_eq!(results[0]["response"]["scimType"], "uniqueness");
    assert_eq!(results[1]["response"]["scimType"], "invalidValue");
    assert_eq!(world.get(&format!("/Users/{alice}")).body, before);
    assert_eq!(world.events("acme").len(), 2);
    world.check();
}

#[test]
fn fail_on_errors_ends_the_request_after_so_many() {
    let operations = json!([
        user("alice"),
        {"method": "DELETE", "path": "/Users/x"},
        user("bob"),
        {"method": "DELETE", "path": "/Users/y"},
        user("carol"),
    ]);
    for (fail_on_errors, expected) in [
        (json!(1), &["201", "404"][..]),
        (json!(2), &["201", "404", "201", "404"]),
        (json!(3), &["201", "404", "201", "404", "201"]),
        (json!(0), &["201", "404", "201", "404", "201"]),
        (Value::Null, &["201", "404", "201", "404", "201"]),
    ] {
        let world = World::new();
        let mut message = message(&operations);
        message["failOnErrors"] = fail_on_errors.clone();
        let results = results(&world.post("/Bulk", &message));
        assert_eq!(statuses(&results), expected, "{fail_on_errors}");
        let created = expected.iter().filter(|status| **status == "201");
        assert_eq!(world.events("acme").len(), created.count());
    }
}

#[test]
fn what_was_not_done_any_more_is_not_in_the_answer() {
    let world = World::new();
    // The group waits for the user, and so comes after the failure.
    let operations =
        json!([group("g", &["u"]), {"method": "DELETE", "path": "/Users/x"}, user("u")]);
    let mut message = message(&operations);
    message["failOnErrors"] = json!(1);
    let results = results(&world.post("/Bulk", &message));
    assert_eq!(statuses(&results), ["404"]);
    assert_eq!(results[0]["method"], "DELETE");
    assert!(world.events("acme").is_empty());
}

#[test]
fn a_path_may_be_relative_or_a_url_of_the_service() {
    let world = World::new();
    let paths = [
        "/Users",
        "Users",
        "/users/",
        "/Users?attributes=id",
        "/scim/v2/Users",
        "https://scim.example.com/scim/v2/Users",
        "HTTPS://SCIM.example.com/scim/v2/Users",
    ];
    for (at, path) in paths.iter().enumerate() {
        let operation = json!({"method": "POST", "path": path, "bulkId": "q",
            "data": {"userName": format!("u{at}")}});
        assert_eq!(
            statuses(&bulk(&world, &json!([operation]))),
            ["201"],
            "{path}"
        );
    }
    for (method, path, status) in [
        ("POST", "/Users/1", "405"),
        ("PUT", "/Users", "405"),
        ("POST", "/Nobody", "404"),
        ("DELETE", "/Users/1/x", "404"),
        ("DELETE", "https://elsewhere.example/scim/v2/Users/1", "404"),
        ("PATCH", "/Schemas", "405"),
        ("POST", "/Bulk", "400"),
        ("POST", "/.search", "400"),
        ("POST", "/Users/.search", "400"),
        ("POST", "/Me", "400"),
    ] {
        let operation = json!({"method": method, "path": path, "bulkId": "q", "data": {}});
        let results = bulk(&world, &json!([operation]));
        assert_eq!(statuses(&results), [status], "{method} {path}");
        assert_eq!(results[0].get("location").is_none(), method == "POST");
    }
}

#[test]
fn what_is_not_of_the_form_is_refused_whole() {
    let world = World::new();
    for operations in [
        json!([]),
        json!("x"),
        json!([user("a"), 1]),
        json!([user("a"), {"method": "GET", "path": "/Users"}]),
        json!([user("a"), {"method": "POST", "path": "/Users", "data": {}}]),
        json!([user("a"), user("a")]),
    ] {
        let reply = world.post("/Bulk", &message(&operations));
        assert_eq!(reply.status, 400, "{operations}");
        assert_eq!(reply.body["scimType"], "invalidSyntax", "{operations}");
    }
    assert!(world.events("acme").is_empty());
}

#[test]
fn limits_are_told_and_named_when_exceeded() {
    let world =
        World::configured(json!({"limits": {"max_bulk_operations": 2, "max_body_bytes": 2000}}));
    let told = world.get("/ServiceProviderConfig").body;
    assert_eq!(
        told["bulk"],
        json!({"supported": true, "maxOperations": 2, "maxPayloadSize": 2000})
    );
    let many = json!([user("a"), user("b"), user("c")]);
    let long = json!([user(&"x".repeat(2000))]);
    for (operations, limit) in [(many, "maxOperations (2)"), (long, "2000 bytes")] {
        let reply = world.post("/Bulk", &message(&operations));
        assert_eq!(reply.status, 413);
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains(limit), "{detail}");
    }
    assert!(world.events("acme").is_empty());
    assert_eq!(bulk(&world, &json!([user("a"), user("b")])).len(), 2);
}

#[test]
fn a_resource_may_be_as_deep_as_alone() {
    let world = World::configured(json!({"limits": {"max_json_depth": 4}}));
    let deep = |depth: usize| {
        let data = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
        let mut operation = user("alice");
        operation["data"]["x"] = serde_json::from_str(&data).unwrap();
        message(&json!([operation]))
    };
    assert_eq!(world.post("/Bulk", &deep(5)).status, 400);
    assert_eq!(statuses(&results(&world.post("/Bulk", &deep(4)))), ["201"]);
}

#[test]
fn a_patch_may_come_as_a_bare_list() {
    let world = World::new();
    let alice = world.user("alice");
    let results = bulk(
        &world,
        &json!([{"method": "PATCH", "path": format!("/Users/{alice}"), "data": [
            {"op": "add", "path": "title", "value": "x"},
            {"op": "remove", "path": "nickName"},
        ]}]),
    );
    assert_eq!(statuses(&results), ["200"]);
    assert_eq!(world.get(&format!("/Users/{alice}")).body["title"], "x");
}

#[test]
fn many_operations_cost_the_store_no_more_than_alone() {
    let world = World::new();
    world.get("/Users");
    let operations: Value = (0..100).map(|i| user(&format!("u{i}"))).collect();
    let before = world.kv.calls();
    bulk(&world, &operations);
    // One more makes sure that the token stands.
    assert_eq!(world.kv.calls() - before, 101);
}
