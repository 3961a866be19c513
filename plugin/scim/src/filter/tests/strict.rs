//! Strict mode: a filter is of the RFC's grammar, its names and literals exact.

use super::registry;
use crate::Mode;
use crate::error::Error;
use crate::filter::{Filter, Limits};
use crate::resource::from_client;
use crate::schema::{ENTERPRISE_USER, ETHERNET_MAB};

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
fn an_address_is_compared_in_any_spelling_but_strictly() {
    let registry = registry();
    let device = registry.core().device;
    let body = format!(
        r#"{{"active": true, "{ETHERNET_MAB}": {{"deviceMacAddress": "2C:54:91:88:C9:E2"}}}}"#
    );
    let body = crate::json::parse(body.as_bytes(), 20).unwrap();
    let printer = from_client(&registry, device, &body, Mode::Lenient).unwrap();
    let matches = |mode, comparison: &str| {
        let text = format!("{ETHERNET_MAB}:deviceMacAddress {comparison}");
        let filter = Filter::parse(&registry, device, &text, &Limits::default(), mode);
        filter.unwrap().matches(&printer)
    };
    for (comparison, lenient, strict) in [
        ("eq \"2c:54:91:88:c9:e2\"", true, true),
        ("eq \"2c54.9188.c9e2\"", true, false),
        ("ne \"2C549188C9E2\"", false, true),
        ("eq \"2c54.9188.c9e3\"", false, false),
        ("sw \"2c:54\"", true, true),
        ("sw \"2c54\"", false, false),
        ("co \"2c549188c9e2\"", false, false),
    ] {
        assert_eq!(matches(Mode::Lenient, comparison), lenient, "{comparison}");
        assert_eq!(matches(Mode::Strict, comparison), strict, "{comparison}");
    }
}

#[test]
fn the_place_of_a_comparison_behind_brackets_is_named() {
    let error = read(Mode::Strict, "emails[value pr].type eq \"é\"").unwrap_err();
    assert_eq!(error.position(), Some(17));
}
