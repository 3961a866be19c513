//! Whether the schemas and resource types of a configuration may stand beside the
//! standard ones: what RFC 7643 §2, §6 and §7 demand of them, and what would make
//! a name or a path mean two things.

use super::attribute::{Mutability, Returned, Type};
use super::builder::unknown_schema;
use super::definition::{
    AttributeDefinition, DefinitionError, ResourceTypeDefinition, SchemaDefinition,
};
use crate::json::Json;

type Result<T> = std::result::Result<T, DefinitionError>;

/// Attributes of every resource (RFC 7643 §3.1), which no core schema has again.
const COMMON: [&str; 4] = ["schemas", "id", "externalId", "meta"];

/// Paths below the base path that are no resource type's (RFC 7644 §3.2, §4).
const ENDPOINTS: [&str; 2] = ["/Bulk", "/Me"];

/// Adds the documents of a configuration to others.
pub(super) fn extend(
    all_schemas: &mut Vec<SchemaDefinition>,
    all_types: &mut Vec<ResourceTypeDefinition>,
    schemas: &Json<'_>,
    types: &Json<'_>,
) -> Result<()> {
    let standard = all_schemas.len();
    let add = |json: &Json<'_>, all: &mut Vec<SchemaDefinition>| {
        let schema = SchemaDefinition::read(json)?;
        check_urn(&schema.id, all).map_err(|e| e.under("id"))?;
        siblings(&schema.attributes, 0).map_err(|e| e.under("attributes"))?;
        all.push(schema);
        Ok(())
    };
    in_turn("schemas", schemas, |json| add(json, all_schemas))?;

    let own = all_schemas.get(standard..).unwrap_or_default();
    in_turn("resource_types", types, |json| {
        let definition = ResourceTypeDefinition::read(json)?;
        check_extensions(&definition, all_schemas, all_types)
            .map_err(|e| e.under("schemaExtensions"))?;
        let name = &definition.name;
        let known = all_types
            .iter_mut()
            .find(|t| t.name.eq_ignore_ascii_case(name));
        match known {
            Some(known) => merge(known, definition),
            None => {
                check_new(&definition, own, all_types)?;
                all_types.push(definition);
                Ok(())
            }
        }
    })?;

    for (i, schema) in own.iter().enumerate() {
        if !all_types
            .iter()
            .any(|t| is_core(t, &schema.id) || extends(t, &schema.id))
        {
            let error = DefinitionError::of(format!(
                "no entry of resource_types has the schema \"{}\"",
                schema.id
            ));
            return Err(error.under(&format!("schemas[{i}].id")));
        }
        if all_types.iter().any(|t| is_core(t, &schema.id)) {
            let common = |a: &&AttributeDefinition| COMMON.iter().any(|name| same(&a.name, name));
            if let Some(attribute) = schema.attributes.iter().find(common) {
                let error = DefinitionError::of("every resource has it already (RFC 7643 §3.1)");
                return Err(error
                    .about(&attribute.name)
                    .under(&format!("schemas[{i}].attributes")));
            }
        }
    }
    Ok(())
}

/// Reads the documents of a list one after the other.
fn in_turn(
    key: &str,
    list: &Json<'_>,
    mut read: impl FnMut(&Json<'_>) -> Result<()>,
) -> Result<()> {
    let elements = list
        .as_array()
        .ok_or_else(|| DefinitionError::of("must be a list").under(key))?;
    for (i, element) in elements.iter().enumerate() {
        read(element).map_err(|e| e.under(&format!("{key}[{i}]")))?;
    }
    Ok(())
}

/// A URN that a filter and a path can hold (RFC 7644 §3.10), and that cannot be
/// taken for an attribute of another schema.
fn check_urn(urn: &str, others: &[SchemaDefinition]) -> Result<()> {
    let is_urn = urn
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    let fits = |b: u8| b.is_ascii_alphanumeric() || b":._-".contains(&b);
    let ends_well = urn
        .bytes()
        .last()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    if !is_urn || !urn.bytes().all(fits) || !ends_well {
        return Err(DefinitionError::of(
            "must be a URN such as \"urn:example:schemas:1.0:Site\", of letters, digits and :._-",
        ));
    }
    for other in others {
        if same(urn, &other.id) {
            return Err(DefinitionError::of(format!("\"{urn}\" is defined already")));
        }
        if begins(urn, &other.id) || begins(&other.id, urn) {
            return Err(DefinitionError::of(format!(
                "must not begin, or be the beginning of, the URN \"{}\"",
                other.id
            )));
        }
    }
    Ok(())
}

/// Whether a URN with a colon or dot is how another begins.
fn begins(urn: &str, start: &str) -> bool {
    urn.split_at_checked(start.len())
        .is_some_and(|(head, rest)| same(head, start) && rest.starts_with([':', '.']))
}

/// Attributes that stand in one place.
fn siblings(attributes: &[AttributeDefinition], depth: usize) -> Result<()> {
    if attributes.is_empty() {
        return Err(DefinitionError::of("must have at least one attribute"));
    }
    for (i, attribute) in attributes.iter().enumerate() {
        let before = attributes.iter().take(i);
        check_attribute(attribute, before, depth)
            .map_err(|e| e.about(&attribute.name).under(&format!("[{i}]")))?;
    }
    Ok(())
}

fn check_attribute<'a>(
    attribute: &'a AttributeDefinition,
    mut before: impl Iterator<Item = &'a AttributeDefinition>,
    depth: usize,
) -> Result<()> {
    let wrong = |key: &str, reason: &'static str| Err(DefinitionError::of(reason).under(key));
    let name = &attribute.name;
    let is_reference = depth > 0 && name == "$ref";
    if !is_name(name) && !is_reference {
        return wrong(
            "name",
            "must begin with a letter and go on with letters, digits, \"-\", \"_\" and \"$\" \
             (RFC 7643 §2.1)",
        );
    }
    if before.any(|other| same(&other.name, name)) {
        return wrong("name", "is defined twice; names have no case");
    }
    if attribute.kind == Type::Complex {
        if depth > 0 {
            return wrong(
                "type",
                "a sub-attribute cannot be complex (RFC 7643 §2.3.8)",
            );
        }
        siblings(&attribute.sub_attributes, depth + 1).map_err(|e| e.under("subAttributes"))?;
    } else if !attribute.sub_attributes.is_empty() {
        return wrong("subAttributes", "only a complex attribute has some");
    }
    if attribute.required && attribute.mutability == Mutability::ReadOnly {
        return wrong("required", "no client can give what is readOnly");
    }
    if attribute.required && attribute.mutability == Mutability::WriteOnly {
        return wrong(
            "required",
            "what is writeOnly is not kept, so nothing can have it",
        );
    }
    let is_secret =
        attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never;
    if attribute.mutability == Mutability::WriteOnly && attribute.returned != Returned::Never {
        return wrong("returned", "must be never, as the attribute is writeOnly");
    }
    let is_unique = attribute.uniqueness != super::Uniqueness::None;
    if is_unique || attribute.indexed {
        let key = if is_unique { "uniqueness" } else { "indexed" };
        if is_secret {
            return wrong(
                key,
                "what is never returned can be neither unique nor indexed",
            );
        }
        if !matches!(
            attribute.kind,
            Type::String | Type::Reference | Type::Binary | Type::Integer
        ) {
            return wrong(
                key,
                "only a string, reference, binary or integer can be unique or indexed",
            );
        }
    }
    Ok(())
}

/// ATTRNAME of RFC 7643 §2.1. Names of resource types have the same form.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_$".contains(&b))
}

fn check_extensions(
    definition: &ResourceTypeDefinition,
    schemas: &[SchemaDefinition],
    types: &[ResourceTypeDefinition],
) -> Result<()> {
    for (i, extension) in definition.schema_extensions.iter().enumerate() {
        let urn = &extension.schema;
        let before = definition.schema_extensions.iter().take(i);
        let reason = if !schemas.iter().any(|s| same(&s.id, urn)) {
            unknown_schema(urn)
        } else if same(urn, &definition.schema)
            || types.iter().any(|t| is_core(t, urn))
            || schemas.first().is_some_and(|common| same(&common.id, urn))
        {
            DefinitionError::of(format!("\"{urn}\" is a core schema, no extension"))
        } else if before.into_iter().any(|other| same(&other.schema, urn)) {
            DefinitionError::of(format!("\"{urn}\" is there twice"))
        } else {
            continue;
        };
        return Err(reason.under(&format!("[{i}].schema")));
    }
    Ok(())
}

/// Adds extensions to a type that there is.
fn merge(known: &mut ResourceTypeDefinition, added: ResourceTypeDefinition) -> Result<()> {
    let fixed = [
        ("name", &known.name, &added.name),
        ("endpoint", &known.endpoint, &added.endpoint),
        ("schema", &known.schema, &added.schema),
    ];
    for (key, is, wanted) in fixed {
        if !wanted.is_empty() && is != wanted {
            let reason = format!(
                "there is a resource type \"{}\" already, whose {key} is \"{is}\"; \
                 only schemaExtensions can be added to it",
                known.name
            );
            return Err(DefinitionError::of(reason).under(key));
        }
    }
    if !matches!(
        known.endpoint.as_str(),
        "/Schemas" | "/ResourceTypes" | "/ServiceProviderConfig"
    ) {
        for (i, extension) in added.schema_extensions.into_iter().enumerate() {
            if extends(known, &extension.schema) {
                let reason = format!("\"{}\" has it already", known.name);
                return Err(DefinitionError::of(reason).under(&format!("schemaExtensions[{i}]")));
            }
            known.schema_extensions.push(extension);
        }
        return Ok(());
    }
    Err(DefinitionError::of("is a name of the service itself (RFC 7644 §4)").under("name"))
}

/// A type that there was not.
fn check_new(
    definition: &ResourceTypeDefinition,
    own: &[SchemaDefinition],
    types: &[ResourceTypeDefinition],
) -> Result<()> {
    if !is_name(&definition.name) {
        return Err(DefinitionError::of(
            "must begin with a letter and go on with letters, digits, \"-\", \"_\" and \"$\"",
        )
        .under("name"));
    }
    let endpoint = &definition.endpoint;
    if !endpoint
        .strip_prefix('/')
        .is_some_and(|segment| is_name(segment) && !segment.contains('$'))
    {
        return Err(DefinitionError::of(
            "must be a slash and one segment such as \"/Sites\", of letters, digits, \"-\" and \"_\"",
        )
        .under("endpoint"));
    }
    let endpoints = types.iter().map(|t| t.endpoint.as_str());
    if endpoints
        .chain(ENDPOINTS)
        .any(|other| same(other, endpoint))
    {
        let reason = format!("\"{endpoint}\" is taken; paths have no case");
        return Err(DefinitionError::of(reason).under("endpoint"));
    }
    let schema = &definition.schema;
    let reason = if types.iter().any(|t| extends(t, schema)) {
        DefinitionError::of(format!("\"{schema}\" is an extension, no core schema"))
    } else if own.iter().any(|s| same(&s.id, schema)) {
        return Ok(());
    } else if types.iter().any(|t| is_core(t, schema)) {
        DefinitionError::of("must be a schema of its own, one of the key \"schemas\"")
    } else {
        unknown_schema(schema)
    };
    Err(reason.under("schema"))
}

fn is_core(definition: &ResourceTypeDefinition, urn: &str) -> bool {
    same(&definition.schema, urn)
}

fn extends(definition: &ResourceTypeDefinition, urn: &str) -> bool {
    let mut extensions = definition.schema_extensions.iter();
    extensions.any(|extension| same(&extension.schema, urn))
}

/// Names, paths and URNs have no case here (RFC 7643 §2.1).
fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests;
