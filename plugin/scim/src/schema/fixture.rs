//! A registry for tests: the standard one and an extension of users that has
//! what the standard schemas lack.

use super::registry::{Registry, standard_documents};
use std::sync::LazyLock;

/// URN of the extension.
pub(crate) const EXTENSION: &str = "urn:example:params:scim:schemas:extension:test:2.0:User";

/// The registry.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let (mut schemas, mut types) = standard_documents().unwrap();
    let extension = serde_json::json!({
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
    schemas.push(serde_json::from_value(extension).unwrap());
    let user = types.iter_mut().find(|t| t.name == "User").unwrap();
    let extension = serde_json::json!({ "schema": EXTENSION });
    user.schema_extensions
        .push(serde_json::from_value(extension).unwrap());
    Registry::compile(schemas, types).unwrap()
});
