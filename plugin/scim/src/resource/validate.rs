//! Whether a resource may be stored: what is required is there, and at most one
//! value of a list is the primary one.

use super::{Complex, Resource, Value};
use crate::error::Error;
use crate::schema::{AttrId, Mutability, Registry, Type};

/// Checks a resource as a whole, after a POST or PUT was read or a PATCH applied.
///
/// # Errors
/// [`Error::Required`] for an attribute, sub-attribute or extension that has no
/// value; [`Error::BadValue`] for a second primary value.
pub fn complete(registry: &Registry, resource: &Resource) -> Result<(), Error> {
    each_fault(registry, resource, &mut Err)
}

/// Checks like [`complete`] and reports every fault; `report` ends the search by an
/// error.
///
/// # Errors
/// The one that `report` gave.
pub fn each_fault(
    registry: &Registry,
    resource: &Resource,
    report: Report<'_>,
) -> Result<(), Error> {
    let definition = registry.resource_type(resource.resource_type);
    for (container, required) in &definition.extensions {
        if *required && resource.get(*container).is_none() {
            report(Error::Required {
                attribute: registry.path(*container),
            })?;
        }
    }
    required(
        registry,
        &definition.attributes,
        &resource.attributes,
        report,
    )
}

/// Is told of a fault and says whether to go on.
type Report<'r> = &'r mut dyn FnMut(Error) -> Result<(), Error>;

/// Whether a value of an attribute is complete by itself, as [`complete`] wants it.
#[must_use]
pub(crate) fn is_complete(registry: &Registry, attribute: AttrId, value: &Value) -> bool {
    let children = &registry.attribute(attribute).children;
    let mut complexes = value.elements().iter().filter_map(Value::as_complex);
    single_primary(registry, attribute, value).is_ok()
        && complexes.all(|complex| required(registry, children, complex, &mut Err).is_ok())
}

/// Checks that at most one value of an attribute is the primary one (RFC 7643
/// §2.4).
///
/// # Errors
/// [`Error::BadValue`].
pub fn single_primary(registry: &Registry, attribute: AttrId, value: &Value) -> Result<(), Error> {
    let Some(primary) = primary_of(registry, attribute) else {
        return Ok(());
    };
    let is_primary = |element: &&Value| {
        element.as_complex().and_then(|c| c.get(primary)) == Some(&Value::Boolean(true))
    };
    if value.elements().iter().filter(is_primary).count() > 1 {
        return Err(Error::BadValue {
            attribute: registry.path(attribute),
            reason: "has more than one value with \"primary\" true".to_owned(),
        });
    }
    Ok(())
}

/// The `primary` sub-attribute of a multi-valued attribute that has one.
#[must_use]
pub fn primary_of(registry: &Registry, attribute: AttrId) -> Option<AttrId> {
    let primary = registry.child(attribute, "primary")?;
    let is_flag = registry.attribute(primary).kind == Type::Boolean;
    (is_flag && registry.attribute(attribute).multi_valued).then_some(primary)
}

fn required(
    registry: &Registry,
    among: &[AttrId],
    complex: &Complex,
    report: Report<'_>,
) -> Result<(), Error> {
    for id in among {
        let attribute = registry.attribute(*id);
        // What the client cannot write it cannot miss; `schemas` is computed.
        let is_demanded = attribute.required
            && attribute.mutability != Mutability::ReadOnly
            && *id != registry.core().schemas;
        match complex.get(*id) {
            None if is_demanded => {
                report(Error::Required {
                    attribute: registry.path(*id),
                })?;
            }
            None => {}
            Some(value) => {
                single_primary(registry, *id, value).or_else(&mut *report)?;
                for inner in value.elements().iter().filter_map(Value::as_complex) {
                    required(registry, &attribute.children, inner, report)?;
                }
            }
        }
    }
    Ok(())
}
