//! What an embedder says about the plugin and the world around it.

use crate::log::LogLevel;
use bytes::Bytes;
use hyper::{Request, Response};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The plugin: Envoy's `PluginConfig` and `VmConfig`.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    /// The module, in WebAssembly's binary form.
    pub wasm: Vec<u8>,
    /// `name`: property `plugin_name`.
    pub name: String,
    /// `root_id`: property `plugin_root_id`.
    pub root_id: String,
    /// `vm_config.vm_id`: property `plugin_vm_id`.
    pub vm_id: String,
    /// `configuration`, as the bytes that `on_configure` reads.
    pub configuration: Vec<u8>,
    /// `vm_config.configuration`, as the bytes that `on_vm_start` reads.
    pub vm_configuration: Vec<u8>,
    /// `vm_config.environment_variables.key_values`.
    pub environment: Vec<(String, String)>,
    /// `allow_on_headers_stop_iteration`. When false (Envoy's default), a plugin that pauses a
    /// request in its headers gets no body callback until it resumes.
    pub allow_on_headers_stop_iteration: bool,
    /// `reload_config.backoff.base_interval`: how long after a trap requests get 503 before a
    /// fresh VM is tried. Up to half of it is added at random.
    pub reload_backoff: Duration,
}

impl PluginConfig {
    /// The plugin in `wasm` with Envoy's defaults for everything else.
    #[must_use]
    pub fn new(wasm: Vec<u8>) -> Self {
        Self {
            wasm,
            name: String::new(),
            root_id: String::new(),
            vm_id: String::new(),
            configuration: Vec::new(),
            vm_configuration: Vec::new(),
            environment: Vec::new(),
            allow_on_headers_stop_iteration: false,
            reload_backoff: Duration::from_secs(1),
        }
    }
}

/// Where a cluster's only endpoint listens. gRPC calls speak HTTP/2 with prior knowledge to it, HTTP
/// calls HTTP/1.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// `host:port`; a name is resolved at every connect.
    Tcp(String),
    /// A Unix domain socket.
    Unix(PathBuf),
}

/// What comes after the plugin in the filter chain: the route.
#[derive(Clone)]
pub enum Fallback {
    /// A `direct_response`: answers 404 as soon as the plugin lets the headers go on, before any
    /// body is seen. It is a reply of the host, so [`HostConfig::local_reply`] shapes it.
    NotFound,
    /// An upstream: gets the whole request once the plugin has let all of it pass.
    Upstream(Arc<dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync>),
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "NotFound",
            Self::Upstream(_) => "Upstream",
        })
    }
}

/// Shapes the replies that the host makes itself (404 of the route, 413, 431, 503 after a trap …),
/// as `local_reply_config` does in Envoy. Replies of the plugin are not shown to it.
///
/// It gets the status, Envoy's response code details (such as `request_payload_too_large`) and the
/// plain text body, and returns content type and body.
pub type LocalReplyMapper = Arc<dyn Fn(u16, &str, &str) -> (String, Bytes) + Send + Sync>;

/// Everything [`Host::start`](crate::Host::start) needs.
#[derive(Clone)]
pub struct HostConfig {
    /// The plugin.
    pub plugin: PluginConfig,
    /// Clusters that the plugin may call, by name.
    pub clusters: HashMap<String, Address>,
    /// Number of worker threads, each with a VM of its own. At least one is started.
    pub workers: usize,
    /// What answers a request that the plugin lets pass.
    pub fallback: Fallback,
    /// Shapes host-made replies; without it they are plain text.
    pub local_reply: Option<LocalReplyMapper>,
    /// Lowest level of plugin logs that is kept; what `proxy_get_log_level` answers.
    pub log_level: LogLevel,
    /// Bytes of a request body that the host buffers for a paused plugin
    /// (`per_connection_buffer_limit_bytes`); more is a 413. Envoy's default is 1 MiB.
    pub buffer_limit: usize,
    /// A stream on which nothing happens for so long is ended with 408 or 504
    /// (`stream_idle_timeout`). Envoy's default is five minutes.
    pub stream_idle_timeout: Duration,
    /// A callback that runs longer traps. Envoy has no such guard.
    pub callback_timeout: Duration,
    /// Bytes of linear memory a VM may grow to. Envoy's V8 allows 1 GiB.
    pub memory_limit: usize,
}

impl HostConfig {
    /// One worker, no clusters, and Envoy's defaults.
    #[must_use]
    pub fn new(plugin: PluginConfig) -> Self {
        Self {
            plugin,
            clusters: HashMap::new(),
            workers: 1,
            fallback: Fallback::NotFound,
            local_reply: None,
            log_level: LogLevel::Info,
            buffer_limit: 1 << 20,
            stream_idle_timeout: Duration::from_secs(300),
            callback_timeout: Duration::from_secs(10),
            memory_limit: 1 << 30,
        }
    }
}

impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostConfig")
            .field("plugin", &self.plugin.name)
            .field("clusters", &self.clusters)
            .field("workers", &self.workers)
            .field("fallback", &self.fallback)
            .finish_non_exhaustive()
    }
}
