//! The service: what a SCIM request does to the directory. Async use cases over
//! a store ([`kv::Kv`]), a clock and a source of randomness; nothing here knows
//! etcd, Envoy or HTTP/2.
//!
//! ```
//! use directory::http::Request;
//! use directory::kv::memory::MemoryKv;
//! use directory::simulation::{ManualClock, SeededEntropy, block_on};
//! use directory::{Config, Directory};
//!
//! let directory = Directory::new(
//!     scim::schema::Registry::standard()?,
//!     Config::from_json(br#"{"base_path": "/scim/v2"}"#)?,
//!     MemoryKv::new(),
//!     ManualClock::at(1_795_000_000_000),
//!     SeededEntropy::new(1),
//! );
//! let request = Request {
//!     method: "GET".to_owned(),
//!     target: "/scim/v2/Users".to_owned(),
//!     ..Request::default()
//! };
//! assert!(directory.config().handles(request.target.as_bytes()));
//! // Without a token there is nothing to see.
//! assert_eq!(block_on(directory.handle(&request)).response.status, 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod config;
pub mod environment;
pub mod http;
pub mod kv;
pub mod route;
pub mod simulation;
pub mod trace;

mod access;
mod action;
mod admin;
mod ancestry;
mod auth;
mod base_url;
mod bulk;
mod commit;
mod deletion;
mod discovery;
mod dispatch;
mod feed;
mod generation;
mod group_edit;
mod group_patch;
mod groups;
mod ids;
mod index;
mod join;
mod keys;
mod member_page;
mod memberships;
mod negotiation;
mod operations;
mod pack;
mod password;
mod patched_group;
mod precondition;
mod query;
mod quota;
mod record;
mod resources;
mod response;
mod restoration;
mod session;
mod staging;
mod stored;
mod tenant;
mod token;
mod token_use;
mod unused;
mod users;
mod walk;
mod webhook;
mod writes;

pub use config::{Config, ConfigError};
pub use response::error_response;
pub use trace::Trace;

use access::Remembered;
use environment::{Clock, Entropy, Memory, Shared};
use http::{Request, Response};
use ids::Ids;
use kv::Kv;
use password::Hashing;
use patched_group::LargeGroups;
use query::CursorKey;
use quota::Quotas;
use route::Routes;
use scim::schema::Registry;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use token::TokenHints;
use writes::Writes;

/// The service over one store. One instance answers any number of requests at
/// the same time, on one thread.
pub struct Directory<K, C, E> {
    pub(crate) kv: K,
    pub(crate) clock: C,
    pub(crate) entropy: E,
    pub(crate) registry: Registry,
    pub(crate) config: Config,
    pub(crate) routes: Routes,
    pub(crate) tokens: RefCell<TokenHints>,
    pub(crate) quotas: Quotas,
    pub(crate) hashing: Hashing,
    /// Once it was read.
    pub(crate) cursor_key: Cell<Option<CursorKey>>,
    pub(crate) large_groups: LargeGroups,
    pub(crate) ids: Ids,
    pub(crate) remembered: RefCell<Remembered>,
    pub(crate) writes: Writes,
    pub(crate) memory: Option<Box<dyn Memory>>,
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
            routes: Routes::new(&registry),
            quotas: Quotas::new(&config.limits),
            hashing: Hashing::default(),
            remembered: RefCell::new(Remembered::new(config.decisions.max_remembered)),
            writes: Writes::default(),
            memory: None,
            registry,
            config,
            tokens: RefCell::default(),
            cursor_key: Cell::new(None),
            large_groups: LargeGroups::default(),
            ids: Ids::default(),
        }
    }

    /// The service with limits of how often somebody may ask, kept in a table that
    /// the instances of one proxy share. Without one nobody is counted.
    #[must_use]
    pub fn sharing(mut self, shared: impl Shared + 'static) -> Self {
        let shared: Rc<dyn Shared> = Rc::new(shared);
        self.quotas.share(Rc::clone(&shared));
        // Whoever always asks the store needs no count of what others wrote.
        if self.config.decisions.max_staleness_ms > 0 {
            self.writes.share(shared);
        }
        self
    }

    /// The service with a limit of the memory that it runs in (`limits.max_memory_bytes`). Without
    /// one it takes what it needs.
    #[must_use]
    pub fn within(mut self, memory: impl Memory + 'static) -> Self {
        self.memory = Some(Box::new(memory));
        self
    }

    /// Answers a request whose path the configuration
    /// [`handles`](Config::handles). Never fails: whatever goes wrong becomes a
    /// SCIM error. A `HEAD` is answered like a `GET`, and whoever sends the
    /// response leaves the body out.
    ///
    /// The future may be dropped at any await: what it was to write is then
    /// written whole or not at all.
    pub async fn handle(&self, request: &Request) -> Answer {
        let mut trace = Trace::default();
        let response = match self.respond(request, &mut trace).await {
            Ok(response) => response,
            Err(error) => error_response(&error),
        };
        Answer { response, trace }
    }

    /// The schemas that the service works by.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The paths that the service answers, and the methods of each.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
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
