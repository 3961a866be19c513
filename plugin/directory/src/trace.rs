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
    /// How many calls to the store it took.
    pub store_calls: u32,
    /// What the store said when it failed. Not for clients.
    pub fault: Option<String>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            operation: Self::UNROUTED,
            writes: false,
            tenant: String::new(),
            token_id: String::new(),
            resource_id: String::new(),
            store_calls: 0,
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
    /// one for each failure of the store; nothing for other reads.
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
            fault: None,
        };
        assert_eq!(
            write.log_line(201).unwrap(),
            r#"{"operation":"user.create","status":201,"tenant":"acme","token":"t1","resource":"u1","store_calls":1}"#
        );
    }
}
