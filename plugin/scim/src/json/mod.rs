//! JSON text as the protocol code sees it: one borrowed tree for everything that
//! comes in, and the few tokens that the writers put out.

mod parse;
mod quoted;
mod size;
mod write;

pub use parse::{MAX_DEPTH, parse, parse_bounded};
pub use quoted::Quoted;
pub use size::{VALUE_BYTES, tree_bytes};
pub(crate) use write::{write_number, write_string};

use crate::text::same_name;
use std::borrow::Cow;

/// A JSON value. Strings without an escape are borrowed from the body.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction and exponent that fits 64 bits with sign.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object, its members in the order they came. No two names are equal
    /// without regard to case.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// The members of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(Cow<'a, str>, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::String(_)
            | Self::Array(_) => None,
        }
    }

    /// The elements of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::String(_)
            | Self::Object(_) => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Array(_)
            | Self::Object(_) => None,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The member of an object, by its name without regard to case (RFC 7643
    /// §2.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?
            .iter()
            .find(|(key, _)| same_name(key, name))
            .map(|(_, value)| value)
    }
}
