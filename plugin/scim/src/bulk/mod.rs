//! Bulk (RFC 7644 §3.7): many operations in one request, of which later ones may
//! refer to what earlier ones create, and earlier ones to what later ones do.
//!
//! `request` reads the message. `references` finds every `bulkId:…` in an
//! operation and puts something else in its place. `schedule` says in which order
//! the operations can be done. `response` writes what came of each.

mod references;
mod request;
mod response;
mod schedule;

#[cfg(test)]
mod tests;

pub use references::Place;
pub use response::{Outcome, bulk_response};
pub use schedule::Schedule;

use crate::json::Json;
use std::borrow::Cow;

/// How much deeper than alone a resource lies in a bulk request: in the message,
/// its list, and the operation.
pub const DEPTH: usize = 3;

/// What a text that refers to a resource yet to be created begins with (RFC 7644
/// §3.7.2).
const REFERENCE: &str = "bulkId:";

/// A bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest<'j> {
    /// After how many errors the rest is left undone; `None` for never.
    pub fail_on_errors: Option<usize>,
    /// The operations, as they were sent.
    pub operations: Vec<Operation<'j>>,
}

/// One operation of a bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation<'j> {
    /// The HTTP method.
    pub method: Method,
    /// What the client calls the operation; a `POST` always has one.
    pub bulk_id: Option<Cow<'j, str>>,
    /// The version that the resource must have.
    pub version: Option<Cow<'j, str>>,
    /// The path of the resource, or of the endpoint that creates one.
    pub path: Cow<'j, str>,
    /// What would be the body; there for every method that has one.
    pub data: Option<Json<'j>>,
}

/// The method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `DELETE`
    Delete,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl Method {
    const ALL: [Self; 4] = [Self::Delete, Self::Patch, Self::Post, Self::Put];

    /// The method as HTTP writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}
