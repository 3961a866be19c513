//! The schemas and resource types of a configuration, compiled.

use super::ConfigError;
use crate::index;
use scim::json;
use scim::schema::{DefinitionError, Registry, ResourceType};
use serde_json::Value;

/// The registry of the standard documents and these.
pub(super) fn registry(schemas: &[Value], types: &[Value]) -> Result<Registry, ConfigError> {
    let wrong = |e: DefinitionError| ConfigError::new(&e.key, &e.sentence());
    if schemas.is_empty() && types.is_empty() {
        return Registry::standard().map_err(wrong);
    }
    let written = |documents: &[Value]| {
        serde_json::to_vec(documents).map_err(|e| ConfigError::NotJson(e.to_string()))
    };
    let (schemas, types) = (written(schemas)?, written(types)?);
    let read = |key, text| {
        json::parse(text, json::MAX_DEPTH).map_err(|e| ConfigError::new(key, &e.to_string()))
    };
    let schemas = read("schemas", &schemas)?;
    let types = read("resource_types", &types)?;
    let registry = Registry::with(&schemas, &types).map_err(wrong)?;
    let is_crowded = |t: &&ResourceType| t.indexes.len() > index::MOST;
    if let Some(crowded) = registry.provisioned().find(is_crowded) {
        let reason = format!(
            "\"{}\" has more than {} attributes that are unique or indexed",
            crowded.name,
            index::MOST
        );
        return Err(ConfigError::new("resource_types", &reason));
    }
    Ok(registry)
}
