//! The envelope of a PATCH request (RFC 7644 §3.5.2).

use super::{Op, quirks};
use crate::Mode;
use crate::error::Error;
use crate::json::{Json, Quoted};
use crate::text::same_name;

/// An operation as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requested<'j> {
    /// Its place in the request, from 1.
    pub(super) number: usize,
    pub(super) op: Op,
    pub(super) path: Option<&'j str>,
    pub(super) value: Option<&'j Json<'j>>,
}

/// The message that a PATCH request is.
const URN: &str = crate::message::PATCH_OP;

/// The operations of a request, none of them read yet. Keys that the message does not
/// have are ignored in lenient mode: clients add their own (`id`, `name`).
pub(super) fn operations<'j>(
    body: &'j Json<'j>,
    max_operations: usize,
    mode: Mode,
) -> Result<&'j [Json<'j>], Error> {
    check_schemas(body, mode)?;
    check_keys(body, &["schemas", "Operations"], mode)?;
    let operations = body.get("Operations");
    let operations = operations
        .and_then(Json::as_array)
        .or_else(|| quirks::operations_in_another_form(mode, body))
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
    Ok(operations)
}

/// `schemas` must name the message; in lenient mode only where it is there at
/// all, since some clients leave it out.
fn check_schemas(body: &Json<'_>, mode: Mode) -> Result<(), Error> {
    let schemas = body.get("schemas").filter(|schemas| !schemas.is_null());
    let urns = match schemas {
        None if mode.is_strict() => return Err(unnamed()),
        None => return Ok(()),
        Some(schemas) => schemas.as_array().unwrap_or(std::slice::from_ref(schemas)),
    };
    let is_like_it = |urn: &str| {
        let name = urn.rsplit(':').next();
        name.is_some_and(|name| name.eq_ignore_ascii_case("PatchOp"))
    };
    let names_message = urns
        .iter()
        .filter_map(Json::as_str)
        .any(|urn| same_name(urn, URN) || (!mode.is_strict() && is_like_it(urn)));
    if names_message || (urns.is_empty() && !mode.is_strict()) {
        return Ok(());
    }
    Err(unnamed())
}

#[cold]
fn unnamed() -> Error {
    malformed(&format!("\"schemas\" must name {URN}"))
}

/// In strict mode an object has the keys of the message and no others.
fn check_keys(object: &Json<'_>, keys: &[&str], mode: Mode) -> Result<(), Error> {
    if !mode.is_strict() {
        return Ok(());
    }
    let is_known = |name: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
    let mut names = object.as_object().unwrap_or_default().iter();
    match names.find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Error::UnknownAttribute {
            name: Quoted::from(name.as_ref()),
        }),
    }
}

/// Reads one operation, the `number`-th of the request.
pub(super) fn read<'j>(
    operation: &'j Json<'j>,
    number: usize,
    mode: Mode,
) -> Result<Requested<'j>, Error> {
    if operation.as_object().is_none() {
        return Err(malformed("an operation must be an object"));
    }
    check_keys(operation, &["op", "path", "value"], mode)?;
    let op = operation
        .get("op")
        .and_then(Json::as_str)
        .and_then(|name| quirks::op_named(mode, name))
        .ok_or_else(|| malformed("\"op\" must be add, remove or replace"))?;
    let path = match operation.get("path") {
        None | Some(Json::Null) => None,
        Some(path) => match path.as_str() {
            Some(path) => quirks::empty_path(path),
            None => return Err(malformed("\"path\" must be a string")),
        },
    };
    let value = operation.get("value");
    if mode.is_strict() {
        // The profile allows no operation without a path; and what a `remove`
        // with a value means, RFC 7644 §3.5.2.2 does not say.
        if path.is_none() {
            return Err(malformed("an operation must have a \"path\""));
        }
        if op == Op::Remove && value.is_some() {
            return Err(malformed("a \"remove\" has no \"value\""));
        }
    }
    Ok(Requested {
        number,
        op,
        path,
        value,
    })
}

#[cold]
fn malformed(reason: &str) -> Error {
    Error::InvalidPatch {
        reason: reason.to_owned(),
    }
}
