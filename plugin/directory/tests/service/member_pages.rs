//! Groups with more members than an answer shows.

use crate::support::{World, request, request_of, values};
use serde_json::{Value, json};

fn world() -> (World, Vec<String>, String) {
    let world = World::configured(json!({"limits": {"max_members": 3}}));
    let ids: Vec<String> = (0..8).map(|i| world.user(&format!("u{i}"))).collect();
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = world.group("g", &members);
    (world, ids, group)
}

/// The path and query of a link, below the base path.
fn target(link: &str) -> String {
    let (url, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert!(rest.starts_with("; rel=\"next\""), "{link}");
    let base = "https://scim.example.com/scim/v2";
    url.strip_prefix(base).unwrap().to_owned()
}

/// All pages from a link on.
fn follow(world: &World, link: Option<&str>) -> Vec<Value> {
    let mut next = link.map(target);
    let mut pages = Vec::new();
    while let Some(path) = next {
        let page = world.get(&path);
        assert_eq!(page.status, 200, "{page:?}");
        next = page.header("link").map(target);
        pages.push(page.body);
    }
    pages
}

fn ids_of(body: &Value) -> Vec<String> {
    let members = body["members"].as_array().unwrap().iter();
    members
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn all_members_are_found_by_following_the_links() {
    let (world, ids, group) = world();
    let first = world.get(&format!("/Groups/{group}?attributes=members.value"));
    assert_eq!(ids_of(&first.body), ids[..3]);
    // Who comes and goes meanwhile changes nothing.
    let change = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", ids[5])}]);
    assert!(world.patch(&format!("/Groups/{group}"), &change).status < 300);
    let pages = follow(&world, first.header("link"));
    assert_eq!(pages.len(), 2);
    assert_eq!(ids_of(&pages[0]), ids[3..6]);
    assert_eq!(ids_of(&pages[1]), ids[6..]);
    for page in pages {
        // The attributes are those of the first page.
        assert_eq!(page.get("displayName"), None);
        assert_eq!(page["members"][0].get("$ref"), None);
    }
}

#[test]
fn a_list_that_is_whole_has_no_link() {
    let (world, ids, _) = world();
    for count in [0, 1, 3] {
        let members: Vec<&str> = ids[..count].iter().map(String::as_str).collect();
        let small = world.group(&format!("of {count}"), &members);
        let read = world.get(&format!("/Groups/{small}"));
        assert_eq!(values(&read.body["members"]).len(), count);
        assert_eq!(read.header("link"), None);
    }
}

#[test]
fn answers_to_writes_are_cut_and_say_so() {
    let (world, ids, group) = world();
    let members: Value = ids[1..].iter().map(|id| json!({"value": id})).collect();
    let put = request(
        "PUT",
        &format!("/Groups/{group}"),
        Some(&json!({"displayName": "h", "members": members})),
    );
    let post = request(
        "POST",
        "/Groups",
        Some(&json!({"displayName": "i", "members": members})),
    );
    for write in [put, post] {
        let reply = world.send(&write);
        assert!(reply.status < 300, "{reply:?}");
        let mut found = ids_of(&reply.body);
        assert_eq!(found.len(), 3);
        for page in follow(&world, reply.header("link")) {
            found.extend(ids_of(&page));
        }
        assert_eq!(found, ids[1..]);
    }
}

#[test]
fn a_list_of_groups_says_which_are_cut() {
    let (world, ids, group) = world();
    world.group("small", &[&ids[0]]);
    for path in [
        "/Groups".to_owned(),
        // The filter reads all members, and the answer shows as many as else.
        format!("/Groups?filter=members+eq+%22{}%22", ids[7]),
    ] {
        let list = world.get(&path);
        let cut = &list.body["Resources"][0];
        assert_eq!(cut["id"], json!(group));
        let link = list.header("link").unwrap();
        let context = format!("; anchor=\"https://scim.example.com/scim/v2/Groups/{group}\"");
        assert!(link.ends_with(&context), "{link}");
        let mut found = ids_of(cut);
        for page in follow(&world, Some(link)) {
            found.extend(ids_of(&page));
        }
        assert_eq!(found, ids);
    }
    let list = world.get("/Groups?excludedAttributes=members");
    assert_eq!(list.header("link"), None);
}

#[test]
fn a_cursor_leads_into_no_other_group_and_no_other_tenant() {
    let (world, ids, group) = world();
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let other = world.group("other", &members);
    let read = world.get(&format!("/Groups/{group}"));
    let path = target(read.header("link").unwrap());
    let (_, cursor) = path.split_once('?').unwrap();
    let elsewhere = world.get(&format!("/Groups/{other}?{cursor}"));
    assert_eq!(elsewhere.body["scimType"], "invalidCursor", "{elsewhere:?}");
    let stranger = world.send(&request_of("other", "GET", &path, None));
    assert_eq!(stranger.body["scimType"], "invalidCursor", "{stranger:?}");
    let garbage = world.get(&format!("/Groups/{group}?cursor=AAAA"));
    assert_eq!(garbage.status, 400, "{garbage:?}");
}

#[test]
fn a_cursor_ends_with_its_time_and_with_the_stores_past() {
    let (world, _, group) = world();
    let read = world.get(&format!("/Groups/{group}"));
    let path = target(read.header("link").unwrap());
    world.user("one more");
    world.kv.compact(world.kv.revision());
    assert_eq!(world.get(&path).body["scimType"], "expiredCursor");
    let read = world.get(&format!("/Groups/{group}"));
    let path = target(read.header("link").unwrap());
    assert_eq!(world.get(&path).status, 200);
    world.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(world.get(&path).body["scimType"], "expiredCursor");
}

#[test]
fn members_that_are_not_shown_are_not_read() {
    let (world, _, group) = world();
    let empty = world.group("empty", &[]);
    let cost = |id: &str| {
        let path = format!("/Groups/{id}?excludedAttributes=members");
        world.cost(|| assert_eq!(world.get(&path).status, 200))
    };
    let (calls, bytes) = cost(&empty);
    let (calls_large, bytes_large) = cost(&group);
    assert_eq!((calls, calls_large), (1, 1));
    // The names differ, and one of them has no touch key.
    assert!(bytes.abs_diff(bytes_large) < 100, "{bytes} {bytes_large}");
}
