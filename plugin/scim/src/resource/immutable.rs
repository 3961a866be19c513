//! What a client cannot change in a resource that exists (RFC 7643 §7,
//! `mutability`).

use super::{Complex, Resource, Value};
use crate::error::Error;
use crate::schema::{AttrId, Mutability, Registry};
use crate::text::same;

/// Keeps in the new state of a resource what a PUT cannot change (RFC 7644
/// §3.5.1): `readOnly` attributes as they are, and `immutable` ones that have a
/// value, whether the client repeats it or leaves it out. Values of lists come and
/// go as wholes, so what is immutable within them forbids nothing here.
///
/// # Errors
/// [`Error::NotMutable`] for another value of an `immutable` attribute.
pub fn keep_unchangeable(
    registry: &Registry,
    stored: &Resource,
    new: &mut Resource,
) -> Result<(), Error> {
    keep_in(registry, &stored.attributes, &mut new.attributes)
}

/// Like [`keep_unchangeable`], for the sub-attributes of one value.
pub(crate) fn keep_in(registry: &Registry, old: &Complex, new: &mut Complex) -> Result<(), Error> {
    for (id, had) in old.iter() {
        match registry.attribute(id).mutability {
            Mutability::ReadOnly => {
                new.set(id, had.clone());
            }
            Mutability::Immutable => {
                if new
                    .get(id)
                    .is_some_and(|given| !is_same(registry, id, had, given))
                {
                    return Err(changed(registry, id));
                }
                new.set(id, had.clone());
            }
            Mutability::ReadWrite | Mutability::WriteOnly => {
                if let Value::Complex(had) = had {
                    keep_below(registry, id, had, new)?;
                }
            }
        }
    }
    Ok(())
}

fn keep_below(
    registry: &Registry,
    id: AttrId,
    had: &Complex,
    new: &mut Complex,
) -> Result<(), Error> {
    if let Some(Value::Complex(given)) = new.get_mut(id) {
        return keep_in(registry, had, given);
    }
    let mut kept = Complex::default();
    keep_in(registry, had, &mut kept)?;
    if !kept.is_empty() {
        new.set(id, Value::Complex(kept));
    }
    Ok(())
}

/// What is immutable in a value that is to go: the attribute itself, or one below
/// it. Nothing in a list, whose values may go as wholes.
pub(crate) fn immutable_in(registry: &Registry, id: AttrId, value: &Value) -> Option<AttrId> {
    match (registry.attribute(id).mutability, value) {
        (Mutability::Immutable, _) => Some(id),
        (_, Value::Complex(complex)) => complex
            .iter()
            .find_map(|(id, value)| immutable_in(registry, id, value)),
        _ => None,
    }
}

/// Whether two values of an attribute are the same, by its `caseExact`.
pub(crate) fn is_same(registry: &Registry, id: AttrId, old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) if !registry.attribute(id).case_exact => {
            same(old, new)
        }
        _ => old == new,
    }
}

/// The error for an attribute that was set once and for all.
#[cold]
pub(crate) fn changed(registry: &Registry, id: AttrId) -> Error {
    Error::NotMutable {
        attribute: registry.path(id),
        reason: "is immutable and has a value already",
    }
}
