//! Groups of many members, and users in many groups: changed at once, whatever their
//! number, and at no cost that grows with it where it need not.

use crate::support::World;
use directory::kv::{Op, Txn};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn users(world: &World, count: usize) -> Vec<String> {
    (0..count).map(|i| world.user(&format!("u{i}"))).collect()
}

fn list(ids: &[String]) -> Value {
    ids.iter()
        .map(|id| json!({"value": id, "display": "Somebody"}))
        .collect()
}

/// Users of whom the store has nothing but a record, which is enough to be a member.
fn records(world: &World, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|i| format!("{i:036}")).collect();
    for part in ids.chunks(100) {
        let puts = part.iter().map(|id| {
            let record = json!({"id": id, "userName": id});
            Op::put(format!("scim/acme/user/{id}"), record.to_string())
        });
        let txn = Txn {
            then: puts.collect(),
            ..Txn::default()
        };
        world.kv.apply(&txn).unwrap();
    }
    ids
}

#[test]
fn two_thousand_members_come_and_go_in_one_transaction() {
    let world = World::new();
    let ids = users(&world, 2_000);
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");

    let one_commit = |action: &dyn Fn()| {
        let revision = world.kv.revision();
        action();
        assert_eq!(world.kv.revision(), revision + 1);
        world.check();
    };
    one_commit(&|| {
        let body = json!({"displayName": "g", "members": list(&ids)});
        let reply = world.put(&path, &body);
        assert_eq!(reply.status, 200, "{:?}", reply.status);
        assert_eq!(reply.body["members"].as_array().unwrap().len(), 2_000);
        assert_eq!(reply.body, world.get(&path).body);
    });
    one_commit(&|| {
        let remove = json!([{"op": "remove", "path": "members", "value": list(&ids)}]);
        assert_eq!(world.patch(&path, &remove).status, 200);
        assert!(world.members(&group).is_empty());
    });
    one_commit(&|| {
        let add = json!([{"op": "add", "path": "members", "value": list(&ids)}]);
        assert_eq!(world.patch(&path, &add).status, 204);
        assert_eq!(world.members(&group).len(), 2_000);
    });
    one_commit(&|| {
        let body = json!({"displayName": "h", "members": list(&ids)});
        let reply = world.post("/Groups", &body);
        assert_eq!(reply.status, 201, "{:?}", reply.status);
    });
    one_commit(&|| assert_eq!(world.delete(&path).status, 204));
}

#[test]
fn ten_thousand_members_come_and_go_at_once() {
    let world = World::new();
    let first = world.user("first");
    let ids = records(&world, 10_000);
    let all: BTreeSet<String> = ids.iter().cloned().collect();
    let group = world.group("g", &[&first]);
    let path = format!("/Groups/{group}");

    let put = world.put(&path, &json!({"displayName": "h", "members": list(&ids)}));
    assert_eq!(put.status, 200, "{:?}", put.body["detail"]);
    assert!(world.members(&group) == all);
    let created = world.post(
        "/Groups",
        &json!({"displayName": "i", "members": list(&ids)}),
    );
    assert_eq!(created.status, 201, "{:?}", created.body["detail"]);
    assert!(world.members(&created.id()) == all);

    let remove = json!([{"op": "remove", "path": "members", "value": list(&ids)}]);
    assert_eq!(world.patch(&path, &remove).status, 204);
    assert!(world.members(&group).is_empty());
    let add = json!([{"op": "add", "path": "members", "value": list(&ids)}]);
    assert_eq!(world.patch(&path, &add).status, 204);
    assert!(world.members(&group) == all);
    assert_eq!(world.delete(&path).status, 204);
    let remove = json!([{"op": "remove", "path": "members"}]);
    assert_eq!(
        world
            .patch(&format!("/Groups/{}", created.id()), &remove)
            .status,
        204
    );
    assert!(world.members(&created.id()).is_empty());
    world.sweep();
    assert!(!world.holds("member"));
}

#[test]
fn fifty_thousand_unknown_members_are_no_members() {
    let world = World::new();
    let ids: Vec<String> = (0..50_000).map(|i| format!("nobody{i}")).collect();
    let body = json!({"displayName": "g", "members": list(&ids)});
    let reply = world.post("/Groups", &body);
    assert_eq!(reply.status, 201, "{:?}", reply.status);
    assert_eq!(reply.body["members"], json!([]));
    world.check();
}

#[test]
fn a_group_that_outgrew_one_transaction_is_still_read_and_filled() {
    let world = World::new();
    let ids = users(&world, 6_000);
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    for part in ids.chunks(1_500) {
        let add = json!([{"op": "add", "path": "members", "value": list(part)}]);
        assert_eq!(world.patch(&path, &add).status, 204);
    }
    assert_eq!(world.members(&group).len(), 6_000);
    let found = world.get(&format!("/Groups?filter=members+eq+%22{}%22", ids[5_999]));
    assert_eq!(found.ids(), [group]);
    assert_eq!(
        world.kv.apply(&Txn::default()).unwrap().revision,
        world.kv.revision()
    );
    world.check();
}

#[test]
fn adding_a_member_costs_the_same_whatever_the_size() {
    let world = World::new();
    let ids = records(&world, 20_000);
    let newcomers = users(&world, 2);
    let costs = [0, 1_000, 20_000].map(|size| {
        let body = json!({"displayName": format!("of {size}"), "members": list(&ids[..size])});
        let created = world.post("/Groups", &body);
        assert_eq!(created.status, 201, "{:?}", created.status);
        let path = format!("/Groups/{}", created.id());
        let add = |id: &String| {
            let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
            assert!(world.patch(&path, &add).status < 300);
        };
        // The first tells the worker that the group is too large to be shown.
        add(&newcomers[0]);
        world.cost(|| add(&newcomers[1]))
    });
    let [(calls, bytes), ..] = costs;
    for (calls_here, bytes_here) in costs {
        assert_eq!(calls_here, calls, "{costs:?}");
        assert!(bytes_here * 2 <= bytes * 3, "{costs:?}");
    }
}

/// Groups of whom the store has a record and one member.
fn groups_of(world: &World, user: &str, count: usize) {
    let ids: Vec<String> = (0..count).map(|i| format!("{i:036}")).collect();
    for part in ids.chunks(40) {
        let puts = part.iter().flat_map(|id| {
            let record = json!({"id": id, "displayName": id, "meta": {"created": ""}});
            let member = json!({"type": "User"}).to_string();
            [
                Op::put(format!("scim/acme/group/{id}"), record.to_string()),
                Op::put(format!("scim/acme/group-name/{id}"), id.as_str()),
                Op::put(format!("scim/acme/member/{id}/0/{user}"), member.clone()),
                Op::put(format!("scim/acme/member-of/{user}/{id}/0"), member),
            ]
        });
        for puts in puts.collect::<Vec<_>>().chunks(120) {
            let txn = Txn {
                then: puts.to_vec(),
                ..Txn::default()
            };
            world.kv.apply(&txn).unwrap();
        }
    }
}

#[test]
fn a_user_leaves_five_thousand_groups_in_one_transaction() {
    let world = World::new();
    let user = world.user("alice");
    groups_of(&world, &user, 5_000);
    world.check();
    let revision = world.kv.revision();
    let deleted = world.delete(&format!("/Users/{user}"));
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(world.kv.revision(), revision + 1);
    world.check();
    assert!(!world.holds("member"));
}

#[test]
fn a_user_in_too_many_groups_is_not_deleted_and_the_answer_says_why() {
    let world = World::new();
    let user = world.user("alice");
    groups_of(&world, &user, 20_000);
    let before = world.kv.dump();
    let refused = world.delete(&format!("/Users/{user}"));
    assert_eq!(refused.status, 413, "{refused:?}");
    assert_eq!(refused.body["scimType"], "tooMany");
    assert!(world.kv.dump() == before);
}
