//! Envoy stats, as `wasmcustom.scim.…`.
//!
//! | stat | kind | |
//! |---|---|---|
//! | `scim.request.{operation}.{status}` | counter | requests answered |
//! | `scim.request_ms.{operation}` | histogram | from the whole request to the response, in milliseconds |
//! | `scim.decision.{source}` | counter | decisions about the network, by where they came from: `store`, `confirmed`, `recent`, `store_away`, `store_away_open` |
//! | `scim.store.{method}.{ok,error}` | counter | calls of the store |
//! | `scim.store_ms.{method}` | histogram | duration of those calls, in milliseconds |
//!
//! Names are made of fixed words and status codes alone, so their number is
//! bounded by construction.

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use std::cell::RefCell;
use std::collections::HashMap;

/// The ids of the stats that were used so far.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    ids: RefCell<HashMap<String, u32>>,
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn request(&self, operation: &str, status: u16, millis: u64) {
        self.count(format!("scim.request.{operation}.{status}"));
        self.record(format!("scim.request_ms.{operation}"), millis);
    }

    /// Counts a decision about the network.
    pub(crate) fn decision(&self, source: &str) {
        self.count(format!("scim.decision.{source}"));
    }

    /// Counts a call of the store.
    pub(crate) fn store_call(&self, method: &str, ok: bool, millis: u64) {
        let outcome = if ok { "ok" } else { "error" };
        self.count(format!("scim.store.{method}.{outcome}"));
        self.record(format!("scim.store_ms.{method}"), millis);
    }

    fn count(&self, name: String) {
        if let Some(id) = self.id(MetricType::Counter, name) {
            // A stat that is lost is no reason to lose the request.
            let _ = hostcalls::increment_metric(id, 1);
        }
    }

    fn record(&self, name: String, value: u64) {
        if let Some(id) = self.id(MetricType::Histogram, name) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn id(&self, kind: MetricType, name: String) -> Option<u32> {
        if let Some(id) = self.ids.borrow().get(&name) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(kind, &name).ok()?;
        self.ids.borrow_mut().insert(name, id);
        Some(id)
    }
}
