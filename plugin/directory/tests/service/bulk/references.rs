//! References to what the same request creates, and circles of them.

use super::{ENTERPRISE, bulk, group, id, statuses, user};
use crate::support::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn later_and_earlier_operations_may_be_referred_to() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = World::new();
        let operations = [user("alice"), user("bob"), group("g", &["alice", "bob"])];
        let sent: Value = order.iter().map(|at| operations[*at].clone()).collect();
        let results = bulk(&world, &sent);
        assert_eq!(statuses(&results), ["201", "201", "201"]);
        let of = |at: usize| id(&results[order.iter().position(|other| *other == at).unwrap()]);
        for (result, at) in results.iter().zip(order) {
            assert_eq!(result["bulkId"], operations[at]["bulkId"]);
        }
        assert_eq!(world.members(&of(2)), set(&[&of(0), &of(1)]));
        world.check();
    }
}

#[test]
fn a_reference_may_stand_in_every_place_of_a_resource() {
    let world = World::new();
    let results = bulk(
        &world,
        &json!([
            {"method": "POST", "path": "/Users", "bulkId": "report", "data": {"userName": "report",
                ENTERPRISE: {"manager": {"value": "bulkId:boss", "$ref": "bulkId:boss"}}}},
            {"method": "PATCH", "path": "/Users/bulkId:other", "data": {"Operations": [
                {"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "bulkId:boss"}]}},
            user("boss"),
            user("other"),
            {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"Operations": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:boss"}, {"value": "bulkId:other"}]},
                {"op": "remove", "path": "members[value eq \"bulkId:other\"]"}]}},
            {"method": "PUT", "path": "/Users/bulkId:boss", "data": {"userName": "boss", "title": "Boss"}},
            group("g", &["report"]),
        ]),
    );
    assert_eq!(
        statuses(&results),
        ["201", "200", "201", "201", "200", "200", "201"]
    );
    let (boss, report) = (id(&results[2]), id(&results[0]));
    for user in [&report, &id(&results[3])] {
        let user = world.get(&format!("/Users/{user}")).body;
        assert_eq!(user[ENTERPRISE]["manager"]["value"], boss);
    }
    let g = id(&results[6]);
    assert_eq!(world.members(&g), set(&[&boss, &report]));
    let boss = world.get(&format!("/Users/{boss}")).body;
    assert_eq!(boss["title"], "Boss");
    // A path with a reference is answered with what it stands for.
    assert_eq!(results[5]["location"], boss["meta"]["location"]);
    world.check();
}

#[test]
fn an_operation_that_waits_is_done_as_soon_as_it_can() {
    let world = World::new();
    let bob = world.user("bob");
    let g = world.group("g", &[]);
    let results = bulk(
        &world,
        &json!([
            {"method": "PATCH", "path": format!("/Groups/{g}"), "data": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:b"}]}]},
            // Frees the name that the next operation takes.
            {"method": "DELETE", "path": format!("/Users/{bob}")},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "bob"}},
            {"method": "DELETE", "path": format!("/Groups/{g}")},
        ]),
    );
    assert_eq!(statuses(&results), ["200", "204", "201", "204"]);
}

#[test]
fn two_groups_may_be_members_of_each_other() {
    let world = World::new();
    let operations = json!([
        user("alice"),
        group("a", &["b", "alice"]),
        group("b", &["a"])
    ]);
    let results = bulk(&world, &operations);
    assert_eq!(statuses(&results), ["201", "201", "201"]);
    let (a, b) = (id(&results[1]), id(&results[2]));
    assert_eq!(world.members(&a), set(&[&b, &id(&results[0])]));
    assert_eq!(world.members(&b), set(&[&a]));
    for (result, id) in [(&results[1], &a), (&results[2], &b)] {
        let group = world.get(&format!("/Groups/{id}"));
        assert_eq!(result["version"], group.etag());
        let members = group.body["members"].as_array().unwrap();
        let of_groups = members.iter().filter(|member| member["type"] == "Group");
        assert_eq!(of_groups.count(), 1);
    }
    world.check();
}

#[test]
fn circles_may_be_long_touch_each_other_and_lead_to_themselves() {
    let world = World::new();
    let mut boss = user("boss");
    boss["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:deputy"}});
    let mut deputy = user("deputy");
    deputy["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:boss"}});
    let results = bulk(
        &world,
        &json!([
            group("a", &["b"]),
            group("b", &["c", "d"]),
            group("c", &["a", "boss"]),
            group("d", &["d", "b"]),
            boss,
            deputy,
        ]),
    );
    assert_eq!(statuses(&results), ["201"; 6]);
    let ids: Vec<String> = results.iter().map(id).collect();
    let members = |at: usize| world.members(&ids[at]);
    assert_eq!(members(0), set(&[&ids[1]]));
    assert_eq!(members(1), set(&[&ids[2], &ids[3]]));
    assert_eq!(members(2), set(&[&ids[0], &ids[4]]));
    assert_eq!(members(3), set(&[&ids[3], &ids[1]]));
    for (user, manager) in [(4, 5), (5, 4)] {
        let user = world.get(&format!("/Users/{}", ids[user])).body;
        assert_eq!(user[ENTERPRISE]["manager"]["value"], ids[manager]);
    }
    for (at, result) in results.iter().enumerate().take(4) {
        let now = world.get(&format!("/Groups/{}", ids[at])).etag();
        assert_eq!(result["version"], now, "{at}");
    }
    world.check();
}

#[test]
fn a_circle_that_breaks_leaves_what_could_be_made() {
    let world = World::new();
    world.group("b", &[]);
    let results = bulk(
        &world,
        &json!([
            group("a", &["b"]),
            group("b", &["a"]),
            group("c", &["b"]),
            group("d", &["a"])
        ]),
    );
    assert_eq!(statuses(&results), ["201", "409", "409", "201"]);
    assert_eq!(results[1]["response"]["scimType"], "uniqueness");
    assert!(world.members(&id(&results[0])).is_empty());
    assert_eq!(world.members(&id(&results[3])), set(&[&id(&results[0])]));
    world.check();
}

#[test]
fn a_reference_to_nothing_is_that_operations_failure() {
    let world = World::new();
    world.user("taken");
    let results = bulk(
        &world,
        &json!([
            group("g", &["nobody"]),
            user("taken"),
            group("h", &["taken"]),
            {"method": "DELETE", "path": "/Users/bulkId:taken"},
            {"method": "PATCH", "path": "/Groups/bulkId:h", "data": []},
            user("bob"),
        ]),
    );
    assert_eq!(
        statuses(&results),
        ["400", "409", "409", "409", "409", "201"]
    );
    assert_eq!(results[0]["response"]["scimType"], "invalidValue");
    for (at, name) in [(0, "nobody"), (2, "taken"), (3, "taken"), (4, "h")] {
        let detail = results[at]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("bulkId \"{name}\"")), "{detail}");
    }
    assert_eq!(
        results[3]["location"],
        "https://scim.example.com/scim/v2/Users/bulkId:taken"
    );
    assert_eq!(world.events("acme").len(), 2);
    world.check();
}
