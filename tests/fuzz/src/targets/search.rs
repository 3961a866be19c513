//! Bodies of `/.search`: the answer is the one that the same parameters get in a URL.

use crate::consistent::escaped;
use crate::fixture::SECRET;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

const PARAMETERS: [&str; 8] = [
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
];

thread_local! {
    static WORLD: World = World::populated();
}

/// A search request.
pub(crate) fn run(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    WORLD.with(|world| {
        for endpoint in ["/Users", "/Groups", ""] {
            let (status, answer) = world.call("POST", &format!("{endpoint}/.search"), &body);
            assert!(matches!(status, 200 | 400), "{status}: {answer}");
            assert!(!answer.to_string().contains(SECRET), "{answer}");
            if let Some(query) = as_query(&body) {
                let (told, other) =
                    world.call("GET", &format!("{endpoint}/?{query}"), &Value::Null);
                assert_eq!(told == 200, status == 200, "{query}: {other}");
                assert!(
                    told != 200 || uncursored(&other) == uncursored(&answer),
                    "{query}: {other}, not {answer}"
                );
            }
        }
    });
}

/// An answer with nothing of its cursors but that they are there: they hold the store's
/// revision, and the first cursor of all writes a key.
fn uncursored(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for name in ["nextCursor", "previousCursor"] {
        if let Some(cursor) = answer.get_mut(name) {
            assert!(cursor.take().is_string(), "{name} is text");
        }
    }
    answer
}

/// The same request as a query; nothing where it could not stand in a URL.
fn as_query(body: &Value) -> Option<String> {
    let members = body.as_object()?;
    // Names have no case, and one that stands there twice is an error in a body alone.
    let names: BTreeSet<String> = members.keys().map(|name| name.to_lowercase()).collect();
    (names.len() == members.len()).then_some(())?;
    let mut query = Vec::new();
    for (name, value) in members {
        if name.eq_ignore_ascii_case("schemas") {
            // A URL has none, so there is nothing that could be wrong with it.
            value.is_null().then_some(())?;
        }
        let known = PARAMETERS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name));
        let Some(known) = known else { continue };
        let text = match value {
            Value::Null => continue,
            Value::String(text) if !matches!(known, 3 | 4) => text.clone(),
            Value::Number(number) if matches!(known, 3 | 4) => number.as_i64()?.to_string(),
            Value::Array(names) if known >= 6 => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                names?.join(",")
            }
            _ => return None,
        };
        query.push(format!("{name}={}", escaped(&text)));
    }
    Some(query.join("&"))
}
