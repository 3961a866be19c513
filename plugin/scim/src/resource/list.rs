//! Lists of values: how long one may be, and that none of its values stands there
//! twice.

use super::Value;
use crate::error::Error;
use crate::schema::{AttrId, Mutability, Registry};

/// How many values an attribute may have. Adding to a list compares each new value
/// with those that are there, and an operation looks at each for its filter: with so
/// many that is no work yet.
const MAX_VALUES: usize = 2_000;

/// Whether the `value` of an attribute names its elements, since it cannot change:
/// the members of a group. They are many, and are told apart by that name alone.
#[must_use]
pub(crate) fn names_elements(registry: &Registry, attribute: AttrId) -> bool {
    let value = registry.child(attribute, "value");
    value.is_some_and(|id| registry.attribute(id).mutability == Mutability::Immutable)
}

/// Whether an attribute may have so many values.
#[must_use]
pub(crate) fn may_have(registry: &Registry, attribute: AttrId, count: usize) -> bool {
    count <= MAX_VALUES || names_elements(registry, attribute)
}

/// Checks how many values an attribute gets.
///
/// # Errors
/// [`Error::BadValue`].
pub(crate) fn check_count(
    registry: &Registry,
    attribute: AttrId,
    count: usize,
) -> Result<(), Error> {
    if may_have(registry, attribute, count) {
        return Ok(());
    }
    Err(Error::BadValue {
        attribute: registry.path(attribute),
        reason: format!("must have at most {MAX_VALUES} values"),
    })
}

/// The values that a client lists. Complex ones each once: RFC 7643 §2.4 would not have
/// the same type and value returned twice. Bare numbers and texts may repeat.
///
/// # Errors
/// Those of the values, and [`Error::BadValue`] for too many.
pub(super) fn gather(
    registry: &Registry,
    attribute: AttrId,
    values: impl Iterator<Item = Result<Value, Error>>,
) -> Result<Vec<Value>, Error> {
    if names_elements(registry, attribute) {
        return values.collect();
    }
    let may_repeat = !registry.attribute(attribute).is_complex();
    let mut list = Vec::new();
    for value in values {
        let value = value?;
        if may_repeat || !list.contains(&value) {
            list.push(value);
            check_count(registry, attribute, list.len())?;
        }
    }
    Ok(list)
}
