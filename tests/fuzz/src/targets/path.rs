//! Paths: what is no path is refused as one, and what is one is worked on with every
//! operation and several shapes of value, with what must hold for [`patch`](super::patch).

use super::patch;
use scim::Mode;
use scim::filter::Limits;
use scim::json::{self, MAX_DEPTH};
use scim::path::Path;
use scim::schema::Registry;
use serde_json::{Value, json};

thread_local! {
    static REGISTRY: Registry = Registry::standard().unwrap();
}

/// Text of a path.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let known = REGISTRY.with(|registry| {
        let core = registry.core();
        [core.user, core.group].into_iter().any(|kind| {
            match Path::parse(registry, kind, text, &Limits::default(), Mode::Lenient) {
                Ok(path) => {
                    // The way back from the attribute is the same, but for the elements.
                    let whole = Path::to(registry, path.target());
                    assert_eq!(whole.target(), path.target());
                    assert_eq!(whole.container, path.container);
                    true
                }
                Err(error) => {
                    assert_eq!(error.status(), 400, "{error}");
                    assert!(error.scim_type().is_some(), "{error}");
                    false
                }
            }
        })
    });
    if known {
        for operation in operations(text) {
            let body = json!({"Operations": [operation]}).to_string();
            patch::check(&json::parse(body.as_bytes(), MAX_DEPTH).unwrap());
        }
    }
}

fn operations(path: &str) -> impl Iterator<Item = Value> + '_ {
    let values = [
        json!("x"),
        json!(true),
        json!(null),
        json!({"value": "x", "primary": true}),
        json!([{"value": "x", "type": "work"}, {"value": "x"}]),
    ];
    let written = values.into_iter().flat_map(move |value| {
        ["add", "replace"].map(|op| json!({"op": op, "path": path, "value": value}))
    });
    written.chain([json!({"op": "remove", "path": path})])
}
