//! The envelope of a PATCH request (RFC 7644 §3.5.2).

use super::{Op, quirks};
use crate::error::Error;
use crate::json::Json;

/// An operation as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requested<'j> {
    /// Its place in the request, from 1.
    pub(super) number: usize,
    pub(super) op: Op,
    pub(super) path: Option<&'j str>,
    pub(super) value: Option<&'j Json<'j>>,
}

/// Reads the operations of a request. Keys that the message does not have are
/// ignored: clients add their own (`id`, `name`).
pub(super) fn operations<'j>(
    body: &'j Json<'j>,
    max_operations: usize,
) -> Result<Vec<Requested<'j>>, Error> {
    check_schemas(body)?;
    let operations = quirks::operations_in_another_form(body)
        .or_else(|| body.get("Operations").and_then(Json::as_array))
        .ok_or_else(|| malformed("\"Operations\" must be a list"))?;
    if operations.is_empty() {
        return Err(malformed("\"Operations\" is empty"));
    }
    if operations.len() > max_operations {
        return Err(Error::TooManyOperations {
            count: operations.len(),
            limit: max_operations,
        });
    }
    operations
        .iter()
        .zip(1..)
        .map(|(operation, number)| read(operation, number))
        .collect()
}

/// `schemas` must name the message, where it is there at all: some clients leave
/// it out.
fn check_schemas(body: &Json<'_>) -> Result<(), Error> {
    let Some(schemas) = body.get("schemas").filter(|schemas| !schemas.is_null()) else {
        return Ok(());
    };
    let urns = schemas.as_array().unwrap_or(std::slice::from_ref(schemas));
    let names_message = urns.iter().any(|urn| {
        let name = urn.as_str().and_then(|urn| urn.rsplit(':').next());
        name.is_some_and(|name| name.eq_ignore_ascii_case("PatchOp"))
    });
    if urns.is_empty() || names_message {
        return Ok(());
    }
    Err(malformed(
        "\"schemas\" must name urn:ietf:params:scim:api:messages:2.0:PatchOp",
    ))
}

fn read<'j>(operation: &'j Json<'j>, number: usize) -> Result<Requested<'j>, Error> {
    let malformed_at = |what: &str| malformed(&format!("operation {number} must {what}"));
    if operation.as_object().is_none() {
        return Err(malformed_at("be an object"));
    }
    let op = operation
        .get("op")
        .and_then(Json::as_str)
        .and_then(quirks::op_in_any_case)
        .ok_or_else(|| malformed_at("have the \"op\" add, remove or replace"))?;
    let path = match operation.get("path") {
        None | Some(Json::Null) => None,
        Some(path) => match path.as_str() {
            Some(path) => quirks::empty_path(path),
            None => return Err(malformed_at("have a string as \"path\"")),
        },
    };
    Ok(Requested {
        number,
        op,
        path,
        value: operation.get("value"),
    })
}

#[cold]
fn malformed(reason: &str) -> Error {
    Error::InvalidPatch {
        reason: reason.to_owned(),
    }
}
