//! The directory's store over etcd's gRPC, spoken by the host.

mod convert;

use crate::executor::{Executor, NotSent};
use crate::metrics::Metrics;
use directory::kv::{Kv, KvError, KvErrorKind, LeaseId, Outcome, Range, RangeReply, Txn, TxnReply};
use etcd_proto::{LeaseGrantRequest, LeaseGrantResponse, RangeResponse, TxnResponse};
use prost::Message;
use std::rc::Rc;
use std::time::Duration;

/// gRPC status codes that etcd and Envoy use.
mod status {
    pub(super) const INVALID_ARGUMENT: u32 = 3;
    pub(super) const RESOURCE_EXHAUSTED: u32 = 8;
    pub(super) const OUT_OF_RANGE: u32 = 11;
    pub(super) const FAILED_PRECONDITION: u32 = 9;
    pub(super) const UNAUTHENTICATED: u32 = 16;
    pub(super) const PERMISSION_DENIED: u32 = 7;
}

/// etcd, behind an Envoy cluster.
#[derive(Debug)]
pub(crate) struct EtcdKv {
    pub(crate) executor: Rc<Executor>,
    pub(crate) metrics: Rc<Metrics>,
    /// See [`Store::grpc_service`](crate::config::Store::grpc_service).
    pub(crate) upstream: String,
    pub(crate) timeout: Duration,
}

impl EtcdKv {
    async fn call<Response: Message + Default>(
        &self,
        service: &'static str,
        method: &'static str,
        request: &impl Message,
    ) -> Result<Response, KvError> {
        let started = crate::environment::now_millis();
        let reply = self
            .executor
            .call(
                &self.upstream,
                service,
                method,
                &request.encode_to_vec(),
                self.timeout,
            )
            .await;
        let elapsed = crate::environment::now_millis().saturating_sub(started);
        let result = match reply {
            Ok(Ok(bytes)) => Response::decode(bytes.as_slice()).map_err(|_| KvError {
                kind: KvErrorKind::Refused("its answer is no message of etcd".to_owned()),
                outcome: Outcome::Unknown,
            }),
            Ok(Err((code, message))) => Err(failure(code, message)),
            Err(NotSent(status)) => Err(KvError {
                kind: KvErrorKind::Unavailable(format!(
                    "the proxy cannot call the cluster (status {status}); is it configured?"
                )),
                outcome: Outcome::NotApplied,
            }),
        };
        self.metrics.store_call(method, result.is_ok(), elapsed);
        if let Err(error) = &result {
            log::warn!("store: {method} failed: {error}");
        }
        result
    }
}

impl Kv for EtcdKv {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        let reply: RangeResponse = self
            .call("etcdserverpb.KV", "Range", &convert::range(range))
            .await?;
        Ok(convert::range_reply(reply))
    }

    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError> {
        let reply: TxnResponse = self
            .call("etcdserverpb.KV", "Txn", &convert::txn(txn))
            .await?;
        convert::txn_reply(reply).ok_or_else(|| KvError {
            kind: KvErrorKind::Refused("its answer lacks a part".to_owned()),
            outcome: Outcome::Unknown,
        })
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        let request = LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        let reply: LeaseGrantResponse = self
            .call("etcdserverpb.Lease", "LeaseGrant", &request)
            .await?;
        Ok(LeaseId(reply.id))
    }
}

/// What a gRPC status means. Envoy reports a timeout, a refused connection and a
/// lost one all as 14, so only etcd's own refusals are certain.
fn failure(code: u32, message: String) -> KvError {
    let not_applied = |kind| KvError {
        kind,
        outcome: Outcome::NotApplied,
    };
    match code {
        status::OUT_OF_RANGE
            if message.contains("compacted") || message.contains("future revision") =>
        {
            not_applied(KvErrorKind::Compacted)
        }
        status::INVALID_ARGUMENT
            if message.contains("too many operations") || message.contains("too large") =>
        {
            not_applied(KvErrorKind::TooLarge(message))
        }
        status::RESOURCE_EXHAUSTED if message.contains("larger than max") => {
            not_applied(KvErrorKind::TooLarge(message))
        }
        // Out of space, or too many requests under way.
        status::RESOURCE_EXHAUSTED => not_applied(KvErrorKind::Unavailable(message)),
        status::INVALID_ARGUMENT
        | status::FAILED_PRECONDITION
        | status::OUT_OF_RANGE
        | status::PERMISSION_DENIED
        | status::UNAUTHENTICATED => not_applied(KvErrorKind::Refused(message)),
        _ => KvError {
            kind: KvErrorKind::Unavailable(format!("{message} (status {code})")),
            outcome: Outcome::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_etcd_itself_refused_is_certainly_not_applied() {
        let outcome = |code, message: &str| failure(code, message.to_owned()).outcome;
        assert_eq!(outcome(14, "upstream request timeout"), Outcome::Unknown);
        assert_eq!(outcome(2, "?"), Outcome::Unknown);
        assert_eq!(
            outcome(8, "etcdserver: mvcc: database space exceeded"),
            Outcome::NotApplied
        );
        for message in [
            "etcdserver: mvcc: required revision has been compacted",
            "etcdserver: mvcc: required revision is a future revision",
        ] {
            assert_eq!(failure(11, message.to_owned()).kind, KvErrorKind::Compacted);
        }
        assert!(matches!(
            failure(
                3,
                "etcdserver: too many operations in txn request".to_owned()
            )
            .kind,
            KvErrorKind::TooLarge(_)
        ));
    }
}
