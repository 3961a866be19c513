//! The request around the operations.

use super::*;
use crate::schema::fixture::{EXTENSION, REGISTRY as FIXTURE};
use proptest::prelude::*;

fn user_patch(request: &Json) -> Result<Patch, Error> {
    let registry = Registry::standard().unwrap();
    parsed(&registry, registry.core().user, request)
}

#[test]
fn a_malformed_request_is_an_invalid_syntax() {
    let op = json!({"op": "remove", "path": "title"});
    for request in [
        json!({}),
        json!({"Operations": []}),
        json!({"Operations": null}),
        json!({"Operations": "x"}),
        json!({"Operations": [1]}),
        json!({"Operations": [{"op": "move", "path": "title"}]}),
        json!({"Operations": [{"path": "title"}]}),
        json!({"Operations": [{"op": 1, "path": "title"}]}),
        json!({"Operations": [{"op": "remove", "path": 1}]}),
        json!({"Operations": [{"op": "replace", "value": "x"}]}),
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "Operations": [op]}),
        json!("x"),
    ] {
        let error = inner(user_patch(&request).unwrap_err());
        assert!(
            matches!(error, Error::InvalidPatch { .. }),
            "{request}: {error}"
        );
    }
}

#[test]
fn an_operation_that_needs_a_value_has_one() {
    for operation in [
        json!({"op": "add", "path": "title"}),
        json!({"op": "replace", "path": "title"}),
        json!({"op": "replace"}),
    ] {
        let request = json!({"Operations": [{"op": "remove", "path": "title"}, operation]});
        assert_eq!(
            user_patch(&request).unwrap_err(),
            Error::MissingValue.in_operation(2)
        );
    }
}

#[test]
fn the_number_of_operations_is_limited() {
    let operation = json!({"op": "remove", "path": "title"});
    let request = |count: usize| json!({"Operations": vec![operation.clone(); count]});
    assert!(user_patch(&request(100)).is_ok());
    assert_eq!(
        user_patch(&request(101)).unwrap_err(),
        Error::TooManyOperations {
            count: 101,
            limit: 100
        }
    );
}

#[test]
fn all_operations_are_done_or_none() {
    let error = refused(&json!([
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "emails[value eq \"a\" or value eq \"b\"].type", "value": "y"}]));
    assert!(matches!(error, Error::NothingSelected { .. }));
}

#[test]
fn a_malformed_path_is_an_invalid_path() {
    for path in [
        "emails[value broken",
        "noSuch",
        "name.noSuch",
        "emails[type pr].x",
        "title[value pr]",
        "__proto__.x",
    ] {
        let error = refused(&json!([{"op": "replace", "path": path, "value": "x"}]));
        assert_eq!(
            error.scim_type(),
            Some(crate::ScimType::InvalidPath),
            "{path}: {error}"
        );
    }
}

#[test]
fn what_a_filter_in_a_path_may_not_compare_is_an_invalid_filter() {
    for path in ["emails[noSuch eq \"x\"]", "emails[primary gt true]"] {
        let error = refused(&json!([{"op": "remove", "path": path}]));
        assert_eq!(
            error.scim_type(),
            Some(crate::ScimType::InvalidFilter),
            "{path}: {error}"
        );
    }
}

/// JSON that looks a little like a request.
fn jsonish() -> impl Strategy<Value = Json> {
    let names = prop_oneof![
        Just("op"),
        Just("path"),
        Just("value"),
        Just("Operations"),
        Just("emails"),
        Just("name"),
        Just("type"),
        Just("manager"),
        Just("members"),
        Just("id"),
        Just(ENTERPRISE_USER),
        Just("emails[type eq \"a\"].value"),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        prop_oneof![
            Just("add"),
            Just("Replace"),
            Just("remove"),
            Just("emails"),
            Just("name.givenName"),
            Just("emails[type eq \"a\"]"),
            Just("manager"),
            Just(ENTERPRISE_USER),
            Just("title"),
        ]
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((names.clone(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<Json>()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in any::<Vec<u8>>()) {
        let registry = Registry::standard().unwrap();
        if let Ok(body) = json::parse(&bytes, json::MAX_DEPTH) {
            let _ = Patch::parse(&registry, registry.core().user, &body, 10, ID, Mode::Lenient);
        }
    }

    #[test]
    fn any_request_is_answered_and_done_twice_changes_nothing_more_than_a_list(
        operations in proptest::collection::vec(
            (prop_oneof![Just("add"), Just("remove"), Just("replace")], jsonish(), jsonish()),
            1..4,
        )
    ) {
        let operations: Vec<Json> = operations
            .into_iter()
            .map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
            .collect();
        let _ = user_after(&barbara(), &json!(operations));
    }

    #[test]
    fn any_path_is_answered(path in any::<String>(), op in 0..3_usize) {
        let op = ["add", "remove", "replace"][op];
        let _ = user_after(&barbara(), &json!([{"op": op, "path": path, "value": "x"}]));
    }
}

#[test]
fn an_error_names_its_operation() {
    let fine = json!({"op": "replace", "path": "title", "value": "x"});
    for wrong in [
        json!(7),
        json!({"op": "move", "path": "title"}),
        json!({"op": "add", "path": 1, "value": "x"}),
        json!({"op": "add", "path": "title[", "value": "x"}),
        json!({"op": "add", "path": "hobbies", "value": "x"}),
        json!({"op": "add", "path": "title", "value": {}}),
        json!({"op": "remove", "path": "id"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "emails[type ne \"fax\" and type eq \"x\"].value", "value": "x"}),
        json!({"op": "add", "value": {"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}}),
    ] {
        let (number, error) = refused_at(&json!([fine, wrong, fine]));
        assert_eq!(number, Some(2), "{wrong}: {error}");
        let whole = error.clone().in_operation(2);
        assert_eq!(whole.to_string(), format!("Operation 2: {error}"));
        assert_eq!(whole.scim_type(), error.scim_type());
    }
}

#[test]
fn the_operation_that_leaves_a_resource_incomplete_is_named() {
    let box_of =
        |label: Json| json!({"op": "add", "path": format!("{EXTENSION}:box"), "value": [label]});
    let operations = json!([
        box_of(json!({"label": "a"})),
        box_of(json!({"flags": [true]}))
    ]);
    let request = json!({"Operations": operations});
    let user = FIXTURE.core().user;
    let error = patched(&FIXTURE, user, &barbara(), &request).unwrap_err();
    assert!(
        matches!(&error, Error::InOperation { number: 2, error } if matches!(**error, Error::Required { .. })),
        "{error}"
    );
}
