//! The service: what a SCIM request does to the directory. Async use cases over
//! a store ([`kv::Kv`]), a clock and a source of randomness; nothing here knows
//! etcd, Envoy or HTTP/2.
#![forbid(unsafe_code)]

pub mod config;
pub mod environment;
pub mod http;
pub mod kv;
pub mod route;
pub mod trace;

mod auth;
mod base_url;
mod discovery;
mod keys;
mod negotiation;
mod precondition;
mod response;
mod session;
mod tenant;
mod token;

pub use config::{Config, ConfigError};
pub use response::error_response;
pub use trace::Trace;

use environment::{Clock, Entropy};
use http::Response;
use kv::Kv;
use scim::schema::Registry;
use std::cell::RefCell;
use token::TokenHints;

/// The service over one store. One instance answers any number of requests at
/// the same time, on one thread.
pub struct Directory<K, C, E> {
    pub(crate) kv: K,
    pub(crate) clock: C,
    pub(crate) entropy: E,
    pub(crate) registry: Registry,
    pub(crate) config: Config,
    pub(crate) tokens: RefCell<TokenHints>,
}

/// A response, and what was done for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What the client gets.
    pub response: Response,
    /// What metrics and log get.
    pub trace: Trace,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The service as configured.
    #[must_use]
    pub fn new(registry: Registry, config: Config, kv: K, clock: C, entropy: E) -> Self {
        Self {
            kv,
            clock,
            entropy,
            registry,
            config,
            tokens: RefCell::default(),
        }
    }

    /// The schemas that the service works by.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl<K, C, E> std::fmt::Debug for Directory<K, C, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
