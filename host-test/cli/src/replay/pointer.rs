//! JSON pointers (RFC 6901) into an answer.

use serde_json::Value;

/// The value at `pointer`. Unlike [`Value::pointer`], an index may have leading zeros, as the
/// reference player allows.
pub(crate) fn find<'v>(document: &'v Value, pointer: &str) -> Option<&'v Value> {
    if pointer.is_empty() {
        return Some(document);
    }
    pointer
        .split('/')
        .skip(1)
        .try_fold(document, |value, token| match value {
            Value::Object(members) => members.get(&token.replace("~1", "/").replace("~0", "~")),
            Value::Array(items) if token.bytes().all(|b| b.is_ascii_digit()) => {
                items.get(token.parse::<usize>().ok()?)
            }
            Value::Array(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointer_reaches_members_and_elements() {
        let document = json!({"a/b": [{"~": 1}], "": 2});
        assert_eq!(find(&document, ""), Some(&document));
        assert_eq!(find(&document, "/a~1b/0/~0"), Some(&json!(1)));
        assert_eq!(find(&document, "/"), Some(&json!(2)));
        assert_eq!(find(&document, "/a~1b/1"), None);
        assert_eq!(find(&document, "/a~1b/x"), None);
        assert_eq!(find(&document, "/missing/0"), None);
    }
}
