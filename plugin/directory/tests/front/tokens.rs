//! Tokens in use: rotated, with two that are good for a while, and when each was used last.

use crate::support::{Reply, World, call, service};
use directory::kv::memory::Fault;
use directory::simulation::block_on;
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn rotate(world: &World, id: &str, body: Option<&Value>) -> Reply {
    let call = world.admin("POST", &format!("/tenants/acme/tokens/{id}/rotate"));
    match body {
        Some(body) => call.body(body).send(),
        None => call.send(),
    }
}

fn listed(world: &World, id: &str) -> Value {
    let list = world.admin("GET", "/tenants/acme/tokens").send();
    let tokens = list.body["tokens"].as_array().unwrap();
    tokens
        .iter()
        .find(|token| token["id"] == id)
        .unwrap()
        .clone()
}

fn status(world: &World, token: &str) -> u16 {
    world.scim("GET", "/Users").bearer(token).send().status
}

fn text(reply: &Reply, name: &str) -> String {
    reply.body[name].as_str().unwrap().to_owned()
}

#[test]
fn a_rotated_token_allows_the_same_and_both_are_good_for_a_day() {
    let world = World::new();
    let (scim, _) = world.token("acme", &["scim"]);
    let user = world.user(&scim, "alice");
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&json!({"label": "Entra", "scopes": ["scim:read"], "mode": "strict", "user": user}))
        .send();
    let (old, id) = (text(&made, "token"), text(&made, "id"));
    assert_eq!(status(&world, &old), 200);
    world.clock.advance(HOUR);
    let new = rotate(&world, &id, None);
    assert_eq!(
        (new.status, new.header("cache-control")),
        (201, Some("no-store"))
    );
    for name in ["label", "scopes", "mode", "user", "tenant"] {
        assert_eq!(new.body[name], made.body[name], "{name}");
    }
    assert_eq!(new.body.get("expiresAt"), None);
    assert_eq!(new.body["created"], "2026-11-18T12:06:40.000Z");
    let end = "2026-11-19T12:06:40.000Z";
    assert_eq!(new.body["replaces"], json!({"id": id, "expiresAt": end}));
    assert_eq!(listed(&world, &id)["expiresAt"], end);
    let (token, new_id) = (text(&new, "token"), text(&new, "id"));
    assert!(token != old && new_id != id && token.ends_with(&text(&new, "lastFour")));
    for token in [&old, &token] {
        assert_eq!(status(&world, token), 200);
    }
    world.clock.advance(HOUR * 24 - Duration::from_millis(1));
    assert_eq!(status(&world, &old), 200);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!((status(&world, &old), status(&world, &token)), (401, 200));
}

#[test]
fn either_of_two_live_tokens_is_revoked_alone() {
    let world = World::new();
    for old_goes in [true, false] {
        let (old, id) = world.token("acme", &["scim"]);
        let new = rotate(&world, &id, None);
        let (token, new_id) = (text(&new, "token"), text(&new, "id"));
        world.revoke("acme", if old_goes { &id } else { &new_id });
        let expected = if old_goes { (401, 200) } else { (200, 401) };
        assert_eq!((status(&world, &old), status(&world, &token)), expected);
    }
}

#[test]
fn when_the_old_one_ends_and_the_new_one_can_be_said() {
    let world = World::new();
    let (old, id) = world.token("acme", &["scim"]);
    let ends = json!({"oldExpiresAt": "2026-11-18T12:06:40Z", "expiresAt": "2027-01-31T00:00:00Z"});
    let new = rotate(&world, &id, Some(&ends));
    assert_eq!(new.body["expiresAt"], "2027-01-31T00:00:00Z");
    assert_eq!(new.body["replaces"]["expiresAt"], "2026-11-18T12:06:40Z");
    world.clock.advance(HOUR);
    assert_eq!(status(&world, &old), 401);

    // A token that has an end gets a successor that lives as long, and no longer itself.
    let body = json!({"scopes": ["scim"], "expiresAt": "2026-11-18T22:06:40Z"});
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&body)
        .send();
    world.clock.advance(HOUR);
    let new = rotate(&world, &text(&made, "id"), None);
    assert_eq!(new.body["expiresAt"], "2026-11-18T23:06:40.000Z");
    assert_eq!(new.body["replaces"]["expiresAt"], "2026-11-18T22:06:40Z");
}

#[test]
fn a_rotation_that_makes_no_sense_is_refused_by_what_is_wrong_and_changes_nothing() {
    let world = World::new();
    let body = json!({"scopes": ["scim"], "expiresAt": "2026-12-01T00:00:00Z"});
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&body)
        .send();
    let id = text(&made, "id");
    let before = world.kv.dump();
    for (body, named) in [
        (json!({"oldExpiresAt": "2020-01-01T00:00:00Z"}), "revoke it"),
        (
            json!({"oldExpiresAt": "2026-12-01T00:00:01Z"}),
            "ends by itself",
        ),
        (json!({"oldExpiresAt": "soon"}), "\"oldExpiresAt\""),
        (json!({"expiresAt": "2020-01-01T00:00:00Z"}), "in the past"),
        (json!({"scopes": ["admin"]}), "\"scopes\""),
        (json!([]), "\"body\""),
    ] {
        let reply = rotate(&world, &id, Some(&body));
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.detail().contains(named), "{body}: {}", reply.detail());
    }
    assert_eq!(rotate(&world, "none", None).status, 404);
    assert_eq!(world.kv.dump(), before);
    let (admin, _) = world.token("other", &["admin"]);
    let path = format!("/admin/v1/tenants/acme/tokens/{id}/rotate");
    let foreign = call(&world.service, "POST", &path).bearer(&admin).send();
    assert_eq!(foreign.status, 403);
}

#[test]
fn a_lost_reply_to_a_rotation_is_found_out() {
    let world = World::new();
    for fault in [Fault::ReplyLost, Fault::RequestLost, Fault::Unavailable] {
        let (old, id) = world.token("acme", &["scim"]);
        let count = || {
            let list = world.admin("GET", "/tenants/acme/tokens").send();
            list.body["tokens"].as_array().unwrap().len()
        };
        let before = count();
        world.kv.fail_next([None, Some(fault)]);
        let new = rotate(&world, &id, None);
        assert_eq!(new.status, 201, "{fault:?} {new:?}");
        assert_eq!(count(), before + 1, "{fault:?}");
        for token in [&old, &text(&new, "token")] {
            assert_eq!(status(&world, token), 200, "{fault:?}");
        }
    }
}

#[test]
fn a_token_rotates_itself_even_when_the_reply_is_lost() {
    let world = World::new();
    for fault in [None, Some(Fault::ReplyLost)] {
        let (admin, id) = world.token("acme", &["admin"]);
        let path = format!("/admin/v1/tenants/acme/tokens/{id}/rotate");
        let call = call(&world.service, "POST", &path).bearer(&admin);
        // Once the token is known, the first call reads and the second writes.
        let list = crate::support::call(&world.service, "GET", "/admin/v1/tenants/acme/tokens");
        assert_eq!(list.bearer(&admin).send().status, 200);
        world.kv.fail_next([None, fault]);
        let new = call.send();
        assert_eq!(new.status, 201, "{fault:?} {new:?}");
    }
}

#[test]
fn rotations_at_the_same_time_each_make_a_token() {
    let world = World::new();
    let (_, id) = world.token("acme", &["scim"]);
    let (path, clock) = (
        format!("/admin/v1/tenants/acme/tokens/{id}/rotate"),
        world.clock.clone(),
    );
    world.kv.before(1, move |kv| {
        let other = service(kv, &clock, 9);
        let call = call(&other, "POST", &path).bearer(crate::support::ADMIN_KEY);
        assert_eq!(call.send().status, 201);
    });
    assert_eq!(rotate(&world, &id, None).status, 201);
    let list = world.admin("GET", "/tenants/acme/tokens").send();
    assert_eq!(list.body["tokens"].as_array().unwrap().len(), 3);
}

#[test]
fn what_an_administrator_does_with_tokens_is_told_in_the_log() {
    let world = World::new();
    let (admin, admin_id) = world.token("acme", &["admin"]);
    let at = |method: &str, path: &str| {
        let path = format!("/admin/v1/tenants/acme/tokens{path}");
        call(&world.service, method, &path).bearer(&admin)
    };
    let made = at("POST", "").body(&json!({"scopes": ["scim"]})).send();
    let id = text(&made, "id");
    let new = text(&at("POST", &format!("/{id}/rotate")).send(), "id");
    assert_eq!(at("DELETE", &format!("/{id}")).send().status, 204);
    world.revoke("acme", &new);
    let log = world.admin("GET", "/tenants/acme/events").send();
    let told: Vec<_> = log.body["events"].as_array().unwrap().iter().collect();
    let expected = [
        ("tenant.create", "acme", "admin-key"),
        ("token.create", &admin_id, "admin-key"),
        ("token.create", &id, &admin_id),
        ("token.rotate", &id, &admin_id),
        ("token.revoke", &id, &admin_id),
        ("token.revoke", &new, "admin-key"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (event, (op, id, token)) in told.iter().zip(expected) {
        assert_eq!(
            (&event["op"], &event["id"], &event["token"]),
            (&json!(op), &json!(id), &json!(token))
        );
    }
    // Nothing else happened in the other tenant.
    let log = world.admin("GET", "/tenants/other/events").send();
    assert_eq!(log.body["events"].as_array().unwrap().len(), 1);
    // As many events as the last one counts: whoever remembers decisions relies on it.
    let of = |key: &str| {
        let all = world.kv.dump().into_iter();
        all.filter(|(k, _)| k.starts_with(key.as_bytes()))
            .collect::<Vec<_>>()
    };
    let last = of("scim/acme/last-event").remove(0).1;
    let last = String::from_utf8(last).unwrap();
    assert_eq!(told.last().unwrap()["event"], last.as_str());
}

#[test]
fn the_last_use_of_a_token_is_written_down_once_an_hour_and_by_no_request() {
    let world = World::new();
    let (token, id) = world.token("acme", &["scim"]);
    let note = || block_on(world.service.note_token_uses()).unwrap();
    let last_used = || listed(&world, &id).get("lastUsed").cloned();
    let revision = world.kv.revision();
    assert_eq!(status(&world, &token), 200);
    assert_eq!((world.kv.revision(), last_used()), (revision, None));
    note();
    assert_eq!(last_used(), Some(json!("2026-11-18T11:06:40.000Z")));
    // Neither a use soon after, nor none, is written.
    let calls = world.kv.calls();
    world.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(status(&world, &token), 200);
    let revision = world.kv.revision();
    note();
    world.clock.advance(HOUR * 5);
    note();
    assert_eq!(
        (world.kv.revision(), world.kv.calls()),
        (revision, calls + 1)
    );
    assert_eq!(status(&world, &token), 200);
    note();
    assert_eq!(last_used(), Some(json!("2026-11-18T17:06:39.000Z")));
    // It is no event, and goes with the token.
    let log = world.admin("GET", "/tenants/acme/events").send();
    assert_eq!(log.body["events"].as_array().unwrap().len(), 2);
    world.clock.advance(HOUR);
    assert_eq!(status(&world, &token), 200);
    world.revoke("acme", &id);
    note();
    let left = world.kv.dump().into_iter();
    let left = left.filter(|(key, _)| key.starts_with(b"scim/acme/token-used/"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_store_that_is_away_keeps_no_use_from_being_written_later() {
    let world = World::new();
    let (token, id) = world.token("acme", &["scim"]);
    assert_eq!(status(&world, &token), 200);
    world.kv.set_outage(Some(Fault::Unavailable));
    assert!(block_on(world.service.note_token_uses()).is_err());
    world.kv.set_outage(None);
    block_on(world.service.note_token_uses()).unwrap();
    assert!(listed(&world, &id)["lastUsed"].is_string());
}

#[test]
fn whoever_is_refused_has_not_used_a_token() {
    let world = World::new();
    let body = json!({"scopes": ["scim"], "expiresAt": "2026-11-18T11:06:41Z"});
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&body)
        .send();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&world, &text(&made, "token")), 401);
    block_on(world.service.note_token_uses()).unwrap();
    assert_eq!(listed(&world, &text(&made, "id")).get("lastUsed"), None);
}
