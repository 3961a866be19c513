//! A running endpoint in any combination of proxy and store, stopped when dropped.

use crate::client::Client;
use crate::etcd::Etcd;
use crate::{Findings, envoy, tools};
use edge_cli::{Options, Running, serve, up};
use std::path::Path;
use tempfile::TempDir;

/// What the plugin runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// The real Envoy.
    Envoy,
    /// Our own host on wasmtime.
    Wasmtime,
}

/// What it keeps its state in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// edge-kv.
    Embedded,
    /// A real etcd of its own.
    Etcd,
}

/// An endpoint with a tenant and a token.
#[derive(Debug)]
pub struct Endpoint {
    // In the order in which they are to end.
    running: Running,
    etcd: Option<Etcd>,
    _data: TempDir,
}

impl Endpoint {
    /// Starts one with one worker.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(proxy: Proxy, store: Store) -> Self {
        Self::start_with(proxy, store, |_| {}).await
    }

    /// Starts one with other options.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(proxy: Proxy, store: Store, change: impl FnOnce(&mut Options)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut options = options(data.path());
        let etcd = match store {
            Store::Embedded => None,
            Store::Etcd => Some(Etcd::start().await),
        };
        options.etcd = etcd.iter().map(Etcd::endpoint).collect();
        change(&mut options);
        Self {
            running: start(proxy, options).await,
            etcd,
            _data: data,
        }
    }

    /// What runs.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Its etcd.
    ///
    /// # Panics
    /// When it is on the embedded store.
    pub fn etcd(&mut self) -> &mut Etcd {
        self.etcd.as_mut().expect("the endpoint is on an etcd")
    }

    /// A client with a connection of its own.
    #[must_use]
    pub fn client(&self) -> Client {
        client(&self.running)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = log(&self.running);
            let lines: Vec<&str> = log.lines().collect();
            let last = lines
                .get(lines.len().saturating_sub(20)..)
                .unwrap_or_default();
            eprintln!("The end of the log:\n{}", last.join("\n"));
        }
    }
}

/// What the proxy and the plugin logged so far.
#[must_use]
pub fn log(running: &Running) -> String {
    match running.host() {
        Some(host) => {
            let lines = host.logs().into_iter().map(|line| line.message + "\n");
            lines.collect()
        }
        None => std::fs::read_to_string(running.log()).unwrap_or_default(),
    }
}

/// Finds a VM that was lost: that a worker had to make anew, or that trapped.
pub async fn no_vm_was_lost(endpoint: &Endpoint, proxy: Proxy, findings: &mut Findings) {
    match proxy {
        Proxy::Envoy => {
            for (name, count) in envoy::stats(endpoint.running(), "vm_reload").await {
                findings.check(count == 0, || format!("{name} is {count}"));
            }
        }
        Proxy::Wasmtime => {
            let log = log(endpoint.running());
            for line in log.lines().filter(|line| line.contains("trapped")) {
                findings.add(format!("the log says: {line}"));
            }
        }
    }
}

/// One worker on a free port, on the embedded store in `data`, with programs built once.
#[must_use]
pub fn options(data: &Path) -> Options {
    let mut options = Options::new(data);
    options.plugin = Some(tools::plugin().into());
    options.launcher = Some(tools::launcher().into());
    options
}

/// Starts an endpoint in `proxy`.
///
/// # Panics
/// When it does not start.
pub async fn start(proxy: Proxy, mut options: Options) -> Running {
    let started = match proxy {
        Proxy::Envoy => {
            options.envoy = Some(tools::envoy().into());
            up::start(options).await
        }
        Proxy::Wasmtime => serve::start(options).await,
    };
    started.unwrap_or_else(|e| panic!("{e}"))
}

/// A client of `running` with a connection of its own.
#[must_use]
pub fn client(running: &Running) -> Client {
    let ready = running.ready();
    let base = ready.base_url.splitn(4, '/').nth(3).unwrap_or_default();
    Client::new(running.address(), &format!("/{base}"), &ready.token)
}
