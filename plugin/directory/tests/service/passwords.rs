//! Passwords are kept as hashes, apart from the user, and come back nowhere.

use crate::support::{World, filter, request};
use serde_json::json;

fn hash(world: &World, user: &str) -> Option<String> {
    let key = format!("scim/acme/user-password/{user}").into_bytes();
    let found = world.kv.dump().into_iter().find(|(k, _)| *k == key);
    found.map(|(_, hash)| String::from_utf8(hash).unwrap())
}

/// A user with the password `canary`.
fn user(world: &World) -> String {
    let made = world.post(
        "/Users",
        &json!({"userName": "alice", "password": "canary"}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    made.id()
}

#[test]
fn a_password_is_stored_as_its_hash_only() {
    let world = World::new();
    let id = user(&world);
    assert!(
        hash(&world, &id)
            .unwrap()
            .starts_with("$argon2id$v=19$m=7168,t=5,p=1$")
    );
    for (key, value) in world.kv.dump() {
        assert!(
            !String::from_utf8_lossy(&value).contains("canary"),
            "{key:?}"
        );
    }
    let event = world.events("acme").pop().unwrap();
    assert_eq!(
        event["attributes"],
        json!(["userName", "active", "password"])
    );
    world.check();
}

#[test]
fn no_answer_holds_a_password() {
    let world = World::new();
    let id = user(&world);
    let path = format!("/Users/{id}");
    let replace = json!({"userName": "alice", "password": "canary"});
    for reply in [
        world.get(&path),
        world.get(&format!("{path}?attributes=password,userName")),
        world.get("/Users?attributes=password"),
        world.put(&path, &replace),
        world.put(&format!("{path}?attributes=password"), &replace),
        world.patch(
            &path,
            &json!([{"op": "add", "path": "password", "value": "canary"}]),
        ),
        world.post(
            "/Users?attributes=password",
            &json!({"userName": "bob", "password": "canary"}),
        ),
        world.post(
            "/Users",
            &json!({"userName": "carol", "password": {"canary": 1}}),
        ),
        world.patch(
            &path,
            &json!([{"op": "add", "path": "password", "value": ["canary", "canary"]}]),
        ),
    ] {
        let text = reply.body.to_string();
        assert!(
            !text.contains("canary") && !text.contains("argon2"),
            "{text}"
        );
        assert_eq!(reply.body.get("password"), None);
    }
    world.check();
}

#[test]
fn a_password_is_changed_kept_and_removed() {
    let world = World::new();
    let id = user(&world);
    let path = format!("/Users/{id}");
    let first = hash(&world, &id);

    // Who cannot read it cannot send it back.
    world.put(&path, &json!({"userName": "alice", "title": "x"}));
    world.patch(
        &path,
        &json!([{"op": "replace", "path": "title", "value": "y"}]),
    );
    assert_eq!(hash(&world, &id), first);

    let version = world.get(&path).etag();
    let change = json!([{"op": "replace", "path": "password", "value": "another"}]);
    let changed = world.patch(&path, &change);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(changed.etag(), version);
    let second = hash(&world, &id);
    assert!(second.is_some() && second != first);
    assert_eq!(
        world.events("acme").pop().unwrap()["attributes"],
        json!(["password"])
    );

    let without_path = json!([{"op": "replace", "value": {"password": "third"}}]);
    world.patch(&path, &without_path);
    assert!(hash(&world, &id).is_some_and(|third| Some(third) != second));
    for (i, removal) in [
        json!([{"op": "remove", "path": "password"}]),
        json!([{"op": "replace", "path": "password", "value": null}]),
        json!([{"op": "add", "path": "password", "value": "x"}, {"op": "remove", "path": "password"}]),
    ]
    .iter()
    .enumerate()
    {
        world.put(&path, &json!({"userName": "alice", "password": format!("again {i}")}));
        assert!(hash(&world, &id).is_some());
        assert_eq!(world.patch(&path, removal).status, 200, "{removal}");
        assert_eq!(hash(&world, &id), None, "{removal}");
    }
    world.check();
}

#[test]
fn a_refused_change_leaves_the_password() {
    let world = World::new();
    let id = user(&world);
    world.user("bob");
    let before = hash(&world, &id);
    let path = format!("/Users/{id}");
    let taken = json!([{"op": "replace", "value": {"userName": "bob", "password": "new"}}]);
    assert_eq!(world.patch(&path, &taken).status, 409);
    let mut conditional = request(
        "PUT",
        &path,
        Some(&json!({"userName": "alice", "password": "new"})),
    );
    conditional
        .headers
        .push(("if-match".to_owned(), b"W/\"1\"".to_vec()));
    assert_eq!(world.send(&conditional).status, 412);
    assert_eq!(hash(&world, &id), before);
    world.check();
}

#[test]
fn a_password_goes_with_its_user() {
    let world = World::new();
    let id = user(&world);
    let kept = hash(&world, &id).unwrap();
    assert_eq!(world.delete(&format!("/Users/{id}")).status, 204);
    assert_eq!(hash(&world, &id), None);
    let key = format!("scim/acme/user-deleted/{id}").into_bytes();
    let record = world
        .kv
        .dump()
        .into_iter()
        .find(|(k, _)| *k == key)
        .unwrap()
        .1;
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["password"], kept.as_str());
    world.check();
}

#[test]
fn a_url_that_asks_by_password_is_sensitive() {
    let world = World::new();
    user(&world);
    for text in [
        "password eq \"canary\"",
        "userName eq \"alice\" and password pr",
    ] {
        let reply = world.get(&filter("/Users", text));
        assert_eq!(
            (reply.status, &reply.body["scimType"]),
            (403, &json!("sensitive"))
        );
        assert!(!reply.body.to_string().contains("canary"), "{reply:?}");
    }
}
