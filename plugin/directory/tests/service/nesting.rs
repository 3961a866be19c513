//! Groups in groups: who is in which, directly and through others.

use crate::support::{World, filter, values};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The groups of a user, by name, with their type.
fn groups(user: &Value) -> Vec<(&str, &str)> {
    let groups = user["groups"].as_array().into_iter().flatten();
    groups
        .map(|group| {
            (
                group["display"].as_str().unwrap(),
                group["type"].as_str().unwrap(),
            )
        })
        .collect()
}

fn add(world: &World, group: &str, member: &str) {
    let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
    assert_eq!(world.patch(&format!("/Groups/{group}"), &add).status, 200);
}

#[test]
fn every_answer_has_direct_and_indirect_groups_each_once() {
    let world = World::new();
    let alice = world.user("alice");
    let team = world.group("team", &[&alice]);
    let club = world.group("club", &[&alice]);
    let staff = world.group("staff", &[&team, &club, &alice]);
    let all = world.group("all", &[&staff, &team]);
    world.group("empty", &[]);
    let expected = [
        ("team", "direct"),
        ("club", "direct"),
        ("staff", "direct"),
        ("all", "indirect"),
    ];
    let path = format!("/Users/{alice}");
    let title = json!([{"op": "add", "path": "title", "value": "x"}]);
    let answers = [
        world.get(&path).body,
        world.patch(&path, &title).body,
        // Without a difference.
        world.patch(&path, &title).body,
        world
            .put(&path, &json!({"userName": "alice", "title": "y"}))
            .body,
        world.get("/Users").body["Resources"][0].clone(),
        world.get(&filter("/Users", r#"userName eq "alice""#)).body["Resources"][0].clone(),
        world.get(&filter("/Users", r#"title eq "y""#)).body["Resources"][0].clone(),
    ];
    for answer in &answers {
        assert_eq!(groups(answer), expected);
        let last = &answer["groups"][3];
        assert_eq!(last["value"], all);
        assert_eq!(
            last["$ref"],
            format!("https://scim.example.com/scim/v2/Groups/{all}")
        );
    }
    // The groups themselves have the members that they were given.
    assert_eq!(world.members(&all), BTreeSet::from([staff, team]));
}

#[test]
fn filters_find_indirect_members_and_tell_them_from_direct_ones() {
    let world = World::new();
    let alice = world.user("alice");
    let bob = world.user("bob");
    world.user("carol");
    let inner = world.group("inner", &[&alice]);
    let middle = world.group("middle", &[&inner]);
    let outer = world.group("outer", &[&middle, &bob]);
    for (text, expected) in [
        (format!(r#"groups.value eq "{outer}""#), vec![&alice, &bob]),
        (format!(r#"groups eq "{outer}""#), vec![&alice, &bob]),
        (format!(r#"groups.value eq "{middle}""#), vec![&alice]),
        (
            format!(r#"groups[value eq "{outer}" and type eq "direct"]"#),
            vec![&bob],
        ),
        (
            format!(r#"groups[value eq "{outer}" and type eq "indirect"]"#),
            vec![&alice],
        ),
        (
            format!(r#"groups.value eq "{outer}" and userName sw "a""#),
            vec![&alice],
        ),
        (r#"groups.type eq "direct""#.to_owned(), vec![&alice, &bob]),
        (r#"groups.type eq "indirect""#.to_owned(), vec![&alice]),
        (
            r#"groups.display eq "Outer""#.to_owned(),
            vec![&alice, &bob],
        ),
        (
            format!(r#"groups.value co "{}""#, outer.get(8..).unwrap()),
            vec![&alice, &bob],
        ),
        (r#"groups.value eq "nobody""#.to_owned(), vec![]),
        (format!(r#"groups.value eq "{alice}""#), vec![]),
    ] {
        let found = world.get(&filter("/Users", &text));
        assert_eq!(found.ids().iter().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(found.body["totalResults"], expected.len(), "{text}");
    }
}

#[test]
fn circles_end() {
    let world = World::new();
    let alice = world.user("alice");
    let a = world.group("a", &[&alice]);
    let b = world.group("b", &[&a]);
    add(&world, &a, &b);
    add(&world, &a, &a);
    let user = world.get(&format!("/Users/{alice}")).body;
    assert_eq!(groups(&user), [("a", "direct"), ("b", "indirect")]);
    for group in [&a, &b] {
        let text = format!(r#"groups.value eq "{group}""#);
        let found = world.get(&filter("/Users", &text)).ids();
        assert_eq!(found, std::slice::from_ref(&alice));
    }
    assert_eq!(world.members(&a), BTreeSet::from([alice, a.clone(), b]));
    world.check();
}

#[test]
fn a_group_that_is_deleted_leaves_the_groups_it_was_in() {
    let world = World::new();
    let alice = world.user("alice");
    let inner = world.group("inner", &[&alice]);
    let middle = world.group("middle", &[&inner]);
    let outer = world.group("outer", &[&middle]);
    let before = world.get(&format!("/Groups/{outer}")).etag();
    assert_eq!(world.delete(&format!("/Groups/{middle}")).status, 204);
    world.check();
    let after = world.get(&format!("/Groups/{outer}"));
    assert_eq!(after.body["members"], json!([]));
    assert_ne!(after.etag(), before);
    let user = world.get(&format!("/Users/{alice}")).body;
    assert_eq!(groups(&user), [("inner", "direct")]);
    let text = format!(r#"groups.value eq "{outer}""#);
    assert!(world.get(&filter("/Users", &text)).ids().is_empty());
}

#[test]
fn each_level_of_groups_costs_one_call_and_none_costs_nothing() {
    let world = World::new();
    let alice = world.user("alice");
    let calls = |path: &str| {
        let before = world.kv.calls();
        assert_eq!(world.get(path).status, 200);
        world.kv.calls() - before
    };
    let path = format!("/Users/{alice}");
    let by_name = filter("/Users", r#"userName eq "alice""#);
    world.get("/Users");
    assert_eq!(calls(&path), 1);
    let mut inner: Vec<String> = Vec::new();
    for at in 0..3 {
        inner.push(world.group(&format!("inner {at}"), &[&alice]));
    }
    assert_eq!(calls(&path), 2);
    let named = calls(&by_name);
    let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
    let mut outer = world.group("1", &inner);
    for level in 2..5 {
        outer = world.group(&level.to_string(), &[&outer]);
    }
    assert_eq!(calls(&path), 2 + 4);
    assert_eq!(calls(&by_name), named + 4);
    assert_eq!(calls(&format!("{path}?excludedAttributes=groups")), 1);
}

#[test]
fn a_hundred_levels_count_and_no_more() {
    let world = World::new();
    let alice = world.user("alice");
    let mut chain = vec![world.group("0", &[&alice])];
    for level in 1..120 {
        let inner = chain.last().unwrap();
        chain.push(world.group(&level.to_string(), &[inner]));
    }
    let user = world.get(&format!("/Users/{alice}")).body;
    let expected: BTreeSet<String> = chain[..100].iter().cloned().collect();
    assert_eq!(values(&user["groups"]), expected);
    for (level, found) in [(0, 1), (99, 1), (100, 0)] {
        let text = format!(r#"groups.value eq "{}""#, chain[level]);
        assert_eq!(
            world.get(&filter("/Users", &text)).ids().len(),
            found,
            "{level}"
        );
    }
}

#[test]
fn a_group_may_be_in_more_groups_than_are_read_at_once() {
    let world = World::new();
    let alice = world.user("alice");
    let inner = world.group("inner", &[&alice]);
    for at in 0..50 {
        world.group(&format!("outer {at}"), &[&inner]);
    }
    let user = world.get(&format!("/Users/{alice}")).body;
    assert_eq!(user["groups"].as_array().unwrap().len(), 51);
}

/// Who is a member of each group; small numbers stand for users first.
fn memberships() -> impl Strategy<Value = Vec<BTreeSet<usize>>> {
    prop::collection::vec(prop::collection::btree_set(0..USERS + 7, 0..4), 7)
}

const USERS: usize = 3;

/// The groups in which somebody is, through any number of others.
fn reached(members: &[BTreeSet<usize>], who: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![who];
    while let Some(who) = next.pop() {
        for (group, members) in members.iter().enumerate() {
            if members.contains(&who) && reached.insert(group) {
                next.push(USERS + group);
            }
        }
    }
    reached
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn groups_and_filters_are_what_the_memberships_say(members in memberships()) {
        let world = World::new();
        let mut ids: Vec<String> = (0..USERS).map(|at| world.user(&format!("u{at}"))).collect();
        ids.extend((0..members.len()).map(|at| world.group(&format!("g{at}"), &[])));
        for (group, members) in members.iter().enumerate() {
            for member in members {
                add(&world, &ids[USERS + group], &ids[*member]);
            }
        }
        let list = world.get("/Users").body;
        let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for user in 0..USERS {
            let reached = reached(&members, user);
            for group in &reached {
                found.entry(*group).or_default().push(ids[user].clone());
            }
            let expected: BTreeSet<(&str, &str)> = reached
                .iter()
                .map(|group| {
                    let direct = members[*group].contains(&user);
                    (ids[USERS + group].as_str(), if direct { "direct" } else { "indirect" })
                })
                .collect();
            let alone = world.get(&format!("/Users/{}", ids[user])).body;
            for seen in [&alone, &list["Resources"][user]] {
                let groups = seen["groups"].as_array().into_iter().flatten();
                let groups: Vec<(&str, &str)> = groups
                    .map(|group| (group["value"].as_str().unwrap(), group["type"].as_str().unwrap()))
                    .collect();
                prop_assert_eq!(groups.len(), expected.len());
                prop_assert_eq!(groups.into_iter().collect::<BTreeSet<_>>(), expected.clone());
            }
        }
        for group in 0..members.len() {
            let text = format!(r#"groups.value eq "{}""#, ids[USERS + group]);
            let expected = found.remove(&group).unwrap_or_default();
            prop_assert_eq!(world.get(&filter("/Users", &text)).ids(), expected);
        }
    }
}
