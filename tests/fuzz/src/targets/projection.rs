//! `attributes` and `excludedAttributes`: an answer holds nothing that the whole resource
//! does not hold, never a secret, and always the id.

use crate::fixture::{self, SECRET};
use scim::projection::Projection;
use scim::resource::{Resource, to_client};
use scim::schema::Registry;
use serde_json::Value;

/// The two lists, one a line. Without a second line only `attributes` is given.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (attributes, excluded) = match text.split_once('\n') {
        Some((attributes, excluded)) => (attributes, Some(excluded)),
        None => (text, None),
    };
    fixture::with(|registry, resources| {
        for resource in resources {
            check(registry, resource, attributes, excluded);
        }
    });
}

fn check(registry: &Registry, resource: &Resource, attributes: &str, excluded: Option<&str>) {
    let kind = resource.resource_type;
    let show = |projection| {
        let bytes = to_client(registry, resource, &projection);
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let whole = show(Projection::all());
    let both = show(Projection::parse(
        registry,
        kind,
        Some(attributes),
        excluded,
    ));
    let less = show(Projection::parse(registry, kind, None, Some(attributes)));
    for part in [&both, &less] {
        assert!(is_part(part, &whole), "{part} is not in {whole}");
        assert_eq!(part["id"], whole["id"]);
        assert!(part["schemas"].is_array());
    }
}

/// Whether all of `part` is in `whole`; a list may have lost members of its elements, but
/// no element.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
            let found = whole.get(name);
            found.is_some_and(|found| is_part(value, found))
        }),
        (Value::Array(part), Value::Array(whole)) => {
            let mut rest = whole.iter();
            part.iter()
                .all(|value| rest.any(|found| is_part(value, found)))
        }
        (part, whole) => part == whole,
    }
}
