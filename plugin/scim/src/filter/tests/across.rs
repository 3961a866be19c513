//! One filter for several types: RFC 7644 §3.4.2.1.

use super::registry;
use crate::Mode;
use crate::error::Error;
use crate::filter::{Filter, Limits};
use crate::resource::{Resource, Value};

/// Whether a user and a group match, who have an id and an external id.
fn matches(text: &str) -> Result<[bool; 2], Error> {
    let registry = registry();
    let core = registry.core();
    let types = [core.user, core.group];
    let filters = Filter::parse_across(&registry, &types, text, &Limits::default(), Mode::Lenient)?;
    let mut found = [false; 2];
    for (i, (filter, resource_type)) in filters.iter().zip(types).enumerate() {
        let mut resource = Resource::new(resource_type);
        for id in [core.id, core.external_id] {
            resource.attributes.set(id, Value::String("x".to_owned()));
        }
        found[i] = filter.matches(&resource);
        assert!(!(found[i] && filter.matches_nothing()), "{text}");
    }
    Ok(found)
}

#[test]
fn what_a_type_lacks_has_no_value_there() {
    for (text, expected) in [
        (r#"externalId eq "x""#, [true, true]),
        (r#"userName eq "x" or id eq "x""#, [true, true]),
        ("members pr", [false, false]),
        ("not (members pr)", [true, true]),
        (r#"userName ne "x""#, [true, true]),
        ("members eq null", [true, true]),
        ("members ne null", [false, false]),
        (r#"emails[type eq "work"]"#, [false, false]),
        (r#"not (emails[type eq "work"])"#, [true, true]),
        (r#"meta.resourceType eq "Group""#, [false, true]),
        (
            r#"meta.resourceType eq "group" and not (userName pr)"#,
            [false, false],
        ),
        (
            r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
            [true, false],
        ),
    ] {
        assert_eq!(matches(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_no_type_has_is_refused() {
    for text in [
        "hobbies pr",
        r#"id eq "x" or hobbies.name eq "x""#,
        r#"not (emails[colour eq "red"])"#,
        "hobbies[type pr]",
    ] {
        let error = matches(text).unwrap_err();
        assert!(matches!(error, Error::FilterAttribute { .. }), "{text}");
    }
}

#[test]
fn what_one_type_cannot_compare_is_refused() {
    let error = matches("active gt true").unwrap_err();
    assert!(matches!(error, Error::FilterComparison { .. }), "{error}");
}

#[test]
fn a_filter_that_can_match_nothing_says_so() {
    let registry = registry();
    let core = registry.core();
    let nothing = |text: &str| {
        let types = [core.user, core.group];
        let filters =
            Filter::parse_across(&registry, &types, text, &Limits::default(), Mode::Lenient);
        let filters = filters.unwrap();
        [filters[0].matches_nothing(), filters[1].matches_nothing()]
    };
    for (text, expected) in [
        (r#"meta.resourceType eq "User""#, [false, true]),
        (r#"meta.resourceType ne "User" and id pr"#, [true, false]),
        (r#"userName sw "a" and id pr"#, [false, true]),
        (r#"userName sw "a" or id pr"#, [false, false]),
        (r#"not (userName ne "a")"#, [false, true]),
        ("id pr", [false, false]),
    ] {
        assert_eq!(nothing(text), expected, "{text}");
    }
}

#[test]
fn across_one_type_it_is_the_filter_of_that_type() {
    let registry = registry();
    let user = registry.core().user;
    for text in [
        r#"userName eq "x""#,
        r#"id eq "x" and (title pr or not (externalId sw "X"))"#,
        r#"emails[type eq "x"].value pr"#,
        "active gt true",
        "members pr",
        "(",
    ] {
        let one = Filter::parse(&registry, user, text, &Limits::default(), Mode::Lenient);
        let across =
            Filter::parse_across(&registry, &[user], text, &Limits::default(), Mode::Lenient);
        assert_eq!(across, one.map(|filter| vec![filter]), "{text}");
    }
}
