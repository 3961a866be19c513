//! Bound filters and what they say of a resource.
//!
//! Two points that RFC 7644 leaves open are decided so: a comparison with a
//! multi-valued attribute holds when it holds for at least one value, `ne` too,
//! so `emails.type ne "work"` finds a user who also has another address; and an
//! attribute without a value differs from every value, so `title ne "x"` finds
//! users without title. `eq null` is the opposite of `pr`, `ne null` is `pr`.

use super::ast::Operator;
use crate::datetime;
use crate::resource::{Resource, Value};
use crate::schema::AttrId;
use crate::text::fold;
use std::cmp::Ordering;

/// A filter for resources of one type. Evaluation looks nothing up by name and
/// recurses no deeper than [`Limits`](super::Limits) allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub(super) root: Node,
}

/// A filter for the elements of one multi-valued attribute: what stands between
/// the brackets of a value path.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementFilter {
    pub(super) root: Node,
}

/// A part of a bound filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Known when the filter was bound.
    Known(bool),
    Test(Test),
    /// An element of the attribute at the end of the steps meets the filter.
    Element {
        steps: Vec<AttrId>,
        filter: Box<Self>,
    },
}

/// A condition on the values at the end of the steps, which begin at the
/// resource, or at the element inside a value path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) steps: Vec<AttrId>,
    pub(super) predicate: Predicate,
}

/// A condition on one value. The operators are those that make sense for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Predicate {
    Present,
    Text(Text),
    Boolean {
        operator: Operator,
        operand: bool,
    },
    Number {
        operator: Operator,
        operand: Number,
    },
    Instant {
        operator: Operator,
        operand: i128,
        literal: String,
    },
}

/// A comparison of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) operator: Operator,
    pub(super) case_exact: bool,
    /// As the client wrote it.
    pub(super) literal: String,
    /// What is compared: folded unless `case_exact`.
    pub(super) key: String,
}

/// A number, exact where it can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Decimal(f64),
}

impl Filter {
    /// Whether the resource meets the filter.
    #[must_use]
    pub fn matches(&self, resource: &Resource) -> bool {
        self.root.holds(&|steps, visit| match steps.split_first() {
            Some((first, rest)) => visit_values(resource.get(*first), rest, visit),
            None => false,
        })
    }

    /// Comparisons by `eq` with text that every match must satisfy, for an index
    /// to answer: the attribute, the sub-attribute where there is one, and the
    /// literal as it was written. They are necessary, not sufficient: what an
    /// index finds still has to match.
    #[must_use]
    pub fn conjuncts_eq(&self) -> Vec<(AttrId, &str)> {
        let mut found = Vec::new();
        self.root.collect_equalities(&mut found);
        found
    }

    /// Whether the filter reads this attribute or a sub-attribute of it.
    #[must_use]
    pub fn mentions(&self, attribute: AttrId) -> bool {
        self.root.mentions(attribute)
    }
}

impl ElementFilter {
    /// Whether an element meets the filter.
    #[must_use]
    pub fn matches(&self, element: &Value) -> bool {
        self.root
            .holds(&|steps, visit| visit_values(Some(element), steps, visit))
    }

    /// When the filter is nothing but `eq` joined by `and`: the values that an
    /// element has to have, by sub-attribute.
    #[must_use]
    pub fn equalities(&self) -> Option<Vec<(AttrId, Value)>> {
        let terms = match &self.root {
            Node::All(terms) => terms.as_slice(),
            other => std::slice::from_ref(other),
        };
        terms.iter().map(Node::as_equality).collect()
    }

    /// When the filter is nothing but comparisons of `attribute` by `eq` joined
    /// by `or`: the texts, as they were written.
    #[must_use]
    pub fn alternatives(&self, attribute: AttrId) -> Option<Vec<&str>> {
        let terms = match &self.root {
            Node::Any(terms) => terms.as_slice(),
            other => std::slice::from_ref(other),
        };
        terms
            .iter()
            .map(|term| match term.as_text_equality() {
                Some((id, literal)) if id == attribute => Some(literal),
                _ => None,
            })
            .collect()
    }

    /// Whether the filter reads this sub-attribute.
    #[must_use]
    pub fn mentions(&self, attribute: AttrId) -> bool {
        self.root.mentions(attribute)
    }
}

/// Calls back with each value at the end of some steps, or once with nothing,
/// until the answer is yes.
type Visit<'v> = &'v dyn Fn(Option<&Value>) -> bool;

impl Node {
    /// Whether it holds where `values` leads from steps to values.
    fn holds(&self, values: &dyn Fn(&[AttrId], Visit<'_>) -> bool) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.holds(values)),
            Self::Any(terms) => terms.iter().any(|term| term.holds(values)),
            Self::Not(inner) => !inner.holds(values),
            Self::Known(answer) => *answer,
            Self::Test(test) => values(&test.steps, &|value| test.predicate.holds(value)),
            Self::Element { steps, filter } => values(steps, &|element| {
                element.is_some_and(|element| filter.holds_for(element))
            }),
        }
    }

    /// Whether it holds for an element.
    pub(super) fn holds_for(&self, element: &Value) -> bool {
        self.holds(&|steps, visit| visit_values(Some(element), steps, visit))
    }

    fn collect_equalities<'f>(&'f self, found: &mut Vec<(AttrId, &'f str)>) {
        match self {
            Self::All(terms) => terms.iter().for_each(|t| t.collect_equalities(found)),
            Self::Any(terms) => {
                if let [only] = terms.as_slice() {
                    only.collect_equalities(found);
                }
            }
            Self::Element { filter, .. } => filter.collect_equalities(found),
            Self::Test(_) => found.extend(self.as_text_equality()),
            Self::Not(_) | Self::Known(_) => {}
        }
    }

    fn as_text_equality(&self) -> Option<(AttrId, &str)> {
        match self {
            Self::Test(Test {
                steps,
                predicate: Predicate::Text(text),
            }) if text.operator == Operator::Equal => Some((*steps.last()?, &text.literal)),
            _ => None,
        }
    }

    /// The attribute and the value it must have, for a comparison by `eq`.
    fn as_equality(&self) -> Option<(AttrId, Value)> {
        let Self::Test(Test { steps, predicate }) = self else {
            return None;
        };
        let (operator, value) = match predicate {
            Predicate::Present => return None,
            Predicate::Text(text) => (text.operator, Value::String(text.literal.clone())),
            Predicate::Boolean { operator, operand } => (*operator, Value::Boolean(*operand)),
            Predicate::Number { operator, operand } => match operand {
                Number::Integer(number) => (*operator, Value::Integer(*number)),
                Number::Decimal(number) => (*operator, Value::Decimal(*number)),
            },
            Predicate::Instant {
                operator, literal, ..
            } => (*operator, Value::String(literal.clone())),
        };
        (operator == Operator::Equal).then_some((*steps.last()?, value))
    }

    fn mentions(&self, attribute: AttrId) -> bool {
        match self {
            Self::All(terms) | Self::Any(terms) => terms.iter().any(|t| t.mentions(attribute)),
            Self::Not(inner) => inner.mentions(attribute),
            Self::Known(_) => false,
            Self::Test(test) => test.steps.contains(&attribute),
            Self::Element { steps, filter } => {
                steps.contains(&attribute) || filter.mentions(attribute)
            }
        }
    }
}

/// Follows steps, through every element where there are several. As deep as the
/// schema is, which is three.
fn visit_values(value: Option<&Value>, steps: &[AttrId], visit: Visit<'_>) -> bool {
    match (value, steps.split_first()) {
        (Some(Value::List(elements)), _) => elements
            .iter()
            .any(|element| visit_values(Some(element), steps, visit)),
        (Some(Value::Complex(complex)), Some((first, rest))) => {
            visit_values(complex.get(*first), rest, visit)
        }
        (_, Some(_)) => visit(None),
        (value, None) => visit(value),
    }
}

impl Predicate {
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Present, value) => value.is_some_and(is_present),
            (Self::Text(text), Some(Value::String(value))) => text.holds(value),
            (Self::Boolean { operator, operand }, Some(Value::Boolean(value))) => {
                ordered(*operator, value.cmp(operand))
            }
            (Self::Number { operator, operand }, Some(Value::Integer(value))) => {
                compared(*operator, Number::Integer(*value).compare(*operand))
            }
            (Self::Number { operator, operand }, Some(Value::Decimal(value))) => {
                compared(*operator, Number::Decimal(*value).compare(*operand))
            }
            (
                Self::Instant {
                    operator, operand, ..
                },
                Some(Value::String(value)),
            ) => compared(*operator, datetime::parse(value).map(|v| v.cmp(operand))),
            // No value, or one that is not of the attribute's type: it differs.
            (Self::Text(Text { operator, .. }), _)
            | (Self::Boolean { operator, .. }, _)
            | (Self::Number { operator, .. }, _)
            | (Self::Instant { operator, .. }, _) => *operator == Operator::NotEqual,
        }
    }
}

/// What `pr` asks: "a non-empty or non-null value".
fn is_present(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Complex(complex) => !complex.is_empty(),
        Value::List(elements) => !elements.is_empty(),
        Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) => true,
    }
}

impl Text {
    fn holds(&self, value: &str) -> bool {
        // The comparison that lists are made of, without a copy of each value.
        if self.operator == Operator::Equal && !self.case_exact && value.is_ascii() {
            return value.eq_ignore_ascii_case(&self.key);
        }
        if self.case_exact {
            self.holds_for_key(value)
        } else {
            self.holds_for_key(&fold(value))
        }
    }

    fn holds_for_key(&self, value: &str) -> bool {
        match self.operator {
            Operator::Contains => value.contains(&self.key),
            Operator::StartsWith => value.starts_with(&self.key),
            Operator::EndsWith => value.ends_with(&self.key),
            operator => ordered(operator, value.cmp(&self.key)),
        }
    }
}

impl Number {
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (Self::Decimal(a), Self::Decimal(b)) => a.partial_cmp(&b),
            (Self::Integer(a), Self::Decimal(b)) => compare_mixed(a, b),
            (Self::Decimal(a), Self::Integer(b)) => compare_mixed(b, a).map(Ordering::reverse),
        }
    }
}

/// Compares exactly: an `i64` has more digits than an `f64` holds.
fn compare_mixed(integer: i64, decimal: f64) -> Option<Ordering> {
    const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
    if decimal >= TWO_POW_63 {
        return Some(Ordering::Less);
    }
    if decimal < -TWO_POW_63 {
        return Some(Ordering::Greater);
    }
    if decimal.is_nan() {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the bounds were checked, and the fraction is compared next"
    )]
    let whole = decimal.trunc() as i64;
    Some(integer.cmp(&whole).then_with(|| {
        0.0_f64
            .partial_cmp(&decimal.fract())
            .unwrap_or(Ordering::Equal)
    }))
}

fn compared(operator: Operator, ordering: Option<Ordering>) -> bool {
    match ordering {
        Some(ordering) => ordered(operator, ordering),
        None => operator == Operator::NotEqual,
    }
}

/// Whether "value operator operand" holds when the value stands so to the
/// operand.
fn ordered(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith | Operator::Present => false,
    }
}
