//! Values of the right type, and of none.

use super::{user, user_error};
use crate::error::Error;
use crate::schema::ENTERPRISE_USER;
use crate::schema::fixture::EXTENSION;
use serde_json::{Value, json};

fn wrong(body: &Value, path: &str) {
    match user_error(body) {
        Error::WrongType { attribute, .. } => assert_eq!(attribute, path),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn the_error_names_the_path() {
    wrong(&json!({ "userName": {} }), "userName");
    wrong(&json!({ "userName": true }), "userName");
    wrong(&json!({ "active": 1 }), "active");
    wrong(&json!({ "active": "yes" }), "active");
    wrong(&json!({ "name": true }), "name");
    wrong(&json!({ "name": "no value" }), "name");
    wrong(
        &json!({ "name": { "givenName": ["a", "b"] } }),
        "name.givenName",
    );
    wrong(&json!({ "emails": [{ "value": {} }] }), "emails.value");
    wrong(&json!({ "emails": [["a@b"]] }), "emails");
    wrong(&json!({ "emails": [true] }), "emails");
    let manager = format!("{ENTERPRISE_USER}:manager.value");
    wrong(
        &json!({ ENTERPRISE_USER: { "manager": { "value": [1, 2] } } }),
        &manager,
    );
    wrong(&json!({ ENTERPRISE_USER: "x" }), ENTERPRISE_USER);
}

#[test]
fn a_whole_number_has_no_fraction_and_64_bits() {
    for number in [json!(i64::MIN), json!(i64::MAX), json!(0)] {
        let body = json!({ EXTENSION: { "count": number } });
        assert_eq!(user(&body), body);
    }
    for number in [json!(1.0), json!(u64::MAX), json!("1"), json!(1e3)] {
        let body = json!({ EXTENSION: { "count": number } });
        wrong(&body, &format!("{EXTENSION}:count"));
    }
}

#[test]
fn a_decimal_may_be_whole() {
    assert_eq!(
        user(&json!({ EXTENSION: { "ratio": 1 } })),
        json!({ EXTENSION: { "ratio": 1.0 } })
    );
    wrong(
        &json!({ EXTENSION: { "ratio": "1" } }),
        &format!("{EXTENSION}:ratio"),
    );
}

#[test]
fn a_date_needs_a_time() {
    let body = json!({ EXTENSION: { "since": "2026-11-24T05:00:00.1234567+01:00" } });
    assert_eq!(user(&body), body);
    for since in [
        json!("2026-11-24"),
        json!("yesterday"),
        json!(1_795_000_000),
    ] {
        let body = json!({ EXTENSION: { "since": since } });
        wrong(&body, &format!("{EXTENSION}:since"));
    }
}

#[test]
fn binary_is_base64_in_either_alphabet() {
    for value in ["AA==", "AA", "-_8=", "+/8", "MIID\n  AAAA\n"] {
        let body = json!({ "x509Certificates": [{ "value": value }] });
        assert_eq!(user(&body), body);
    }
    for value in ["A", "-----BEGIN", "a b!"] {
        let body = json!({ "x509Certificates": [{ "value": value }] });
        wrong(&body, "x509Certificates.value");
    }
}

#[test]
fn a_reference_is_any_text() {
    let body = json!({ "profileUrl": "../me", "photos": [{ "value": "https://a/\u{e9}" }] });
    assert_eq!(user(&body), body);
}

#[test]
fn values_beyond_the_canonical_ones_are_taken() {
    let body = json!({ "emails": [{ "value": "a@b", "type": "Arbeit" }] });
    assert_eq!(user(&body), body);
}

#[test]
fn a_nul_is_refused_wherever_it_is() {
    for body in [
        json!({ "userName": "a\0b" }),
        json!({ "emails": [{ "value": "\0" }] }),
        json!({ EXTENSION: { "tags": ["ok", "\0"] } }),
    ] {
        assert!(
            matches!(user_error(&body), Error::BadValue { .. }),
            "{body}"
        );
    }
}
