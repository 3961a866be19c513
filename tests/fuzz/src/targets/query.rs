//! Query strings against a store that holds some users and groups. Reading changes nothing,
//! so one store serves all inputs.

use crate::fixture::SECRET;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

thread_local! {
    static WORLD: World = World::populated();
}

/// What stands behind the `?`.
pub(crate) fn run(data: &[u8]) {
    let query = String::from_utf8_lossy(data);
    WORLD.with(|world| {
        for endpoint in ["/Users", "/Groups", "/"] {
            let (status, body) = world.call("GET", &format!("{endpoint}?{query}"), &Value::Null);
            assert!(matches!(status, 200 | 400 | 403), "{status}: {body}");
            assert!(!body.to_string().contains(SECRET), "{body}");
            if status == 200 && body.get("nextCursor").is_some() {
                walk(world, endpoint, &query, &body);
            } else if status == 200 {
                pages(world, endpoint, &query, &body);
            }
        }
    });
}

/// What the page does not show is on the next one: a page of one entry is the first of the
/// page that was asked for.
fn pages(world: &World, endpoint: &str, query: &str, page: &Value) {
    let given = query.to_ascii_lowercase();
    if given.contains("count") || given.contains("cursor") || given.contains('%') {
        return;
    }
    let query = format!("{endpoint}?{query}&count=1");
    let (status, first) = world.call("GET", &query, &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(first["totalResults"], page["totalResults"]);
    assert_eq!(first["Resources"].get(0), page["Resources"].get(0));
}

/// All pages of a walk by cursor together hold each result once.
fn walk(world: &World, endpoint: &str, query: &str, first: &Value) {
    let mut seen = BTreeSet::new();
    let mut page = first.clone();
    loop {
        for resource in page["Resources"].as_array().unwrap() {
            assert!(
                seen.insert(resource["id"].to_string()),
                "{query}: twice {resource}"
            );
        }
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.eq_ignore_ascii_case("cursor") => format!("{name}={next}"),
            _ => pair.to_owned(),
        });
        let query: Vec<String> = pairs.collect();
        let path = format!("{endpoint}?{}", query.join("&"));
        let (status, body) = world.call("GET", &path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        page = body;
    }
    if page.get("previousCursor").is_some() || first.get("nextCursor").is_some() {
        assert_eq!(first["totalResults"], seen.len(), "{query}");
    }
}
