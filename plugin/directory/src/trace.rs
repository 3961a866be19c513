//! What a request did, for metrics and for the log line of a write. No field can
//! carry a name, an address, a token or a password.

use crate::route::Matched;
use scim::Error;
use scim::schema::Registry;
use serde::Serialize;

/// What a request did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The operation, such as `user.create`, also of a request that was refused;
    /// [`Trace::UNROUTED`] for one that fits no route.
    pub operation: &'static str,
    /// Whether the operation is one that writes, and a token was there for it.
    pub writes: bool,
    /// The tenant of the token; empty when no tenant is known.
    pub tenant: String,
    /// The id of the token; empty for the administrator's key.
    pub token_id: String,
    /// The id of the resource that was written or read; empty where there was none.
    pub resource_id: String,
    /// How many operations of a bulk request were done, and how many failed.
    pub bulk: Option<Tally>,
    /// How many calls to the store it took.
    pub store_calls: u32,
    /// Where a decision about the network came from; nothing where none was made.
    pub decided: Option<Source>,
    /// What the store said when it failed. Not for clients.
    pub fault: Option<String>,
}

/// The operations of a bulk request that were done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All of them.
    pub operations: u32,
    /// Those that failed.
    pub failed: u32,
}

/// Where a decision about the network came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was made now.
    Store,
    /// It was made before, and the store said that nothing has changed.
    Confirmed,
    /// It was made before, and the store said so a moment ago.
    Recent,
    /// It was made before, and the store is away.
    StoreAway,
    /// The same, for longer than decisions are to be given without the store
    /// (`decisions.store_away_then`).
    StoreAwayOpen,
}

impl Source {
    /// What metrics call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Confirmed => "confirmed",
            Self::Recent => "recent",
            Self::StoreAway => "store_away",
            Self::StoreAwayOpen => "store_away_open",
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            operation: Self::UNROUTED,
            writes: false,
            tenant: String::new(),
            token_id: String::new(),
            resource_id: String::new(),
            bulk: None,
            store_calls: 0,
            decided: None,
            fault: None,
        }
    }
}

impl Trace {
    /// The operation of a request that fits no route.
    pub const UNROUTED: &str = "unrouted";

    /// Notes what is asked for.
    pub(crate) fn route(&mut self, registry: &Registry, matched: &Result<Matched, Error>) {
        if let Ok(matched) = matched {
            self.operation = matched.operation.name(registry);
        }
    }

    /// The line for the log, in JSON: one for each write, done or refused, and
    /// one for each failure of the store; nothing for other reads. A bulk request
    /// has one line too, with how many operations it did: what each of them
    /// changed, the events in the store tell.
    #[must_use]
    pub fn log_line(&self, status: u16) -> Option<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            operation: &'a str,
            status: u16,
            #[serde(skip_serializing_if = "str::is_empty")]
            tenant: &'a str,
            #[serde(rename = "token", skip_serializing_if = "str::is_empty")]
            token_id: &'a str,
            #[serde(rename = "resource", skip_serializing_if = "str::is_empty")]
            resource_id: &'a str,
            #[serde(flatten)]
            bulk: Option<Tally>,
            store_calls: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            fault: Option<&'a str>,
        }

        if !self.writes && self.fault.is_none() {
            return None;
        }
        let line = Line {
            operation: self.operation,
            status,
            tenant: &self.tenant,
            token_id: &self.token_id,
            resource_id: &self.resource_id,
            bulk: self.bulk,
            store_calls: self.store_calls,
            fault: self.fault.as_deref(),
        };
        serde_json::to_string(&line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_and_a_fault_have_a_line_and_a_read_has_none() {
        let mut trace = Trace {
            operation: "user.read",
            store_calls: 1,
            ..Trace::default()
        };
        assert_eq!(trace.log_line(200), None);
        trace.fault = Some("no leader".to_owned());
        assert_eq!(
            trace.log_line(503).unwrap(),
            r#"{"operation":"user.read","status":503,"store_calls":1,"fault":"no leader"}"#
        );
        let write = Trace {
            operation: "user.create",
            writes: true,
            tenant: "acme".to_owned(),
            token_id: "t1".to_owned(),
            resource_id: "u1".to_owned(),
            store_calls: 1,
            ..Trace::default()
        };
        assert_eq!(
            write.log_line(201).unwrap(),
            r#"{"operation":"user.create","status":201,"tenant":"acme","token":"t1","resource":"u1","store_calls":1}"#
        );
        let bulk = Trace {
            operation: "bulk",
            writes: true,
            bulk: Some(Tally {
                operations: 3,
                failed: 1,
            }),
            store_calls: 5,
            ..Trace::default()
        };
        assert_eq!(
            bulk.log_line(200).unwrap(),
            r#"{"operation":"bulk","status":200,"operations":3,"failed":1,"store_calls":5}"#
        );
    }
}
