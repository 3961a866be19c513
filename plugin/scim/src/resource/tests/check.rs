//! Whether a resource is complete.

use super::read;
use crate::error::Error;
use crate::resource::{complete, each_fault};
use crate::schema::fixture::{EXTENSION, REGISTRY};
use serde_json::{Value, json};

fn check(body: &Value) -> Result<(), Error> {
    complete(&REGISTRY, &read(REGISTRY.core().user, body)?)
}

#[test]
fn a_user_needs_a_name() {
    let required = Err(Error::Required {
        attribute: "userName".to_owned(),
    });
    assert_eq!(check(&json!({})), required);
    assert_eq!(check(&json!({ "userName": "" })), required);
    assert_eq!(check(&json!({ "userName": null })), required);
    assert_eq!(check(&json!({ "userName": "u" })), Ok(()));
}

#[test]
fn a_group_needs_a_name() {
    let group = read(REGISTRY.core().group, &json!({ "members": [] })).unwrap();
    assert!(matches!(
        complete(&REGISTRY, &group),
        Err(Error::Required { attribute }) if attribute == "displayName"
    ));
}

#[test]
fn a_required_sub_attribute_is_required_where_its_parent_is() {
    let body =
        json!({ "userName": "u", EXTENSION: { "box": [{ "label": "a" }, { "flags": true }] } });
    let label = format!("{EXTENSION}:box.label");
    assert_eq!(check(&body), Err(Error::Required { attribute: label }));
}

#[test]
fn a_required_attribute_that_the_client_cannot_write_is_not_asked_of_it() {
    assert_eq!(
        check(&json!({ "userName": "u", EXTENSION: { "count": 1 } })),
        Ok(())
    );
}

#[test]
fn one_value_is_primary_at_most() {
    let emails = |flags: [Value; 2]| {
        let [a, b] = flags;
        check(&json!({ "userName": "u", "emails": [
            { "value": "a", "primary": a }, { "value": "b", "primary": b }] }))
    };
    assert_eq!(emails([json!(true), json!(false)]), Ok(()));
    assert_eq!(emails([json!(false), json!(null)]), Ok(()));
    let two = emails([json!(true), json!("True")]).unwrap_err();
    assert_eq!(
        two.to_string(),
        r#""emails" has more than one value with "primary" true."#
    );
}

#[test]
fn every_fault_is_found_in_one_pass() {
    let body = json!({
        "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }],
        EXTENSION: { "box": [{ "flags": true }] },
    });
    let user = read(REGISTRY.core().user, &body).unwrap();
    let mut found = Vec::new();
    let searched = each_fault(&REGISTRY, &user, &mut |fault| {
        found.extend(fault.attribute().map(str::to_owned));
        Ok(())
    });
    assert_eq!(searched, Ok(()));
    let label = format!("{EXTENSION}:box.label");
    assert_eq!(found, ["userName", "emails", label.as_str()]);
}
