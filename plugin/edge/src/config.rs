//! The plugin's configuration: that of the directory, `store`, which says how the filter reaches
//! etcd, and of each of `webhooks`, how it reaches the receiver.

use crate::courier::Receiver;
use serde::Deserialize;
use std::time::Duration;

/// The whole configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) store: Store,
    pub(crate) directory: directory::Config,
    /// One for each of the directory's webhooks.
    pub(crate) receivers: Vec<Receiver>,
}

/// How to reach etcd.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    /// The Envoy cluster of the etcd endpoints.
    cluster: String,
    /// The `:authority` of the gRPC calls.
    authority: String,
    /// How long to wait for a reply, in milliseconds.
    timeout_ms: u64,
}

/// Why a configuration was refused. Each sentence names the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration is not a JSON object: {0}")]
    NotAnObject(String),
    #[error("store: {0}")]
    Store(String),
    #[error(
        "{key}: must be 1 to {most} characters from \"!\" to \"~\", for Envoy is told of it in a message",
        most = Store::LONGEST_NAME
    )]
    Name { key: &'static str },
    #[error("store.timeout_ms: must be 1 to 60000 milliseconds")]
    Timeout,
    #[error("webhooks[{at}]: {reason}")]
    Receiver { at: usize, reason: String },
    #[error(transparent)]
    Directory(#[from] directory::ConfigError),
}

impl Config {
    /// Reads a configuration; an empty one is all defaults.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text: &[u8] = if bytes.trim_ascii().is_empty() {
            b"{}"
        } else {
            bytes
        };
        let mut object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(text).map_err(|e| ConfigError::NotAnObject(e.to_string()))?;
        let store = match object.remove("store") {
            Some(value) => {
                Store::deserialize(&value).map_err(|e| ConfigError::Store(e.to_string()))?
            }
            None => Store::default(),
        };
        store.check()?;
        let receivers = receivers(&mut object)?;
        Ok(Self {
            store,
            directory: directory::Config::from_value(serde_json::Value::Object(object))?,
            receivers,
        })
    }
}

/// Takes out of each webhook what is about its receiver. What is no list of objects is left for the
/// directory to refuse.
fn receivers(
    object: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<Receiver>, ConfigError> {
    let webhooks = object.get_mut("webhooks").and_then(|v| v.as_array_mut());
    let webhooks = webhooks.into_iter().flatten().enumerate();
    webhooks
        .filter_map(|(at, webhook)| Some((at, webhook.as_object_mut()?)))
        .map(|(at, webhook)| {
            let receiver = Receiver::take(webhook);
            receiver.map_err(|reason| ConfigError::Receiver { at, reason })
        })
        .collect()
}

impl Store {
    /// Keeps each length in the message below a single byte, so that the message
    /// is ASCII and can be handed to the host as a string.
    const LONGEST_NAME: usize = 60;

    fn check(&self) -> Result<(), ConfigError> {
        let fits = |name: &str| {
            (1..=Self::LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if !fits(&self.cluster) {
            return Err(ConfigError::Name {
                key: "store.cluster",
            });
        }
        if !fits(&self.authority) {
            return Err(ConfigError::Name {
                key: "store.authority",
            });
        }
        if !(1..=60_000).contains(&self.timeout_ms) {
            return Err(ConfigError::Timeout);
        }
        Ok(())
    }

    /// How long to wait for a reply.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// The upstream as a serialized `envoy.config.core.v3.GrpcService` with
    /// `envoy_grpc { cluster_name, authority }`.
    ///
    /// Never the bare cluster name: Envoy 1.40 first tries to parse the string
    /// as this message, and a name that happens to parse crashes the process.
    pub(crate) fn grpc_service(&self) -> String {
        let mut envoy_grpc = String::new();
        field(&mut envoy_grpc, 1, &self.cluster);
        field(&mut envoy_grpc, 2, &self.authority);
        let mut service = String::new();
        field(&mut service, 1, &envoy_grpc);
        service
    }
}

/// Appends a length-delimited protobuf field; see [`Store::LONGEST_NAME`].
fn field(message: &mut String, number: u8, text: &str) {
    const LENGTH_DELIMITED: u8 = 2;
    message.push(char::from(number << 3 | LENGTH_DELIMITED));
    message.push(char::from(u8::try_from(text.len()).unwrap_or(0)));
    message.push_str(text);
}

impl Default for Store {
    fn default() -> Self {
        Self {
            cluster: "etcd".to_owned(),
            authority: "etcd".to_owned(),
            timeout_ms: 5_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    struct GrpcService {
        #[prost(message, optional, tag = "1")]
        envoy_grpc: Option<EnvoyGrpc>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct EnvoyGrpc {
        #[prost(string, tag = "1")]
        cluster_name: String,
        #[prost(string, tag = "2")]
        authority: String,
    }

    #[test]
    fn the_upstream_is_the_message_that_envoy_expects() {
        let longest = "x".repeat(Store::LONGEST_NAME);
        let store = Store {
            cluster: longest.clone(),
            authority: longest.clone(),
            ..Store::default()
        };
        store.check().unwrap();
        let service = store.grpc_service();
        assert!(service.is_ascii());
        let read = GrpcService::decode(service.as_bytes()).unwrap();
        assert_eq!(
            read.envoy_grpc,
            Some(EnvoyGrpc {
                cluster_name: longest.clone(),
                authority: longest,
            })
        );
    }

    #[test]
    fn nothing_is_all_defaults() {
        let config = Config::from_json(b"  ").unwrap();
        assert_eq!(config.store.timeout(), Duration::from_secs(5));
    }

    #[test]
    fn a_webhook_has_a_receiver() {
        let json = br#"{"webhooks":[{"name":"hr","tenant":"acme","cluster":"hooks",
            "authority":"hooks.example.com:8443","path":"/scim?x=1","timeout_ms":2000,
            "secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]}"#;
        let config = Config::from_json(json).unwrap();
        assert_eq!(config.receivers.len(), config.directory.webhooks.len());
        assert!(!format!("{config:?}").contains("MfKQ"));
    }

    #[test]
    fn a_refusal_names_the_key() {
        for (json, says) in [
            ("[]", "not a JSON object"),
            (
                r#"{"store":{"clutser":"a"}}"#,
                "store: unknown field `clutser`",
            ),
            (r#"{"store":{"cluster":""}}"#, "store.cluster: "),
            (r#"{"store":{"authority":"a b"}}"#, "store.authority: "),
            (r#"{"store":{"timeout_ms":0}}"#, "store.timeout_ms: "),
            (r#"{"base_path":7}"#, "base_path"),
            (r#"{"no_such_key":7}"#, "no_such_key"),
            (
                r#"{"schemas":[{"id":"urn:x:y","attributes":[{"name":"1"}]}]}"#,
                "schemas[0].attributes[0].name: attribute \"1\": must begin",
            ),
            (
                r#"{"resource_types":[{"name":"Site","endpoint":"/Bulk"}]}"#,
                "resource_types[0].endpoint: ",
            ),
            (r#"{"webhooks":{}}"#, "webhooks: "),
            (r#"{"webhooks":[7]}"#, "webhooks[0]: "),
            (
                r#"{"webhooks":[{"name":"a"}]}"#,
                "webhooks[0]: cluster: must be",
            ),
            (
                r#"{"webhooks":[{"cluster":"a","authority":"b c"}]}"#,
                "webhooks[0]: authority: must be",
            ),
            (
                r#"{"webhooks":[{"cluster":"a","authority":"b","path":"x"}]}"#,
                "webhooks[0]: path: must begin with",
            ),
            (
                r#"{"webhooks":[{"cluster":"a","authority":"b","path":"/x","name":"A"}]}"#,
                "webhooks[0]: missing field",
            ),
        ] {
            let error = Config::from_json(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{json}: {error}");
        }
    }
}
