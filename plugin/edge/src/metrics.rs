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
use std::collections::BTreeMap;

/// The ids of the stats that were used so far.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    ids: RefCell<BTreeMap<Stat, u32>>,
}

/// A stat, by what its name is made of: the name itself is made once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stat {
    Decision(&'static str),
    Request(&'static str, u16),
    RequestMillis(&'static str),
    Store(&'static str, bool),
    StoreMillis(&'static str),
    Webhook(String, &'static str),
    WebhookBehind(String),
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn request(&self, operation: &'static str, status: u16, millis: u64) {
        self.add(Stat::Request(operation, status), 1);
        self.record(Stat::RequestMillis(operation), millis);
    }

    /// Counts a decision about the network.
    pub(crate) fn decision(&self, source: &'static str) {
        self.add(Stat::Decision(source), 1);
    }

    /// Counts a call of the store.
    pub(crate) fn store_call(&self, method: &'static str, ok: bool, millis: u64) {
        self.add(Stat::Store(method, ok), 1);
        self.record(Stat::StoreMillis(method), millis);
    }

    /// Counts events of a webhook.
    pub(crate) fn webhook(&self, name: &str, outcome: &'static str, events: u64) {
        self.add(Stat::Webhook(name.to_owned(), outcome), events);
    }

    /// Tells how many events of a webhook are yet to be delivered.
    pub(crate) fn webhook_behind(&self, name: &str, events: u64) {
        self.record(Stat::WebhookBehind(name.to_owned()), events);
    }

    fn add(&self, counter: Stat, number: u64) {
        if let Some(id) = self.id(counter) {
            // A stat that is lost is no reason to lose the request.
            let _ = hostcalls::increment_metric(id, i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    fn record(&self, stat: Stat, value: u64) {
        if let Some(id) = self.id(stat) {
            let _ = hostcalls::record_metric(id, value);
        }
    }

    fn id(&self, stat: Stat) -> Option<u32> {
        if let Some(id) = self.ids.borrow().get(&stat) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(stat.kind(), &stat.name()).ok()?;
        self.ids.borrow_mut().insert(stat, id);
        Some(id)
    }
}

impl Stat {
    fn kind(&self) -> MetricType {
        match self {
            Self::Decision(_) | Self::Request(..) | Self::Store(..) | Self::Webhook(..) => {
                MetricType::Counter
            }
            Self::RequestMillis(_) | Self::StoreMillis(_) => MetricType::Histogram,
            Self::WebhookBehind(_) => MetricType::Gauge,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Decision(source) => format!("scim.decision.{source}"),
            Self::Request(operation, status) => format!("scim.request.{operation}.{status}"),
            Self::RequestMillis(operation) => format!("scim.request_ms.{operation}"),
            Self::Store(method, true) => format!("scim.store.{method}.ok"),
            Self::Store(method, false) => format!("scim.store.{method}.error"),
            Self::StoreMillis(method) => format!("scim.store_ms.{method}"),
            Self::Webhook(name, outcome) => format!("scim.webhook.{name}.{outcome}"),
            Self::WebhookBehind(name) => format!("scim.webhook.{name}.behind"),
        }
    }
}
