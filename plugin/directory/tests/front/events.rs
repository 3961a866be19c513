//! The event log as a feed.

use crate::support::World;
use directory::kv::{Op, Txn};
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
            ("tenant.create", "acme"),
            ("token.create", token_id.as_str()),
            ("user.create", alice.as_str()),
            ("policy.replace", "Staff"),
            ("group.create", staff.as_str())
        ]
    );
    assert_eq!(
        (&all[2]["token"], &all[3]["token"]),
        (&json!(token_id), &json!("admin-key"))
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
    assert_eq!(rest[..4], all[1..]);
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
        "?type=user",
        "?type=user.made",
        "?resource=",
        "?token=a&token=b",
        "?since=soon",
        "?since=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "?op=user.create",
        "?%74ype=user.create",
    ] {
        let reply = world
            .admin("GET", &format!("/tenants/acme/events{query}"))
            .send();
        assert_eq!(reply.status, 400, "{query}");
    }
}

/// What happened, each as its type and what it happened to.
fn told(world: &World, query: &str) -> Vec<(String, String)> {
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let (events, _) = events(world, query);
    events
        .iter()
        .map(|e| (text(e, "op"), text(e, "id")))
        .collect()
}

#[test]
fn the_log_is_filtered_by_what_happened_to_whom_by_whom_and_when() {
    let world = World::new();
    let (token, token_id) = world.token("acme", &["scim"]);
    let alice = world.user(&token, "alice");
    world.clock.advance(Duration::from_secs(60));
    let bob = world.user(&token, "bob");
    let staff = world.group(&token, "Staff", &[]);
    world.policy("Staff", &json!({"name": "corporate"}));
    world.delete(&token, &format!("/Users/{alice}"));
    let of = |op: &str, id: &str| (op.to_owned(), id.to_owned());
    let created = [of("user.create", &alice), of("user.create", &bob)];
    assert_eq!(told(&world, "?type=user.create"), created);
    assert_eq!(
        told(&world, "?type=user.*"),
        [&created[..], &[of("user.delete", &alice)]].concat()
    );
    assert_eq!(
        told(&world, &format!("?resource={alice}")),
        [of("user.create", &alice), of("user.delete", &alice)]
    );
    assert_eq!(
        told(&world, &format!("?type=user.*&resource={bob}")),
        created[1..]
    );
    assert_eq!(told(&world, &format!("?token={token_id}")).len(), 4);
    assert_eq!(
        told(&world, "?token=admin-key"),
        [
            of("tenant.create", "acme"),
            of("token.create", &token_id),
            of("policy.replace", "Staff")
        ]
    );
    // The second user came a minute after the beginning.
    let begin = "2026-11-18T11:06:40Z";
    assert_eq!(
        told(&world, &format!("?until={begin}&type=user.*")),
        created[..1]
    );
    assert_eq!(
        told(&world, "?since=2026-11-18T11:07:00Z&type=group.*"),
        [of("group.create", &staff)]
    );
    assert_eq!(told(&world, "?since=2026-11-18T11:08:00Z"), []);
}

#[test]
fn a_filtered_log_has_pages_and_who_waits_is_not_woken_by_something_else() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(world.user(&token, &format!("u{n}")));
        world.group(&token, &format!("g{n}"), &[]);
    }
    let mut found = Vec::new();
    let mut query = "?type=user.*&count=2".to_owned();
    loop {
        let (page, next) = events(&world, &query);
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        found.extend(page.iter().map(|e| e["id"].as_str().unwrap().to_owned()));
        query = format!("?type=user.*&count=2&after={next}");
    }
    assert_eq!(found, made);
    world.group(&token, "another", &[]);
    let (none, next) = events(&world, &format!("{query}&wait=1"));
    assert!(none.is_empty());
    let carol = world.user(&token, "carol");
    let (new, _) = events(&world, &format!("?type=user.*&after={next}"));
    assert_eq!((new.len(), &new[0]["id"]), (1, &json!(carol)));
    // Nothing of the past is waited for.
    let before = world.kv.calls();
    let past = "?until=2020-01-01T00:00:00Z&wait=30";
    assert!(events(&world, past).0.is_empty());
    assert!(world.kv.calls() - before <= 3);
}

#[test]
fn whoever_has_read_more_than_is_looked_at_in_a_while_still_hears_what_is_new() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    // All within the time that a late clock is waited for.
    for n in 0..205_u32 {
        let then = (0..100_u32).map(|m| {
            let time = 1_795_000_000_000_u64;
            let (high, low) = (time >> 16, time & 0xFFFF);
            let id = format!("{high:08x}-{low:04x}-7000-8000-{n:06}{m:06}");
            let event = json!({"op": "user.patch", "id": "x", "token": "t",
                "at": "2026-11-18T11:06:40.000Z", "attributes": []});
            Op::put(format!("scim/acme/event/{id}"), event.to_string())
        });
        let txn = Txn {
            then: then.collect(),
            ..Txn::default()
        };
        world.kv.apply(&txn).unwrap();
    }
    let (_, next) = events(&world, "?count=0");
    world.clock.advance(Duration::from_secs(1));
    let alice = world.user(&token, "alice");
    let (new, _) = events(&world, &format!("?after={next}"));
    assert_eq!((new.len(), &new[0]["id"]), (1, &json!(alice)));
}
