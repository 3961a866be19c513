//! A model of etcd at the level of its messages: bytes in, bytes out, and a store in
//! memory between. What it refuses it refuses with etcd's own status and text.

use directory::kv::memory::MemoryKv;
use directory::kv::{
    Compare, CompareResult, CompareTarget, KeyValue, Kv as _, KvError, KvErrorKind, LeaseId, Op,
    OpReply, Range, RangeReply, Txn, TxnReply,
};
use directory::simulation::block_on;
use etcd_kv::Reply;
use etcd_proto as pb;
use pb::compare::TargetUnion;
use pb::request_op::Request;
use pb::response_op::Response;
use prost::Message;

/// gRPC's status codes.
const INVALID_ARGUMENT: u32 = 3;
const NOT_FOUND: u32 = 5;
const OUT_OF_RANGE: u32 = 11;
const UNIMPLEMENTED: u32 = 12;
pub(crate) const UNAVAILABLE: u32 = 14;

/// A transaction that was done, with its reply.
pub(crate) type Done = (Txn, TxnReply);

/// Answers a call.
pub(crate) fn serve(kv: &MemoryKv, method: &str, message: &[u8]) -> (Reply, Option<Done>) {
    match method {
        "Range" => (
            decoded(message).and_then(|request| range(kv, request)),
            None,
        ),
        "LeaseGrant" => (
            decoded(message).and_then(|request| lease(kv, &request)),
            None,
        ),
        "Txn" => match decoded(message).and_then(|request| txn(kv, request)) {
            Ok(done) => (Ok(txn_response(done.1.clone()).encode_to_vec()), Some(done)),
            Err(status) => (Err(status), None),
        },
        other => (
            Err((UNIMPLEMENTED, format!("unknown method {other}"))),
            None,
        ),
    }
}

fn decoded<M: Message + Default>(message: &[u8]) -> Result<M, (u32, String)> {
    M::decode(message).map_err(|error| (INVALID_ARGUMENT, error.to_string()))
}

fn range(kv: &MemoryKv, request: pb::RangeRequest) -> Reply {
    // The store in memory waits for nobody.
    let reply = block_on(kv.range(read(request))).map_err(status)?;
    Ok(range_response(reply).encode_to_vec())
}

fn lease(kv: &MemoryKv, request: &pb::LeaseGrantRequest) -> Reply {
    let LeaseId(id) = block_on(kv.grant_lease(request.ttl)).map_err(status)?;
    let response = pb::LeaseGrantResponse {
        header: header(kv.revision()),
        id,
        ttl: request.ttl,
        error: String::new(),
    };
    Ok(response.encode_to_vec())
}

fn txn(kv: &MemoryKv, request: pb::TxnRequest) -> Result<Done, (u32, String)> {
    let txn = transaction(request).ok_or((INVALID_ARGUMENT, "an empty operation".to_owned()))?;
    let reply = kv.apply(&txn).map_err(status)?;
    Ok((txn, reply))
}

/// What etcd says of what went wrong.
fn status(error: KvError) -> (u32, String) {
    match error.kind {
        KvErrorKind::Compacted => {
            let text = "etcdserver: mvcc: required revision has been compacted";
            (OUT_OF_RANGE, text.to_owned())
        }
        KvErrorKind::Refused(text) if text.contains("lease not found") => (NOT_FOUND, text),
        KvErrorKind::TooLarge(text) | KvErrorKind::Refused(text) => (INVALID_ARGUMENT, text),
        KvErrorKind::Unavailable(text) => (UNAVAILABLE, text),
    }
}

/// An absent end and an empty one are the same on the wire.
fn end(range_end: Vec<u8>) -> Option<Vec<u8>> {
    (!range_end.is_empty()).then_some(range_end)
}

fn read(request: pb::RangeRequest) -> Range {
    Range {
        key: request.key,
        end: end(request.range_end),
        limit: request.limit,
        keys_only: request.keys_only,
        count_only: request.count_only,
        revision: request.revision,
    }
}

fn transaction(request: pb::TxnRequest) -> Option<Txn> {
    let ops = |ops: Vec<pb::RequestOp>| ops.into_iter().map(operation).collect::<Option<Vec<_>>>();
    Some(Txn {
        compares: request
            .compare
            .into_iter()
            .map(compare)
            .collect::<Option<_>>()?,
        then: ops(request.success)?,
        otherwise: ops(request.failure)?,
    })
}

fn compare(compare: pb::Compare) -> Option<Compare> {
    use pb::compare::CompareResult as Wire;
    let result = match compare.result() {
        Wire::Equal => CompareResult::Equal,
        Wire::Greater => CompareResult::Greater,
        Wire::Less => CompareResult::Less,
        Wire::NotEqual => CompareResult::NotEqual,
    };
    // etcd goes by the target, and takes the union's value of it.
    let target = match (compare.target(), compare.target_union?) {
        (pb::compare::CompareTarget::Create, TargetUnion::CreateRevision(revision)) => {
            CompareTarget::CreateRevision(revision)
        }
        (pb::compare::CompareTarget::Mod, TargetUnion::ModRevision(revision)) => {
            CompareTarget::ModRevision(revision)
        }
        (pb::compare::CompareTarget::Value, TargetUnion::Value(value)) => {
            CompareTarget::Value(value)
        }
        _ => return None,
    };
    Some(Compare {
        key: compare.key,
        end: end(compare.range_end),
        target,
        result,
    })
}

fn operation(op: pb::RequestOp) -> Option<Op> {
    Some(match op.request? {
        Request::RequestRange(request) => Op::Range(read(request)),
        Request::RequestPut(put) => Op::Put {
            key: put.key,
            value: put.value,
            lease: LeaseId(put.lease),
        },
        Request::RequestDeleteRange(delete) => Op::Delete {
            key: delete.key,
            end: end(delete.range_end),
        },
        Request::RequestTxn(nested) => Op::Txn(transaction(nested)?),
    })
}

fn header(revision: i64) -> Option<pb::ResponseHeader> {
    Some(pb::ResponseHeader {
        cluster_id: 1,
        member_id: 1,
        revision,
        raft_term: 1,
    })
}

fn range_response(reply: RangeReply) -> pb::RangeResponse {
    pb::RangeResponse {
        header: header(reply.revision),
        kvs: reply.kvs.into_iter().map(key_value).collect(),
        more: reply.more,
        count: reply.count,
    }
}

fn key_value(kv: KeyValue) -> pb::KeyValue {
    pb::KeyValue {
        key: kv.key,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        value: kv.value,
        lease: 0,
    }
}

fn txn_response(reply: TxnReply) -> pb::TxnResponse {
    let revision = reply.revision;
    let responses = reply.replies.into_iter().map(|reply| {
        let response = match reply {
            OpReply::Range(range) => Response::ResponseRange(range_response(range)),
            OpReply::Put => Response::ResponsePut(pb::PutResponse {
                header: header(revision),
                ..pb::PutResponse::default()
            }),
            OpReply::Delete(deleted) => Response::ResponseDeleteRange(pb::DeleteRangeResponse {
                header: header(revision),
                deleted,
                ..pb::DeleteRangeResponse::default()
            }),
            OpReply::Txn(nested) => Response::ResponseTxn(txn_response(nested)),
        };
        pb::ResponseOp {
            response: Some(response),
        }
    });
    pb::TxnResponse {
        header: header(revision),
        succeeded: reply.succeeded,
        responses: responses.collect(),
    }
}
