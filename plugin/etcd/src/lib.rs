//! The directory's store over etcd's gRPC, whoever carries the calls: a proxy, or a
//! simulated network.

mod convert;

use directory::kv::{Kv, KvError, KvErrorKind, LeaseId, Outcome, Range, RangeReply, Txn, TxnReply};
use etcd_proto::{LeaseGrantRequest, LeaseGrantResponse};
use prost::Message;

/// gRPC services.
const KV: &str = "etcdserverpb.KV";
const LEASE: &str = "etcdserverpb.Lease";

/// gRPC status codes that etcd and Envoy use.
mod status {
    pub(super) const INVALID_ARGUMENT: u32 = 3;
    pub(super) const RESOURCE_EXHAUSTED: u32 = 8;
    pub(super) const OUT_OF_RANGE: u32 = 11;
    pub(super) const FAILED_PRECONDITION: u32 = 9;
    pub(super) const UNAUTHENTICATED: u32 = 16;
    pub(super) const PERMISSION_DENIED: u32 = 7;
}

/// Carries unary gRPC calls.
#[expect(
    async_fn_in_trait,
    reason = "everything runs on one thread, inside the proxy and in tests"
)]
pub trait Transport {
    /// Makes a call: `message` is the encoded request of a method.
    ///
    /// # Errors
    /// [`NotSent`] when it certainly did not leave.
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        message: &[u8],
    ) -> Result<Reply, NotSent>;
}

/// What a call came to: the encoded response, or the gRPC status and its message.
pub type Reply = Result<Vec<u8>, (u32, String)>;

/// A call could not be made, with this status: nothing was sent.
#[derive(Clone, Copy, Debug)]
pub struct NotSent(pub u32);

/// etcd, over a transport.
#[derive(Debug)]
pub struct EtcdKv<T>(pub T);

impl<T: Transport> EtcdKv<T> {
    /// Makes a call: the encoded response.
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        message: Vec<u8>,
    ) -> Result<Vec<u8>, KvError> {
        match self.0.call(service, method, &message).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err((code, message))) => Err(failure(code, message)),
            Err(NotSent(_)) => Err(KvError {
                kind: KvErrorKind::Unavailable(
                    "the proxy cannot call the cluster; is it configured?".to_owned(),
                ),
                outcome: Outcome::NotApplied,
            }),
        }
    }
}

impl<T: Transport> Kv for EtcdKv<T> {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        let message = convert::range(range).encode_to_vec();
        let reply = self.call(KV, "Range", message).await?;
        Ok(convert::range_reply(decode(&reply)?))
    }

    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError> {
        let message = convert::txn(txn).encode_to_vec();
        let reply = self.call(KV, "Txn", message).await?;
        convert::txn_reply(decode(&reply)?).ok_or_else(no_message)
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        let request = LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        let message = request.encode_to_vec();
        let reply = self.call(LEASE, "LeaseGrant", message).await?;
        let reply: LeaseGrantResponse = decode(&reply)?;
        Ok(LeaseId(reply.id))
    }
}

fn decode<Response: Message + Default>(bytes: &[u8]) -> Result<Response, KvError> {
    Response::decode(bytes).map_err(|_| no_message())
}

fn no_message() -> KvError {
    KvError {
        kind: KvErrorKind::Refused("its answer is no message of etcd".to_owned()),
        outcome: Outcome::Unknown,
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
