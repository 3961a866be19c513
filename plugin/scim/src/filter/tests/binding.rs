//! Names to attributes, literals to types.

use super::{registry, users_filter};
use crate::Mode;
use crate::error::Error;
use crate::filter::{Filter, Limits};
use crate::schema::ENTERPRISE_USER;

fn refused(text: &str) -> Error {
    users_filter(&registry(), text).unwrap_err()
}

#[test]
fn an_unknown_attribute_is_an_invalid_filter() {
    for text in [
        "noSuch eq \"x\"",
        "name.noSuch pr",
        "emails[noSuch pr]",
        "emails[emails eq \"x\"]",
        "members eq \"x\"",
        "urn:x:userName pr",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, Error::FilterAttribute { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn booleans_and_binary_have_no_order_rfc_7644_3_4_2_2() {
    for text in [
        "active gt true",
        "active le false",
        "emails.primary lt true",
        "x509Certificates.value ge \"AA==\"",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, Error::FilterComparison { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn text_operators_are_for_text() {
    for text in [
        "active co \"r\"",
        "active sw true",
        "emails.primary ew \"e\"",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, Error::FilterComparison { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_complex_attribute_is_compared_by_its_value_or_not_at_all() {
    for text in ["emails gt \"a\"", "name eq \"x\"", "addresses co \"x\""] {
        let error = refused(text);
        assert!(
            matches!(error, Error::FilterComparison { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn literals_must_be_of_the_attributes_type() {
    for text in [
        "active eq \"yes\"",
        "active eq 1",
        "meta.created gt \"yesterday\"",
        "meta.created eq 5",
        "title gt null",
        "title co null",
    ] {
        let error = refused(text);
        assert!(
            matches!(error, Error::FilterComparison { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_is_never_returned_is_not_filtered() {
    for text in [
        "password eq \"x\"",
        "password pr",
        "password sw \"a\"",
        "password eq null",
    ] {
        let error = refused(text);
        let attribute = "password".to_owned();
        assert_eq!(error, Error::Secret { attribute }, "{text}");
    }
}

#[test]
fn an_error_does_not_repeat_the_filter() {
    let long = format!("{} eq \"secret\"", "a".repeat(3000));
    let text = refused(&long).to_string();
    assert!(text.len() < 250, "{text}");
    assert!(!text.contains("secret"));
}

#[test]
fn equalities_that_every_match_satisfies_are_known() {
    let registry = registry();
    let core = registry.core();
    let filter = |text| users_filter(&registry, text).unwrap();
    assert_eq!(
        filter("userName eq \"Ann\" and (active eq true and externalId eq 7)").conjuncts_eq(),
        [(core.user_name, "Ann"), (core.external_id, "7")]
    );
    for text in [
        "emails eq \"a@x\"",
        "emails.value eq \"a@x\"",
        "emails[value eq \"a@x\"]",
    ] {
        assert_eq!(filter(text).conjuncts_eq(), [(core.emails_value, "a@x")]);
    }
    let found = filter("emails[type eq \"work\"].value eq \"a@x\"");
    assert!(found.conjuncts_eq().contains(&(core.emails_value, "a@x")));
    for text in [
        "userName eq \"a\" or active eq true",
        "not (userName eq \"a\")",
        "userName ne \"a\"",
        "userName sw \"a\"",
        "emails[value eq \"a\" or type eq \"b\"]",
    ] {
        assert!(filter(text).conjuncts_eq().is_empty(), "{text}");
    }
}

#[test]
fn a_filter_knows_what_it_reads() {
    let registry = registry();
    let core = registry.core();
    let limits = Limits::default();
    let text = "not (displayName pr) or members[value eq \"a\"]";
    let filter = Filter::parse(&registry, core.group, text, &limits, Mode::Lenient).unwrap();
    assert!(filter.mentions(core.members));
    assert!(filter.mentions(core.members_value));
    assert!(filter.mentions(core.group_display_name));
    assert!(!filter.mentions(core.members_type));
    assert!(!filter.mentions(core.external_id));
}

#[test]
fn names_may_carry_their_urn() {
    let registry = registry();
    for text in [
        format!("{ENTERPRISE_USER}:manager.value eq \"x\""),
        format!("{ENTERPRISE_USER}:manager eq \"x\""),
        format!("{ENTERPRISE_USER}.Manager.value eq \"x\""),
        "manager eq \"x\"".to_owned(),
        "Manager.Value EQ \"x\"".to_owned(),
    ] {
        let filter = users_filter(&registry, &text).unwrap();
        let (attribute, _) = filter.conjuncts_eq()[0];
        assert_eq!(
            registry.path(attribute),
            format!("{ENTERPRISE_USER}:manager.value")
        );
    }
}

#[test]
fn hostile_filters_end_in_an_error() {
    let registry = registry();
    let limits = Limits {
        max_length: usize::MAX,
        max_depth: usize::MAX,
        max_nodes: usize::MAX,
    };
    for text in [
        "(".repeat(5_000),
        "not (".repeat(100_000),
        format!("{}userName pr{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}zz", "not (".repeat(2_000)),
        "emails[".repeat(5_000),
        ".".repeat(8_000),
        format!("{} pr", "a.".repeat(500_000)),
        "a".repeat(1 << 20),
        format!("userName eq \"{}", "\n".repeat(50_000)),
    ] {
        assert!(
            Filter::parse(
                &registry,
                registry.core().user,
                &text,
                &limits,
                Mode::Lenient
            )
            .is_err()
        );
    }
}

#[test]
fn the_deepest_filter_fits_a_small_stack() {
    let deepest = || {
        let registry = registry();
        let limits = Limits {
            max_depth: usize::MAX,
            ..Limits::default()
        };
        let depth = Limits::DEEPEST;
        let text = format!(
            "{}userName pr{}",
            "not (active pr and ".repeat(depth),
            ")".repeat(depth)
        );
        let filter = Filter::parse(
            &registry,
            registry.core().user,
            &text,
            &limits,
            Mode::Lenient,
        )
        .unwrap();
        let copy = filter.clone();
        let _ = format!("{copy:?}");
        copy.matches(&crate::resource::Resource::new(registry.core().user))
    };
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let _ = small.spawn(deepest).unwrap().join().unwrap();
}
