//! Variables of a transcript: `${name}` in paths, headers, bodies and expectations.

use serde_json::Value;
use std::collections::HashMap;

/// A variable that no step has saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable ${{{0}}} has no value (an earlier step failed)")]
pub(crate) struct Unresolved(pub(crate) String);

/// The variables of one run of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(HashMap<String, Value>);

impl Variables {
    /// Gives a variable its value.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Replaces variables in every string of a value, names of members included.
    pub(crate) fn apply(&self, value: &Value) -> Result<Value, Unresolved> {
        Ok(match value {
            Value::String(text) => self.apply_to_string(text)?,
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.apply(item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| Ok((self.apply_to_text(name)?, self.apply(member)?)))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    /// Replaces variables in a string; one that is exactly `${name}` takes the variable's type.
    pub(crate) fn apply_to_string(&self, text: &str) -> Result<Value, Unresolved> {
        match variable_at_start(text) {
            Some((name, "")) => self.lookup(name).cloned(),
            Some(_) | None => self.apply_to_text(text).map(Value::String),
        }
    }

    /// Replaces variables within a text.
    pub(crate) fn apply_to_text(&self, text: &str) -> Result<String, Unresolved> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, _)) = rest.split_once("${") {
            out.push_str(before);
            let from_dollar = rest.get(before.len()..).unwrap_or_default();
            match variable_at_start(from_dollar) {
                Some((name, after)) => {
                    out.push_str(&as_text(self.lookup(name)?));
                    rest = after;
                }
                None => {
                    out.push_str("${");
                    rest = from_dollar.get(2..).unwrap_or_default();
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn lookup(&self, name: &str) -> Result<&Value, Unresolved> {
        self.0.get(name).ok_or_else(|| Unresolved(name.to_owned()))
    }
}

/// The names of all variables in a text.
pub(crate) fn names_in(text: &str) -> Vec<&str> {
    text.match_indices("${")
        .filter_map(|(at, _)| Some(variable_at_start(text.get(at..)?)?.0))
        .collect()
}

/// Name and rest of a text that begins with a variable: `"${" [A-Za-z_][A-Za-z0-9_]* "}"`.
fn variable_at_start(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("${")?.split_once('}')?;
    let mut bytes = name.bytes();
    let first = bytes.next()?;
    let valid = (first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then_some((name, rest))
}

/// A value within a longer text, written as the reference player (in Python) writes it.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("id", json!("7a"));
        variables.set("n", json!(3));
        variables
    }

    #[test]
    fn whole_string_takes_the_type_of_the_variable() {
        assert_eq!(
            variables()
                .apply(&json!({"a": "${n}", "b": "n${n}"}))
                .unwrap(),
            json!({"a": 3, "b": "n3"})
        );
    }

    #[test]
    fn names_of_members_are_replaced_too() {
        assert_eq!(
            variables().apply(&json!({"/x/${id}": [null]})).unwrap(),
            json!({"/x/7a": [null]})
        );
    }

    #[test]
    fn what_only_looks_like_a_variable_stays() {
        let text = "$ ${ ${} ${1} ${a-b} ${id";
        assert_eq!(variables().apply_to_text(text).unwrap(), text);
        assert_eq!(variables().apply_to_text("${${id}").unwrap(), "${7a");
    }

    #[test]
    fn unknown_variable_is_named() {
        assert_eq!(
            variables().apply_to_text("/Users/${gone}"),
            Err(Unresolved("gone".into()))
        );
    }

    #[test]
    fn variables_of_a_text_are_listed() {
        assert_eq!(names_in("${a}/${b_1} ${-} ${c"), ["a", "b_1"]);
    }
}
