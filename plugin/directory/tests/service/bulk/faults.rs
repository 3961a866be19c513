//! Bulk requests on a store that fails, and of clients that go.

use super::{bulk, bulk_request, group, results, statuses, user};
use crate::support::{World, drop_after};
use directory::kv::memory::{Fault, MemoryKv};
use directory::kv::{Op, Txn};
use serde_json::{Value, json};

/// Users, a circle of groups, and a change of what they made.
fn operations() -> Value {
    json!([
        group("a", &["b", "alice"]),
        user("alice"),
        group("b", &["a"]),
        {"method": "PATCH", "path": "/Groups/bulkId:b", "data": [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:alice"}]}]},
        {"method": "DELETE", "path": "/Users/bulkId:alice"},
    ])
}

/// The names of users, and of groups with how many members they have.
fn state(world: &World) -> Value {
    let users = world.get("/Users?count=1000").body["Resources"].clone();
    let groups = world.get("/Groups?count=1000").body["Resources"].clone();
    let users = users.as_array().unwrap().iter();
    let groups = groups.as_array().unwrap().iter();
    let groups = groups.map(|group| {
        let members = group["members"].as_array().map_or(0, Vec::len);
        json!([group["displayName"], members])
    });
    json!([
        users
            .map(|user| user["userName"].clone())
            .collect::<Value>(),
        groups.collect::<Value>()
    ])
}

#[test]
fn a_client_that_goes_leaves_whole_operations() {
    // What there is after each of the operations, in the order in which they are
    // done: the user, the first group without the second, both in each other.
    let states = [
        json!([[], []]),
        json!([["alice"], []]),
        json!([["alice"], [["a", 1]]]),
        json!([["alice"], [["a", 2], ["b", 1]]]),
        json!([["alice"], [["a", 2], ["b", 2]]]),
        json!([[], [["a", 1], ["b", 1]]]),
    ];
    let mut seen = vec![false; states.len()];
    for polls in 0.. {
        let world = World::new();
        world.get("/Users");
        let done = drop_after(&world.directory, &bulk_request(&operations()), polls);
        world.check();
        let now = state(&world);
        let at = states.iter().position(|state| *state == now);
        seen[at.unwrap_or_else(|| panic!("after {polls} polls there is {now}"))] = true;
        if let Some(reply) = done {
            assert_eq!(
                statuses(&results(&reply)),
                ["201", "201", "201", "200", "204"]
            );
            break;
        }
        assert!(polls < 1_000);
    }
    assert_eq!(seen, vec![true; states.len()]);
}

#[test]
fn a_lost_commit_is_made_good_within_its_operation() {
    let plain = World::new();
    plain.get("/Users");
    let before = plain.kv.calls();
    let expected = bulk(&plain, &operations());
    let calls = plain.kv.calls() - before;
    for fault in [Fault::RequestLost, Fault::ReplyLost, Fault::Unavailable] {
        for at in 0..calls {
            let world = World::new();
            world.get("/Users");
            let mut faults = vec![None; at];
            faults.push(Some(fault));
            world.kv.fail_next(faults);
            let reply = world.post("/Bulk", &super::message(&operations()));
            world.check();
            if reply.status == 503 {
                // The token could not be confirmed, before anything was done.
                assert_eq!(at, 0, "{fault:?}");
                assert!(world.events("acme").is_empty());
                continue;
            }
            let results = results(&reply);
            let (found, wanted) = (statuses(&results), statuses(&expected));
            for (found, wanted) in found.iter().zip(&wanted) {
                // A read is not tried again, and what it was for, and what refers to
                // that, fails. A group whose commit was not answered is not shown.
                let unseen = *wanted == "200" && *found == "204";
                assert!(
                    found == wanted || unseen || *found == "503" || *found == "409",
                    "{results:?}"
                );
            }
            let failed = found.iter().filter(|status| **status == "503").count();
            assert!(failed <= 1, "{fault:?} at {at}: {results:?}");
            if failed == 0 {
                assert_eq!(state(&world), state(&plain), "{fault:?} at {at}");
            }
        }
    }
}

#[test]
fn when_the_store_goes_away_the_rest_is_not_tried() {
    for fault in [Fault::Unavailable, Fault::RequestLost] {
        let world = World::new();
        world.get("/Users");
        let many: Value = (0..50).map(|at| user(&format!("u{at}"))).collect();
        // The token, and three users.
        world.kv.before(4, move |kv| kv.set_outage(Some(fault)));
        let before = world.kv.calls();
        let results = bulk(&world, &many);
        world.kv.set_outage(None);
        let statuses = statuses(&results);
        assert_eq!(statuses[..3], ["201", "201", "201"]);
        assert!(
            statuses[3..].iter().all(|status| *status == "503"),
            "{statuses:?}"
        );
        assert_eq!(statuses.len(), 50);
        assert!(results[3].get("location").is_none());
        // Two operations tried to be written, and none after them.
        assert_eq!(world.kv.calls() - before, 4 + 2 * 4);
        assert_eq!(world.events("acme").len(), 3);
        world.check();
        // And what is sent again goes on where it ended.
        let again = bulk(&world, &many);
        assert_eq!(
            again
                .iter()
                .filter(|result| result["status"] == "201")
                .count(),
            47
        );
    }
}

#[test]
fn a_store_that_was_away_for_a_moment_sinks_one_operation() {
    let world = World::new();
    let alice = world.user("alice");
    let delete = |id: &str| json!({"method": "DELETE", "path": format!("/Users/{id}")});
    world.kv.fail_next([None, Some(Fault::Unavailable)]);
    let results = bulk(
        &world,
        &json!([delete(&alice), user("bob"), delete("x"), user("carol")]),
    );
    assert_eq!(statuses(&results), ["503", "201", "404", "201"]);
    assert_eq!(results[0]["response"]["status"], "503");
    world.check();
}

#[test]
fn a_store_that_is_away_at_the_beginning_is_the_requests_own_503() {
    let world = World::new();
    world.get("/Users");
    world.kv.set_outage(Some(Fault::Unavailable));
    let reply = world.post("/Bulk", &super::message(&operations()));
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
}

fn revoke(kv: &MemoryKv) {
    let delete = Op::delete_prefix("scim/token/");
    let txn = Txn {
        then: vec![delete],
        ..Txn::default()
    };
    kv.apply(&txn).unwrap();
}

#[test]
fn a_revoked_token_does_nothing_more() {
    let world = World::new();
    world.get("/Users");
    world.kv.before(2, revoke);
    let results = bulk(&world, &json!([user("a"), user("b"), user("c")]));
    assert_eq!(statuses(&results), ["201", "401", "401"]);
    assert_eq!(world.events("acme").len(), 1);

    let world = World::new();
    world.get("/Users");
    revoke(&world.kv);
    let reply = world.post("/Bulk", &super::message(&json!([user("a")])));
    assert_eq!(reply.status, 401);
    assert!(world.events("acme").is_empty());
}
