//! Requests at the same time, from two workers over one store, in seeded random
//! order.

use crate::support::{Dice, World, interleave, request};
use directory::http::Request;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SEEDS: std::ops::Range<u64> = 0..20;

/// Two workers over one store.
fn workers(seed: u64) -> (World, World) {
    let one = World::new();
    let two = World::over(one.kv.clone(), json!({}), 1_000 + seed);
    (one, two)
}

fn add(group: &str, member: &str) -> Request {
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
    patch(&format!("/Groups/{group}"), &operations)
}

fn patch(path: &str, operations: &Value) -> Request {
    request("PATCH", path, Some(&crate::support::patch(operations)))
}

fn count(replies: &[crate::support::Reply], status: u16) -> usize {
    replies
        .iter()
        .filter(|reply| reply.status == status)
        .count()
}

#[test]
fn of_many_who_create_one_user_name_one_succeeds() {
    for seed in SEEDS {
        let (one, two) = workers(seed);
        let body = json!({"userName": "alice"});
        let requests = vec![request("POST", "/Users", Some(&body)); 64];
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        assert_eq!(
            (count(&replies, 201), count(&replies, 409)),
            (1, 63),
            "seed {seed}"
        );
        one.check();
        assert_eq!(one.events("acme").len(), 1);
    }
}

#[test]
fn members_are_added_at_once_without_conflict() {
    for seed in SEEDS {
        let (one, two) = workers(seed);
        let users: Vec<String> = (0..64).map(|i| one.user(&format!("u{i}"))).collect();
        let group = one.group("g", &[]);
        let requests: Vec<Request> = users.iter().map(|user| add(&group, user)).collect();
        let (calls, time) = (one.kv.calls(), crate::support::now(&one));
        let replies = interleave(seed, &[&one.directory], &requests);
        assert_eq!(count(&replies, 200), 64, "seed {seed}");
        assert_eq!(
            one.members(&group),
            users.into_iter().collect::<BTreeSet<_>>()
        );
        // A read and a commit each: nobody had to wait or to try again.
        assert_eq!(one.kv.calls() - calls, 64 * 2 + 2);
        assert_eq!(crate::support::now(&one), time);
        one.check();
        let more = one.user("more");
        let replies = interleave(seed, &[&two.directory], &[add(&group, &more)]);
        assert_eq!(count(&replies, 200), 1);
        two.check();
    }
}

#[test]
fn what_is_acknowledged_is_there_after_a_storm_of_patches() {
    for seed in SEEDS {
        let (one, two) = workers(seed);
        let path = format!("/Users/{}", one.user("alice"));
        let requests: Vec<Request> = (0..24)
            .map(|i| {
                let value = json!([{"value": format!("{i}@x"), "type": format!("t{i}")}]);
                patch(
                    &path,
                    &json!([{"op": "add", "path": "emails", "value": value}]),
                )
            })
            .collect();
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        let done = count(&replies, 200);
        assert_eq!(done + count(&replies, 503), 24, "seed {seed}");
        assert!(done > 0);
        let emails = crate::support::values(&one.get(&path).body["emails"]);
        for (i, reply) in replies.iter().enumerate() {
            let acknowledged = reply.status == 200;
            assert_eq!(
                emails.contains(&format!("{i}@x")),
                acknowledged,
                "seed {seed}, {i}"
            );
            assert!(acknowledged || reply.header("retry-after").is_some());
        }
        assert_eq!(one.events("acme").len(), 1 + done);
        one.check();
    }
}

#[test]
fn a_deletion_and_additions_leave_no_membership_of_nobody() {
    for seed in 0..60 {
        let (one, two) = workers(seed);
        let alice = one.user("alice");
        let group = one.group("g", &[]);
        let other = one.group("h", &[&alice]);
        let requests = [
            request("DELETE", &format!("/Users/{alice}"), None),
            add(&group, &alice),
            request("DELETE", &format!("/Groups/{other}"), None),
            add(&other, &alice),
            request(
                "PUT",
                &format!("/Groups/{group}"),
                Some(&json!({"displayName": "g",
                "members": [{"value": alice, "display": "A"}]})),
            ),
        ];
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        assert_eq!(replies[0].status, 204, "seed {seed} {replies:?}");
        assert_eq!(replies[2].status, 204, "seed {seed} {replies:?}");
        assert!(one.members(&group).is_empty());
        one.check();
    }
}

#[test]
fn a_whole_list_is_not_written_over_members_who_came_meanwhile() {
    for seed in 0..60 {
        let (one, two) = workers(seed);
        let users: Vec<String> = (0..6).map(|i| one.user(&format!("u{i}"))).collect();
        let group = one.group("g", &[&users[0]]);
        let path = format!("/Groups/{group}");
        let tag = one.get(&path).etag();
        let mut put = request(
            "PUT",
            &path,
            Some(&json!({"displayName": "g2",
            "members": [{"value": users[1]}]})),
        );
        put.headers.push(("if-match".to_owned(), tag.into_bytes()));
        let requests = [put, add(&group, &users[2]), add(&group, &users[3])];
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        let expected: BTreeSet<String> = match replies[0].status {
            // The list first, and then the others.
            200 => [1, 2, 3].map(|i| users[i].clone()).into(),
            412 => [0, 2, 3].map(|i| users[i].clone()).into(),
            _ => panic!("seed {seed} {:?}", replies[0]),
        };
        assert_eq!(one.members(&group), expected, "seed {seed}");
        one.check();
    }
}

#[test]
fn of_two_whole_lists_one_is_the_last() {
    for seed in 0..60 {
        let (one, two) = workers(seed);
        let users: Vec<String> = (0..3).map(|i| one.user(&format!("u{i}"))).collect();
        let group = one.group("g", &[&users[0]]);
        let path = format!("/Groups/{group}");
        let list = |i: usize| json!([{"value": users[i]}]);
        let requests = [
            request(
                "PUT",
                &path,
                Some(&json!({"displayName": "g", "members": list(1)})),
            ),
            patch(
                &path,
                &json!([{"op": "replace", "path": "members", "value": list(2)}]),
            ),
        ];
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        assert_eq!(
            (replies[0].status, replies[1].status),
            (200, 200),
            "seed {seed}"
        );
        let members: Vec<String> = one.members(&group).into_iter().collect();
        let is_one = members == users[1..2] || members == users[2..3];
        assert!(is_one, "seed {seed}: {members:?}");
        one.check();
    }
}

#[test]
fn names_move_between_users_and_stay_unique() {
    for seed in 0..60 {
        let (one, two) = workers(seed);
        let users: Vec<String> = (0..3).map(|i| one.user(&format!("u{i}"))).collect();
        let dice = Dice::new(seed);
        let requests: Vec<Request> = (0..12)
            .map(|_| {
                let path = format!("/Users/{}", users[dice.below(3)]);
                let name = format!("name{}", dice.below(3));
                match dice.below(3) {
                    0 => request("PUT", &path, Some(&json!({"userName": name}))),
                    1 => request("POST", "/Users", Some(&json!({"userName": name}))),
                    _ => patch(
                        &path,
                        &json!([{"op": "replace", "path": "userName", "value": name}]),
                    ),
                }
            })
            .collect();
        interleave(seed, &[&one.directory, &two.directory], &requests);
        one.check();
    }
}

/// A random write on few users and groups.
fn any_write(dice: &Dice, users: &[String], groups: &[String]) -> Request {
    let user = &users[dice.below(users.len())];
    let group = &groups[dice.below(groups.len())];
    let inner = &groups[dice.below(groups.len())];
    let member = if dice.below(4) == 0 { inner } else { user };
    let name = format!("n{}", dice.below(5));
    let (users, groups) = (format!("/Users/{user}"), format!("/Groups/{group}"));
    let list = json!([{"value": member, "display": name}, {"value": user}]);
    match dice.below(11) {
        0 => request("DELETE", &users, None),
        1 => request("DELETE", &groups, None),
        2 => request("POST", "/Users", Some(&json!({"userName": name}))),
        3 => request(
            "POST",
            "/Groups",
            Some(&json!({"displayName": name, "members": list})),
        ),
        4 => request(
            "PUT",
            &groups,
            Some(&json!({"displayName": name, "members": list})),
        ),
        5 => request(
            "PUT",
            &users,
            Some(&json!({"userName": name, "externalId": name})),
        ),
        6 => patch(
            &groups,
            &json!([{"op": "remove", "path": "members", "value": list}]),
        ),
        7 => patch(
            &groups,
            &json!([{"op": "replace", "path": "members", "value": list}]),
        ),
        8 => patch(
            &groups,
            &json!([{"op": "replace", "path": "displayName", "value": name},
            {"op": "add", "path": "members", "value": list}]),
        ),
        _ => add(group, member),
    }
}

#[test]
fn a_storm_of_everything_leaves_a_store_that_agrees_with_itself() {
    use directory::kv::memory::Fault;
    for seed in 0..300 {
        let (one, two) = workers(seed);
        let users: Vec<String> = (0..4).map(|i| one.user(&format!("u{i}"))).collect();
        let groups: Vec<String> = (0..3)
            .map(|i| one.group(&format!("g{i}"), &[&users[i]]))
            .collect();
        let dice = Dice::new(seed);
        let requests: Vec<Request> = (0..24).map(|_| any_write(&dice, &users, &groups)).collect();
        if seed % 2 == 1 {
            let faults = [Fault::Unavailable, Fault::RequestLost, Fault::ReplyLost];
            let faults = (0..200).map(|_| (dice.below(5) == 0).then(|| faults[dice.below(3)]));
            one.kv.fail_next(faults.collect::<Vec<_>>());
        }
        let before = one.events("acme").len();
        let replies = interleave(seed, &[&one.directory, &two.directory], &requests);
        one.check();
        let written = one.events("acme").len() - before;
        let succeeded = replies.iter().filter(|reply| reply.status < 300).count();
        let in_doubt = count(&replies, 503);
        assert!(
            replies
                .iter()
                .all(|reply| reply.status < 500 || reply.status == 503)
        );
        assert!(written <= succeeded + in_doubt, "seed {seed}");
    }
}
