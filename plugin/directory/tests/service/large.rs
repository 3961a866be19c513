//! Groups of many members: in one transaction, or refused whole.

use crate::support::World;
use directory::kv::{Op, Txn};
use serde_json::{Value, json};

fn users(world: &World, count: usize) -> Vec<String> {
    (0..count).map(|i| world.user(&format!("u{i}"))).collect()
}

fn list(ids: &[String]) -> Value {
    ids.iter()
        .map(|id| json!({"value": id, "display": "Somebody"}))
        .collect()
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
fn a_change_too_large_for_one_transaction_is_refused_whole() {
    let world = World::configured(json!({"limits": {"max_body_bytes": 16_000_000}}));
    let first = world.user("first");
    // Records alone are enough to be a member, and quicker made.
    let ids: Vec<String> = (0..50_000).map(|i| format!("{i:036}")).collect();
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
    let group = world.group("g", &[&first]);
    let path = format!("/Groups/{group}");
    let body = json!({"displayName": "h", "members": list(&ids)});
    let before = world.kv.dump();
    let add = json!([{"op": "add", "path": "members", "value": list(&ids)}]);
    for reply in [
        world.put(&path, &body),
        world.post("/Groups", &body),
        world.patch(&path, &add),
    ] {
        assert_eq!(reply.status, 413, "{:?}", reply.status);
        assert_eq!(reply.body["scimType"], "tooMany");
    }
    assert!(world.kv.dump() == before);
}

#[test]
fn fifty_thousand_unknown_members_are_no_members() {
    let world = World::configured(json!({"limits": {"max_body_bytes": 16_000_000}}));
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
