//! Filters on a fixed set of resources: a filter and its negation part the resources
//! between them, what an index may answer follows from the filter, and an attribute that
//! the filter does not mention makes no difference to it.

use crate::fixture;
use scim::Error;
use scim::Mode;
use scim::filter::{Filter, Limits};
use scim::resource::Resource;
use scim::schema::{AttrId, Registry, ResourceTypeId};
use serde_json::Value;

/// Text of a filter.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    fixture::with(|registry, resources| {
        for kind in [registry.core().user, registry.core().group] {
            let ours = resources.iter().filter(|r| r.resource_type == kind);
            check(registry, kind, text, &ours.collect::<Vec<_>>());
        }
    });
}

fn check(registry: &Registry, kind: ResourceTypeId, text: &str, resources: &[&Resource]) {
    let filter = match Filter::parse(registry, kind, text, &Limits::default(), Mode::Lenient) {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(error.status(), 400, "{error}");
            assert!(error.scim_type().is_some(), "{error}");
            return;
        }
    };
    let matches: Vec<bool> = resources.iter().map(|r| filter.matches(r)).collect();
    let same: &[(&str, bool)] = &[
        (&format!("({text})"), true),
        (&format!("not ({text})"), false),
        (&format!("({text}) and ({text})"), true),
        (&format!("({text}) or ({text})"), true),
    ];
    for (variant, holds) in same {
        if let Some(variant) = within_limits(registry, kind, variant) {
            for (resource, matched) in resources.iter().zip(&matches) {
                assert_eq!(variant.matches(resource), matched == holds, "{variant:?}");
            }
        }
    }
    for (attribute, literal) in filter.conjuncts_eq() {
        let term = format!("{} eq {}", registry.path(attribute), Value::from(literal));
        if let Some(term) = within_limits(registry, kind, &term) {
            for (resource, _) in resources.iter().zip(&matches).filter(|(_, m)| **m) {
                assert!(term.matches(resource), "{term:?} does not follow");
            }
        }
    }
    for (resource, matched) in resources.iter().zip(&matches) {
        for attribute in attributes(resource).filter(|a| !filter.mentions(*a)) {
            let mut without = (*resource).clone();
            without.attributes.remove(attribute);
            let path = registry.path(attribute);
            assert_eq!(
                filter.matches(&without),
                *matched,
                "{path} is not mentioned"
            );
        }
    }
}

/// A filter that is made of a good one: only its size may be wrong with it.
fn within_limits(registry: &Registry, kind: ResourceTypeId, text: &str) -> Option<Filter> {
    match Filter::parse(registry, kind, text, &Limits::default(), Mode::Lenient) {
        Ok(filter) => Some(filter),
        Err(Error::FilterLimit { .. }) => None,
        Err(error) => panic!("{text}: {error}"),
    }
}

fn attributes(resource: &Resource) -> impl Iterator<Item = AttrId> + '_ {
    resource.attributes.iter().map(|(attribute, _)| attribute)
}
