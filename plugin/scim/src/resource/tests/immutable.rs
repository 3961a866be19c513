//! What is immutable stays, whatever a client sends.

use super::read;
use crate::error::Error;
use crate::patch::Patch;
use crate::resource::{Resource, keep_unchangeable};
use crate::schema::fixture::{EXTENSION, REGISTRY};
use crate::{Mode, json};
use proptest::prelude::*;
use serde_json::{Value, json};

fn user(extension: &Value) -> Resource {
    read(
        REGISTRY.core().user,
        &json!({ "userName": "u", EXTENSION: extension }),
    )
    .unwrap()
}

/// A PUT of a user with this extension over one with that.
fn put(stored: &Value, sent: &Value) -> Result<Resource, Error> {
    let mut new = user(sent);
    keep_unchangeable(&REGISTRY, &user(stored), &mut new)?;
    Ok(new)
}

#[test]
fn a_put_sets_an_immutable_attribute_once() {
    assert_eq!(
        put(&json!({}), &json!({ "serial": "A" })),
        Ok(user(&json!({ "serial": "A" })))
    );
    for (stored, sent) in [
        (json!({ "serial": "A" }), json!({ "serial": "B" })),
        (
            json!({ "made": { "by": "A" } }),
            json!({ "made": { "by": "a" } }),
        ),
    ] {
        let error = put(&stored, &sent).unwrap_err();
        assert!(matches!(error, Error::NotMutable { .. }), "{sent}: {error}");
    }
}

#[test]
fn a_put_that_repeats_or_omits_an_immutable_attribute_leaves_it() {
    let stored = json!({ "serial": "A", "made": { "by": "B", "note": "x" } });
    let kept = json!({ "serial": "A", "made": { "by": "B" } });
    // `serial` is compared without regard to case.
    for sent in [
        json!({ "serial": "a", "made": { "by": "B" } }),
        json!({ "made": {} }),
        json!(null),
    ] {
        assert_eq!(put(&stored, &sent), Ok(user(&kept)), "{sent}");
    }
}

/// One request of a client: a PUT of an extension, or a PATCH.
#[derive(Clone, Debug)]
enum Request {
    Put(Value),
    Patch(Value),
}

fn request() -> impl Strategy<Value = Request> {
    let text = || proptest::sample::select(vec![json!(null), json!("a"), json!("b")]);
    let made = || (text(), text()).prop_map(|(by, note)| json!({ "by": by, "note": note }));
    let whole =
        || (text(), made()).prop_map(|(serial, made)| json!({ "serial": serial, "made": made }));
    let op = || proptest::sample::select(vec!["add", "remove", "replace"]);
    let path = |name: &str| format!("{EXTENSION}:{name}");
    let patch = move |name: &'static str, value: BoxedStrategy<Value>| {
        (op(), value).prop_map(move |(op, value)| {
            let path = if name.is_empty() {
                EXTENSION.to_owned()
            } else {
                path(name)
            };
            Request::Patch(json!({ "op": op, "path": path, "value": value }))
        })
    };
    prop_oneof![
        whole().prop_map(Request::Put),
        patch("serial", text().boxed()),
        patch("made", made().boxed()),
        patch("made.by", text().boxed()),
        patch("made.note", text().boxed()),
        patch("", whole().boxed()),
    ]
}

/// The two immutable values of a user.
fn immutables(user: &Resource) -> [Option<String>; 2] {
    let child = |parent, name| REGISTRY.child(parent, name).unwrap();
    let container = REGISTRY.top(user.resource_type, EXTENSION).unwrap();
    let extension = user.get(container).and_then(|v| v.as_complex());
    let serial = extension.and_then(|e| e.text(child(container, "serial")));
    let made = child(container, "made");
    let made_by = extension
        .and_then(|e| e.get(made)?.as_complex())
        .and_then(|m| m.text(child(made, "by")));
    [serial, made_by].map(|text| text.map(str::to_owned))
}

proptest! {
    #[test]
    fn immutable_values_never_change(
        requests in proptest::collection::vec(request(), 1..12),
        mode in proptest::sample::select(vec![Mode::Lenient, Mode::Strict]),
    ) {
        let mut stored = user(&json!({}));
        for request in requests {
            let before = immutables(&stored);
            match request {
                Request::Put(extension) => {
                    let mut new = user(&extension);
                    if keep_unchangeable(&REGISTRY, &stored, &mut new).is_ok() {
                        stored = new;
                    }
                }
                Request::Patch(operation) => {
                    let body = json!({ "schemas": [crate::message::PATCH_OP], "Operations": [operation] });
                    let body = body.to_string();
                    let body = json::parse(body.as_bytes(), 20).unwrap();
                    let user = REGISTRY.core().user;
                    if let Ok(patch) = Patch::parse(&REGISTRY, user, &body, 10, "1", mode) {
                        let _ = patch.apply(&REGISTRY, &mut stored);
                    }
                }
            }
            for (had, has) in before.iter().zip(immutables(&stored)) {
                prop_assert!(had.is_none() || *had == has, "{had:?} became {has:?}");
            }
        }
    }
}
