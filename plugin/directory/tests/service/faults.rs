//! A store that fails: requests and replies are lost, it is away, clients go.

use crate::support::{Reply, World, drop_after, filter, patch, request};
use directory::http::Request;
use directory::kv::memory::Fault;
use serde_json::{Value, json};

/// A world with a user and a group of it, and one write of every kind.
fn writes(world: &World) -> Vec<(&'static str, Request, u16)> {
    let user = world.user("alice");
    let member = world.user("bob");
    let group = world.group("g", &[&member]);
    let (users, groups) = (format!("/Users/{user}"), format!("/Groups/{group}"));
    let title = patch(&json!([{"op": "add", "path": "title", "value": "x"}]));
    let add = patch(&json!([{"op": "add", "path": "members", "value": [{"value": user}]}]));
    let put = json!({"userName": "alice", "title": "y"});
    let list = json!({"displayName": "g2", "members": [{"value": user}]});
    vec![
        (
            "user.create",
            request("POST", "/Users", Some(&json!({"userName": "new"}))),
            201,
        ),
        ("user.patch", request("PATCH", &users, Some(&title)), 200),
        ("user.replace", request("PUT", &users, Some(&put)), 200),
        (
            "group.create",
            request(
                "POST",
                "/Groups",
                Some(&json!({"displayName": "new",
            "members": [{"value": user}]})),
            ),
            201,
        ),
        ("group.patch", request("PATCH", &groups, Some(&add)), 200),
        ("group.replace", request("PUT", &groups, Some(&list)), 200),
        (
            "user.delete",
            request("DELETE", &format!("/Users/{member}"), None),
            204,
        ),
        ("group.delete", request("DELETE", &groups, None), 204),
    ]
}

fn events(world: &World, op: &str) -> usize {
    world
        .events("acme")
        .iter()
        .filter(|event| event["op"] == op)
        .count()
}

/// Everything a client can see, but times and versions.
fn state(world: &World) -> Value {
    let seen = |collection: &str, only: &str| {
        let list = world.get(&format!("{collection}?count=1000&attributes={only}"));
        list.body["Resources"].clone()
    };
    json!([
        seen("/Users", "userName,title,groups"),
        seen("/Groups", "displayName,members")
    ])
}

/// How often a request of its kind calls the store.
fn calls(world: &World, request: &Request) -> usize {
    let before = world.kv.calls();
    world.send(request);
    world.kv.calls() - before
}

#[test]
fn a_lost_call_is_made_good_and_written_once() {
    for fault in [Fault::RequestLost, Fault::ReplyLost, Fault::Unavailable] {
        let kinds = writes(&World::new()).len();
        for kind in 0..kinds {
            let plain = World::new();
            let (_, request, _) = writes(&plain).swap_remove(kind);
            let calls = calls(&plain, &request);

            let world = World::new();
            let (op, request, status) = writes(&world).swap_remove(kind);
            let before = events(&world, op);
            // All calls but the last are reads; the last is the commit.
            let mut faults = vec![None; calls - 1];
            faults.extend([Some(fault), Some(fault)]);
            world.kv.fail_next(faults);
            let reply = world.send(&request);
            // What the commit read of the group is lost with its reply.
            let unseen = op == "group.patch" && fault == Fault::ReplyLost;
            let status = if unseen { 204 } else { status };
            assert_eq!(reply.status, status, "{op} {fault:?} {reply:?}");
            assert_eq!(events(&world, op), before + 1, "{op} {fault:?}");
            assert_eq!(state(&world), state(&plain), "{op} {fault:?}");
            world.check();
        }
    }
}

#[test]
fn the_version_after_a_lost_reply_is_the_stores() {
    let world = World::new();
    let path = format!("/Users/{}", world.user("alice"));
    let title = json!([{"op": "add", "path": "title", "value": "x"}]);
    world.kv.fail_next([None, Some(Fault::ReplyLost)]);
    let patched = world.patch(&path, &title);
    assert_eq!(patched.status, 200);
    assert_eq!(world.get(&path).body, patched.body);
    assert_eq!(world.get(&path).etag(), patched.etag());
}

#[test]
fn a_store_that_is_away_gives_503_and_then_service_goes_on() {
    for fault in [Fault::Unavailable, Fault::RequestLost] {
        let world = World::new();
        for (op, request, status) in writes(&world) {
            world.kv.set_outage(Some(fault));
            let reply = world.send(&request);
            assert_eq!(reply.status, 503, "{op} {fault:?} {reply:?}");
            assert!(reply.header("retry-after").is_some());
            assert_eq!(reply.body["status"], "503");
            world.kv.set_outage(None);
            world.check();
            let reply = world.send(&request);
            assert_eq!(reply.status, status, "{op} {fault:?} {reply:?}");
            world.check();
        }
        for path in [
            "/Users",
            "/Groups",
            &filter("/Users", "title pr"),
            "/Users/x",
        ] {
            world.kv.set_outage(Some(fault));
            assert_eq!(world.get(path).status, 503, "{path}");
            world.kv.set_outage(None);
        }
    }
}

#[test]
fn a_commit_that_stays_in_doubt_is_not_acknowledged() {
    let world = World::new();
    let body = json!({"userName": "alice"});
    // The request with the token's grant, and then every commit.
    world.get("/Users");
    world.kv.set_outage(Some(Fault::ReplyLost));
    assert_eq!(world.post("/Users", &body).status, 503);
    world.kv.set_outage(None);
    // It was made, once, and so the client finds out.
    assert_eq!(world.post("/Users", &body).status, 409);
    assert_eq!(events(&world, "user.create"), 1);
    world.check();
}

#[test]
fn a_client_that_goes_leaves_all_or_nothing() {
    let kinds = writes(&World::new()).len();
    for kind in 0..kinds {
        let after = World::new();
        let (_, request, status) = writes(&after).swap_remove(kind);
        let untouched = World::new();
        writes(&untouched);
        let before = state(&untouched);
        assert_eq!(after.send(&request).status, status);
        let after = state(&after);

        for polls in 0.. {
            let world = World::new();
            let (op, request, _) = writes(&world).swap_remove(kind);
            let done = drop_after(&world.directory, &request, polls);
            let now = state(&world);
            assert!(
                now == before || now == after,
                "{op} dropped after {polls} polls"
            );
            world.check();
            if done.is_some() {
                assert_eq!(now, after, "{op}");
                break;
            }
            assert!(polls < 1_000);
        }
    }
}

#[test]
fn an_addition_that_was_made_is_not_made_again_after_a_removal() {
    let world = World::new();
    let alice = world.user("alice");
    let group = world.group("g", &[]);
    let path = format!("/Groups/{group}");
    // The addition is made, its reply is lost, and before it is sent again
    // somebody takes the member out.
    world.kv.fail_next([None, Some(Fault::ReplyLost)]);
    let (kv, other) = (world.kv.clone(), path.clone());
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{alice}\"]")}]);
    world.kv.before(2, move |_| {
        let other_worker = World::over(kv, json!({}), 7);
        assert_eq!(other_worker.patch(&other, &remove).status, 200);
    });
    let add = json!([{"op": "add", "path": "members", "value": [{"value": alice}]}]);
    assert_eq!(world.patch(&path, &add).status, 204);
    assert!(world.members(&group).is_empty());
    assert_eq!(events(&world, "group.patch"), 2);
    world.check();
}

#[test]
fn a_revoked_token_writes_nothing_more() {
    let world = World::new();
    let path = format!("/Users/{}", world.user("alice"));
    let before = world.get(&path).body;
    let title = json!([{"op": "add", "path": "title", "value": "x"}]);
    // Between the read and the commit.
    world.kv.before(1, |kv| {
        let delete = directory::kv::Op::delete_prefix("scim/token/");
        let txn = directory::kv::Txn {
            then: vec![delete],
            ..directory::kv::Txn::default()
        };
        kv.apply(&txn).unwrap();
    });
    let reply: Reply = world.patch(&path, &title);
    assert_eq!(reply.status, 401, "{reply:?}");
    assert_eq!(world.get(&path).status, 401);
    assert_eq!(world.events("acme").len(), 1);
    assert!(before["title"].is_null());
}
