//! Deleted users who come back: what comes with them, who stands in their way, and what others do
//! meanwhile.

use crate::support::{Reply, World, filter, request};
use directory::http::Request;
use directory::kv::memory::Fault;
use directory::kv::{Op, OpReply, Range, Txn};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const ADMIN: &str = "scim_adadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadad";

fn world(config: Value) -> World {
    let world = World::configured(config);
    let hash = Sha256::digest(ADMIN.as_bytes());
    let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let grant = json!({"tenant": "acme", "id": "administers", "scopes": ["admin"], "label": "",
        "created": "2026-11-24T05:00:00.000Z", "lastFour": "adad"});
    put(&world, &format!("scim/token/{hash}"), &grant);
    world
}

fn put(world: &World, key: &str, value: &Value) {
    let txn = Txn {
        then: vec![Op::put(key, value.to_string())],
        ..Txn::default()
    };
    world.kv.apply(&txn).unwrap();
}

fn administer(method: &str, path: &str) -> Request {
    Request {
        target: format!("/admin/v1/tenants/acme{path}"),
        headers: vec![(
            "authorization".to_owned(),
            format!("Bearer {ADMIN}").into_bytes(),
        )],
        ..request(method, "", None)
    }
}

fn restore(world: &World, id: &str) -> Reply {
    let path = format!("/deleted-users/{id}/restore");
    world.send(&administer("POST", &path))
}

fn deleted(world: &World, query: &str) -> Value {
    let list = world.send(&administer("GET", &format!("/deleted-users{query}")));
    assert_eq!(list.status, 200, "{list:?}");
    list.body
}

fn alice(world: &World) -> (String, Value) {
    let made = world.post(
        "/Users",
        &json!({"userName": "Alice", "externalId": "x/1", "password": "canary",
            "emails": [{"value": "Alice@example.com", "type": "work"}]}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    (made.id(), made.body.clone())
}

/// A user as clients see it, but for what says when it changed.
fn seen(world: &World, id: &str) -> Value {
    let mut user = world.get(&format!("/Users/{id}")).body;
    user["meta"] = user["meta"]["created"].clone();
    user
}

fn delete(world: &World, id: &str) {
    assert_eq!(world.delete(&format!("/Users/{id}")).status, 204);
}

#[test]
fn a_restored_user_is_as_it_was() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    let staff = world.group("Staff", &[&id]);
    let guests = world.group("Guests", &[&id]);
    let gone = world.group("Gone", &[&id]);
    assert_eq!(deleted(&world, ""), json!({"deletedUsers": []}));
    let password = world.kv.dump().into_iter();
    let password = password.filter(|(key, _)| key.starts_with(b"scim/acme/user-password/"));
    let password: Vec<_> = password.collect();
    assert_eq!(password.len(), 1);
    delete(&world, &id);
    assert_eq!(world.delete(&format!("/Groups/{gone}")).status, 204);

    let listed = deleted(&world, "");
    let groups =
        json!([{"id": staff, "displayName": "Staff"}, {"id": guests, "displayName": "Guests"}]);
    assert_eq!(
        listed["deletedUsers"],
        json!([{"id": id, "userName": "Alice", "deletedAt": "2026-11-18T11:06:40.000Z",
            "keptUntil": "2026-12-18T11:06:40.000Z", "groups": groups}])
    );
    assert!(!listed.to_string().contains("argon2"));

    let back = restore(&world, &id);
    assert_eq!(
        (back.status, &back.body),
        (
            200,
            &json!({"id": id, "userName": "Alice", "active": true, "groups": groups})
        )
    );
    let user = seen(&world, &id);
    assert_eq!(
        (&user["active"], &user["externalId"]),
        (&json!(true), &json!("x/1"))
    );
    let of: Vec<&Value> = user["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| &g["value"])
        .collect();
    assert_eq!(of, [&json!(staff), &json!(guests)]);
    for text in [
        "userName eq \"alice\"",
        "externalId eq \"x/1\"",
        "emails.value eq \"alice@example.com\"",
    ] {
        let found = world.get(&filter("/Users", text)).ids();
        assert_eq!(found, std::slice::from_ref(&id), "{text}");
    }
    for group in [staff, guests] {
        assert_eq!(world.members(&group), [id.clone()].into());
    }
    for (key, hash) in password {
        assert!(world.kv.dump().contains(&(key, hash)));
    }
    let event = world.events("acme").pop().unwrap();
    assert_eq!(
        (&event["op"], &event["id"]),
        (&json!("user.restore"), &json!(id))
    );
    assert_eq!(event["token"], "administers");
    assert!(!world.holds("user-deleted/"));
    assert_eq!(restore(&world, &id).status, 404);
    world.check();

    delete(&world, &id);
    assert_eq!(restore(&world, &id).status, 200);
    world.check();
}

#[test]
fn nobody_is_active_after_it_who_was_not_or_of_whom_it_is_not_known() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    let inactive = json!([{"op": "replace", "path": "active", "value": false}]);
    assert_eq!(world.patch(&format!("/Users/{id}"), &inactive).status, 200);
    delete(&world, &id);
    assert_eq!(restore(&world, &id).body["active"], false);
    assert_eq!(seen(&world, &id)["active"], false);

    let bob = world.user("bob");
    delete(&world, &bob);
    let key = format!("scim/acme/user-deleted/{bob}");
    let stored = world
        .kv
        .dump()
        .into_iter()
        .find(|(k, _)| *k == key.as_bytes());
    let mut record: Value = serde_json::from_slice(&stored.unwrap().1).unwrap();
    for name in ["wasActive", "keptUntil"] {
        assert!(record.as_object_mut().unwrap().remove(name).is_some());
    }
    put(&world, &key, &record);
    assert_eq!(
        deleted(&world, "")["deletedUsers"][0].get("keptUntil"),
        None
    );
    assert_eq!(restore(&world, &bob).body["active"], false);
    assert_eq!(seen(&world, &bob)["active"], false);
    world.check();
}

#[test]
fn whoever_has_the_name_by_now_is_told_and_nothing_changes() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    delete(&world, &id);
    let other = world.user("ALICE");
    let before = world.kv.dump();
    let refused = restore(&world, &id);
    assert_eq!(
        (refused.status, &refused.body["scimType"]),
        (409, &json!("uniqueness"))
    );
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("userName") && detail.contains(&other),
        "{detail}"
    );
    assert_eq!(world.kv.dump(), before);

    let rename = json!([{"op": "replace", "path": "userName", "value": "alice2"}]);
    assert_eq!(world.patch(&format!("/Users/{other}"), &rename).status, 200);
    assert_eq!(restore(&world, &id).status, 200);
    world.check();
}

#[test]
fn a_user_comes_back_into_the_members_that_a_group_has_by_then() {
    let world = world(json!({"limits": {"max_members_at_once": 1}}));
    let (id, _) = alice(&world);
    let [bob, carol, dave] = ["bob", "carol", "dave"].map(|name| world.user(name));
    let group = world.group("g", &[&id]);
    let path = format!("/Groups/{group}");
    let replace = |world: &World, members: [&String; 2]| {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let list = json!({"displayName": "g", "members": members});
        assert_eq!(world.put(&path, &list).status, 200);
    };
    delete(&world, &id);
    replace(&world, [&bob, &carol]);
    assert!(world.holds("group-generation/"));
    assert_eq!(restore(&world, &id).status, 200);
    assert_eq!(
        world.members(&group),
        [bob.clone(), carol.clone(), id.clone()].into()
    );

    // Between the look at the group and the commit it gets another list.
    delete(&world, &id);
    let (path, members) = (path.clone(), [carol.clone(), dave.clone()]);
    world.kv.before(2, move |kv| {
        let other = World::over(kv.clone(), json!({"limits": {"max_members_at_once": 1}}), 7);
        let members = members.map(|id| json!({"value": id}));
        let list = json!({"displayName": "g", "members": members});
        assert_eq!(other.put(&path, &list).status, 200);
    });
    assert_eq!(restore(&world, &id).status, 200);
    assert_eq!(world.members(&group), [carol, dave, id].into());
    world.sweep();
    world.check();
}

#[test]
fn a_group_that_goes_at_the_last_moment_has_nobody_in_it() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    let group = world.group("g", &[&id]);
    delete(&world, &id);
    deleted(&world, "");
    world.kv.before(2, move |kv| {
        let other = World::over(kv.clone(), json!({}), 7);
        assert_eq!(other.delete(&format!("/Groups/{group}")).status, 204);
    });
    assert_eq!(restore(&world, &id).status, 200);
    assert_eq!(seen(&world, &id).get("groups"), None);
    assert!(!world.holds("member"));
    world.check();
}

#[test]
fn a_lost_reply_is_found_out_and_a_store_that_is_away_leaves_all_as_it_was() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    world.group("g", &[&id]);
    // The token is known from now on.
    deleted(&world, "");
    let restored = |world: &World| {
        let events = world.events("acme").into_iter();
        events.filter(|event| event["op"] == "user.restore").count()
    };
    for (n, fault) in [Fault::ReplyLost, Fault::RequestLost, Fault::Unavailable]
        .into_iter()
        .enumerate()
    {
        delete(&world, &id);
        // Two reads, then the commit.
        world.kv.fail_next([None, None, Some(fault)]);
        let back = restore(&world, &id);
        assert_eq!(back.status, 200, "{fault:?} {back:?}");
        assert_eq!(restored(&world), n + 1);
        world.check();
    }
    delete(&world, &id);
    let before = world.kv.dump();
    world.kv.set_outage(Some(Fault::Unavailable));
    assert_eq!(restore(&world, &id).status, 503);
    world.kv.set_outage(None);
    assert_eq!(world.kv.dump(), before);
}

#[test]
fn deleted_users_come_page_by_page_in_the_order_of_their_ids() {
    let world = world(json!({}));
    let ids: Vec<String> = (0..5).map(|n| world.user(&format!("u{n}"))).collect();
    for id in &ids {
        delete(&world, id);
    }
    let mut found = Vec::new();
    let mut query = "?count=2".to_owned();
    loop {
        let page = deleted(&world, &query);
        let users = page["deletedUsers"].as_array().unwrap();
        found.extend(
            users
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert_eq!(users.len(), 2);
        query = format!("?count=2&after={next}");
    }
    assert_eq!(found, ids);
    for query in [
        "?count=0",
        "?count=201",
        "?count=x",
        "?count=-1",
        "?count=1&count=1",
        "?after=a&after=b",
        "?after=%zz",
        "?cuont=1",
        "?filter=userName+eq+%22x%22",
    ] {
        let reply = world.send(&administer("GET", &format!("/deleted-users{query}")));
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
    }
    assert_eq!(restore(&world, "none").status, 404);
    assert_eq!(restore(&world, "..%2fuser%2fx").status, 404);
}

#[test]
fn a_user_of_many_groups_comes_back_into_all_of_them() {
    let world = world(json!({}));
    let (id, _) = alice(&world);
    let groups: Vec<String> = (0..150)
        .map(|n| world.group(&format!("g{n}"), &[&id]))
        .collect();
    delete(&world, &id);
    deleted(&world, "");
    let (calls, _) = world.cost(|| assert_eq!(restore(&world, &id).status, 200));
    assert!(calls <= 3, "{calls}");
    let txn = Txn {
        then: vec![Op::Range(Range::prefix(format!(
            "scim/acme/member-of/{id}/"
        )))],
        ..Txn::default()
    };
    let reply = world.kv.apply(&txn).unwrap().replies.pop();
    let Some(OpReply::Range(memberships)) = reply else {
        panic!("a range was asked for");
    };
    assert_eq!(memberships.kvs.len(), groups.len());
    world.check();
}
