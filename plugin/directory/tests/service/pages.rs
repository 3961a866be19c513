//! Pages by cursor: RFC 9865.

use crate::support::{Reply, World, filter, request_of};
use directory::kv::{Op, Txn};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn world() -> World {
    let world = World::configured(json!({"cursor_timeout_seconds": 60}));
    for i in 0..10 {
        let body = json!({"userName": format!("user{i}"), "title": format!("t{}", i % 3)});
        assert_eq!(world.post("/Users", &body).status, 201);
    }
    for i in 0..3 {
        world.group(&format!("group{i}"), &[]);
    }
    world
}

/// One more page of a query that has parameters already.
fn page(world: &World, query: &str, cursor: &str) -> Reply {
    let reply = world.get(&format!("{query}&cursor={cursor}"));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["itemsPerPage"], reply.ids().len());
    assert!(reply.body.get("startIndex").is_none(), "{reply:?}");
    reply
}

fn cursor(reply: &Reply, name: &str) -> Option<String> {
    reply
        .body
        .get(name)
        .map(|text| text.as_str().unwrap().to_owned())
}

fn next(reply: &Reply) -> String {
    cursor(reply, "nextCursor").expect("a next page")
}

/// All pages of a query, from the first to the last.
fn walk(world: &World, query: &str) -> Vec<Reply> {
    let mut pages = vec![page(world, query, "")];
    while let Some(cursor) = cursor(&pages[pages.len() - 1], "nextCursor") {
        pages.push(page(world, query, &cursor));
    }
    pages
}

fn error(reply: &Reply) -> (u16, &str) {
    (
        reply.status,
        reply.body["scimType"].as_str().unwrap_or_default(),
    )
}

#[test]
fn a_walk_forth_and_back_shows_each_page_as_a_walk_by_index_does() {
    let world = world();
    for query in [
        "/Users?count=3".to_owned(),
        "/Users?count=5".to_owned(),
        "/Users?count=100".to_owned(),
        "/Users?count=4&sortBy=title&sortOrder=descending".to_owned(),
        filter("/Users", r#"title eq "t1""#) + "&count=2",
        filter("/Users", r#"userName sw "user""#) + "&count=3&sortBy=userName",
        filter("/Users", r#"userName eq "user3""#) + "&count=1",
        filter("/Users", r#"userName eq "nobody""#) + "&count=1",
        "/?count=4".to_owned(),
        "/?count=1".to_owned(),
        "/?count=3&sortBy=displayName".to_owned(),
        filter("/", r#"userName eq "user3" or displayName co "u""#) + "&count=1",
    ] {
        let pages = walk(&world, &query);
        let mut start = 1;
        for page in &pages {
            let by_index = world.get(&format!("{query}&startIndex={start}"));
            assert_eq!(
                page.body["Resources"], by_index.body["Resources"],
                "{query}"
            );
            assert_eq!(page.body["totalResults"], by_index.body["totalResults"]);
            start += page.ids().len();
        }
        assert_eq!(pages[0].body["totalResults"], start - 1, "{query}");
        assert_eq!(cursor(&pages[0], "previousCursor"), None, "{query}");

        let mut back = pages.len() - 1;
        let mut at = page(&world, &query, "");
        for _ in 0..back {
            at = page(&world, &query, &next(&at));
        }
        while let Some(cursor) = cursor(&at, "previousCursor") {
            at = page(&world, &query, &cursor);
            back -= 1;
            assert_eq!(
                at.body["Resources"], pages[back].body["Resources"],
                "{query}"
            );
        }
        assert_eq!(back, 0, "{query}");
        if pages.len() > 1 {
            assert_eq!(page(&world, &query, &next(&at)).ids(), pages[1].ids());
        }
    }
}

#[test]
fn a_walk_sees_the_state_in_which_it_began() {
    let world = world();
    let before: Vec<String> = world.get("/Users?count=100").ids();
    for query in [
        "/Users?count=3",
        "/Users?count=3&sortBy=userName&sortOrder=descending",
    ] {
        let mut reply = page(&world, query, "");
        let mut seen = reply.ids();
        let mut step = 0;
        while let Some(cursor) = cursor(&reply, "nextCursor") {
            // Others delete whom the walk has passed and has not, rename, and add.
            let gone = &world.get("/Users?count=100").ids()[step * 2 % 5];
            assert_eq!(world.delete(&format!("/Users/{gone}")).status, 204);
            world.user(&format!("a-new-one-{query}-{step}"));
            world.user(&format!("z-new-one-{query}-{step}"));
            step += 1;
            reply = page(&world, query, &cursor);
            assert_eq!(reply.body["totalResults"], 10);
            seen.extend(reply.ids());
        }
        assert_eq!(seen.len(), 10, "{query}");
        if query == "/Users?count=3" {
            assert_eq!(seen, before);
        }
        for id in world.get("/Users?count=100").ids().iter().skip(10) {
            assert_eq!(world.delete(&format!("/Users/{id}")).status, 204);
        }
        for left in world.get("/Users?count=100").ids().len()..10 {
            world.user(&format!("filler-{query}-{left}"));
        }
    }
}

#[test]
fn a_cursor_is_good_on_any_instance_for_the_same_query_and_tenant_alone() {
    let world = world();
    let query = filter("/Users", r#"userName sw "user""#)
        + "&sortBy=userName&attributes=userName&excludedAttributes=meta";
    let first = page(&world, &(query.clone() + "&count=3"), "");
    let cursor = next(&first);

    let other = World::over(world.kv.clone(), json!({}), 99);
    let second = page(&other, &(query.clone() + "&count=3"), &cursor);
    assert_eq!(second.body["Resources"][0]["userName"], "user3");
    // A search by POST is the same query.
    let body = json!({"filter": r#"userName sw "user""#, "sortBy": "userName", "count": 3,
        "attributes": ["userName"], "excludedAttributes": "meta", "cursor": cursor});
    let found = world.post("/Users/.search", &body);
    assert_eq!(found.body["Resources"], second.body["Resources"]);

    let with = |parameters: &str| {
        let target = format!("{query}&count=3&cursor={cursor}");
        let (name, _) = parameters.split_once('=').unwrap();
        let kept = target.split(['?', '&']).skip(1);
        let kept: Vec<&str> = kept.filter(|p| !p.starts_with(name)).collect();
        world.get(&format!("/Users?{}&{parameters}", kept.join("&")))
    };
    for changed in [
        "sortBy=title",
        "sortOrder=descending",
        "attributes=title",
        "excludedAttributes=id",
        "filter=userName+sw+%22use%22",
    ] {
        assert_eq!(error(&with(changed)), (400, "invalidCursor"), "{changed}");
    }
    assert_eq!(error(&with("count=4")), (400, "invalidCount"));
    let elsewhere = format!(
        "/Groups?count=3&cursor={}",
        next(&page(&world, "/Users?count=3", ""))
    );
    assert_eq!(error(&world.get(&elsewhere)), (400, "invalidCursor"));
    let root = elsewhere.replace("/Groups", "/");
    assert_eq!(error(&world.get(&root)), (400, "invalidCursor"));
    let request = request_of(
        "other",
        "GET",
        &elsewhere.replace("/Groups", "/Users"),
        None,
    );
    assert_eq!(error(&world.send(&request)), (400, "invalidCursor"));
}

#[test]
fn what_is_no_cursor_is_refused() {
    let world = world();
    let good = next(&page(&world, "/Users?count=3", ""));
    assert!(
        good.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    );
    let mut texts = vec![
        "x".to_owned(),
        "%20".to_owned(),
        "AAAA".repeat(30),
        good.clone() + "A",
    ];
    for at in (0..good.len()).step_by(7) {
        let mut changed = good.clone();
        let letter = if good.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        changed.replace_range(at..=at, letter);
        texts.push(changed);
    }
    for text in texts {
        let reply = world.get(&format!("/Users?count=3&cursor={text}"));
        assert_eq!(error(&reply), (400, "invalidCursor"), "{text}");
    }
}

#[test]
fn a_cursor_expires_by_time_and_each_page_begins_it_anew() {
    let world = world();
    let second = |seconds| world.clock.advance(Duration::from_secs(seconds));
    let first = page(&world, "/Users?count=3", "");
    second(59);
    let next_page = page(&world, "/Users?count=3", &next(&first));
    second(59);
    page(&world, "/Users?count=3", &next(&next_page));
    let target = format!("/Users?count=3&cursor={}", next(&first));
    let reply = world.get(&target);
    assert_eq!(error(&reply), (400, "expiredCursor"));
    assert!(
        reply.body["detail"]
            .as_str()
            .unwrap()
            .contains("60 seconds")
    );
}

#[test]
fn a_cursor_expires_with_the_history_of_the_store() {
    let world = world();
    let first = page(&world, "/Users?count=3", "");
    world.user("later");
    world.kv.compact(world.kv.revision());
    let reply = world.get(&format!("/Users?count=3&cursor={}", next(&first)));
    assert_eq!(error(&reply), (400, "expiredCursor"));
}

#[test]
fn a_cursor_expires_when_the_store_is_put_back_to_an_older_state() {
    let world = world();
    let first = page(&world, "/Users?count=3", "");
    let older = World::new();
    let dump = world.kv.dump().into_iter();
    let key = dump.filter(|(key, _)| key == b"scim/cursor-key");
    let txn = Txn {
        then: key.map(|(key, value)| Op::put(key, value)).collect(),
        ..Txn::default()
    };
    older.kv.apply(&txn).unwrap();
    let reply = older.get(&format!("/Users?count=3&cursor={}", next(&first)));
    assert_eq!(error(&reply), (400, "expiredCursor"));
}

#[test]
fn counts_and_indexes_beside_a_cursor() {
    let world = world();
    let reply = page(&world, "/Users?count=0", "");
    assert_eq!(reply.body["totalResults"], 10);
    assert_eq!(cursor(&reply, "nextCursor"), None);
    assert_eq!(page(&world, "/Users?", "").ids().len(), 10);
    for (query, expected) in [
        ("cursor&startIndex=1", "invalidValue"),
        ("cursor&count=-1", "invalidCount"),
        ("cursor&count=x", "invalidCount"),
        ("cursor&sortOrder=up", "invalidValue"),
    ] {
        let reply = world.get(&format!("/Users?{query}"));
        assert_eq!(error(&reply), (400, expected), "{query}");
    }
    // Neither is given: by index, as before.
    let reply = world.get("/Users?count=2");
    assert_eq!(reply.body["startIndex"], 1);
    assert_eq!(cursor(&reply, "nextCursor"), None);
    let body = json!({"cursor": null, "startIndex": 10, "count": 5});
    assert_eq!(world.post("/Users/.search", &body).ids().len(), 1);
}

#[test]
fn the_key_of_cursors_is_made_once() {
    let world = world();
    let key = |world: &World| {
        let dump = world.kv.dump().into_iter();
        let found: Vec<_> = dump.filter(|(key, _)| key == b"scim/cursor-key").collect();
        assert_eq!(found.len(), 1);
        found
    };
    page(&world, "/Users?count=3", "");
    let made = key(&world);
    let calls = world.kv.calls();
    page(&world, "/Users?count=3", "");
    let ordinary = world.kv.calls() - calls;
    let other = World::over(world.kv.clone(), json!({}), 5);
    page(&other, "/Users?count=3", "");
    assert_eq!(key(&world), made);
    // Groups of users need a call of their own.
    assert_eq!(ordinary, 2);
}

#[test]
fn the_configuration_tells_of_pages() {
    let world = world();
    let reply = world.get("/ServiceProviderConfig");
    let expected: Value = json!({"cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 60});
    assert_eq!(reply.body["pagination"], expected);
    assert_eq!(reply.body["sort"], json!({"supported": true}));
}

#[test]
fn ids_of_all_pages_are_those_of_everybody() {
    let world = world();
    let mut ids = BTreeSet::new();
    for page in walk(&world, "/?count=2") {
        for id in page.ids() {
            assert!(ids.insert(id));
        }
    }
    assert_eq!(ids.len(), 13);
}
