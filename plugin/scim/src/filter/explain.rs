//! What a filter asks, for people: the same reading as the one that is evaluated, with
//! its names kept.

use super::Limits;
use super::ast::Expression;
use super::bind::{Binder, Place};
use super::predicate::{Number, Predicate};
use crate::Mode;
use crate::error::Error;
use crate::resource::Value;
use crate::schema::{AttrId, Registry, ResourceTypeId};

/// A filter explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The filter in one way of writing it: one space between words, operators in lower
    /// case, parentheses only where they matter.
    pub canonical: String,
    /// What it asks.
    pub condition: Condition,
}

/// A part of an explained filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Self>),
    /// At least one of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// An attribute is compared.
    Comparison {
        /// The attribute; for a complex one its `value`.
        attribute: AttrId,
        /// The operator of RFC 7644 §3.4.2.2 in lower case; of `eq null` and `ne null`
        /// it is `pr`.
        operator: &'static str,
        /// With what, in the attribute's type; nothing for `pr`.
        operand: Option<Value>,
    },
    /// An element of a multi-valued attribute meets a condition of its own.
    Element {
        /// The attribute.
        attribute: AttrId,
        /// The condition, on sub-attributes.
        condition: Box<Self>,
    },
}

impl Explanation {
    /// Reads a filter for resources of one type, to be shown.
    ///
    /// # Errors
    /// Those of [`Filter::parse`](super::Filter::parse): what cannot be evaluated is not
    /// explained.
    ///
    /// ```
    /// use scim::{filter::{Condition, Explanation, Limits}, schema::Registry};
    ///
    /// let registry = Registry::standard().unwrap();
    /// let user = registry.core().user;
    /// let explained = Explanation::parse(&registry, user, "NOT(title PR)", &Limits::default());
    /// let Explanation { canonical, condition } = explained.unwrap();
    /// assert_eq!(canonical, "not (title pr)");
    /// assert!(matches!(condition, Condition::Not(_)));
    /// ```
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        text: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let expression = super::read(text, limits, Mode::Lenient)?;
        let binder = Binder {
            registry,
            mode: Mode::Lenient,
            place: Place::Resource(resource_type),
        };
        Ok(Self {
            condition: condition(&binder, &expression)?,
            canonical: expression.to_string(),
        })
    }
}

fn condition(binder: &Binder<'_>, expression: &Expression<'_>) -> Result<Condition, Error> {
    let all = |terms: &[Expression<'_>]| -> Result<Vec<Condition>, Error> {
        terms.iter().map(|term| condition(binder, term)).collect()
    };
    match expression {
        Expression::And(terms) => Ok(Condition::All(all(terms)?)),
        Expression::Or(terms) => Ok(Condition::Any(all(terms)?)),
        Expression::Not(inner) => Ok(Condition::Not(Box::new(condition(binder, inner)?))),
        Expression::Comparison(comparison) => {
            let compared = binder.compared(comparison)?;
            let condition = Condition::Comparison {
                attribute: compared.attribute,
                operator: compared.operator.as_str(),
                operand: operand(compared.predicate),
            };
            Ok(if compared.negated {
                Condition::Not(Box::new(condition))
            } else {
                condition
            })
        }
        Expression::ValuePath { attribute, filter } => {
            let attribute = binder.resolve(attribute)?;
            let element = Binder {
                registry: binder.registry,
                mode: binder.mode,
                place: Place::Element(attribute),
            };
            Ok(Condition::Element {
                attribute,
                condition: Box::new(condition(&element, filter)?),
            })
        }
    }
}

fn operand(predicate: Predicate) -> Option<Value> {
    match predicate {
        Predicate::Present | Predicate::OneOf(_) => None,
        Predicate::Text(text) => Some(Value::String(text.literal.into())),
        Predicate::Boolean { operand, .. } => Some(Value::Boolean(operand)),
        Predicate::Number { operand, .. } => Some(match operand {
            Number::Integer(number) => Value::Integer(number),
            Number::Decimal(number) => Value::Decimal(number),
        }),
        Predicate::Instant { literal, .. } => Some(Value::String(literal.into())),
    }
}
