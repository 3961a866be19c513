//! How much memory a parsed body takes, known before it is parsed.

/// The most bytes that one value takes, with its name and its part of the list that it is in.
pub const VALUE_BYTES: usize = 48;

/// The most memory, in bytes, that the tree of a body takes beside the body itself, where
/// [`parse_bounded`](super::parse_bounded) lets it have so many values. What is no JSON counts
/// as if it were: nothing is parsed here.
#[must_use]
pub fn tree_bytes(body: &[u8], max_values: usize) -> usize {
    let starts = body
        .iter()
        .filter(|byte| matches!(byte, b'[' | b'{' | b','));
    let values = starts.count().saturating_add(1).min(max_values);
    // A string with an escape is copied; one without is borrowed.
    let copies = if body.contains(&b'\\') { body.len() } else { 0 };
    (values * VALUE_BYTES).saturating_add(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, parse};
    use std::borrow::Cow;
    use std::mem::size_of;

    /// What the heap holds of a tree on a machine of 64 bits, where all but texts is half
    /// as large again at least, with two words for the allocator.
    fn held(json: &Json<'_>) -> usize {
        const ALLOCATION: usize = 2 * size_of::<usize>();
        let text = |text: &Cow<'_, str>| match text {
            Cow::Owned(text) => text.capacity() + ALLOCATION,
            Cow::Borrowed(_) => 0,
        };
        match json {
            Json::String(string) => text(string),
            Json::Array(list) => {
                let slots = list.capacity() * size_of::<Json<'_>>() + ALLOCATION;
                slots + list.iter().map(held).sum::<usize>()
            }
            Json::Object(members) => {
                let slots = members.capacity() * size_of::<(Cow<'_, str>, Json<'_>)>();
                let inner = members.iter().map(|(key, value)| text(key) + held(value));
                slots + ALLOCATION + inner.sum::<usize>()
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) => 0,
        }
    }

    #[test]
    fn no_tree_is_larger_than_it_is_taken_for() {
        let deep = format!("{}{}", "[".repeat(90), "]".repeat(90));
        let list = |element: &str| format!("[{}]", vec![element; 5_000].join(","));
        for text in [
            "7",
            "[]",
            &deep,
            &list("1"),
            &list("[1]"),
            &list("[]"),
            &list(r#"{"":1}"#),
            &list(r#"{"a":1,"b":[2,{}]}"#),
            &list(r#"{"value":"0199aa00-0000-7000-8000-000000000001"}"#),
            &list(r#""a text with an escape\n""#),
        ] {
            let tree = parse(text.as_bytes(), 100).unwrap();
            // Twice, for a word there is half of one here.
            let (held, taken) = (held(&tree), 2 * tree_bytes(text.as_bytes(), usize::MAX));
            assert!(held <= taken, "{:.40}: {held} bytes, not {taken}", text);
        }
    }

    #[test]
    fn what_the_parser_refuses_is_not_counted() {
        assert_eq!(tree_bytes(b"[1,2,3,4,5]", 3), 3 * VALUE_BYTES);
        assert_eq!(tree_bytes(b"", 3), VALUE_BYTES);
        assert_eq!(tree_bytes(br#"["\n"]"#, 3), 2 * VALUE_BYTES + 6);
    }
}
