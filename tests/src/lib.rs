//! What the tests of the whole system share: endpoints in every combination of proxy and store,
//! clients, a real etcd, a look into the store.
//!
//! Nothing is left out when a tool is missing: the test fails and says how to get it. `cargo edge
//! test` installs what can be installed; only its `--without` leaves tests out, and its summary
//! says so.

pub mod certificates;
pub mod client;
pub mod endpoint;
pub mod envoy;
pub mod etcd;
pub mod link;
pub mod native;
pub mod ports;
pub mod program;
pub mod radius;
pub mod raw;
pub mod recording;
pub mod scim;
pub mod store;
pub mod tools;

use std::time::Duration;

/// A program that a test needs and that is not part of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Envoy.
    Envoy,
    /// etcd.
    Etcd,
    /// Node.
    Node,
    /// FreeRADIUS, and `eapol_test`.
    FreeRadius,
    /// The conformance suites of others.
    Suites,
}

impl Needs {
    /// Whether the person who runs the tests has said to do without it.
    pub fn left_out(self) -> bool {
        let word = match self {
            Self::Envoy => "envoy",
            Self::Etcd => "etcd",
            Self::Node => "node",
            Self::FreeRadius => "freeradius",
            Self::Suites => "suites",
        };
        let parts = std::env::var("SCIM_EDGE_WITHOUT").unwrap_or_default();
        parts.split(',').any(|part| part == word)
    }
}

/// Runs a test on a runtime of its own and fails it after `seconds`, whatever it waits for. Unless
/// a program it needs is left out: then it says so and does nothing.
///
/// # Panics
/// When the time is over.
pub fn within(seconds: u64, needs: &[Needs], test: impl Future<Output = ()>) {
    if let Some(part) = needs.iter().find(|part| part.left_out()) {
        eprintln!("left out: needs {part:?} (--without)");
        return;
    }
    // What takes minutes on a fresh machine is not the test's time.
    tools::plugin();
    tools::launcher();
    for part in needs {
        match part {
            Needs::Envoy => tools::envoy(),
            Needs::Etcd => tools::etcd(),
            Needs::Node => tools::node(),
            Needs::FreeRadius => tools::freeradius(),
            Needs::Suites => tools::suites(),
        };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system gives threads");
    let limit = Duration::from_secs(seconds);
    let ended = runtime.block_on(async { tokio::time::timeout(limit, test).await });
    runtime.shutdown_background();
    assert!(
        ended.is_ok(),
        "the test did not end within {seconds} seconds"
    );
}

/// Collects what is wrong, so that one run shows all of it.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, finding: impl Into<String>) {
        self.0.push(finding.into());
    }

    /// Adds a finding unless `holds`.
    pub fn check(&mut self, holds: bool, finding: impl FnOnce() -> String) {
        if !holds {
            self.add(finding());
        }
    }

    /// Adds those of somebody else.
    pub fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Fails the test when there are any.
    ///
    /// # Panics
    /// With all findings, one a line.
    pub fn none(self) {
        assert!(
            self.0.is_empty(),
            "{} findings:\n{}",
            self.0.len(),
            self.0.join("\n")
        );
    }
}
