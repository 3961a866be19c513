//! Envoy stats, as `wasmcustom.scim.…`.
//!
//! | stat | kind | |
//! |---|---|---|
//! | `scim.request.{operation}.{status}` | counter | requests answered |
//! | `scim.request_ms.{operation}` | histogram | from the whole request to the response, in milliseconds |
//! | `scim.decision.{source}` | counter | decisions about the network, by where they came from: `store`, `confirmed`, `recent`, `store_away`, `store_away_open` |
//! | `scim.store.{method}.{ok,error}` | counter | calls of the store |
//! | `scim.store_ms.{method}` | histogram | duration of those calls, in milliseconds |
//! | `scim.webhook.{name}.{delivered,failed,missing}` | counter | events acknowledged; attempts that were not; events gone from the log before they were delivered |
//! | `scim.webhook.{name}.behind` | gauge | events yet to be delivered |
//!
//! Names are made of fixed words, status codes and names in the configuration alone, so their
//! number is bounded by construction.

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

    /// Counts events of a webhook.
    pub(crate) fn webhook(&self, name: &str, outcome: &str, events: u64) {
        self.add(format!("scim.webhook.{name}.{outcome}"), events);
    }

    /// Tells how many events of a webhook are yet to be delivered.
    pub(crate) fn webhook_behind(&self, name: &str, events: u64) {
        let name = format!("scim.webhook.{name}.behind");
        self.set(MetricType::Gauge, name, events);
    }

    fn count(&self, name: String) {
        self.add(name, 1);
    }

    fn add(&self, name: String, number: u64) {
        if let Some(id) = self.id(MetricType::Counter, name) {
            // A stat that is lost is no reason to lose the request.
            let _ = hostcalls::increment_metric(id, i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    fn record(&self, name: String, value: u64) {
        self.set(MetricType::Histogram, name, value);
    }

    fn set(&self, kind: MetricType, name: String, value: u64) {
        if let Some(id) = self.id(kind, name) {
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
