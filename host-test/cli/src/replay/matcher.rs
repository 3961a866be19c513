//! Expected values: JSON equality, or an object with one `$` key.

use fancy_regex::Regex;
use serde_json::{Number, Value};

/// The matchers there are.
pub(crate) const MATCHERS: [&str; 9] = [
    "$re",
    "$type",
    "$len",
    "$contains",
    "$lacks",
    "$in",
    "$ne",
    "$gte",
    "$empty",
];

/// How much of a value a message shows, in characters.
const SHOWN: usize = 240;

/// `None` when `got` satisfies `want`, else why not.
pub(crate) fn mismatch(want: &Value, got: Option<&Value>) -> Option<String> {
    match (as_matcher(want), got) {
        (Some(("$empty", _)), got) => {
            (!is_empty(got)).then(|| format!("wanted nothing there, got {}", show(got)))
        }
        (Some(_), None) => Some("missing".into()),
        (Some((matcher, argument)), Some(got)) => applied(matcher, argument, got),
        (None, None) => Some(format!("missing (wanted {})", show(Some(want)))),
        (None, Some(got)) => (!same(want, got))
            .then(|| format!("wanted {}, got {}", show(Some(want)), show(Some(got)))),
    }
}

/// Matcher and argument, when a value is one.
pub(crate) fn as_matcher(want: &Value) -> Option<(&str, &Value)> {
    let members = want.as_object()?;
    let (name, argument) = members.iter().next()?;
    (members.len() == 1 && MATCHERS.contains(&name.as_str())).then_some((name, argument))
}

fn applied(matcher: &str, argument: &Value, got: &Value) -> Option<String> {
    let shown = show(Some(got));
    let wanted = || show(Some(argument));
    match matcher {
        "$re" => {
            let pattern = argument.as_str().unwrap_or_default();
            let found = match (Regex::new(pattern), got.as_str()) {
                (Err(e), _) => return Some(format!("not a regular expression: {e}")),
                (Ok(regex), Some(text)) => regex.is_match(text).unwrap_or(false),
                (Ok(_), None) => false,
            };
            (!found).then(|| format!("{shown} !~ /{pattern}/"))
        }
        "$type" => (argument.as_str() != Some(type_of(got)))
            .then(|| format!("wanted a {}, got {shown}", argument.as_str().unwrap_or("?"))),
        "$len" => {
            let length = length(got);
            let equal = length.is_some_and(|n| same(&Value::from(n), argument));
            let length = length.map_or("none".into(), |n| n.to_string());
            (!equal).then(|| format!("wanted length {}, got {length}: {shown}", wanted()))
        }
        "$in" => {
            let among = argument
                .as_array()
                .is_some_and(|all| all.iter().any(|v| same(v, got)));
            (!among).then(|| format!("{shown} is none of {}", wanted()))
        }
        "$ne" => same(argument, got).then(|| format!("wanted anything but {}", wanted())),
        "$gte" => {
            let reaches = match (got, argument) {
                (Value::Number(got), Value::Number(least)) => at_least(got, least),
                _ => false,
            };
            (!reaches).then(|| format!("wanted >= {}, got {shown}", wanted()))
        }
        // $contains and $lacks take one value or a list of them.
        _ => {
            let Value::Array(elements) = got else {
                return Some(format!("wanted an array, got {shown}"));
            };
            let wants = match argument {
                Value::Array(wants) => wants.as_slice(),
                one => std::slice::from_ref(one),
            };
            let contains = matcher == "$contains";
            let wrong: Vec<Value> = wants
                .iter()
                .filter(|want| elements.iter().any(|element| subset(want, element)) != contains)
                .cloned()
                .collect();
            let verdict = if contains {
                "no element"
            } else {
                "unwanted element"
            };
            (!wrong.is_empty()).then(|| {
                format!(
                    "{verdict} like {} in {shown}",
                    show(Some(&Value::Array(wrong)))
                )
            })
        }
    }
}

/// JSON equality: `1` is `1.0`, and `true` is not `1`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || floats_equal(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}

/// Two integers are equal only exactly; beyond 2^53 their floats may coincide.
fn floats_equal(a: &Number, b: &Number) -> bool {
    (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
}

fn at_least(got: &Number, least: &Number) -> bool {
    match (got.as_i128(), least.as_i128()) {
        (Some(got), Some(least)) => got >= least,
        _ => got.as_f64() >= least.as_f64(),
    }
}

/// Every member that is wanted is there, at every depth of objects.
fn subset(want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => want
            .iter()
            .all(|(k, v)| got.get(k).is_some_and(|w| subset(v, w))),
        _ => same(want, got),
    }
}

fn is_empty(got: Option<&Value>) -> bool {
    match got {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Elements, members or characters.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A value for a message, cut when it is long.
pub(crate) fn show(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "<missing>".into();
    };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(want: &Value, got: &Value) -> bool {
        mismatch(want, Some(got)).is_none()
    }

    #[test]
    fn plain_values_are_compared_for_json_equality() {
        assert!(fits(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(!fits(&json!(1), &json!(true)));
        assert!(!fits(&json!([1, 2]), &json!([2, 1])));
        assert!(!fits(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!fits(
            &json!(9_007_199_254_740_993_i64),
            &json!(9_007_199_254_740_992_i64)
        ));
        assert!(
            mismatch(&json!(null), None).is_some(),
            "null is not the same as missing"
        );
    }

    #[test]
    fn regular_expression_searches_strings_only() {
        assert!(fits(&json!({"$re": "^W/\"[0-9]+\"$"}), &json!("W/\"12\"")));
        assert!(fits(
            &json!({"$re": "(?i)(?=.*taken)user"}),
            &json!("USERNAME taken")
        ));
        assert!(!fits(&json!({"$re": "1"}), &json!(1)));
        assert!(!fits(&json!({"$re": "("}), &json!("(")));
    }

    #[test]
    fn type_is_that_of_json() {
        for (name, value) in [
            ("string", json!("")),
            ("number", json!(1)),
            ("boolean", json!(false)),
            ("array", json!([])),
            ("object", json!({})),
            ("null", json!(null)),
        ] {
            assert!(fits(&json!({"$type": name}), &value), "{name}");
            assert!(!fits(&json!({"$type": "other"}), &value), "{name}");
        }
    }

    #[test]
    fn length_counts_elements_members_and_characters() {
        assert!(fits(&json!({"$len": 2}), &json!([1, 2])));
        assert!(fits(&json!({"$len": 2}), &json!("né")));
        assert!(fits(&json!({"$len": 0}), &json!({})));
        assert!(!fits(&json!({"$len": 1}), &json!(1)));
    }

    #[test]
    fn contained_objects_match_as_subsets() {
        let got = json!([{"value": "a", "type": "User", "x": {"y": 1, "z": 2}}, {"value": "b"}]);
        assert!(fits(&json!({"$contains": {"value": "a"}}), &got));
        assert!(fits(
            &json!({"$contains": [{"value": "b"}, {"x": {"y": 1}}]}),
            &got
        ));
        assert!(!fits(
            &json!({"$contains": [{"value": "a"}, {"value": "c"}]}),
            &got
        ));
        assert!(fits(&json!({"$lacks": {"value": "c"}}), &got));
        assert!(!fits(
            &json!({"$lacks": [{"value": "c"}, {"value": "a"}]}),
            &got
        ));
        assert!(!fits(&json!({"$lacks": 1}), &json!("no array")));
    }

    #[test]
    fn bounds_and_choices() {
        assert!(fits(&json!({"$in": [1, "a"]}), &json!("a")));
        assert!(!fits(&json!({"$in": [1]}), &json!(true)));
        assert!(fits(&json!({"$ne": "a"}), &json!("b")));
        assert!(!fits(&json!({"$ne": 1}), &json!(1.0)));
        assert!(fits(&json!({"$gte": 2}), &json!(2)));
        assert!(fits(&json!({"$gte": 1.5}), &json!(2)));
        assert!(!fits(&json!({"$gte": 0}), &json!(true)));
    }

    #[test]
    fn only_empty_accepts_what_is_missing() {
        for got in [json!(null), json!(""), json!([]), json!({})] {
            assert!(fits(&json!({"$empty": true}), &got));
        }
        assert!(mismatch(&json!({"$empty": true}), None).is_none());
        assert!(!fits(&json!({"$empty": true}), &json!(0)));
        assert_eq!(mismatch(&json!({"$ne": 1}), None), Some("missing".into()));
    }

    #[test]
    fn object_with_two_keys_is_no_matcher() {
        assert!(fits(
            &json!({"$re": "a", "b": 1}),
            &json!({"$re": "a", "b": 1})
        ));
        assert!(fits(&json!({"$ref": "x"}), &json!({"$ref": "x"})));
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        let shown = show(Some(&json!("ü".repeat(500))));
        assert_eq!(shown.chars().count(), SHOWN + 3);
    }
}
