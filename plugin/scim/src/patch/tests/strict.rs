//! Strict mode: the PATCH of the interoperability profile, without any quirk.

use super::*;
use crate::ScimType;

fn patched_strictly(operations: &Json) -> Result<Json, Error> {
    let request = json!({"schemas": [crate::message::PATCH_OP], "Operations": operations});
    sent(&request)
}

fn sent(request: &Json) -> Result<Json, Error> {
    let registry = Registry::standard().unwrap();
    let user = registry.core().user;
    let text = request.to_string();
    let body = json::parse(text.as_bytes(), json::MAX_DEPTH)?;
    let patch = Patch::parse(&registry, user, &body, 100, ID, Mode::Strict)?;
    let mut resource = resource(&registry, user, &barbara());
    patch.apply(&registry, &mut resource)?;
    Ok(serde_json::from_slice(&to_store(&registry, &resource)).unwrap())
}

#[test]
fn what_the_profile_forbids_is_refused() {
    let path = |name: &str| format!("{ENTERPRISE_USER}:{name}");
    for (operation, scim_type) in [
        (
            json!({"op": "replace", "value": {"active": false}}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "replace", "path": "", "value": {"active": false}}),
            ScimType::InvalidSyntax,
        ),
        (json!({"op": "remove"}), ScimType::InvalidSyntax),
        (
            json!({"op": "Replace", "path": "active", "value": false}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "remove", "path": "emails", "value": [{"value": "x"}]}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "add", "path": "title", "value": "x", "name": "y"}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "add", "path": "hobbies", "value": "x"}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "add", "path": "department", "value": "x"}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "add", "path": "name", "value": {"nick": "x"}}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "add", "path": ENTERPRISE_USER, "value": {"room": "x"}}),
            ScimType::InvalidSyntax,
        ),
        (
            json!({"op": "remove", "path": "emails[type eq \"work\"]"}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x"}),
            ScimType::NoTarget,
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"fax\"].value", "value": "x"}),
            ScimType::NoTarget,
        ),
        (
            json!({"op": "replace", "path": "active", "value": "False"}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "emails", "value": {"value": "x"}}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": "title", "value": {"value": "x"}}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "replace", "path": path("manager"), "value": "m-2"}),
            ScimType::InvalidValue,
        ),
        (
            json!({"op": "add", "path": "emails", "value": [{"value": "x", "type": "fun"}]}),
            ScimType::InvalidValue,
        ),
    ] {
        let error = patched_strictly(&json!([operation])).unwrap_err();
        assert_eq!(error.scim_type(), Some(scim_type), "{operation}: {error}");
        assert!(
            matches!(error, Error::InOperation { number: 1, .. }),
            "{operation}"
        );
    }
}

#[test]
fn a_request_names_its_message_and_nothing_else() {
    let operation = json!({"op": "replace", "path": "title", "value": "x"});
    let urn = crate::message::PATCH_OP;
    assert!(sent(&json!({"schemas": [urn], "Operations": [operation]})).is_ok());
    for request in [
        json!({"Operations": [operation]}),
        json!({"schemas": [], "Operations": [operation]}),
        json!({"schemas": ["urn:x:PatchOp"], "Operations": [operation]}),
        json!({"schemas": [urn], "Operations": operation}),
        json!({"schemas": [urn], "Operations": [operation], "id": ID}),
        json!([operation]),
        operation.clone(),
    ] {
        let error = sent(&request).unwrap_err();
        assert_eq!(
            error.scim_type(),
            Some(ScimType::InvalidSyntax),
            "{request}: {error}"
        );
    }
}

#[test]
fn replace_replaces_a_complex_attribute_and_add_merges_into_it() {
    let name = |op: &str| {
        let operation = json!({"op": op, "path": "name", "value": {"givenName": "B"}});
        patched_strictly(&json!([operation])).unwrap()["name"].clone()
    };
    assert_eq!(name("replace"), json!({"givenName": "B"}));
    assert_eq!(
        name("add"),
        json!({"givenName": "B", "familyName": "Jensen"})
    );
}

#[test]
fn what_the_profile_has_is_done() {
    let after = patched_strictly(&json!([
        {"op": "add", "path": "active", "value": false},
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@work.example"},
        {"op": "add", "path": "emails", "value": [{"value": "x@y", "type": "other"}]},
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": "id", "value": ID}
    ]))
    .unwrap();
    assert_eq!(after["active"], false);
    assert_eq!(after["emails"][0]["value"], "new@work.example");
    assert_eq!(after["emails"].as_array().unwrap().len(), 3);
    assert_eq!(after.get("title"), None);
}
