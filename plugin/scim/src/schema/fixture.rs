//! A registry for tests: the standard one and an extension of users that has
//! what the standard schemas lack.

use super::definition::{DefinitionError, ExtensionDefinition, SchemaDefinition};
use super::registry::{Registry, standard_documents};
use crate::json::{MAX_DEPTH, parse};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::sync::LazyLock;

/// URN of the extension.
pub(crate) const EXTENSION: &str = "urn:example:params:scim:schemas:extension:test:2.0:User";

/// The registry.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let extension = json!({
        "id": EXTENSION,
        "name": "Test",
        "attributes": [
            { "name": "count", "type": "integer" },
            { "name": "ratio", "type": "decimal" },
            { "name": "since", "type": "dateTime" },
            { "name": "tags", "type": "string", "multiValued": true },
            { "name": "always", "type": "string", "returned": "always" },
            { "name": "secret", "type": "string", "returned": "never" },
            { "name": "costly", "type": "string", "returned": "request" },
            { "name": "fixed", "type": "string", "mutability": "readOnly", "required": true },
            { "name": "serial", "type": "string", "mutability": "immutable" },
            {
                "name": "made",
                "type": "complex",
                "subAttributes": [
                    { "name": "by", "type": "string", "mutability": "immutable", "caseExact": true },
                    { "name": "note", "type": "string" }
                ]
            },
            {
                "name": "box",
                "type": "complex",
                "multiValued": true,
                "subAttributes": [
                    { "name": "label", "type": "string", "required": true },
                    { "name": "hidden", "type": "string", "returned": "never" },
                    { "name": "costly", "type": "string", "returned": "request" },
                    { "name": "flags", "type": "boolean", "multiValued": true }
                ]
            }
        ]
    });
    with_extension(&extension.to_string())
});

/// The standard schemas and one more extension of users, which need not be one
/// that a configuration may have.
pub(crate) fn with_extension(schema: &str) -> Registry {
    let (mut schemas, mut types) = standard_documents().unwrap();
    let schema = parse(schema.as_bytes(), MAX_DEPTH).unwrap();
    let schema = SchemaDefinition::read(&schema).unwrap();
    let user = types.iter_mut().find(|t| t.name == "User").unwrap();
    user.schema_extensions.push(ExtensionDefinition {
        schema: schema.id.clone(),
        required: false,
    });
    schemas.push(schema);
    Registry::compile(schemas, types).unwrap()
}

/// The registry of a configuration with these keys.
pub(crate) fn with(schemas: &Json, types: &Json) -> Result<Registry, DefinitionError> {
    let [schemas, types] = [schemas, types].map(ToString::to_string);
    let [schemas, types] =
        [&schemas, &types].map(|text| parse(text.as_bytes(), MAX_DEPTH).unwrap());
    Registry::with(&schemas, &types)
}

/// A schema document that a configuration may have.
pub(crate) fn any_schema() -> impl Strategy<Value = Json> {
    let complex = (any_attribute(), prop::collection::vec(any_simple(), 1..4));
    let complex = complex.prop_map(|(mut attribute, below)| {
        attribute["type"] = "complex".into();
        attribute["subAttributes"] = numbered(below);
        attribute
    });
    let attributes = prop::collection::vec(prop_oneof![any_simple(), complex], 1..6);
    (
        "[a-z0-9][a-z0-9:._-]{0,20}[a-z0-9]",
        "\\PC{0,20}",
        "\\PC{0,40}",
        attributes,
    )
        .prop_map(|(urn, name, description, attributes)| {
            json!({"id": format!("urn:x-{urn}"), "name": name, "description": description,
                "attributes": numbered(attributes)})
        })
}

fn any_simple() -> impl Strategy<Value = Json> {
    let simple = (
        any_attribute(),
        prop::sample::select(vec![
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "binary",
            "reference",
        ]),
    );
    simple.prop_map(|(mut attribute, kind)| {
        attribute["type"] = kind.into();
        attribute
    })
}

/// Gives attributes names that differ.
fn numbered(attributes: Vec<Json>) -> Json {
    let named = attributes
        .into_iter()
        .enumerate()
        .map(|(i, mut attribute)| {
            attribute["name"] = format!("{}{i}", attribute["name"].as_str().unwrap()).into();
            attribute
        });
    named.collect()
}

fn any_attribute() -> impl Strategy<Value = Json> {
    let words = |words: &[&'static str]| prop::sample::select(words.to_vec());
    let characteristics = (
        words(&["readOnly", "readWrite", "immutable", "writeOnly"]),
        words(&["always", "never", "default", "request"]),
        any::<[bool; 3]>(),
        prop::collection::vec("\\PC{1,8}", 0..3),
    );
    (
        "[A-Za-z][A-Za-z0-9$_-]{0,12}",
        "\\PC{0,40}",
        characteristics,
    )
        .prop_map(
            |(name, description, (mutability, returned, [multi, required, exact], values))| {
                let returned = if mutability == "writeOnly" {
                    "never"
                } else {
                    returned
                };
                json!({"name": name, "description": description, "mutability": mutability,
                "returned": returned, "multiValued": multi, "caseExact": exact,
                "required": required && !matches!(mutability, "readOnly" | "writeOnly"),
                "canonicalValues": values, "referenceTypes": []})
            },
        )
}
