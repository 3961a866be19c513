//! Tests of filters, by stage.

mod binding;
mod grammar;
mod matching;
mod twin;

use super::{Filter, Limits};
use crate::error::Error;
use crate::json;
use crate::resource::{Resource, from_client};
use crate::schema::{ExtensionDefinition, Registry, ResourceTypeDefinition, SchemaDefinition};

fn registry() -> Registry {
    Registry::standard().unwrap()
}

fn users_filter(registry: &Registry, text: &str) -> Result<Filter, Error> {
    Filter::parse(registry, registry.core().user, text, &Limits::default())
}

fn user(registry: &Registry, body: &str) -> Resource {
    let body = json::parse(body.as_bytes(), json::MAX_DEPTH).unwrap();
    from_client(registry, registry.core().user, &body).unwrap()
}

/// The standard schemas and one more extension of users.
pub(crate) fn with_extension(schema: &str) -> Registry {
    let standard = [
        include_str!("../../schema/data/common.json"),
        include_str!("../../schema/data/user.json"),
        include_str!("../../schema/data/enterprise_user.json"),
        include_str!("../../schema/data/group.json"),
        include_str!("../../schema/data/schema.json"),
        include_str!("../../schema/data/resource_type.json"),
        include_str!("../../schema/data/service_provider_config.json"),
    ];
    let extension: SchemaDefinition = serde_json::from_str(schema).unwrap();
    let types = include_str!("../../schema/data/resource_types.json");
    let mut types: Vec<ResourceTypeDefinition> = serde_json::from_str(types).unwrap();
    types
        .iter_mut()
        .find(|t| t.name == "User")
        .unwrap()
        .schema_extensions
        .push(ExtensionDefinition {
            schema: extension.id.clone(),
            required: false,
        });
    let mut schemas: Vec<SchemaDefinition> = standard
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    schemas.push(extension);
    Registry::compile(schemas, types).unwrap()
}
