//! Queries: filters by index and by scan, pages, projections.

use crate::support::{World, filter};
use serde_json::{Value, json};

/// Ten users, every other inactive, each in a department of three.
fn users(world: &World) -> Vec<String> {
    let ids = (0..10).map(|i| {
        let body = json!({"userName": format!("User{i}"), "externalId": format!("E{}", i / 2),
            "active": i % 2 == 0, "title": format!("t{}", i % 3),
            "emails": [{"value": format!("U{i}@Example.com"), "type": "work"},
                {"value": "shared@example.com"}]});
        world.post("/Users", &body).id()
    });
    let ids: Vec<String> = ids.collect();
    world.clock.advance(std::time::Duration::from_millis(1));
    ids
}

fn pick(ids: &[String], at: &[usize]) -> Vec<String> {
    let mut picked: Vec<String> = at.iter().map(|i| ids[*i].clone()).collect();
    picked.sort();
    picked
}

#[test]
fn a_query_without_result_is_an_empty_list() {
    let world = World::new();
    for path in [
        "/Users",
        "/Groups",
        "/Users/?filter=userName+eq+%22x%22",
        "/users?count=0",
    ] {
        let reply = world.get(path);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(
            reply.body,
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
        );
    }
}

#[test]
fn filters_find_by_index_what_they_find_by_scan() {
    let world = World::new();
    let ids = users(&world);
    for (text, expected) in [
        (r#"userName eq "USER3""#.to_owned(), pick(&ids, &[3])),
        (
            r#"userName Eq "user3" and active eq true"#.to_owned(),
            vec![],
        ),
        (r#"externalId eq "E1""#.to_owned(), pick(&ids, &[2, 3])),
        (r#"externalId eq "e1""#.to_owned(), vec![]),
        (r#"externalId eq "E""#.to_owned(), vec![]),
        (
            r#"emails.value eq "u4@example.COM""#.to_owned(),
            pick(&ids, &[4]),
        ),
        (r#"emails eq "u4@example.com""#.to_owned(), pick(&ids, &[4])),
        (
            r#"emails[type eq "work"].value eq "u4@example.com""#.to_owned(),
            pick(&ids, &[4]),
        ),
        (
            r#"emails[type eq "home" and value eq "u4@example.com"]"#.to_owned(),
            vec![],
        ),
        (format!(r#"id eq "{}""#, ids[7]), pick(&ids, &[7])),
        (
            format!(r#"id eq "{}" and userName eq "user8""#, ids[7]),
            vec![],
        ),
        (
            r#"emails.value eq "shared@example.com" and title eq "t1""#.to_owned(),
            pick(&ids, &[1, 4, 7]),
        ),
    ] {
        let by_index = world.get(&filter("/Users", &text)).ids();
        assert_eq!(by_index, expected, "{text}");
        // No index answers a disjunction.
        let scanned = format!("({text}) or userName eq \"nobody\"");
        assert_eq!(
            world.get(&filter("/Users", &scanned)).ids(),
            expected,
            "{scanned}"
        );
    }
}

#[test]
fn other_filters_scan() {
    let world = World::new();
    let ids = users(&world);
    for (text, expected) in [
        (
            r#"userName sw "user""#,
            pick(&ids, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ),
        (r"active eq false", pick(&ids, &[1, 3, 5, 7, 9])),
        (
            r#"title co "2" or userName ew "0""#,
            pick(&ids, &[0, 2, 5, 8]),
        ),
        (r#"not (title eq "t0")"#, pick(&ids, &[1, 2, 4, 5, 7, 8])),
        (r#"meta.lastModified gt "2999-01-01T00:00:00Z""#, vec![]),
        (
            r#"meta.resourceType eq "User" and title eq "t1""#,
            pick(&ids, &[1, 4, 7]),
        ),
        ("groups pr", vec![]),
    ] {
        assert_eq!(world.get(&filter("/Users", text)).ids(), expected, "{text}");
    }
}

#[test]
fn membership_is_found_from_both_sides() {
    let world = World::new();
    let ids = users(&world);
    let one = world.group("One", &[&ids[0], &ids[1]]);
    let two = world.group("Two", &[&ids[1], &one]);
    for (collection, text, expected) in [
        (
            "/Groups",
            format!(r#"members eq "{}""#, ids[1]),
            vec![&one, &two],
        ),
        (
            "/Groups",
            format!(r#"members.value eq "{}""#, ids[0]),
            vec![&one],
        ),
        (
            "/Groups",
            format!(r#"members[value eq "{one}"] and displayName eq "two""#),
            vec![&two],
        ),
        (
            "/Groups",
            format!(r#"id eq "{one}" and members eq "{}""#, ids[5]),
            vec![],
        ),
        (
            "/Groups",
            r#"members.type eq "Group""#.to_owned(),
            vec![&two],
        ),
        ("/Groups", r#"displayName eq "ONE""#.to_owned(), vec![&one]),
        (
            "/Users",
            format!(r#"groups.value eq "{two}""#),
            vec![&ids[0], &ids[1]],
        ),
        (
            "/Users",
            r#"groups.display eq "One""#.to_owned(),
            vec![&ids[0], &ids[1]],
        ),
    ] {
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        expected.sort();
        assert_eq!(
            world.get(&filter(collection, &text)).ids(),
            expected,
            "{text}"
        );
    }
    let reply = world.get(&filter("/Users", r#"userName eq "user1""#));
    assert_eq!(
        reply.body["Resources"][0]["groups"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        reply.body["Resources"][0],
        world.get(&format!("/Users/{}", ids[1])).body
    );
    let reply = world.get(&filter("/Groups", r#"displayName eq "two""#));
    assert_eq!(
        reply.body["Resources"][0],
        world.get(&format!("/Groups/{two}")).body
    );
}

#[test]
fn pages_cover_everything_once_in_one_order() {
    let world = World::new();
    let ids = users(&world);
    for collection in [
        "/Users?".to_owned(),
        filter("/Users", r#"userName sw "u""#) + "&",
        filter("/Users", r#"emails.value eq "shared@example.com""#) + "&",
    ] {
        let mut seen = Vec::new();
        for start in [1, 4, 7, 10, 13] {
            let page = world.get(&format!("{collection}startIndex={start}&count=3"));
            assert_eq!(page.body["totalResults"], 10, "{page:?}");
            assert_eq!(page.body["startIndex"], start);
            assert_eq!(page.body["itemsPerPage"], page.ids().len());
            seen.extend(page.ids());
        }
        assert_eq!(seen, ids, "{collection}");
    }
}

#[test]
fn counts_and_places_out_of_bounds_are_brought_into_them() {
    let world = World::configured(json!({"limits": {"default_count": 4, "max_count": 6}}));
    users(&world);
    for (query, start, items) in [
        ("", 1, 4),
        ("count=1000000", 1, 6),
        ("count=99999999999999999999&startIndex=0", 1, 6),
        ("startIndex=-5&count=2", 1, 2),
        ("count=-1", 1, 0),
        ("count=0", 1, 0),
        ("startIndex=9", 9, 2),
        ("startIndex=11", 11, 0),
        ("startIndex=99999999999999999999", i64::MAX, 0),
    ] {
        let reply = world.get(&format!("/Users?{query}"));
        let numbers = |name: &str| reply.body[name].clone();
        assert_eq!(numbers("totalResults"), 10, "{query}");
        assert_eq!(numbers("startIndex"), json!(start), "{query}");
        assert_eq!(numbers("itemsPerPage"), json!(items), "{query}");
    }
    for query in [
        "count=x",
        "startIndex=1.5",
        "count=1&count=2",
        "filter=%ff",
        "filter=",
        "filter=%5B",
    ] {
        assert_eq!(world.get(&format!("/Users?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a_list_of_more_than_a_page_of_the_store_is_read_at_one_revision() {
    let world = World::new();
    for i in 0..1_203 {
        world.user(&format!("u{i}"));
    }
    let all = world.get("/Users?count=1000");
    let rest = world.get("/Users?count=1000&startIndex=1001");
    assert_eq!(all.ids().len() + rest.ids().len(), 1_203);
    assert_eq!(rest.body["totalResults"], 1_203);
    let scanned = world.get(&filter("/Users", r#"userName ew "1""#));
    assert_eq!(scanned.body["totalResults"], 121);

    // A user who comes while the list is read is not in it.
    let late = |world: &World, path: &str| {
        let kv = world.kv.clone();
        world.kv.before(1, move |_| {
            let other = World::over(kv, json!({}), 7);
            other.user(&format!("u{}1", kv_size(&other)));
        });
        world.get(path)
    };
    let scanned = late(&world, &filter("/Users", r#"userName ew "1""#));
    assert_eq!(scanned.body["totalResults"], 121);
    let page = late(&world, "/Users?count=1&startIndex=1205");
    assert_eq!(
        (page.body["totalResults"].clone(), page.ids().len()),
        (json!(1_204), 0)
    );
}

fn kv_size(world: &World) -> usize {
    world.kv.dump().len()
}

#[test]
fn a_scan_starts_again_when_its_revision_is_compacted() {
    let world = World::new();
    for i in 0..600 {
        world.user(&format!("u{i}"));
    }
    let kv = world.kv.clone();
    world.kv.before(1, move |_| {
        World::over(kv.clone(), json!({}), 9).user("late");
        kv.compact(kv.revision());
    });
    let reply = world.get(&filter(
        "/Users",
        r#"userName sw "u" or userName eq "late""#,
    ));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["totalResults"], 601);
}

#[test]
fn projections_hold_for_lists() {
    let world = World::new();
    let id = world.user("alice");
    let reply = world.get("/Users?attributes=userName");
    let expected: Value = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id, "userName": "alice"});
    assert_eq!(reply.body["Resources"], json!([expected]));
    world.group("g", &[&id]);
    let reply = world.get("/Groups?excludedAttributes=members");
    assert_eq!(reply.body["Resources"][0].get("members"), None);
    assert_eq!(reply.body["Resources"][0]["displayName"], "g");
}

#[test]
fn looking_up_a_user_name_takes_two_calls_to_the_store() {
    let world = World::new();
    world.user("alice");
    let before = world.kv.calls();
    world.get(&filter("/Users", r#"userName eq "alice""#)).ids();
    assert_eq!(world.kv.calls() - before, 2);
}
