//! What filters say of resources.

use super::{registry, user, users_filter};
use crate::resource::Value;

const USER: &str = r#"{
    "userName": "BJensen", "externalId": "bj", "active": true, "title": "",
    "displayName": "Straße", "nickName": "Bab\u0073",
    "name": {"givenName": "Barbara", "familyName": "Jensen"},
    "emails": [
        {"type": "work", "value": "bj@Example.com", "primary": true},
        {"type": "home", "value": "babs@jensen.org"}
    ],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
        "employeeNumber": "701984", "manager": {"value": "m-1"}
    }
}"#;

/// Says whether Barbara matches.
fn matches(text: &str) -> bool {
    let registry = registry();
    let core = *registry.core();
    let mut user = user(&registry, USER);
    let created = Value::String("2026-11-24T05:00:00.000Z".to_owned());
    user.attributes.set(
        core.meta,
        Value::Complex([(core.meta_created, created)].into_iter().collect()),
    );
    users_filter(&registry, text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .matches(&user)
}

#[track_caller]
fn yes(text: &str) {
    assert!(matches(text), "{text}");
}

#[track_caller]
fn no(text: &str) {
    assert!(!matches(text), "{text}");
}

#[test]
fn text_is_compared_by_every_operator() {
    yes(r#"userName eq "bjensen""#);
    yes(r#"userName ne "x""#);
    yes(r#"userName co "JEN""#);
    yes(r#"userName sw "bJ""#);
    yes(r#"userName ew "SEN""#);
    yes(r#"userName gt "bjen""#);
    yes(r#"userName ge "BJENSEN""#);
    yes(r#"userName lt "c""#);
    yes(r#"userName le "bjensen""#);
    yes("userName pr");
    no(r#"userName ne "BJENSEN""#);
    no(r#"userName gt "bjensen""#);
    no(r#"userName sw "jen""#);
}

#[test]
fn case_counts_where_the_schema_says_so() {
    yes(r#"externalId eq "bj""#);
    no(r#"externalId eq "BJ""#);
    no(r#"externalId co "B""#);
    yes(r#"displayName eq "STRASSE""#);
    yes(r#"displayName ew "sse""#);
}

#[test]
fn sub_attributes_of_several_values_match_by_any() {
    yes(r#"emails.type eq "home""#);
    yes(r#"emails.value co "example.com""#);
    no(r#"emails.value co "nowhere""#);
    yes(r#"emails.type ne "work""#);
    no(r#"emails.display pr"#);
    yes(r#"emails eq "BJ@example.com""#);
}

#[test]
fn a_value_path_is_about_one_element() {
    yes(r#"emails[type eq "work" and value co "@example.com"]"#);
    no(r#"emails[type eq "home" and value co "@example.com"]"#);
    yes(r#"emails.type eq "home" and emails.value co "@example.com""#);
    yes(r#"emails[type eq "work"].value eq "bj@example.com""#);
    no(r#"emails[type eq "home"].value eq "bj@example.com""#);
    yes(r#"emails[not (type eq "work")]"#);
    yes(r#"emails[primary eq "True"].value pr"#);
    no(r#"phoneNumbers[type ne "work"]"#);
}

#[test]
fn what_is_absent_differs_from_every_value() {
    yes(r#"nickName eq "babs""#);
    yes(r#"preferredLanguage ne "en""#);
    no(r#"preferredLanguage eq "en""#);
    no(r#"preferredLanguage lt "en""#);
    yes(r#"not (preferredLanguage eq "en")"#);
    yes(r#"phoneNumbers.value ne "1""#);
}

#[test]
fn null_is_absence_rfc_7643_2_5() {
    yes("title eq null");
    no("title ne null");
    no("title pr");
    yes("userName ne null");
    no("userName eq NULL");
    yes("emails ne null");
    yes(r#"userName ne "null""#);
}

#[test]
fn presence_holds_for_complex_attributes_and_extensions() {
    yes("emails pr");
    yes("name pr");
    no("addresses pr");
    yes("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr");
    yes("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName pr");
}

#[test]
fn booleans_may_be_strings_in_any_case() {
    yes("active eq true");
    yes(r#"active eq "True""#);
    yes("active ne FALSE");
    no("active eq false");
}

#[test]
fn dates_are_compared_as_instants() {
    yes(r#"meta.created eq "2026-11-24T06:00:00+01:00""#);
    yes("meta.Created gt 2015-10-10T14:38:21.8617979-07:00");
    yes(r#"meta.created le "2026-11-24T05:00:00Z""#);
    no(r#"meta.created lt "2026-11-24T05:00:00.000Z""#);
    yes(r#"meta.created sw "2026-11""#);
    yes(r#"meta.lastModified ne "2026-11-24T05:00:00Z""#);
}

#[test]
fn extensions_are_reached_by_urn_and_by_bare_name() {
    yes(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m-1""#);
    yes(r#"manager eq "m-1""#);
    yes("employeeNumber eq 701984");
    no(r#"manager eq "m-2""#);
}

#[test]
fn schemas_and_resource_type_are_known_without_being_stored() {
    yes(r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#);
    yes(r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#);
    yes(r#"schemas co "enterprise""#);
    yes(r#"schemas[value ew ":User"]"#);
    yes("schemas pr");
    no(r#"schemas eq "urn:x""#);
    yes(r#"meta.resourceType eq "User""#);
    no(r#"meta.resourceType eq "Group""#);
}

#[test]
fn strings_have_json_escapes() {
    yes(r#"nickName eq "B\u0061bs""#);
    no(r#"nickName eq "B\\u0061bs""#);
}
