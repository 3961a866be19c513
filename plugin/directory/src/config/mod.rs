//! The configuration: what an operator writes, read once. A value that is out of
//! bounds is no value of these types, so nothing has to be checked later.

mod decisions;
mod limits;
mod paths;
mod schemas;
mod sessions;
mod types;
mod webhooks;

pub use decisions::{Decisions, StoreAwayThen};
pub use limits::Limits;
pub(crate) use paths::Below;
pub use sessions::Sessions;
pub(crate) use types::is_version;
pub use types::{BasePath, PublicUrl, Sha256};
pub use webhooks::Webhook;

use scim::schema::Registry;
use serde::Deserialize;

/// What the service is told. Each key has a default; a key that is not listed
/// here is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where SCIM is: `/scim/v2`. Everything at and below it is answered.
    pub base_path: BasePath,
    /// Other paths that stand for the base path. Without this key, a base path that
    /// ends in `/scim/v2` is served without its `/v2` too.
    pub base_path_aliases: Option<Vec<BasePath>>,
    /// Where the administrator's interface is: `/admin/v1`.
    pub admin_path: BasePath,
    /// Where RADIUS servers and other guards of the network ask: `/access/v1`.
    pub access_path: BasePath,
    /// How long a decision about the network holds that was made before.
    pub decisions: Decisions,
    /// What a RADIUS server is told of sessions.
    pub sessions: Sessions,
    /// The URL of the base path as clients see it, such as
    /// `https://eu.example.com/scim/v2`. Without it, each request tells scheme,
    /// host and what proxies took from the path.
    pub public_url: Option<PublicUrl>,
    /// Whether `Forwarded` and `X-Forwarded-*` of a request tell how the client
    /// addressed it: true. Without trust, its own scheme and host do.
    pub trust_forwarded: bool,
    /// Where people can read about the service; shown in
    /// `ServiceProviderConfig`.
    pub documentation_url: Option<PublicUrl>,
    /// Where all keys in the store begin: `scim/`.
    #[serde(deserialize_with = "types::key_prefix")]
    pub prefix: String,
    /// SHA-256 of each administrator's key, in hex. Without one the
    /// administrator's interface is open to tokens of the scope `admin` alone.
    pub admin_key_sha256: Vec<Sha256>,
    /// What `DELETE` of a user does: `retain` or `deactivate`.
    pub on_delete: OnDelete,
    /// How many days a deleted user's record is kept: 30; from 1 to 3,650.
    #[serde(deserialize_with = "types::retention_days")]
    pub retention_days: u32,
    /// For how many seconds a cursor leads to the next page: 600; up to 86,400. The
    /// store must keep the past for longer than a whole walk takes.
    #[serde(deserialize_with = "types::cursor_timeout")]
    pub cursor_timeout_seconds: u32,
    /// Schemas beside the standard ones, as documents of RFC 7643 §7. An
    /// attribute may besides have `"indexed": true`.
    pub schemas: Vec<serde_json::Value>,
    /// Resource types beside `User`, `Group` and `Device`, as documents of RFC 7643 §6;
    /// or one of these by its `name`, with the `schemaExtensions` to add.
    pub resource_types: Vec<serde_json::Value>,
    /// Who hears of changes: nobody; at most 16.
    pub webhooks: Vec<Webhook>,
    /// How much the service takes at once.
    pub limits: Limits,
}

/// What `DELETE` of a user does (RFC 7644 §3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    /// The user is gone for clients; its record is kept for the retention time.
    #[default]
    Retain,
    /// The user stays, and is no longer active.
    Deactivate,
}

/// A configuration that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text is not JSON.
    #[error("the configuration is not JSON: {0}")]
    NotJson(String),
    /// A key has a value that it cannot have, or there is no such key.
    #[error("{key}: {reason}")]
    Key {
        /// The path of the key, such as `limits.max_count`.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

impl Config {
    /// Reads a configuration. Nothing at all, and `{}`, is all defaults.
    ///
    /// # Errors
    /// [`ConfigError`], which names the key.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // A first pass tells bad JSON from bad values, which are told by their key;
        // the second one sees a key that comes twice.
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|e| ConfigError::NotJson(e.to_string()))?;
        let config = Self::from_value(value)?;
        match serde_json::from_slice::<Self>(bytes) {
            Ok(_) => Ok(config),
            Err(error) => Err(ConfigError::new(".", &sentence(&error))),
        }
    }

    /// Reads a configuration that is parsed already, for one who takes keys of
    /// its own out first.
    ///
    /// # Errors
    /// [`ConfigError`], which names the key.
    pub fn from_value(value: serde_json::Value) -> Result<Self, ConfigError> {
        objects(&value)?;
        match Self::deserialize(&value) {
            Ok(config) => config.consistent(),
            Err(error) => Err(blame(value, &error)),
        }
    }

    /// What no key can tell alone.
    fn consistent(self) -> Result<Self, ConfigError> {
        let limits = &self.limits;
        if limits.default_count > limits.max_count {
            let max = limits.max_count;
            return Err(ConfigError::new(
                "limits.default_count",
                &format!("must not be above limits.max_count, which is {max}"),
            ));
        }
        let least = limits.largest_request().saturating_mul(2);
        if limits.max_request_memory_bytes < least {
            return Err(ConfigError::new(
                "limits.max_request_memory_bytes",
                &format!("must be at least {least} with these max_body_bytes and max_json_values"),
            ));
        }
        if limits.max_request_memory_bytes > limits.max_memory_bytes {
            let max = limits.max_memory_bytes;
            return Err(ConfigError::new(
                "limits.max_request_memory_bytes",
                &format!("must not be above limits.max_memory_bytes, which is {max}"),
            ));
        }
        let overlap = |one: &BasePath, other: &BasePath| {
            one.contains(other.as_str().as_bytes()) || other.contains(one.as_str().as_bytes())
        };
        if overlap(&self.base_path, &self.admin_path) {
            return Err(ConfigError::new(
                "admin_path",
                "must be neither above nor below base_path",
            ));
        }
        if overlap(&self.access_path, &self.base_path)
            || overlap(&self.access_path, &self.admin_path)
        {
            return Err(ConfigError::new(
                "access_path",
                "must be neither above nor below base_path or admin_path",
            ));
        }
        let given = self.base_path_aliases.iter().flatten();
        for (at, alias) in given.enumerate() {
            let alias = alias.as_str().as_bytes();
            let taken = [&self.base_path, &self.admin_path, &self.access_path];
            if taken.iter().any(|path| path.contains(alias)) {
                return Err(ConfigError::new(
                    &format!("base_path_aliases[{at}]"),
                    "must be neither base_path, admin_path nor access_path, nor below one of them",
                ));
            }
        }
        webhooks::check(&self.webhooks)?;
        self.registry()?;
        Ok(self)
    }

    /// The schemas and resource types that the service works by.
    ///
    /// # Errors
    /// [`ConfigError`] for a key below `schemas` or `resource_types`.
    pub fn registry(&self) -> Result<Registry, ConfigError> {
        schemas::registry(&self.schemas, &self.resource_types)
    }
}

/// The key that is to blame for an error: the one that is refused alone as well. No key
/// needs another to be there.
#[cold]
fn blame(whole: serde_json::Value, error: &serde_json::Error) -> ConfigError {
    let refused = |key: &str, value: serde_json::Value| {
        let alone = serde_json::Map::from_iter([(key.to_owned(), value)]);
        Config::deserialize(&serde_json::Value::Object(alone)).err()
    };
    let serde_json::Value::Object(keys) = whole else {
        return ConfigError::new(".", &sentence(error));
    };
    for (key, value) in keys {
        let Some(error) = refused(&key, value.clone()) else {
            continue;
        };
        for (inner, value) in value.as_object().into_iter().flatten() {
            let alone = serde_json::Map::from_iter([(inner.clone(), value.clone())]);
            if let Some(error) = refused(&key, alone.into()) {
                return ConfigError::new(&format!("{key}.{inner}"), &sentence(&error));
            }
        }
        for (at, value) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(error) = refused(&key, vec![value.clone()].into()) {
                return ConfigError::new(&format!("{key}[{at}]"), &sentence(&error));
            }
        }
        return ConfigError::new(&key, &sentence(&error));
    }
    ConfigError::new(".", &sentence(error))
}

/// What an error says but for the place, which is the key here.
fn sentence(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    match sentence.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => sentence,
    }
}

/// Refuses a list where keys are due, which would be taken as values in the order
/// of the keys.
fn objects(value: &serde_json::Value) -> Result<(), ConfigError> {
    if !value.is_object() {
        return Err(ConfigError::new(".", "must be a JSON object"));
    }
    let object = |key: &&str| value.get(key).is_none_or(serde_json::Value::is_object);
    match ["decisions", "limits", "sessions"]
        .iter()
        .find(|key| !object(key))
    {
        Some(key) => Err(ConfigError::new(key, "must be a JSON object")),
        None => Ok(()),
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_path: BasePath::of("/scim/v2"),
            base_path_aliases: None,
            admin_path: BasePath::of("/admin/v1"),
            access_path: BasePath::of("/access/v1"),
            decisions: Decisions::default(),
            sessions: Sessions::default(),
            public_url: None,
            trust_forwarded: true,
            documentation_url: None,
            prefix: "scim/".to_owned(),
            admin_key_sha256: Vec::new(),
            on_delete: OnDelete::default(),
            retention_days: 30,
            cursor_timeout_seconds: 600,
            schemas: Vec::new(),
            resource_types: Vec::new(),
            webhooks: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl ConfigError {
    fn new(path: &str, reason: &str) -> Self {
        let key = match path {
            "." | "" => "the configuration",
            path => path,
        };
        Self::Key {
            key: key.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_json(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_all_defaults() {
        for text in ["", " \n", "{}", r#"{"limits":{}}"#] {
            let config = Config::from_json(text.as_bytes()).unwrap();
            assert_eq!(config.base_path.as_str(), "/scim/v2");
            assert_eq!(config.limits.max_count, 1000);
        }
    }

    #[test]
    fn every_key_is_taken() {
        let config = Config::from_json(
            format!(
                r#"{{"base_path": "/tenants/scim/", "base_path_aliases": ["/a/"], "admin_path": "/ops", "public_url": "https://x.example/y/",
                "trust_forwarded": false, "documentation_url": "https://docs.example", "prefix": "prod/scim/",
                "admin_key_sha256": ["{}"], "on_delete": "deactivate", "retention_days": 7,
                "limits": {{"max_body_bytes": 65536, "max_request_memory_bytes": 1000000,
                "max_json_values": 5000, "max_json_depth": 20, "max_filter_bytes": 100,
                "max_filter_depth": 3, "max_filter_nodes": 10, "max_patch_operations": 5,
                "max_bulk_operations": 6,
                "default_count": 20, "max_count": 30}}}}"#,
                "0a".repeat(32)
            )
            .as_bytes(),
        )
        .unwrap();
        assert_eq!(config.base_path.as_str(), "/tenants/scim");
        assert_eq!(config.base_path_aliases, Some(vec![BasePath::of("/a")]));
        assert_eq!(config.public_url.unwrap().as_str(), "https://x.example/y");
        assert_eq!(config.on_delete, OnDelete::Deactivate);
        assert_eq!(config.limits.max_bulk_operations, 6);
        assert_eq!(config.limits.max_count, 30);
    }

    #[test]
    fn a_bad_value_is_named_by_its_key() {
        for (text, expected) in [
            (
                r#"{"limits":{"max_count":0}}"#,
                "limits.max_count: must be a whole number from 1 to",
            ),
            (r#"{"limits":{"max_count":"5"}}"#, "limits.max_count: "),
            (
                r#"{"limits":{"max_json_depth":128}}"#,
                "limits.max_json_depth: must be a whole number from 4 to 100",
            ),
            (
                r#"{"limits":{"default_count":2000}}"#,
                "limits.default_count: must not be above limits.max_count",
            ),
            (
                r#"{"limits":{"max_request_memory_bytes":163108863}}"#,
                "limits.max_request_memory_bytes: must be at least 163108864 with",
            ),
            (
                r#"{"limits":{"max_counts":1}}"#,
                "limits.max_counts: unknown field",
            ),
            (r#"{"limits":7}"#, "limits: "),
            (r#"{"basepath":"/x"}"#, "basepath: unknown field"),
            (r#"{"base_path":"scim"}"#, "base_path: must begin with"),
            (r#"{"base_path":"/"}"#, "base_path: must name"),
            (r#"{"base_path":"/a//b"}"#, "base_path: must name"),
            (r#"{"base_path":"/a b"}"#, "base_path: must be"),
            (
                r#"{"base_path":"/a","admin_path":"/a/b"}"#,
                "admin_path: must be neither",
            ),
            (
                r#"{"base_path_aliases":["/x","/scim/v2/y"]}"#,
                "base_path_aliases[1]: must be neither",
            ),
            (
                r#"{"base_path_aliases":["/"]}"#,
                "base_path_aliases[0]: must name",
            ),
            (
                r#"{"admin_key_sha256":["abc"]}"#,
                "admin_key_sha256[0]: must be",
            ),
            (r#"{"admin_key_sha256":"abc"}"#, "admin_key_sha256: "),
            (r#"{"public_url":"ftp://x"}"#, "public_url: must begin with"),
            (r#"{"public_url":"https://"}"#, "public_url: must name"),
            (r#"{"public_url":"https://x/?a"}"#, "public_url: must be"),
            (r#"{"prefix":"a b"}"#, "prefix: must"),
            (r#"{"on_delete":"drop"}"#, "on_delete: unknown variant"),
            (
                r#"{"retention_days":0}"#,
                "retention_days: must be a whole number from 1 to 3650",
            ),
            (r#"{"base_path":"/a","base_path":"/b"}"#, "duplicate field"),
            (
                r#"{"schemas":{}}"#,
                "schemas: invalid type: map, expected a sequence",
            ),
            (
                r#"{"schemas":[{"id":"urn:x:y"}]}"#,
                "schemas[0].attributes: must have at least one",
            ),
            (
                r#"{"resource_types":[{"name":"User","endpoint":"/People"}]}"#,
                "resource_types[0].endpoint: there is a resource type \"User\" already",
            ),
            (r#"{"sessions":[]}"#, "sessions: must be"),
            (
                r#"{"sessions":{"interim_seconds":5}}"#,
                "sessions.interim_seconds: must be a whole number from 60 to 86400",
            ),
            (
                r#"{"access_path":"/admin/v1/x"}"#,
                "access_path: must be neither",
            ),
            ("[]", "the configuration: must be"),
            (r#"{"limits":[]}"#, "limits: must be"),
            ("{", "the configuration is not JSON: "),
        ] {
            let error = error(text);
            assert!(error.contains(expected), "{text}: {error}");
            assert!(
                error.contains("not JSON") || !error.contains("line"),
                "{error}"
            );
        }
    }
}
