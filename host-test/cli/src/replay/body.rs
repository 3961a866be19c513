//! A request body as the transcript writes it: members stay in their order, and so do repeated
//! ones, since what an identity provider sends is the point of a transcript.

use crate::replay::variables::{Unresolved, Variables};
use serde_json::value::RawValue;

/// What to send for a body: a string raw, anything else as JSON.
pub(crate) fn to_send(body: &RawValue, variables: &Variables) -> Result<String, Unresolved> {
    match serde_json::from_str::<String>(body.get()) {
        Ok(raw) => variables.apply_to_text(&raw),
        Err(_) => filled_in(body.get(), variables),
    }
}

/// The JSON text with variables replaced in each of its strings, and without white space.
fn filled_in(json: &str, variables: &Variables) -> Result<String, Unresolved> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(quote) = rest.find('"') {
        let (before, from_quote) = rest.split_at(quote);
        push_dense(&mut out, before);
        let (token, after) = from_quote.split_at(string_length(from_quote));
        // The text has been parsed before, so each of its tokens parses.
        let text: String = serde_json::from_str(token).unwrap_or_default();
        out.push_str(&variables.apply_to_string(&text)?.to_string());
        rest = after;
    }
    push_dense(&mut out, rest);
    Ok(out)
}

fn push_dense(out: &mut String, between_strings: &str) {
    out.extend(between_strings.chars().filter(|c| !c.is_ascii_whitespace()));
}

/// Bytes of the string token that `text` begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn sent(body: &str) -> String {
        let mut variables = Variables::default();
        variables.set("id", json!("a\"b"));
        variables.set("n", json!([1, null]));
        let raw: Box<RawValue> = serde_json::from_str(body).unwrap();
        to_send(&raw, &variables).unwrap()
    }

    #[test]
    fn order_and_repetition_are_kept() {
        assert_eq!(
            sent(r#"{"z": 1, "a": 2, "a": 3.0}"#),
            r#"{"z":1,"a":2,"a":3.0}"#
        );
    }

    #[test]
    fn variables_are_escaped_and_keep_their_type() {
        assert_eq!(
            sent(r#"{"${id}": "x${id}", "n": "${n}"}"#),
            r#"{"a\"b":"xa\"b","n":[1,null]}"#
        );
    }

    #[test]
    fn string_is_sent_raw() {
        assert_eq!(
            sent(r#""{\"userName\": \"${id}\",""#),
            r#"{"userName": "a"b","#
        );
    }

    proptest! {
        #[test]
        fn without_variables_the_value_is_unchanged(text in r#"[ \\"a-z\u{e9}$\{\}]{0,12}"#, n in any::<i32>()) {
            let value = json!({"k": [text, n, null, true], "o": {}});
            prop_assume!(!text_has_variable(&value));
            let raw: Box<RawValue> = serde_json::from_str(&format!("{value:#}")).unwrap();
            let sent = to_send(&raw, &Variables::default()).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), value);
        }
    }

    fn text_has_variable(value: &Value) -> bool {
        !crate::replay::variables::names_in(&value.to_string()).is_empty()
    }
}
