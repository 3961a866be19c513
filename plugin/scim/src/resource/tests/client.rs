//! What a client sends and what is understood.

use super::{group, read, user, user_error};
use crate::error::Error;
use crate::schema::fixture::REGISTRY;
use crate::schema::{ENTERPRISE_USER, USER};
use serde_json::{Value, json};

#[test]
fn names_have_no_case_and_are_kept_in_the_schemas_spelling() {
    assert_eq!(
        user(&json!({ "USERNAME": "u", "Emails": [{ "Value": "a@b", "PRIMARY": true }] })),
        json!({ "userName": "u", "emails": [{ "value": "a@b", "primary": true }] })
    );
}

#[test]
fn null_and_empty_are_unassigned() {
    let body = json!({
        "userName": "u", "title": null, "nickName": "", "active": "", "emails": [],
        "phoneNumbers": [null], "ims": [{}], "photos": [{ "value": null }, ""], "roles": "",
        "name": { "givenName": "", "familyName": null }, "addresses": {},
        ENTERPRISE_USER: { "manager": "", "department": null },
    });
    assert_eq!(user(&body), json!({ "userName": "u" }));
    assert_eq!(user(&json!({ ENTERPRISE_USER: null })), json!({}));
}

#[test]
fn text_keeps_its_spelling() {
    let body = json!({ "userName": " Bj\u{f8}rn\u{7}\u{1F600} ", "name": { "givenName": " " } });
    assert_eq!(user(&body), body);
}

#[test]
fn unknown_attributes_are_dropped() {
    let body = json!({
        "userName": "u", "__proto__": { "admin": true }, "constructor": 1, "hobbies": [[[]]],
        "adreses": [], "urn:unknown": { "a": 1 }, "emails": [{ "value": "a@b", "verified": true }],
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName": "x",
    });
    let understood = json!({ "userName": "u", "emails": [{ "value": "a@b" }] });
    assert_eq!(user(&body), understood);
}

#[test]
fn read_only_attributes_are_dropped_whatever_they_hold() {
    let body = json!({
        "id": "mine", "meta": { "version": 7 }, "groups": "any", "userName": "u",
        "meta.created": "never", format!("{USER}:groups"): [],
        ENTERPRISE_USER: { "manager": { "value": "m", "displayName": "Boss" } },
        format!("{ENTERPRISE_USER}:manager.displayName"): "Boss",
    });
    assert_eq!(
        user(&body),
        json!({ "userName": "u", ENTERPRISE_USER: { "manager": { "value": "m" } } })
    );
}

#[test]
fn schemas_must_be_urns_but_may_be_any() {
    for schemas in [
        json!(null),
        json!([]),
        json!(["urn:scim:schemas:core:1.0", "urn:unknown"]),
        json!(USER),
    ] {
        assert_eq!(user(&json!({ "schemas": schemas })), json!({}), "{schemas}");
    }
    for schemas in [json!([1]), json!({}), json!(true), json!([[]])] {
        assert!(
            matches!(
                user_error(&json!({ "schemas": schemas })),
                Error::WrongType { attribute, .. } if attribute == "schemas"
            ),
            "{schemas}"
        );
    }
}

#[test]
fn a_body_is_an_object() {
    for body in [json!([]), json!(null), json!("u"), json!(1)] {
        let read = read(REGISTRY.core().user, &body);
        assert_eq!(read, Err(Error::NotAnObject), "{body}");
    }
}

#[test]
fn full_names_are_taken_at_the_top() {
    let body = json!({
        "name.givenName": "G", "name": { "familyName": "F" }, format!("{USER}:userName"): "u",
        format!("{ENTERPRISE_USER}:department"): "D", "manager": "m",
    });
    assert_eq!(
        user(&body),
        json!({
            "userName": "u", "name": { "familyName": "F", "givenName": "G" },
            ENTERPRISE_USER: { "department": "D", "manager": { "value": "m" } },
        })
    );
}

#[test]
fn the_proper_place_of_an_attribute_counts() {
    let in_place = json!({ ENTERPRISE_USER: { "department": "proper" } });
    let mut body = json!({ "department": "bare" });
    let department = |body: &Value| user(body)[ENTERPRISE_USER]["department"].clone();
    assert_eq!(department(&body), "bare");
    body[format!("{ENTERPRISE_USER}:department")] = json!("with URN");
    assert_eq!(department(&body), "with URN");
    body[ENTERPRISE_USER] = in_place[ENTERPRISE_USER].clone();
    assert_eq!(department(&body), "proper");
}

#[test]
fn a_bare_name_of_another_type_is_some_unknown_attribute() {
    let body = json!({ "userName": "u", "organization": { "name": "o" }, "department": [1, 2] });
    assert_eq!(user(&body), json!({ "userName": "u" }));
    let department = format!("{ENTERPRISE_USER}:department");
    assert!(matches!(
        user_error(&json!({ &department: [1, 2] })),
        Error::WrongType { attribute, .. } if attribute == department
    ));
}

#[test]
fn a_name_below_a_list_means_no_element() {
    let body = json!({ "emails": [{ "value": "a@b" }], "emails.value": "c@d" });
    assert_eq!(user(&body), json!({ "emails": [{ "value": "a@b" }] }));
}

#[test]
fn the_manager_comes_in_many_forms() {
    for manager in [
        json!("26"),
        json!(26),
        json!({ "value": "26" }),
        json!([{ "value": "26" }]),
        json!({ "managerId": "26", "displayName": "Boss" }),
    ] {
        assert_eq!(
            user(&json!({ ENTERPRISE_USER: { "manager": manager } })),
            json!({ ENTERPRISE_USER: { "manager": { "value": "26" } } }),
            "{manager}"
        );
    }
}

#[test]
fn booleans_may_be_text() {
    for (sent, meant) in [("True", true), ("FALSE", false), ("false", false)] {
        assert_eq!(user(&json!({ "active": sent })), json!({ "active": meant }));
    }
}

#[test]
fn numbers_may_stand_for_text() {
    assert_eq!(
        user(&json!({ "externalId": 12_345_678_901_i64, "title": 1.5 })),
        json!({ "externalId": "12345678901", "title": "1.5" })
    );
    let lossy = json!({ "externalId": 12_345_678_901_234_567_890_u64 });
    assert!(matches!(user_error(&lossy), Error::WrongType { .. }));
    let name = json!({ "userName": 5 });
    assert!(matches!(user_error(&name), Error::WrongType { .. }));
}

#[test]
fn text_is_no_object_unless_it_refers_to_a_resource() {
    for (body, attribute) in [
        (json!({ "userName": "u", "emails": "none" }), "emails"),
        (json!({ "userName": "u", "roles": ["Pilot"] }), "roles"),
        (json!({ "userName": "u", "name": "A. B." }), "name"),
    ] {
        let error = user_error(&body);
        assert!(
            matches!(&error, Error::WrongType { attribute: a, .. } if a == attribute),
            "{body}: {error}"
        );
    }
}

#[test]
fn a_number_is_no_object_unless_it_refers_to_a_resource() {
    for wrong in [json!({ "emails": [5] }), json!({ "phoneNumbers": 5 })] {
        let error = user_error(&wrong);
        assert!(matches!(error, Error::WrongType { .. }), "{wrong}");
    }
    let manager = json!({ ENTERPRISE_USER: { "manager": 26 } });
    assert_eq!(
        user(&manager),
        json!({ ENTERPRISE_USER: { "manager": { "value": "26" } } })
    );
}

#[test]
fn one_object_may_stand_for_a_list() {
    assert_eq!(
        user(&json!({ "emails": { "value": "a@b" } })),
        json!({ "emails": [{ "value": "a@b" }] })
    );
}

#[test]
fn a_list_of_one_may_stand_for_a_single_value() {
    assert_eq!(
        user(&json!({ "userName": ["u"] })),
        json!({ "userName": "u" })
    );
    let many = json!({ "userName": ["u", "v"] });
    assert!(matches!(user_error(&many), Error::WrongType { .. }));
}

#[test]
fn members_come_bare_with_null_references_and_with_display_names() {
    let body = json!({
        "displayName": "g",
        "members": ["1", { "value": "2", "$ref": null, "displayName": "Two" },
            { "value": "3", "display": "Three", "displayName": "III", "type": "User" }],
    });
    assert_eq!(
        group(&body),
        json!({
            "displayName": "g",
            "members": [{ "value": "1" }, { "value": "2", "display": "Two" },
                { "value": "3", "type": "User", "display": "Three" }],
        })
    );
}

#[test]
fn an_address_with_only_a_type_is_kept() {
    let body = json!({ "addresses": [{ "type": "work" }] });
    assert_eq!(user(&body), body);
}

#[test]
fn what_is_listed_twice_is_kept_once() {
    let mail = json!({ "value": "a@b", "type": "work" });
    let other = json!({ "value": "a@b", "type": "home" });
    let address = json!({ "type": "work", "locality": "Brno" });
    assert_eq!(
        user(&json!({ "emails": [mail, other, mail], "addresses": [address, address] })),
        json!({ "emails": [mail, other], "addresses": [address] })
    );
}

#[test]
fn a_list_is_bounded_unless_it_is_of_members() {
    let named = |count: usize| -> Vec<Value> {
        let values = (0..count).map(|n| json!({ "value": n.to_string() }));
        values.collect()
    };
    let kept = user(&json!({ "emails": named(2_000) }));
    assert_eq!(kept["emails"].as_array().map(Vec::len), Some(2_000));
    let error = user_error(&json!({ "emails": named(2_001) })).to_string();
    assert!(error.contains("\"emails\""), "{error}");
    assert!(error.contains("at most 2000 values"), "{error}");
    let kept = group(&json!({ "members": named(2_001) }));
    assert_eq!(kept["members"].as_array().map(Vec::len), Some(2_001));
}

#[test]
fn core_attributes_may_stand_under_the_urn_of_their_schema() {
    let nested = json!({ "userName": "u", "emails": [{ "value": "a@b" }], "id": "mine",
        "schemas": [USER], "hobbies": 1 });
    let understood = json!({ "userName": "u", "emails": [{ "value": "a@b" }] });
    assert_eq!(
        user(&json!({ "schemas": [USER], USER: nested })),
        understood
    );
    assert_eq!(
        user(&json!({ USER.to_uppercase(): nested, "userName": "proper" }))["userName"],
        "proper"
    );
    let wrong = user_error(&json!({ USER: { "active": 7 } }));
    assert!(matches!(wrong, Error::WrongType { .. }), "{wrong}");
    let group = group(&json!({ crate::schema::GROUP: { "displayName": "g" } }));
    assert_eq!(group, json!({ "displayName": "g" }));
}
