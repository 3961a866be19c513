//! Schemas and indexes that change while there are records, and while other workers have the old
//! configuration.

use crate::schemas::{BADGE, config, found, keys, site, world};
use crate::support::{World, filter, interleave, request};
use serde_json::{Value, json};

/// A configuration with an attribute less marked.
fn without(mark: &str) -> Value {
    let text = config().to_string();
    let text = text.replace(&format!("\"{mark}\":\"server\""), "\"description\":\"\"");
    serde_json::from_str(&text.replace(&format!("\"{mark}\":true"), "\"description\":\"\""))
        .unwrap()
}

#[test]
fn an_index_that_is_added_later_covers_what_was_there() {
    let before = World::configured(without("indexed"));
    let ids: Vec<String> = (0..250)
        .map(|i| {
            site(
                &before,
                &json!({"displayName": "a", "city": format!("c{}", i % 2)}),
            )
            .id()
        })
        .collect();
    assert!(keys(&before, "index/Site/city").is_empty());
    let after = World::over(before.kv.clone(), config(), 2);
    // Not built yet, so everything is read; the first write builds it.
    assert_eq!(found(&after, "/Sites", "city eq \"C1\"").len(), 100);
    assert!(keys(&after, "index/Site/city").is_empty());
    let new = site(&after, &json!({"displayName": "b", "city": "C1"})).id();
    assert_eq!(keys(&after, "index/Site/city").len(), 251);
    let calls = after.kv.calls();
    let reply = after.get(&filter("/Sites", "city eq \"c1\""));
    assert_eq!(reply.body["totalResults"], 126);
    assert!(after.kv.calls() - calls < 5);

    // A worker that still has the old configuration writes: what it would not
    // keep up is not trusted any more, until it is built anew.
    let path = format!("/Sites/{}", ids[0]);
    let moved = before.put(&path, &json!({"displayName": "a", "city": "elsewhere"}));
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!(before.delete(&format!("/Sites/{new}")).status, 204);
    let total = |text: &str| after.get(&filter("/Sites", text)).body["totalResults"].clone();
    assert_eq!(total("city eq \"elsewhere\""), 1);
    assert_eq!(total("city eq \"c0\""), 124);
    site(&after, &json!({"displayName": "b", "city": "Elsewhere"}));
    assert_eq!(total("city eq \"elsewhere\""), 2);
    assert_eq!(total("city eq \"c0\""), 124);
    assert_eq!(keys(&after, "index/Site/city").len(), 251);
}

#[test]
fn a_value_that_was_there_before_it_had_to_be_unique_counts() {
    let before = World::configured(without("uniqueness"));
    let old = site(&before, &json!({"displayName": "a", "code": "M1"})).id();
    let twin = site(&before, &json!({"displayName": "b", "code": "M1"})).id();
    let after = World::over(before.kv.clone(), config(), 2);
    let refused = after.post("/Sites", &json!({"displayName": "c", "code": "M1"}));
    assert_eq!(refused.status, 409, "{refused:?}");
    // The two keep what they have, and each is found.
    let kept = after.put(
        &format!("/Sites/{old}"),
        &json!({"displayName": "a2", "code": "M1"}),
    );
    assert_eq!(kept.status, 200, "{kept:?}");
    let mut both = found(&after, "/Sites", "code eq \"M1\"");
    both.sort();
    assert_eq!(both, [old.clone(), twin.clone()]);
    for id in [old, twin] {
        assert_eq!(after.delete(&format!("/Sites/{id}")).status, 204);
    }
    site(&after, &json!({"displayName": "c", "code": "M1"}));
}

#[test]
fn workers_build_an_index_together() {
    for seed in 0..10 {
        let before = World::configured(without("uniqueness"));
        for i in 0..120 {
            site(
                &before,
                &json!({"displayName": "a", "code": format!("C{i}")}),
            );
        }
        let [a, b] = [2, 3].map(|seed| World::over(before.kv.clone(), config(), seed));
        let requests: Vec<_> = (0..6)
            .map(|i| {
                request(
                    "POST",
                    "/Sites",
                    Some(&json!({"displayName": "n",
                "code": if i == 0 { "C5".to_owned() } else { format!("N{i}") }})),
                )
            })
            .collect();
        let services = [&a.directory, &b.directory];
        let replies = interleave(seed, &services, &requests);
        let statuses: Vec<u16> = replies.iter().map(|r| r.status).collect();
        assert_eq!(statuses, [409, 201, 201, 201, 201, 201], "seed {seed}");
        assert_eq!(keys(&a, "index/Site/code").len(), 125, "seed {seed}");
    }
}

#[test]
fn a_record_keeps_what_a_configuration_no_longer_knows_until_it_is_written() {
    let full = world();
    let made = full.post(
        "/Users",
        &json!({"userName": "ann", BADGE: {"color": "red"}}),
    );
    let path = format!("/Users/{}", made.id());
    let bare = World::over(full.kv.clone(), json!({}), 2);
    let read = bare.get(&path);
    assert_eq!((read.status, &read.body["userName"]), (200, &json!("ann")));
    assert!(read.body[BADGE].is_null());
    assert_eq!(bare.get("/Sites").status, 404);
    assert_eq!(full.get(&path).body[BADGE], json!({"color": "red"}));

    // A value of another type than its attribute has now is as one not known.
    let integer = "{\"name\":\"floors\",\"type\":\"integer\"}";
    let boolean = integer.replace("integer", "boolean");
    let changed = config().to_string().replace(integer, &boolean);
    let other = World::over(full.kv.clone(), serde_json::from_str(&changed).unwrap(), 3);
    let made = site(&full, &json!({"displayName": "a", "floors": 3}));
    let path = format!("/Sites/{}", made.id());
    let read = other.get(&path);
    assert_eq!((read.status, &read.body["displayName"]), (200, &json!("a")));
    assert!(read.body["floors"].is_null());
    assert_eq!(full.get(&path).body["floors"], 3);
    // What is written is what the writer knows.
    let patch = json!([{"op": "replace", "path": "displayName", "value": "b"}]);
    assert_eq!(other.patch(&path, &patch).status, 200);
    assert!(full.get(&path).body["floors"].is_null());
}
