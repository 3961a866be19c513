//! Quirks of the message around the operations and of how operations name what
//! they work on.

use super::super::Op;
use crate::Mode;
use crate::error::Error;
use crate::filter::Limits;
use crate::json::Json;
use crate::path::Path;
use crate::schema::{Registry, ResourceTypeId};
use crate::text::same_name;

/// The operation of a name. In any case, unless strictly: Entra ID sends `Add`,
/// `Replace` and `Remove`, although RFC 7644 §3.5.2 has them in small letters.
pub(in super::super) fn op_named(mode: Mode, name: &str) -> Option<Op> {
    [
        ("add", Op::Add),
        ("remove", Op::Remove),
        ("replace", Op::Replace),
    ]
    .into_iter()
    .find(|(spelling, _)| match mode {
        Mode::Lenient => same_name(spelling, name),
        Mode::Strict => *spelling == name,
    })
    .map(|(_, op)| op)
}

/// Operations that are not a list in `Operations`: one operation as an object,
/// one operation as the whole body, or a list as the whole body, which is how
/// RFC 7644 §3.7.3 prints a PATCH in a bulk request (EID 5050).
pub(in super::super) fn operations_in_another_form<'j>(
    mode: Mode,
    body: &'j Json<'j>,
) -> Option<&'j [Json<'j>]> {
    if mode.is_strict() {
        return None;
    }
    if let Some(operations) = body.as_array() {
        return Some(operations);
    }
    match body.get("Operations") {
        Some(operation) => operation
            .as_object()
            .map(|_| std::slice::from_ref(operation)),
        None => body.get("op").map(|_| std::slice::from_ref(body)),
    }
}

/// An empty path is none.
pub(in super::super) fn empty_path(path: &str) -> Option<&str> {
    Some(path.trim()).filter(|path| !path.is_empty())
}

/// The keys of a value without path may be whole paths: Entra ID with
/// `aadOptscim062020` sends `name.givenName` and full URNs, and value paths.
/// Nothing for what is no attribute; like in any body it is ignored.
///
/// # Errors
/// Those of [`Path::parse`] for what stands between brackets.
pub(in super::super) fn key_as_path(
    registry: &Registry,
    resource_type: ResourceTypeId,
    key: &str,
) -> Result<Option<Path>, Error> {
    match Path::parse(
        registry,
        resource_type,
        key,
        &Limits::default(),
        Mode::Lenient,
    ) {
        Ok(path) => Ok(Some(path)),
        Err(_) if !key.contains('[') => Ok(None),
        Err(Error::PathAttribute { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A value without path may be a list of objects, each of which is taken for
/// itself.
pub(in super::super) fn list_without_path<'j>(value: &'j Json<'j>) -> &'j [Json<'j>] {
    value.as_array().unwrap_or(std::slice::from_ref(value))
}
