//! The JSON reader against `serde_json`: both take the same texts and read the same values.

use scim::Error;
use scim::json::{self, Json, MAX_DEPTH};
use serde_json::Value;

/// JSON text.
pub(crate) fn run(data: &[u8]) {
    let ours = json::parse(data, MAX_DEPTH);
    let theirs = serde_json::from_slice::<Value>(data);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert!(same(&ours, &theirs), "{theirs} is {ours:?}"),
        (Ok(ours), Err(error)) => panic!("taken as {ours:?}, but {error}"),
        // Stricter on purpose: no key twice, and a limit of our own to the depth.
        (Err(Error::DuplicateKey { .. } | Error::TooDeep { .. }), _) => {}
        (Err(error), Ok(theirs)) => panic!("{theirs} is refused: {error}"),
        (Err(error), Err(_)) => assert_eq!(error.status(), 400),
    }
}

fn same(ours: &Json<'_>, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(a), Value::Bool(b)) => a == b,
        (Json::Integer(a), Value::Number(b)) => b.as_i64() == Some(*a),
        (Json::Decimal(a), Value::Number(b)) => b.as_i64().is_none() && b.as_f64() == Some(*a),
        (Json::String(a), Value::String(b)) => a == b,
        (Json::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Value::Object(b)) => {
            let found =
                |(key, a): &(_, _)| b.get(AsRef::<str>::as_ref(key)).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(found)
        }
        _ => false,
    }
}
