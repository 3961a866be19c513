//! One filter for resources of several types (RFC 7644 §3.4.2.1). "For filtered
//! attributes that are not part of a particular resource type, the service
//! provider SHALL treat the attribute as if there is no attribute value": what a
//! type lacks is decided before the filter is bound to it.

use super::ast::{Comparison, Expression, Operator};
use super::bind::{Binder, Place, bind_filter};
use super::{Filter, Limits, read};
use crate::Mode;
use crate::error::Error;
use crate::schema::{AttrId, Registry, ResourceTypeId};

impl Filter {
    /// Reads a filter for each of several types.
    ///
    /// # Errors
    /// Those of [`Filter::parse`]; [`Error::FilterAttribute`] only for a name
    /// that no type has.
    ///
    /// ```
    /// use scim::{Mode, filter::{Filter, Limits}, schema::Registry};
    ///
    /// let registry = Registry::standard().unwrap();
    /// let types = [registry.core().user, registry.core().group];
    /// let text = r#"userName eq "bjensen""#;
    /// let limits = Limits::default();
    /// let filters = Filter::parse_across(&registry, &types, text, &limits, Mode::Lenient);
    /// let filters = filters.unwrap();
    /// assert!(!filters[0].matches_nothing());
    /// assert!(filters[1].matches_nothing());
    /// ```
    pub fn parse_across(
        registry: &Registry,
        types: &[ResourceTypeId],
        text: &str,
        limits: &Limits,
        mode: Mode,
    ) -> Result<Vec<Self>, Error> {
        let expression = read(text, limits, mode)?;
        if let [only] = types {
            return Ok(vec![bind_filter(registry, *only, &expression, mode)?]);
        }
        let places: Vec<Place> = types.iter().copied().map(Place::Resource).collect();
        let names = Names { registry, mode };
        names.check(&places, &expression)?;
        types
            .iter()
            .map(|resource_type| {
                let place = Place::Resource(*resource_type);
                let decided = names.decided(place, &expression);
                bind_filter(registry, *resource_type, &decided, mode)
            })
            .collect()
    }
}

/// Looks names up in several places.
#[derive(Clone, Copy)]
struct Names<'r> {
    registry: &'r Registry,
    mode: Mode,
}

impl Names<'_> {
    fn find(self, place: Place, name: &str) -> Result<AttrId, Error> {
        let binder = Binder {
            registry: self.registry,
            mode: self.mode,
            place,
        };
        binder.resolve(name)
    }

    /// Refuses a name that stands for an attribute in none of some places.
    fn check(self, places: &[Place], expression: &Expression<'_>) -> Result<(), Error> {
        let found = |name: &str| {
            let (mut found, mut unknown) = (Vec::new(), Ok(()));
            for place in places {
                match self.find(*place, name) {
                    Ok(id) => found.push(Place::Element(id)),
                    Err(error) => unknown = Err(error),
                }
            }
            match found.is_empty() {
                true => unknown.map(|()| found),
                false => Ok(found),
            }
        };
        match expression {
            Expression::And(terms) | Expression::Or(terms) => {
                terms.iter().try_for_each(|term| self.check(places, term))
            }
            Expression::Not(inner) => self.check(places, inner),
            Expression::Comparison(comparison) => found(&comparison.attribute).map(drop),
            Expression::ValuePath { attribute, filter } => self.check(&found(attribute)?, filter),
        }
    }

    /// The expression without the names that a place lacks.
    fn decided<'t>(self, place: Place, expression: &Expression<'t>) -> Expression<'t> {
        let all = |terms: &[Expression<'t>]| {
            let terms = terms.iter();
            terms.map(|term| self.decided(place, term)).collect()
        };
        match expression {
            Expression::And(terms) => Expression::And(all(terms)),
            Expression::Or(terms) => Expression::Or(all(terms)),
            Expression::Not(inner) => Expression::Not(Box::new(self.decided(place, inner))),
            Expression::Comparison(comparison) => match self.find(place, &comparison.attribute) {
                Ok(_) => expression.clone(),
                Err(_) => constant(holds_without_value(comparison)),
            },
            Expression::ValuePath { attribute, filter } => match self.find(place, attribute) {
                Ok(id) => Expression::ValuePath {
                    attribute: attribute.clone(),
                    filter: Box::new(self.decided(Place::Element(id), filter)),
                },
                Err(_) => constant(false),
            },
        }
    }
}

/// All of no terms hold, and not one of no terms.
fn constant(holds: bool) -> Expression<'static> {
    match holds {
        true => Expression::And(Vec::new()),
        false => Expression::Or(Vec::new()),
    }
}

/// Whether a comparison holds for an attribute that has no value.
fn holds_without_value(comparison: &Comparison<'_>) -> bool {
    match comparison.operator {
        Operator::Equal => comparison.literal.is_null(),
        Operator::NotEqual => !comparison.literal.is_null(),
        _ => false,
    }
}
