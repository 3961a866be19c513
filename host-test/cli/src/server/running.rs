//! The handle of a running endpoint. Dropping it ends everything that was started for it.

use crate::envoy::process::Envoy;
use crate::error::Error;
use crate::http::Client;
use crate::paths::DataDir;
use crate::process::Service;
use crate::ready::Ready;
use crate::server::contact;
use crate::store::{Endpoint, Store};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What serves.
#[derive(Debug)]
pub(crate) enum Front {
    /// Envoy, as a child.
    Envoy(Envoy),
    /// The wasmtime host, in this process.
    Host(host_test::Host),
}

/// What a [`Running`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) front: Front,
    pub(crate) store: Store,
    pub(crate) data: DataDir,
    pub(crate) ready: Ready,
    pub(crate) address: SocketAddr,
}

/// A running endpoint.
#[derive(Debug)]
pub struct Running {
    // In the order in which they are to end.
    front: Front,
    store: Store,
    data: DataDir,
    ready: Ready,
    address: SocketAddr,
}

impl From<Parts> for Running {
    fn from(parts: Parts) -> Self {
        let Parts {
            front,
            store,
            data,
            ready,
            address,
        } = parts;
        Self {
            front,
            store,
            data,
            ready,
            address,
        }
    }
}

impl Running {
    /// URLs and credentials.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the store listens.
    #[must_use]
    pub fn store_endpoints(&self) -> &[Endpoint] {
        self.store.endpoints()
    }

    /// What Envoy and the plugin logged.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data.envoy_log()
    }

    /// Envoy's admin interface; `None` without Envoy, or while it restarts.
    #[must_use]
    pub fn envoy_admin(&self) -> Option<SocketAddr> {
        match &self.front {
            Front::Envoy(envoy) => envoy.admin(),
            Front::Host(_) => None,
        }
    }

    /// Envoy's process id; `None` without Envoy, or while it restarts.
    #[must_use]
    pub fn envoy_pid(&self) -> Option<u32> {
        match &self.front {
            Front::Envoy(envoy) => envoy.service().pid(),
            Front::Host(_) => None,
        }
    }

    /// The embedded store's process id; `None` with an etcd, or while it restarts.
    #[must_use]
    pub fn store_pid(&self) -> Option<u32> {
        self.store.service().and_then(Service::pid)
    }

    /// Kills Envoy as `kill -9` does and waits until a new one answers.
    ///
    /// # Errors
    /// When it does not answer within `patience`.
    pub async fn crash_envoy(&self, patience: Duration) -> Result<(), Error> {
        if let Front::Envoy(envoy) = &self.front {
            envoy.service().kill();
        }
        self.answers(patience).await
    }

    /// Kills the embedded store as `kill -9` does and waits until the endpoint answers again.
    ///
    /// # Errors
    /// When it does not answer within `patience`.
    pub async fn crash_store(&self, patience: Duration) -> Result<(), Error> {
        if let Some(service) = self.store.service() {
            service.kill();
        }
        self.answers(patience).await
    }

    /// Waits until the endpoint answers 200.
    ///
    /// # Errors
    /// When it does not within `patience`.
    pub async fn answers(&self, patience: Duration) -> Result<(), Error> {
        let client = Client::new(Duration::from_secs(10));
        let begun = Instant::now();
        loop {
            let last = match contact::status(&client, &self.ready).await {
                Ok(200) => return Ok(()),
                Ok(other) => format!("status {other}"),
                Err(e) => e.to_string(),
            };
            if begun.elapsed() > patience {
                return Err(Error::NotReady {
                    what: "The endpoint",
                    seconds: patience.as_secs(),
                    last,
                    log: self.log(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The wasmtime host, when that is what serves.
    #[must_use]
    pub fn host(&self) -> Option<&host_test::Host> {
        match &self.front {
            Front::Envoy(_) => None,
            Front::Host(host) => Some(host),
        }
    }

    /// Ends all of it in order: no more requests, then the store.
    pub async fn stop(self) {
        let Self {
            front, store, data, ..
        } = self;
        // Waiting for children would hold up the runtime's thread.
        let rest = match front {
            Front::Envoy(envoy) => tokio::task::spawn_blocking(move || {
                drop(envoy);
                drop(store);
                drop(data);
            }),
            Front::Host(host) => {
                host.shutdown().await;
                tokio::task::spawn_blocking(move || {
                    drop(store);
                    drop(data);
                })
            }
        };
        if let Err(e) = rest.await {
            tracing::warn!("stopping failed: {e}");
        }
    }
}
