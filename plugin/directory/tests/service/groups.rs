//! Groups and their members, one request after another.

use crate::support::{World, request, values};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

#[test]
fn a_group_lives_its_life() {
    let world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let body = json!({"displayName": "Staff", "externalId": "s",
        "members": [{"value": alice, "display": "Alice"}]});
    let created = world.post("/Groups", &body);
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.id();
    assert_eq!(
        created.body["members"],
        json!([{"value": alice, "display": "Alice", "type": "User",
            "$ref": format!("https://scim.example.com/scim/v2/Users/{alice}")}])
    );
    let path = format!("/Groups/{id}");
    let read = world.get(&path);
    assert_eq!((&read.body, read.etag()), (&created.body, created.etag()));

    let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": bob}]}]);
    let patched = world.patch(&path, &add);
    assert_eq!(patched.status, 200);
    assert_ne!(patched.etag(), created.etag());
    let read = world.get(&path);
    assert_eq!(patched.body, read.body);
    assert_eq!(read.etag(), patched.etag());
    assert_eq!(values(&read.body["members"]), set(&[&alice, &bob]));
    world.check();

    let replaced = world.put(
        &path,
        &json!({"displayName": "All", "members": [{"value": bob}]}),
    );
    assert_eq!(replaced.status, 200, "{replaced:?}");
    assert_eq!(values(&replaced.body["members"]), set(&[&bob]));
    assert_eq!(replaced.body, world.get(&path).body);
    assert_eq!(replaced.body.get("externalId"), None);
    world.check();

    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.get(&path).status, 404);
    world.check();
    let ops: Vec<Value> = world
        .events("acme")
        .iter()
        .map(|e| e["op"].clone())
        .collect();
    assert_eq!(
        ops[2..],
        [
            "group.create",
            "group.patch",
            "group.replace",
            "group.delete"
        ]
    );
}

#[test]
fn a_patch_that_says_which_attributes_gets_the_group() {
    let world = World::new();
    let alice = world.user("alice");
    let id = world.group("Staff", &[]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]);
    let patched = world.patch(&format!("/Groups/{id}?attributes=members.value"), &add);
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["members"], json!([{"value": alice}]));
    assert_eq!(patched.body.get("displayName"), None);
    assert_eq!(patched.etag(), world.get(&format!("/Groups/{id}")).etag());

    let rename = json!([{"op": "replace", "path": "displayName", "value": "Crew"}]);
    let patched = world.patch(&format!("/Groups/{id}?excludedAttributes=members"), &rename);
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["displayName"], "Crew");
    assert_eq!(patched.body.get("members"), None);
    world.check();
}

#[test]
fn members_are_added_and_removed_in_every_shape() {
    let world = World::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| world.user(name));
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    let patch = |operations: Value, expected: &[&String]| {
        let reply = world.patch(&path, &operations);
        assert_eq!(reply.status, 200, "{operations} {reply:?}");
        assert_eq!(reply.body, world.get(&path).body, "{operations}");
        assert_eq!(world.members(&group), set(expected), "{operations}");
        world.check();
    };
    patch(
        json!([{"op": "add", "path": "members", "value": [{"value": a}, {"value": b}]}]),
        &[&a, &b],
    );
    patch(
        json!([{"op": "add", "value": {"members": [{"value": c}]}}]),
        &[&a, &b, &c],
    );
    patch(
        json!([{"op": "remove", "path": format!("members[value eq \"{a}\"]")}]),
        &[&b, &c],
    );
    patch(
        json!([{"op": "remove", "path": "members", "value": [{"value": b}]}]),
        &[&c],
    );
    patch(
        json!([{"op": "remove", "path": "members", "value": [{"value": b}]}]),
        &[&c],
    );
    patch(
        json!([{"op": "replace", "path": "members", "value": [{"value": a}, {"value": b}]}]),
        &[&a, &b],
    );
    patch(
        json!([{"op": "remove", "path": format!("members[value eq \"{a}\"]")},
            {"op": "add", "path": "members", "value": [{"value": c}]},
            {"op": "replace", "path": "displayName", "value": "renamed"}]),
        &[&b, &c],
    );
    assert_eq!(world.get(&path).body["displayName"], "renamed");
    patch(json!([{"op": "remove", "path": "members"}]), &[]);
    patch(
        json!([{"op": "add", "path": "members", "value": [{"value": "nobody"}, {"value": a}]}]),
        &[&a],
    );
}

#[test]
fn a_patch_that_changes_no_member_is_not_written() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[&alice]);
    let path = format!("/Groups/{group}");
    let before = (world.get(&path).etag(), world.kv.revision());
    for operations in [
        json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]),
        json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]),
        json!([{"op": "replace", "path": "members", "value": [{"value": alice}]}]),
        json!([{"op": "replace", "path": "displayName", "value": "g"}]),
    ] {
        let reply = world.patch(&path, &operations);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.body, world.get(&path).body, "{operations}");
        assert_eq!((reply.etag(), world.kv.revision()), before, "{operations}");
    }
}

#[test]
fn a_label_can_be_changed_and_survives_a_repeated_add() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[&alice]);
    let path = format!("/Groups/{group}");
    for (member, expected) in [
        (json!({"value": alice, "display": "A"}), json!("A")),
        (json!({"value": alice}), json!("A")),
        (json!({"value": alice, "display": "B"}), json!("B")),
    ] {
        let add = json!([{"op": "add", "path": "members", "value": [member]}]);
        assert_eq!(world.patch(&path, &add).status, 200);
        assert_eq!(world.get(&path).body["members"][0]["display"], expected);
    }
    world.check();
}

#[test]
fn a_display_name_is_unique_without_regard_to_case() {
    let world = World::new();
    world.group("Staff", &[]);
    let other = world.group("other", &[]);
    let path = format!("/Groups/{other}");
    for reply in [
        world.post("/Groups", &json!({"displayName": "STAFF"})),
        world.put(&path, &json!({"displayName": "staff"})),
        world.patch(
            &path,
            &json!([{"op": "replace", "path": "displayName", "value": "staff"}]),
        ),
    ] {
        assert_eq!(
            (reply.status, &reply.body["scimType"]),
            (409, &json!("uniqueness"))
        );
    }
    world.check();
}

#[test]
fn a_group_may_be_a_member_and_leaves_when_it_is_deleted() {
    let world = World::new();
    let inner = world.group("inner", &[]);
    let outer = world.group("outer", &[&inner]);
    let path = format!("/Groups/{outer}");
    let read = world.get(&path);
    assert_eq!(read.body["members"][0]["type"], "Group");
    let itself = json!([{"op": "add", "path": "members", "value": [{"value": inner}]}]);
    assert_eq!(
        world.patch(&format!("/Groups/{inner}"), &itself).status,
        200
    );
    world.check();
    assert_eq!(world.delete(&format!("/Groups/{inner}")).status, 204);
    let after = world.get(&path);
    assert_eq!(after.body["members"], json!([]));
    assert_ne!(after.etag(), read.etag());
    world.check();
}

#[test]
fn the_version_of_a_group_follows_its_members() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]);
    let old = world.get(&path).etag();
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(world.patch(&path, &add).status, 200);
    let read = world.get(&path);
    assert_ne!(read.etag(), old);
    assert!(
        read.body["meta"]["lastModified"].as_str() > read.body["meta"]["created"].as_str(),
        "{read:?}"
    );
    for (method, body) in [("PUT", Some(json!({"displayName": "x"}))), ("DELETE", None)] {
        let mut request = request(method, &path, body.as_ref());
        request
            .headers
            .push(("if-match".to_owned(), old.clone().into_bytes()));
        assert_eq!(world.send(&request).status, 412, "{method}");
    }
    assert_eq!(world.delete(&format!("/Users/{alice}")).status, 204);
    assert_ne!(world.get(&path).etag(), read.etag());
    world.check();
}

#[test]
fn members_that_are_not_wanted_are_not_read() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[&alice]);
    let calls = world.kv.calls();
    let read = world.get(&format!("/Groups/{group}?excludedAttributes=members"));
    assert_eq!(read.body.get("members"), None);
    assert_eq!(world.kv.calls(), calls + 1);
}

#[test]
fn a_patched_group_is_shown_while_it_has_a_hundred_members() {
    let world = World::new();
    let ids: Vec<String> = (0..101).map(|i| world.user(&format!("u{i}"))).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", world.group("g", &all[..99]));
    let member = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let patched = world.patch(&path, &member(all[99]));
    assert_eq!(patched.status, 200);
    assert_eq!(patched.body["members"].as_array().unwrap().len(), 100);
    assert_eq!(patched.body, world.get(&path).body);

    let patched = world.patch(&path, &member(all[100]));
    assert_eq!((patched.status, &patched.body), (204, &Value::Null));
    assert_eq!(patched.etag(), world.get(&path).etag());
    // For a while nothing is read of a group that was large.
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", all[0])}]);
    assert_eq!(world.patch(&path, &remove).status, 204);
    world.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(world.patch(&path, &member(all[1])).status, 200);
    world.check();
}
