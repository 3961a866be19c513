//! What others do between two steps of a request, and what the request then says and
//! does. Each was found by the simulation.

use crate::support::World;
use directory::kv::memory::{Fault, MemoryKv};
use directory::kv::{Op, Txn};
use serde_json::{Value, json};

/// Before the call after so many, another worker patches something.
fn meanwhile(world: &World, calls: usize, path: &str, operations: &Value) {
    let (path, operations) = (path.to_owned(), operations.clone());
    world.kv.before(calls, move |kv| {
        let other = World::over(kv.clone(), json!({}), 7);
        let reply = other.patch(&path, &operations);
        assert_eq!(reply.status, 200, "{reply:?}");
    });
}

fn add(member: &str) -> Value {
    json!([{"op": "add", "path": "members", "value": [{"value": member}]}])
}

#[test]
fn a_removal_removes_a_member_who_came_after_the_group_was_read() {
    let world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    meanwhile(&world, 1, &path, &add(&alice));
    let reply = world.patch(
        &path,
        &json!([
            {"op": "remove", "path": format!("members[value eq \"{alice}\"]")},
            {"op": "add", "path": "members", "value": [{"value": bob}]}]),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(world.members(&group), [bob].into());
    world.check();
}

#[test]
fn a_name_that_a_patch_keeps_is_kept_by_it_though_another_changes_it() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    let rename = json!([{"op": "replace", "path": "displayName", "value": "h"}]);
    meanwhile(&world, 1, &path, &rename);
    let reply = world.patch(
        &path,
        &json!([
            {"op": "replace", "path": "displayName", "value": "g"},
            {"op": "add", "path": "members", "value": [{"value": alice}]}]),
    );
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["displayName"], "g");
    assert_eq!(world.get(&path).body["displayName"], "g");
    world.check();
}

#[test]
fn a_patch_that_changes_nothing_shows_the_group_that_it_looked_at() {
    let world = World::new();
    let alice = world.user("alice");
    let path = format!("/Groups/{}", world.group("g", &[]));
    let before = world.get(&path).body;
    // The group, its members, and then what the answer shows.
    meanwhile(&world, 2, &path, &add(&alice));
    let empty = json!([{"op": "replace", "path": "members", "value": []}]);
    let reply = world.patch(&path, &empty);
    assert_eq!((reply.status, reply.body), (200, before));
}

#[test]
fn who_is_somebody_is_looked_up_where_the_group_was_read() {
    let world = World::new();
    let (alice, bob) = (world.user("alice"), world.user("bob"));
    let group = world.group("g", &[&bob]);
    let path = format!("/Groups/{group}");
    // Between the list of members and the look at who alice is. Were she nobody there,
    // the list would be as it should be, though it is not any more.
    let other = path.clone();
    let gone = alice.clone();
    world.kv.before(2, move |kv| {
        let worker = World::over(kv.clone(), json!({}), 7);
        let empty = json!([{"op": "replace", "path": "members", "value": []}]);
        assert_eq!(worker.patch(&other, &empty).status, 200);
        assert_eq!(worker.delete(&format!("/Users/{gone}")).status, 204);
    });
    let list = json!({"displayName": "g", "members": [{"value": alice}, {"value": bob}]});
    assert_eq!(world.put(&path, &list).status, 200);
    assert_eq!(world.members(&group), [bob].into());
    world.check();
}

#[test]
fn the_end_of_a_user_is_no_change_of_a_group_that_it_had_left() {
    let world = World::new();
    let alice = world.user("alice");
    let path = format!("/Groups/{}", world.group("g", &[&alice]));
    let leave = json!([{"op": "remove", "path": format!("members[value eq \"{alice}\"]")}]);
    // The user, the lease, the password, and then the commit.
    meanwhile(&world, 3, &path, &leave);
    let left = world.kv.revision() + 1;
    assert_eq!(world.delete(&format!("/Users/{alice}")).status, 204);
    assert_eq!(world.get(&path).etag(), format!("W/\"{left}\""));
    world.check();
}

/// A request whose first commit is lost on its way, so that it might still arrive.
fn in_doubt(world: &World, hook: impl FnOnce(&MemoryKv) + 'static) -> u16 {
    world.get("/Users");
    world.kv.fail_next([Some(Fault::RequestLost)]);
    world.kv.before(1, hook);
    let reply = world.post("/Users", &json!({"userName": "alice"}));
    assert_eq!(reply.header("retry-after").is_some(), reply.status == 503);
    reply.status
}

#[test]
fn a_write_that_may_still_be_made_is_not_refused() {
    // The name may be free again by then.
    let world = World::new();
    let status = in_doubt(&world, |kv| {
        World::over(kv.clone(), json!({}), 7).user("alice");
    });
    assert_eq!(status, 503);
}

#[test]
fn a_revoked_token_hides_no_write_that_may_have_been_made() {
    let world = World::new();
    let status = in_doubt(&world, |kv| {
        let txn = Txn {
            then: vec![Op::delete_prefix("scim/token/")],
            ..Txn::default()
        };
        kv.apply(&txn).unwrap();
    });
    assert_eq!(status, 503);
    assert_eq!(world.get("/Users").status, 401);
}
