//! What only strict mode asks of a body, beyond the types of its values.

use super::tolerance;
use crate::Mode;
use crate::error::Error;
use crate::json::{Json, Quoted};
use crate::schema::{Attribute, Registry, ResourceTypeId};
use crate::text::fold;

/// `schemas` names the core schema, each extension that the body uses, and no
/// schema that the resource type does not have (RFC 7643 §3.1 and §3.3; the
/// profile's "Attribute and Schema Handling").
///
/// # Errors
/// [`Error::Schemas`].
pub(super) fn check_schemas(
    registry: &Registry,
    resource_type: ResourceTypeId,
    body: &Json<'_>,
) -> Result<(), Error> {
    let definition = registry.resource_type(resource_type);
    let wrong = |reason, urn: &str| Error::Schemas {
        reason,
        urn: Quoted::from(urn),
    };
    let named = body.get("schemas").unwrap_or(&Json::Null);
    let named = tolerance::as_list(Mode::Strict, named);
    let named = named.ok_or_else(|| wrong("must be a list with", &definition.schema))?;
    let names = |urn: &str| {
        let mut named = named.iter().filter_map(Json::as_str);
        named.any(|name| name.eq_ignore_ascii_case(urn))
    };
    if !names(&definition.schema) {
        return Err(wrong("must name", &definition.schema));
    }
    let extensions = definition.extensions.iter();
    let extensions = extensions.map(|(container, _)| &registry.attribute(*container).name);
    for urn in extensions.clone() {
        if body.get(urn).is_some_and(|used| !used.is_null()) && !names(urn) {
            return Err(wrong("must name", urn));
        }
    }
    for urn in named.iter().filter_map(Json::as_str) {
        let is_known = std::iter::once(&definition.schema)
            .chain(extensions.clone())
            .any(|known| known.eq_ignore_ascii_case(urn));
        if !is_known {
            return Err(wrong("names an unknown schema,", urn));
        }
    }
    Ok(())
}

/// Whether a text is one of the values that the schema names, if it names any.
/// For identity providers they are suggestions (RFC 7643 §7); the profile has
/// clients use no others.
pub(super) fn is_canonical(attribute: &Attribute, text: &str) -> bool {
    let mut canonical = attribute.canonical_values.iter();
    attribute.canonical_values.is_empty()
        || canonical.any(|value| match attribute.case_exact {
            true => value == text,
            false => fold(value) == fold(text),
        })
}
