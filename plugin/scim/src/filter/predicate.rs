//! Conditions on one value, and what they say of it.

use super::ast::Operator;
use crate::datetime;
use crate::resource::Value;
use crate::text::fold;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A condition on one value. The operators are those that make sense for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Predicate {
    Present,
    Text(Text),
    /// Equal to one of many texts.
    OneOf(Box<OneOf>),
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
        literal: Box<str>,
    },
}

/// A comparison of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) operator: Operator,
    pub(super) case_exact: bool,
    /// As the client wrote it.
    pub(super) literal: Box<str>,
    /// The literal folded, where that makes another text of it and case does not count.
    folded: Option<Box<str>>,
}

/// A choice of texts, found without going through all of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OneOf {
    pub(super) case_exact: bool,
    /// As the client wrote them.
    pub(super) literals: Vec<String>,
    /// What is compared: folded unless `case_exact`.
    pub(super) keys: BTreeSet<String>,
}

/// A number, exact where it can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Decimal(f64),
}

impl Predicate {
    /// Whether it holds for a value, or for the absence of one.
    pub(super) fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Present, value) => value.is_some_and(is_present),
            (Self::Text(text), Some(Value::String(value))) => text.holds(value),
            (Self::OneOf(choice), Some(Value::String(value))) => choice.holds(value),
            (Self::OneOf(_), _) => false,
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
    pub(super) fn new(operator: Operator, case_exact: bool, literal: &str) -> Self {
        let folded = match fold(literal) {
            Cow::Owned(folded) if !case_exact => Some(folded.into()),
            Cow::Owned(_) | Cow::Borrowed(_) => None,
        };
        Self {
            operator,
            case_exact,
            literal: literal.into(),
            folded,
        }
    }

    /// What is compared.
    fn key(&self) -> &str {
        self.folded.as_ref().unwrap_or(&self.literal)
    }

    fn holds(&self, value: &str) -> bool {
        // The comparison that lists are made of, without a copy of each value.
        if self.operator == Operator::Equal {
            if self.case_exact {
                return value == self.literal.as_ref();
            }
            if value.is_ascii() {
                return value.eq_ignore_ascii_case(self.key());
            }
        }
        if self.case_exact {
            self.holds_for_key(value)
        } else {
            self.holds_for_key(&fold(value))
        }
    }

    fn holds_for_key(&self, value: &str) -> bool {
        match self.operator {
            Operator::Contains => value.contains(self.key()),
            Operator::StartsWith => value.starts_with(self.key()),
            Operator::EndsWith => value.ends_with(self.key()),
            operator => ordered(operator, value.cmp(self.key())),
        }
    }
}

impl OneOf {
    fn holds(&self, value: &str) -> bool {
        if self.case_exact {
            self.keys.contains(value)
        } else {
            self.keys.contains(fold(value).as_ref())
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
