//! A small, faithful proxy-wasm 0.2.1 host on wasmtime.
//!
//! It runs any proxy-wasm HTTP plugin as Envoy 1.40 runs it, without Envoy: in a test, in process;
//! or as a server. gRPC calls of the plugin go over real HTTP/2, HTTP calls over HTTP/1.1, to real
//! servers. What the plugin sees and what clients see follows Envoy where that differs from the
//! specification.
//!
//! ```no_run
//! use host_test::{Host, HostConfig, PluginConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let plugin = PluginConfig::new(std::fs::read("plugin.wasm")?);
//! let host = Host::start(HostConfig::new(plugin)).await?;
//! let request = hyper::Request::get("http://example.com/hello").body(bytes::Bytes::new())?;
//! let response = host.request(request).await?;
//! assert_eq!(response.status(), 200);
//! host.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("../FIDELITY.md")]

mod abi;
mod buffer;
mod cluster;
mod config;
mod error;
mod filter;
mod grpc;
mod headers;
mod host;
mod http_call;
mod log;
mod metrics;
mod pairs;
mod property;
mod reply;
mod server;
mod shared_data;
mod state;
mod status;
mod stream;
mod target;
mod vm;
mod worker;

pub use config::{Address, Fallback, HostConfig, LocalReplyMapper, PluginConfig};
pub use error::{RequestError, StartError};
pub use host::Host;
pub use log::{LogLevel, LogLine};
pub use metrics::{Metric, MetricValue};
