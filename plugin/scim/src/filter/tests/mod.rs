//! Tests of filters, by stage.

mod across;
mod binding;
mod explaining;
mod grammar;
mod matching;
mod twin;

use super::{Filter, Limits};
use crate::error::Error;
use crate::json;
use crate::resource::{Resource, from_client};
use crate::schema::{ExtensionDefinition, Registry, SchemaDefinition, standard_documents};

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
    let (mut schemas, mut types) = standard_documents().unwrap();
    let extension: SchemaDefinition = serde_json::from_str(schema).unwrap();
    types
        .iter_mut()
        .find(|t| t.name == "User")
        .unwrap()
        .schema_extensions
        .push(ExtensionDefinition {
            schema: extension.id.clone(),
            required: false,
        });
    schemas.push(extension);
    Registry::compile(schemas, types).unwrap()
}
