//! Changes of a group that are too large for one transaction: nobody sees them half
//! done, whatever happens in between, and nothing is left of them.

use crate::support::{Reply, World, drop_after, interleave, patch, request, values};
use directory::http::Request;
use directory::kv::memory::Fault;
use directory::simulation::block_on;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// A directory where a change of two members is a large one.
fn small_steps() -> Value {
    json!({"limits": {"max_members_at_once": 1}})
}

fn list(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

fn users(world: &World, count: usize) -> Vec<String> {
    (0..count).map(|i| world.user(&format!("u{i}"))).collect()
}

/// A world with a group of three, and one large write of every kind.
fn writes() -> (World, Vec<(&'static str, Request)>) {
    let world = World::configured(small_steps());
    let ids = users(&world, 6);
    let group = world.group("g", &[&ids[0], &ids[1], &ids[2]]);
    world.sweep();
    let path = format!("/Groups/{group}");
    let body = json!({"displayName": "h", "members": list(&ids[2..])});
    let patch = |operation: Value| request("PATCH", &path, Some(&patch(&json!([operation]))));
    let writes = vec![
        ("create", request("POST", "/Groups", Some(&body))),
        ("replace", request("PUT", &path, Some(&body))),
        (
            "add",
            patch(json!({"op": "add", "path": "members", "value": list(&ids[1..])})),
        ),
        (
            "remove",
            patch(json!({"op": "remove", "path": "members", "value": list(&ids[..2])})),
        ),
        (
            "remove all",
            patch(json!({"op": "remove", "path": "members"})),
        ),
        ("delete", request("DELETE", &path, None)),
    ];
    (world, writes)
}

fn write(kind: usize) -> (World, &'static str, Request) {
    let (world, mut writes) = writes();
    let (name, request) = writes.swap_remove(kind);
    (world, name, request)
}

/// Everything a client can see, but times and versions.
fn state(world: &World) -> Value {
    let seen = |collection: &str, only: &str| {
        let list = world.get(&format!("{collection}?count=1000&attributes={only}"));
        assert_eq!(list.status, 200, "{list:?}");
        list.body["Resources"].clone()
    };
    json!([
        seen("/Users", "userName,groups"),
        seen("/Groups", "displayName,members")
    ])
}

/// What a write of a kind does when nothing happens in between.
fn outcome(kind: usize) -> (Value, Value) {
    let (world, name, request) = write(kind);
    let before = state(&world);
    let status = world.send(&request).status;
    assert!(status < 300, "{name}: {status}");
    let after = state(&world);
    assert_ne!(before, after, "{name}");
    (before, after)
}

#[test]
fn a_writer_that_dies_at_any_step_leaves_the_old_list_or_the_new_one_and_no_litter() {
    for kind in 0..writes().1.len() {
        let (before, after) = outcome(kind);
        for polls in 0.. {
            let (world, name, request) = write(kind);
            let untouched = world.kv.dump();
            let done = drop_after(&world.directory, &request, polls);
            let now = state(&world);
            assert!(now == before || now == after, "{name} after {polls} polls");
            world.sweep();
            world.check();
            assert_eq!(state(&world), now, "{name} after {polls} polls");
            if now == before {
                assert!(world.kv.dump() == untouched, "{name} after {polls} polls");
            }
            if done.is_some() {
                assert_eq!(now, after, "{name}");
                break;
            }
            assert!(polls < 1_000);
        }
    }
}

#[test]
fn a_lost_call_is_made_good_or_the_change_is_not_made() {
    for fault in [Fault::RequestLost, Fault::ReplyLost, Fault::Unavailable] {
        for kind in 0..writes().1.len() {
            let (before, after) = outcome(kind);
            let (plain, _, request) = write(kind);
            let (calls, _) = plain.cost(|| {
                plain.send(&request);
            });
            for call in 0..calls {
                let (world, name, request) = write(kind);
                let mut faults = vec![None; call];
                faults.push(Some(fault));
                world.kv.fail_next(faults);
                let reply = world.send(&request);
                let expected = match reply.status {
                    // It was a read.
                    503 => &before,
                    _ => &after,
                };
                assert_eq!(
                    state(&world),
                    *expected,
                    "{name} {fault:?} {call} {reply:?}"
                );
                world.sweep();
                world.check();
            }
        }
    }
}

#[test]
fn readers_see_one_list_or_the_other_and_members_see_the_same() {
    for seed in 0..150 {
        let world = World::configured(small_steps());
        let ids = users(&world, 4);
        let group = world.group("g", &[&ids[0]]);
        world.sweep();
        let path = format!("/Groups/{group}");
        let replace = |ids: &[String]| {
            let body = json!({"displayName": "g", "members": list(ids)});
            request("PUT", &path, Some(&body))
        };
        let remove = patch(&json!([{"op": "remove", "path": "members"}]));
        let reads = [
            path.clone(),
            "/Groups?filter=displayName+eq+%22g%22".to_owned(),
            format!("/Users?filter=groups+eq+%22{group}%22"),
            "/Users".to_owned(),
        ];
        let mut requests = vec![
            replace(&ids[..2]),
            replace(&ids[2..]),
            request("PATCH", &path, Some(&remove)),
        ];
        for _ in 0..3 {
            requests.extend(reads.iter().map(|read| request("GET", read, None)));
        }
        let other = World::over(world.kv.clone(), small_steps(), 9);
        let services = [&world.directory, &other.directory];
        let replies = interleave(seed, &services, &requests);
        let possible: Vec<BTreeSet<String>> = [&ids[..1], &ids[..2], &ids[2..], &[]]
            .map(|ids| ids.iter().cloned().collect())
            .into();
        for (reply, request) in replies[3..].iter().zip(&requests[3..]) {
            assert_eq!(reply.status, 200, "{reply:?}");
            let resources = reply.body["Resources"].as_array();
            let seen = match request.target.as_str() {
                t if t.contains("/Groups/") => values(&reply.body["members"]),
                t if t.contains("/Groups") => values(&resources.unwrap()[0]["members"]),
                t if t.contains("filter") => reply.ids().into_iter().collect(),
                _ => resources
                    .unwrap()
                    .iter()
                    .filter(|user| user["groups"].is_array())
                    .map(|user| user["id"].as_str().unwrap().to_owned())
                    .collect(),
            };
            assert!(
                possible.contains(&seen),
                "seed {seed} {} {seen:?}",
                request.target
            );
        }
        for reply in &replies[..3] {
            assert!(matches!(reply.status, 200 | 204 | 503), "{reply:?}");
        }
        world.sweep();
        world.check();
        assert!(possible.contains(&world.members(&group)), "seed {seed}");
    }
}

#[test]
fn additions_and_deletions_beside_a_large_change_are_not_lost() {
    for seed in 0..150 {
        let world = World::configured(small_steps());
        let ids = users(&world, 6);
        let group = world.group("g", &[&ids[0]]);
        world.sweep();
        let path = format!("/Groups/{group}");
        let add = |ids: &[String]| {
            let add = json!([{"op": "add", "path": "members", "value": list(ids)}]);
            request("PATCH", &path, Some(&patch(&add)))
        };
        let requests = [
            add(&ids[1..4]),
            add(&ids[4..5]),
            request("DELETE", &format!("/Users/{}", ids[2]), None),
        ];
        let other = World::over(world.kv.clone(), small_steps(), 9);
        let replies = interleave(seed, &[&world.directory, &other.directory], &requests);
        let done = |reply: &Reply| matches!(reply.status, 200 | 204);
        assert!(replies.iter().all(done), "seed {seed} {replies:?}");
        let mut expected: BTreeSet<String> = ids[..5].iter().cloned().collect();
        expected.remove(&ids[2]);
        assert_eq!(world.members(&group), expected, "seed {seed}");
        world.sweep();
        world.check();
    }
}

#[test]
fn a_member_that_goes_between_any_two_steps_is_no_member() {
    let (plain, _, replace) = write(1);
    let (calls, _) = plain.cost(|| {
        plain.send(&replace);
    });
    for call in 0..calls {
        let (world, _, replace) = write(1);
        let gone = world.get("/Users").ids().pop().unwrap();
        let (kv, path) = (world.kv.clone(), format!("/Users/{gone}"));
        world.kv.before(call, move |_| {
            let other = World::over(kv, small_steps(), 7);
            assert_eq!(other.delete(&path).status, 204);
        });
        assert_eq!(world.send(&replace).status, 200, "{call}");
        let group = world.get("/Groups").ids().pop().unwrap();
        assert!(!world.members(&group).contains(&gone), "{call}");
        world.sweep();
        world.check();
    }
}

#[test]
fn whoever_takes_too_long_is_given_up_by_others() {
    let (plain, _, replace) = write(1);
    let (calls, _) = plain.cost(|| {
        plain.send(&replace);
    });
    let before = state(&write(1).0);
    let mut given_up = 0;
    for call in 0..calls {
        let (world, _, replace) = write(1);
        let kv = world.kv.clone();
        world.kv.before(call, move |_| {
            let other = World::over(kv, small_steps(), 7);
            // It began ten minutes earlier than the world that was swept.
            other.clock.advance(Duration::from_mins(15));
            while block_on(other.directory.sweep()).unwrap() {}
        });
        let reply = world.send(&replace);
        if reply.status == 503 {
            given_up += 1;
            assert!(reply.header("retry-after").is_some());
            assert_eq!(state(&world), before);
        } else {
            assert_eq!(reply.status, 200, "{reply:?}");
        }
        world.sweep();
        world.check();
    }
    assert!(given_up > 0);
}

#[test]
fn two_who_clean_up_at_once_do_it_once() {
    for seed in 0..50 {
        let (world, _, replace) = write(1);
        assert_eq!(world.send(&replace).status, 200);
        let seen = state(&world);
        let other = World::over(world.kv.clone(), small_steps(), seed);
        let both =
            directory::simulation::join_all([world.directory.sweep(), other.directory.sweep()]);
        assert!(block_on(both).into_iter().all(|result| result.is_ok()));
        world.sweep();
        world.check();
        assert_eq!(state(&world), seen);
    }
}

#[test]
fn a_member_that_goes_after_its_group_leaves_nothing_of_it() {
    let (world, _, delete) = write(5);
    assert_eq!(world.send(&delete).status, 204);
    for user in world.get("/Users").ids() {
        assert_eq!(world.delete(&format!("/Users/{user}")).status, 204);
    }
    world.sweep();
    world.check();
    assert!(!world.holds("member") && !world.holds("group"));
}
