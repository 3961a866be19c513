//! Strict mode: a filter is of the RFC's grammar, its names and literals exact.

use super::registry;
use crate::Mode;
use crate::error::Error;
use crate::filter::{Filter, Limits};
use crate::schema::ENTERPRISE_USER;

fn read(mode: Mode, text: &str) -> Result<Filter, Error> {
    let registry = registry();
    let user = registry.core().user;
    Filter::parse(&registry, user, text, &Limits::default(), mode)
}

#[test]
fn tolerances_are_refused() {
    for text in [
        "userName eq bjensen".to_owned(),
        "active eq \"true\"".to_owned(),
        "active eq True".to_owned(),
        "meta.created gt 2026-11-24T05:00:00Z".to_owned(),
        "manager eq \"26\"".to_owned(),
        "department eq \"Tours\"".to_owned(),
        format!("{ENTERPRISE_USER}:manager eq \"26\""),
        format!("{ENTERPRISE_USER}.department eq \"Tours\""),
        "emails[type eq \"work\"].value eq \"a@b\"".to_owned(),
    ] {
        let lenient = read(Mode::Lenient, &text);
        assert!(lenient.is_ok(), "{text}: {lenient:?}");
        let error = read(Mode::Strict, &text).unwrap_err();
        let scim_type = error.scim_type();
        assert_eq!(scim_type, Some(crate::ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn what_the_rfc_has_is_taken() {
    for text in [
        "USERNAME Eq \"bjensen\" and not (active eq false)".to_owned(),
        "emails co \"example.com\" or emails.value co \"example.org\"".to_owned(),
        "emails[type eq \"work\" and value co \"].x\"]".to_owned(),
        "title pr and title ne null".to_owned(),
        format!("{ENTERPRISE_USER}:manager.value eq \"26\""),
    ] {
        let read = read(Mode::Strict, &text);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
}

#[test]
fn the_place_of_a_comparison_behind_brackets_is_named() {
    let error = read(Mode::Strict, "emails[value pr].type eq \"é\"").unwrap_err();
    assert_eq!(error.position(), Some(17));
}
