//! Strict mode: bodies are of the letter of RFC 7643, and no tolerance is granted.

use crate::error::Error;
use crate::json;
use crate::resource::{from_client, to_store};
use crate::schema::fixture::{EXTENSION, REGISTRY};
use crate::schema::{DEVICE, ENTERPRISE_USER, ETHERNET_MAB, GROUP, ResourceTypeId, USER};
use crate::{Mode, ScimType};
use serde_json::{Value, json};

fn read(resource_type: ResourceTypeId, body: &Value) -> Result<Value, Error> {
    let text = body.to_string();
    let body = json::parse(text.as_bytes(), 20).unwrap();
    let resource = from_client(&REGISTRY, resource_type, &body, Mode::Strict)?;
    Ok(serde_json::from_slice(&to_store(&REGISTRY, &resource)).unwrap())
}

/// A user of this content, its `schemas` as they should be.
fn user(content: &Value) -> Result<Value, Error> {
    let mut body = json!({ "schemas": [USER], "userName": "u" });
    for (name, value) in content.as_object().unwrap() {
        body[name] = value.clone();
    }
    read(REGISTRY.core().user, &body)
}

fn refused_as(content: &Value, scim_type: ScimType) {
    let error = user(content).unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type), "{content}: {error}");
}

#[test]
fn a_body_of_the_letter_is_taken_as_it_is() {
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER, EXTENSION.to_uppercase()], "userName": "u",
        "active": false, "name": { "familyName": "F" }, "title": null, "nickName": "",
        "emails": [{ "value": "a@b", "type": "WORK", "primary": true }], "photos": [],
        "profileUrl": "https://example.com/u%20v", "x509Certificates": [{ "value": "AAE" }],
        ENTERPRISE_USER: { "manager": { "value": "26", "$ref": "../Users/26", "displayName": "read-only" } },
        EXTENSION: { "count": 1 }, "id": "mine", "groups": [{ "value": "g" }], "meta": {},
    });
    let read = read(REGISTRY.core().user, &body).unwrap();
    assert_eq!(read["emails"][0]["type"], "WORK");
    assert_eq!(
        read[ENTERPRISE_USER]["manager"],
        json!({ "value": "26", "$ref": "../Users/26" })
    );
    assert_eq!(
        (read.get("title"), read.get("nickName"), read.get("id")),
        (None, None, None)
    );
}

#[test]
fn undefined_attributes_and_schemas_are_an_invalid_syntax() {
    for content in [
        json!({ "hobbies": [] }),
        json!({ "emails": [{ "value": "a@b", "verified": true }] }),
        json!({ "name.givenName": "G" }),
        json!({ "department": "D" }),
        json!({ "urn:unknown": {} }),
        json!({ "schemas": [] }),
        json!({ "schemas": null }),
        json!({ "schemas": USER }),
        json!({ "schemas": [GROUP] }),
        json!({ "schemas": [USER, "urn:unknown"] }),
        json!({ "schemas": [USER, GROUP] }),
        json!({ ENTERPRISE_USER: { "department": "unlisted" } }),
        json!({ "schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: { "managerId": "1" } }),
    ] {
        refused_as(&content, ScimType::InvalidSyntax);
    }
}

#[test]
fn values_of_other_types_are_an_invalid_value() {
    for content in [
        json!({ "active": "True" }),
        json!({ "active": "" }),
        json!({ "externalId": 5 }),
        json!({ "title": ["one"] }),
        json!({ "name": "" }),
        json!({ "emails": { "value": "a@b" } }),
        json!({ "emails": "a@b" }),
        json!({ "emails": [{ "value": "a@b", "type": "Arbeit" }] }),
        json!({ "emails": [{ "value": "a@b", "type": "work " }] }),
        json!({ "profileUrl": "me" }),
        json!({ "profileUrl": "https://example.com/é" }),
        json!({ "profileUrl": "https://example.com/%zz" }),
        json!({ "profileUrl": "1a:b" }),
        json!({ "x509Certificates": [{ "value": "-_8" }] }),
        json!({ "x509Certificates": [{ "value": "AA\nAA" }] }),
    ] {
        refused_as(&content, ScimType::InvalidValue);
    }
}

#[test]
fn an_address_has_one_form_strictly() {
    let device = |address: &str| {
        let body = json!({ "schemas": [DEVICE, ETHERNET_MAB], "active": true,
            ETHERNET_MAB: { "deviceMacAddress": address } });
        Ok::<_, Error>(read(REGISTRY.core().device, &body)?[ETHERNET_MAB].clone())
    };
    for address in ["2C:54:91:88:C9:E2", "2c:54:91:88:c9:e2"] {
        let kept = json!({ "deviceMacAddress": address });
        assert_eq!(device(address).unwrap(), kept);
    }
    for other in ["2C-54-91-88-C9-E2", "2c54.9188.c9e2", "2c549188c9e2"] {
        let error = device(other).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{other}");
    }
}

#[test]
fn a_reference_and_its_value_agree() {
    let group = |member: Value| {
        read(
            REGISTRY.core().group,
            &json!({ "schemas": [GROUP], "displayName": "g", "members": [member] }),
        )
    };
    let by_uri = group(json!({ "$ref": "https://example.com/scim/v2/Users/26/" })).unwrap();
    assert_eq!(by_uri["members"][0]["value"], "26");
    assert!(group(json!({ "value": "26", "$ref": "../Users/26" })).is_ok());
    for wrong in [
        json!("26"),
        json!({ "value": "26", "$ref": "../Users/27" }),
        json!({ "value": "26", "type": "Robot" }),
    ] {
        assert!(matches!(
            group(wrong),
            Err(Error::BadValue { .. } | Error::WrongType { .. })
        ));
    }
}
