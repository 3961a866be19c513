//! The plugin's configuration: what the operator wrote, and what a start adds.

use crate::error::Error;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Where SCIM is served unless the configuration says otherwise.
const BASE_PATH: &str = "/scim/v2";
/// Where the admin API is served unless the configuration says otherwise.
const ADMIN_PATH: &str = "/admin/v1";
/// The Envoy cluster of the store.
const CLUSTER: &str = "etcd";

/// The configuration for one start. Only what we add is known here: the plugin itself judges the
/// rest, so that there is one place that knows its keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PluginConfig(Map<String, Value>);

impl PluginConfig {
    /// The operator's file, or defaults without one; `store` is added when it is absent, and
    /// `admin_key_sha256` joins the operator's own.
    pub(crate) fn load(file: Option<&Path>, admin_key_sha256: &str) -> Result<Self, Error> {
        let written = match file {
            Some(path) => {
                let text = std::fs::read(path).map_err(Error::file("read", path))?;
                serde_json::from_slice(&text).map_err(|e| Error::ConfigSyntax {
                    path: path.into(),
                    reason: e.to_string(),
                })?
            }
            None => Map::new(),
        };
        Ok(Self::with(written, admin_key_sha256))
    }

    fn with(mut written: Map<String, Value>, admin_key_sha256: &str) -> Self {
        written
            .entry("base_path")
            .or_insert_with(|| json!(BASE_PATH));
        written.entry("store").or_insert_with(
            || json!({"cluster": CLUSTER, "authority": CLUSTER, "timeout_ms": 5000}),
        );
        let keys = written
            .entry("admin_key_sha256")
            .or_insert_with(|| json!([]));
        // Anything but a list is for the plugin to refuse.
        if let Value::Array(keys) = keys {
            keys.push(json!(admin_key_sha256));
        }
        Self(written)
    }

    /// As if a file had this in it.
    #[cfg(test)]
    pub(crate) fn of(written: Value) -> Self {
        match written {
            Value::Object(written) => Self::with(written, "ab"),
            other => panic!("{other} is no object"),
        }
    }

    /// Where SCIM is served, without a slash at its end.
    pub(crate) fn base_path(&self) -> &str {
        self.path("base_path", BASE_PATH)
    }

    /// Where the admin API is served, without a slash at its end.
    pub(crate) fn admin_path(&self) -> &str {
        self.path("admin_path", ADMIN_PATH)
    }

    fn path<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        let path = self.0.get(key).and_then(Value::as_str).unwrap_or(default);
        path.trim_end_matches('/')
    }

    /// The cluster that the plugin calls.
    pub(crate) fn cluster(&self) -> &str {
        self.0
            .get("store")
            .and_then(|store| store.get("cluster"))
            .and_then(Value::as_str)
            .unwrap_or(CLUSTER)
    }

    /// The clusters that webhooks call.
    pub(crate) fn webhook_clusters(&self) -> impl Iterator<Item = &str> {
        let webhooks = self.0.get("webhooks").and_then(Value::as_array);
        let clusters = webhooks.into_iter().flatten();
        clusters.filter_map(|webhook| webhook.get("cluster").and_then(Value::as_str))
    }

    /// All of it.
    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// The paths of SCIM in a configuration, without slashes at their ends: the base path and its
/// aliases, unless they are below another one. As the plugin has it, a base path that ends in
/// `/scim/v2` is served without its `/v2` too, unless other aliases are named.
pub(crate) fn scim_paths(configuration: &Value) -> Vec<String> {
    let trimmed = |path: &Value| {
        path.as_str()
            .map(|path| path.trim_end_matches('/').to_owned())
    };
    let base = configuration.get("base_path").and_then(trimmed);
    let base = base.unwrap_or_else(|| BASE_PATH.into());
    let aliases: Vec<_> = match configuration.get("base_path_aliases") {
        Some(Value::Array(aliases)) => aliases.iter().filter_map(trimmed).collect(),
        _ => base
            .strip_suffix("/v2")
            .filter(|parent| parent.ends_with("/scim"))
            .map(ToOwned::to_owned)
            .into_iter()
            .collect(),
    };
    let is_above = |path: &String| {
        base.strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let mut paths = Vec::new();
    if !aliases.iter().any(is_above) {
        paths.push(base.clone());
    }
    paths.extend(aliases);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_and_admin_key_are_added_when_absent() {
        let config = PluginConfig::load(None, "ab").unwrap();
        assert_eq!(
            config.to_value(),
            json!({
                "base_path": "/scim/v2",
                "store": {"cluster": "etcd", "authority": "etcd", "timeout_ms": 5000},
                "admin_key_sha256": ["ab"],
            })
        );
    }

    #[test]
    fn operators_settings_stay_and_his_keys_keep_working() {
        let written =
            json!({"base_path": "/s/", "store": {"cluster": "kv"}, "admin_key_sha256": ["01"]});
        let config = PluginConfig::of(written);
        assert_eq!(config.base_path(), "/s");
        assert_eq!(config.cluster(), "kv");
        assert_eq!(config.to_value()["admin_key_sha256"], json!(["01", "ab"]));
    }

    #[test]
    fn broken_file_is_named_with_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.json");
        std::fs::write(&path, "{\"base_path\": }").unwrap();
        let error = PluginConfig::load(Some(&path), "ab")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("c.json") && error.contains("line 1 column 15"),
            "{error}"
        );
    }

    #[test]
    fn scim_is_at_the_base_path_and_its_aliases() {
        for (configuration, paths) in [
            (json!({}), &["/scim"][..]),
            (json!({"base_path": "/eu/scim/v2/"}), &["/eu/scim"]),
            (json!({"base_path": "/identity/v2"}), &["/identity/v2"]),
            (json!({"base_path_aliases": []}), &["/scim/v2"]),
            (
                json!({"base_path": null, "base_path_aliases": ["/a/", 1]}),
                &["/scim/v2", "/a"],
            ),
        ] {
            assert_eq!(scim_paths(&configuration), paths, "{configuration}");
        }
    }
}
