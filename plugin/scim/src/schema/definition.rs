//! Schemas as they are written down: the JSON form of RFC 7643 §7, read from
//! `data/*.json` and later from a configuration.

use super::attribute::{Mutability, Returned, Type, Uniqueness};
use serde::Deserialize;

/// A schema document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaDefinition {
    /// The schema's URN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<AttributeDefinition>,
}

/// An attribute of a schema document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeDefinition {
    /// Its name.
    pub name: String,
    /// Data type.
    #[serde(rename = "type", default)]
    pub kind: Type,
    /// Whether it holds several values.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether its text is compared with regard to case.
    #[serde(default)]
    pub case_exact: bool,
    /// When it may be written.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// What it must differ from.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// Suggested values.
    #[serde(default)]
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    #[serde(default)]
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    #[serde(default)]
    pub sub_attributes: Vec<Self>,
}

/// A resource type (RFC 7643 §6).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceTypeDefinition {
    /// Its name, which is also its id.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The path of its collection below the base URL, with the slash.
    pub endpoint: String,
    /// The URN of its core schema.
    pub schema: String,
    /// Extensions it may carry.
    #[serde(default)]
    pub schema_extensions: Vec<ExtensionDefinition>,
}

/// An extension of a resource type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionDefinition {
    /// The URN of the extension schema.
    pub schema: String,
    /// Whether every resource must carry it.
    #[serde(default)]
    pub required: bool,
}
