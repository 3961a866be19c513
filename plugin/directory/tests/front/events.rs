//! The event log as a feed.

use crate::support::World;
use serde_json::{Value, json};
use std::time::Duration;

fn events(world: &World, query: &str) -> (Vec<Value>, String) {
    let list = world
        .admin("GET", &format!("/tenants/acme/events{query}"))
        .send();
    assert_eq!(list.status, 200, "{list:?}");
    let events = list.body["events"].as_array().unwrap().clone();
    (events, list.body["next"].as_str().unwrap().to_owned())
}

#[test]
fn whoever_follows_hears_each_change_once_in_its_order() {
    let world = World::new();
    let (token, token_id) = world.token("acme", &["scim"]);
    let alice = world.user(&token, "alice");
    world.policy("Staff", &json!({"name": "corporate"}));
    let staff = world.group(&token, "Staff", &[&alice]);
    let (all, next) = events(&world, "");
    let told: Vec<_> = all
        .iter()
        .map(|e| (e["op"].as_str().unwrap(), e["id"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("user.create", alice.as_str()),
            ("policy.replace", "Staff"),
            ("group.create", staff.as_str())
        ]
    );
    assert_eq!(
        (&all[0]["token"], &all[1]["token"]),
        (&json!(token_id), &json!(""))
    );
    assert!(
        all.iter()
            .map(|e| e["revision"].as_i64().unwrap())
            .is_sorted()
    );
    assert_eq!(
        events(&world, &format!("?after={next}")).0,
        Vec::<Value>::new()
    );
    let bob = world.user(&token, "bob");
    let (new, _) = events(&world, &format!("?after={next}"));
    assert_eq!((new.len(), &new[0]["id"]), (1, &json!(bob)));
    let (one, next) = events(&world, "?count=1");
    assert_eq!(one, all[..1]);
    let (rest, _) = events(&world, &format!("?after={next}"));
    assert_eq!(rest[..2], all[1..]);
    let (none, next) = events(&world, "?count=0");
    assert!(none.is_empty());
    assert!(events(&world, &format!("?after={next}")).0.is_empty());
}

#[test]
fn an_instance_whose_clock_is_late_is_heard() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    world.clock.advance(Duration::from_secs(300));
    world.user(&token, "alice");
    let (_, next) = events(&world, "");
    let late = directory::simulation::ManualClock::at(1_795_000_000_000);
    let other = crate::support::service(&world.kv, &late, 7);
    let call = crate::support::call(&other, "POST", "/scim/v2/Users").bearer(&token);
    assert_eq!(call.body(&json!({"userName": "bob"})).send().status, 201);
    let (new, _) = events(&world, &format!("?after={next}"));
    assert_eq!(new.len(), 1);
    assert!(new[0]["event"].as_str().unwrap() < next.as_str() || new[0]["op"] == "user.create");
}

#[test]
fn whoever_waits_for_nothing_is_answered_in_time() {
    let world = World::new();
    let (_, next) = events(&world, "");
    let (none, _) = events(&world, &format!("?after={next}&wait=2"));
    assert!(none.is_empty());
}

#[test]
fn a_feed_is_read_with_numbers_and_cursors_of_its_own() {
    let world = World::new();
    for query in [
        "?after=x",
        "?after=1",
        "?after=-1-2",
        "?wait=31",
        "?wait=x",
        "?count=1001",
        "?count=1&count=1",
    ] {
        let reply = world
            .admin("GET", &format!("/tenants/acme/events{query}"))
            .send();
        assert_eq!(reply.status, 400, "{query}");
    }
}
