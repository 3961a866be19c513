//! A filter as it was written: names are not looked up yet, and what the text says is
//! borrowed from it.

use std::borrow::Cow;
use std::fmt;

/// A filter or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression<'a> {
    /// All of them hold.
    And(Vec<Self>),
    /// At least one of them holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// An attribute is compared.
    Comparison(Comparison<'a>),
    /// An element of a multi-valued attribute meets a filter of its own.
    ValuePath {
        /// The attribute's name.
        attribute: Cow<'a, str>,
        /// The filter, whose names are those of sub-attributes.
        filter: Box<Self>,
    },
}

/// `attrPath SP "pr"` or `attrPath SP compareOp SP compValue`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison<'a> {
    /// The attribute's name, with its URN and sub-attribute where it has them.
    pub(crate) attribute: Cow<'a, str>,
    /// How it is compared.
    pub(crate) operator: Operator,
    /// With what; the literal of `pr` is empty.
    pub(crate) literal: Literal<'a>,
}

/// The operators of RFC 7644 §3.4.2.2, table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
    /// `pr`
    Present,
}

impl Operator {
    /// All of them with their spelling.
    pub(crate) const ALL: [(Self, &'static str); 10] = [
        (Self::Equal, "eq"),
        (Self::NotEqual, "ne"),
        (Self::Contains, "co"),
        (Self::StartsWith, "sw"),
        (Self::EndsWith, "ew"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
        (Self::Present, "pr"),
    ];

    /// The operator with this spelling, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let &[first, second] = name.as_bytes() else {
            return None;
        };
        let name = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
        Self::ALL
            .into_iter()
            .find(|(_, spelling)| spelling.as_bytes() == name)
            .map(|(operator, _)| operator)
    }

    /// Its spelling.
    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(operator, _)| *operator == self)
            .map_or("", |(_, spelling)| spelling)
    }
}

/// What an attribute is compared with. What a word means depends on the
/// attribute's type, which is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal<'a> {
    /// A string in quotation marks, its escapes resolved.
    String(Cow<'a, str>),
    /// `true`, `false`, `null`, a number, or text that lacks its quotation marks.
    Word(Cow<'a, str>),
}

impl Literal<'_> {
    /// The text, for an attribute that is compared as text.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::String(text) | Self::Word(text) => text,
        }
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case("null"))
    }
}

impl Expression<'_> {
    /// Joins terms by `and`; what is itself a conjunction is taken apart, which
    /// keeps the tree no deeper than its parentheses.
    pub(crate) fn all(terms: Vec<Self>) -> Self {
        let is_join = |term: &Self| matches!(term, Self::And(_));
        joined(terms, is_join, Self::And, |term| match term {
            Self::And(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Joins terms by `or`, like [`Self::all`].
    pub(crate) fn any(terms: Vec<Self>) -> Self {
        let is_join = |term: &Self| matches!(term, Self::Or(_));
        joined(terms, is_join, Self::Or, |term| match term {
            Self::Or(inner) => Ok(inner),
            other => Err(other),
        })
    }
}

/// `join` of terms, with the terms of those that are such a join already; a single
/// term is itself.
fn joined<T>(
    mut terms: Vec<T>,
    is_join: fn(&T) -> bool,
    join: fn(Vec<T>) -> T,
    split: fn(T) -> Result<Vec<T>, T>,
) -> T {
    if terms.iter().any(is_join) {
        let mut flat = Vec::with_capacity(terms.len());
        for term in terms {
            match split(term) {
                Ok(inner) => flat.extend(inner),
                Err(other) => flat.push(other),
            }
        }
        terms = flat;
    }
    match terms.len() {
        1 => terms.remove(0),
        _ => join(terms),
    }
}

impl fmt::Display for Expression<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(terms) => print(f, terms, " and ", |t| matches!(t, Expression::Or(_))),
            Self::Or(terms) => print(f, terms, " or ", |_| false),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Comparison(comparison) => comparison.fmt(f),
            Self::ValuePath { attribute, filter } => write!(f, "{attribute}[{filter}]"),
        }
    }
}

fn print(
    f: &mut fmt::Formatter<'_>,
    terms: &[Expression<'_>],
    joiner: &str,
    parenthesised: impl Fn(&Expression<'_>) -> bool,
) -> fmt::Result {
    for (at, term) in terms.iter().enumerate() {
        if at > 0 {
            f.write_str(joiner)?;
        }
        if parenthesised(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.attribute, self.operator.as_str())?;
        match self.operator {
            Operator::Present => Ok(()),
            Operator::Equal
            | Operator::NotEqual
            | Operator::Contains
            | Operator::StartsWith
            | Operator::EndsWith
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual => write!(f, " {}", self.literal),
        }
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_ref())),
            Self::Word(word) => f.write_str(word),
        }
    }
}
