//! Configurations: what is refused names the key, and what is taken gives a service whose
//! discovery documents are there and whose users can be created.

use crate::world::World;
use directory::{Config, ConfigError};
use serde_json::{Value, json};

/// JSON text of a configuration.
pub(crate) fn run(data: &[u8]) {
    if let Err(error) = Config::from_json(data) {
        match &error {
            ConfigError::NotJson(_) => {
                assert!(serde_json::from_slice::<Value>(data).is_err(), "{error}");
            }
            ConfigError::Key { key, reason } => assert!(!key.is_empty() && !reason.is_empty()),
        }
        return;
    }
    let Ok(config) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let Some(world) = World::configured(config) else {
        return;
    };
    for document in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
        let (status, body) = world.call("GET", document, &Value::Null);
        assert_eq!(status, 200, "{body}");
    }
    let (status, body) = world.call("POST", "/Users", &json!({"userName": "a"}));
    // The limits may be too narrow for anything.
    assert!(matches!(status, 201 | 400 | 413), "{body}");
}
