//! What a client is shown.

use super::read;
use crate::projection::Projection;
use crate::resource::{Resource, to_client, to_store};
use crate::schema::fixture::{EXTENSION, REGISTRY};
use crate::schema::{ENTERPRISE_USER, GROUP, USER};
use serde_json::{Value, json};

fn shown(resource: &Resource, attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let projection = Projection::parse(&REGISTRY, resource.resource_type, attributes, excluded);
    serde_json::from_slice(&to_client(&REGISTRY, resource, &projection)).unwrap()
}

fn user(body: &Value) -> Resource {
    read(REGISTRY.core().user, body).unwrap()
}

#[test]
fn schemas_name_what_is_there() {
    let plain = user(&json!({ "userName": "u" }));
    assert_eq!(shown(&plain, None, None)["schemas"], json!([USER]));
    let body = json!({ "userName": "u", ENTERPRISE_USER: { "department": "d" },
        EXTENSION: { "secret": "s" } });
    let extended = user(&body);
    assert_eq!(
        shown(&extended, None, None),
        json!({ "schemas": [USER, ENTERPRISE_USER], "userName": "u",
            ENTERPRISE_USER: { "department": "d" } })
    );
    assert_eq!(
        shown(&extended, None, Some(ENTERPRISE_USER)),
        json!({ "schemas": [USER], "userName": "u" })
    );
}

#[test]
fn schemas_come_first() {
    let plain = user(&json!({ "userName": "u" }));
    let text = to_client(&REGISTRY, &plain, &Projection::all());
    assert!(text.starts_with(br#"{"schemas":["#));
}

#[test]
fn a_password_is_neither_shown_nor_kept() {
    let with_password = user(&json!({ "userName": "u", "password": "p" }));
    for attributes in [None, Some("password"), Some(USER)] {
        let shown = shown(&with_password, attributes, None);
        assert_eq!(shown.get("password"), None, "{attributes:?}");
    }
    let stored = to_store(&REGISTRY, &with_password);
    assert_eq!(stored, br#"{"userName":"u"}"#);
}

#[test]
fn a_group_without_members_shows_that_it_has_none() {
    let group = read(REGISTRY.core().group, &json!({ "displayName": "g" })).unwrap();
    assert_eq!(
        shown(&group, None, None),
        json!({ "schemas": [GROUP], "displayName": "g", "members": [] })
    );
    assert_eq!(shown(&group, None, Some("members")).get("members"), None);
    assert_eq!(
        shown(&group, Some("displayName"), None).get("members"),
        None
    );
}

#[test]
fn an_object_of_which_nothing_is_shown_is_left_out() {
    let body = json!({ "userName": "u", "name": { "givenName": "g" },
        "emails": [{ "value": "a" }, { "type": "work" }] });
    assert_eq!(
        shown(&user(&body), None, Some("name.givenName,emails.value")),
        json!({ "schemas": [USER], "userName": "u", "emails": [{ "type": "work" }] })
    );
}
