//! Bytes to [`Json`]. The depth is counted while parsing and a deeper body is
//! refused before the parser descends, so neither parsing nor dropping the tree
//! can exhaust the stack.

use super::{Json, Quoted};
use crate::error::Error;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// The deepest nesting that [`parse`] allows, whatever it is asked for; the
/// parser below it stops at 127 with an error of its own.
pub const MAX_DEPTH: usize = 100;

/// How many members of an object are compared each with each for duplicates; a
/// larger one is sorted, so that a body of a million members costs no square.
const FEW_MEMBERS: usize = 32;

/// Parses a body: UTF-8, one JSON value, at most `max_depth` arrays and objects
/// within each other, no name twice in one object. As attribute names have no
/// case (RFC 7643 §2.1), two names that differ only in case are the same name.
///
/// ```
/// let body = scim::json::parse(br#"{"userName":"bjensen"}"#, 20)?;
/// assert_eq!(body.get("USERNAME").and_then(|v| v.as_str()), Some("bjensen"));
/// # Ok::<(), scim::Error>(())
/// ```
///
/// # Errors
/// [`Error::EmptyBody`], [`Error::NotJson`] with the position in bytes,
/// [`Error::TooDeep`], [`Error::DuplicateKey`].
pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Json<'_>, Error> {
    parse_bounded(bytes, max_depth, usize::MAX)
}

/// Parses a body as [`parse`] does, if it has at most `max_values` values: itself, the
/// elements of its arrays and the values of its objects. A tree is many times larger than
/// a text of small values; so this is what bounds its memory.
///
/// # Errors
/// Those of [`parse`], and [`Error::TooManyValues`].
pub fn parse_bounded(bytes: &[u8], max_depth: usize, max_values: usize) -> Result<Json<'_>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::NotJson {
        position: e.valid_up_to(),
        reason: "invalid UTF-8".to_owned(),
    })?;
    if text.bytes().all(|b| b.is_ascii_whitespace()) {
        return Err(Error::EmptyBody);
    }
    let limit = max_depth.min(MAX_DEPTH);
    let refusal = Cell::new(None);
    let seed = Seed {
        remaining: limit,
        limit,
        max_values,
        values: &Cell::new(max_values),
        refusal: &refusal,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = seed
        .deserialize(&mut deserializer)
        .and_then(|json| deserializer.end().map(|()| json));
    parsed.map_err(|e| refusal.take().unwrap_or_else(|| not_json(text, &e)))
}

fn not_json(text: &str, error: &serde_json::Error) -> Error {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let position = (line_start + error.column().saturating_sub(1)).min(text.len());
    let sentence = error.to_string();
    let reason = sentence
        .rsplit_once(" at line ")
        .map_or(sentence.as_str(), |(reason, _)| reason);
    Error::NotJson {
        position,
        reason: reason.to_owned(),
    }
}

/// What a value at this depth may still hold, how many values may still come, and where a
/// refusal of ours is kept: the parser's own error type carries only text.
#[derive(Clone, Copy)]
struct Seed<'c> {
    remaining: usize,
    limit: usize,
    max_values: usize,
    values: &'c Cell<usize>,
    refusal: &'c Cell<Option<Error>>,
}

impl Seed<'_> {
    fn descend<E: de::Error>(self) -> Result<Self, E> {
        match self.remaining.checked_sub(1) {
            Some(remaining) => Ok(Self { remaining, ..self }),
            None => Err(self.refuse(Error::TooDeep { limit: self.limit })),
        }
    }

    fn refuse<E: de::Error>(self, error: Error) -> E {
        let text = error.to_string();
        self.refusal.set(Some(error));
        E::custom(text)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        match self.values.get().checked_sub(1) {
            Some(left) => self.values.set(left),
            None => {
                return Err(self.refuse(Error::TooManyValues {
                    limit: self.max_values,
                }));
            }
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(value).map_or(Json::Decimal(value as f64), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Decimal(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let inner = self.descend()?;
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(inner)? {
            elements.push(element);
        }
        // Short lists are many, and a vector begins with room for four.
        elements.shrink_to_fit();
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let inner = self.descend()?;
        let mut members = Vec::new();
        while let Some(Key(key)) = access.next_key()? {
            members.push((key, access.next_value_seed(inner)?));
        }
        match duplicate(&members) {
            Some(key) => Err(self.refuse(Error::DuplicateKey {
                key: Quoted::from(key),
            })),
            None => {
                members.shrink_to_fit();
                Ok(Json::Object(members))
            }
        }
    }
}

/// A member's name, borrowed where it has no escape (`Cow` alone never borrows).
struct Key<'de>(Cow<'de, str>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

fn duplicate<'m>(members: &'m [(Cow<'_, str>, Json<'_>)]) -> Option<&'m str> {
    let mut names = members.iter().map(|(key, _)| key.as_ref());
    if members.len() <= FEW_MEMBERS {
        return names.enumerate().find_map(|(at, name)| {
            let earlier = members.iter().take(at);
            let mut earlier = earlier.map(|(key, _)| key);
            earlier
                .any(|key| key.eq_ignore_ascii_case(name))
                .then_some(name)
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    names.find(|name| !seen.insert(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> Error {
        parse(text.as_bytes(), 20).unwrap_err()
    }

    #[test]
    fn numbers_keep_their_kind() {
        let parsed = parse(
            b"[1, -9223372036854775808, 9223372036854775808, 1.0, 1e2]",
            1,
        )
        .unwrap();
        assert_eq!(
            parsed.as_array().unwrap(),
            [
                Json::Integer(1),
                Json::Integer(i64::MIN),
                Json::Decimal(9_223_372_036_854_775_808.0),
                Json::Decimal(1.0),
                Json::Decimal(100.0),
            ]
        );
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let parsed = parse(br#"{"a":"plain","b":"esc\u0061ped"}"#, 1).unwrap();
        assert!(matches!(
            parsed.get("A"),
            Some(Json::String(Cow::Borrowed("plain")))
        ));
        assert_eq!(parsed.get("b").and_then(Json::as_str), Some("escaped"));
    }

    #[test]
    fn the_position_of_a_fault_is_in_bytes() {
        let Error::NotJson { position, reason } = error("{\n  \"é\": tru }") else {
            panic!("not refused as JSON")
        };
        assert_eq!((position, reason.as_str()), (13, "expected ident"));
        assert!(matches!(
            parse(b"{\"a\":\"\xff\"}", 20),
            Err(Error::NotJson { position: 6, .. })
        ));
        assert!(matches!(
            error("[1, 2"),
            Error::NotJson {
                position: 4..=5,
                ..
            }
        ));
    }

    #[test]
    fn nothing_is_not_json() {
        assert_eq!(error(""), Error::EmptyBody);
        assert_eq!(error(" \n\t"), Error::EmptyBody);
    }

    #[test]
    fn trailing_data_is_refused() {
        assert!(matches!(error("{} {}"), Error::NotJson { .. }));
    }

    #[test]
    fn names_that_differ_in_case_are_duplicates() {
        let key = Quoted::from("A");
        assert_eq!(error(r#"{"a":1,"b":2,"A":3}"#), Error::DuplicateKey { key });
        let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":0")).collect();
        let key = Quoted::from("K7");
        assert_eq!(
            error(&format!("{{{},\"K7\":0}}", many.join(","))),
            Error::DuplicateKey { key }
        );
    }

    #[test]
    fn the_limit_of_depth_is_exact() {
        assert!(parse(b"[[[1]]]", 3).is_ok());
        assert_eq!(parse(b"[[[1]]]", 2), Err(Error::TooDeep { limit: 2 }));
        assert_eq!(parse(br#"{"a":{}}"#, 1), Err(Error::TooDeep { limit: 1 }));
    }

    #[test]
    fn the_limit_of_values_is_exact() {
        for text in ["[1,[2,3],{}]", r#"{"a":[{"b":1},2]}"#] {
            let values = if text.starts_with('[') { 6 } else { 5 };
            let parse = |most| parse_bounded(text.as_bytes(), 20, most);
            assert!(parse(values).is_ok(), "{text}");
            let limit = values - 1;
            assert_eq!(parse(limit), Err(Error::TooManyValues { limit }), "{text}");
        }
    }

    #[test]
    fn ten_thousand_arrays_are_too_deep() {
        let deep = "[".repeat(10_000);
        assert_eq!(error(&deep), Error::TooDeep { limit: 20 });
        assert_eq!(
            parse(deep.as_bytes(), usize::MAX),
            Err(Error::TooDeep { limit: MAX_DEPTH })
        );
        let objects = "{\"a\":".repeat(10_000);
        assert_eq!(error(&objects), Error::TooDeep { limit: 20 });
    }

    fn json_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|b| b.to_string()),
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|n| n.to_string()),
            any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        ];
        leaf.prop_recursive(6, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|v| format!("[{}]", v.join(", "))),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|m| {
                    let members: Vec<String> =
                        m.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn accepts_what_serde_json_accepts(text in json_text(), cut in any::<prop::sample::Index>(), junk in any::<Option<char>>()) {
            let mut text = text;
            if let Some(junk) = junk {
                let at = cut.index(text.len() + 1);
                let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap();
                text.insert(at, junk);
            }
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match parse(text.as_bytes(), MAX_DEPTH) {
                Ok(_) => prop_assert!(theirs.is_ok()),
                Err(Error::DuplicateKey { .. }) => {}
                Err(_) => prop_assert!(theirs.is_err()),
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in any::<Vec<u8>>()) {
            let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
            prop_assert_eq!(parse(&bytes, MAX_DEPTH).is_ok(), theirs.is_ok());
        }
    }
}
