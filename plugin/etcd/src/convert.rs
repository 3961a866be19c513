//! The directory's requests as etcd's messages, and etcd's replies back.

use directory::kv;
use etcd_proto as pb;
use pb::compare::{CompareResult, CompareTarget, TargetUnion};
use pb::request_op::Request;
use pb::response_op::Response;

pub(super) fn range(range: kv::Range) -> pb::RangeRequest {
    pb::RangeRequest {
        key: range.key,
        range_end: range.end.unwrap_or_default(),
        limit: range.limit,
        revision: range.revision,
        keys_only: range.keys_only,
        count_only: range.count_only,
        ..pb::RangeRequest::default()
    }
}

pub(super) fn txn(txn: kv::Txn) -> pb::TxnRequest {
    pb::TxnRequest {
        compare: txn.compares.into_iter().map(compare).collect(),
        success: txn.then.into_iter().map(op).collect(),
        failure: txn.otherwise.into_iter().map(op).collect(),
    }
}

fn compare(compare: kv::Compare) -> pb::Compare {
    let (target, union) = match compare.target {
        kv::CompareTarget::CreateRevision(revision) => {
            (CompareTarget::Create, TargetUnion::CreateRevision(revision))
        }
        kv::CompareTarget::ModRevision(revision) => {
            (CompareTarget::Mod, TargetUnion::ModRevision(revision))
        }
        kv::CompareTarget::Value(value) => (CompareTarget::Value, TargetUnion::Value(value)),
    };
    let result = match compare.result {
        kv::CompareResult::Equal => CompareResult::Equal,
        kv::CompareResult::Greater => CompareResult::Greater,
        kv::CompareResult::Less => CompareResult::Less,
        kv::CompareResult::NotEqual => CompareResult::NotEqual,
    };
    pb::Compare {
        result: result.into(),
        target: target.into(),
        key: compare.key,
        target_union: Some(union),
        range_end: compare.end.unwrap_or_default(),
    }
}

fn op(op: kv::Op) -> pb::RequestOp {
    let request = match op {
        kv::Op::Range(read) => Request::RequestRange(range(read)),
        kv::Op::Put { key, value, lease } => Request::RequestPut(pb::PutRequest {
            key,
            value,
            lease: lease.0,
            ..pb::PutRequest::default()
        }),
        kv::Op::Delete { key, end } => Request::RequestDeleteRange(pb::DeleteRangeRequest {
            key,
            range_end: end.unwrap_or_default(),
            prev_kv: false,
        }),
        kv::Op::Txn(nested) => Request::RequestTxn(txn(nested)),
    };
    pb::RequestOp {
        request: Some(request),
    }
}

pub(super) fn range_reply(reply: pb::RangeResponse) -> kv::RangeReply {
    kv::RangeReply {
        revision: revision(reply.header.as_ref()),
        kvs: reply.kvs.into_iter().map(key_value).collect(),
        more: reply.more,
        count: reply.count,
    }
}

/// `None` when a part is missing that etcd always sends.
pub(super) fn txn_reply(reply: pb::TxnResponse) -> Option<kv::TxnReply> {
    Some(kv::TxnReply {
        revision: revision(reply.header.as_ref()),
        succeeded: reply.succeeded,
        replies: reply
            .responses
            .into_iter()
            .map(op_reply)
            .collect::<Option<_>>()?,
    })
}

fn op_reply(reply: pb::ResponseOp) -> Option<kv::OpReply> {
    Some(match reply.response? {
        Response::ResponseRange(reply) => kv::OpReply::Range(range_reply(reply)),
        Response::ResponsePut(_) => kv::OpReply::Put,
        Response::ResponseDeleteRange(reply) => kv::OpReply::Delete(reply.deleted),
        Response::ResponseTxn(reply) => kv::OpReply::Txn(txn_reply(reply)?),
    })
}

fn revision(header: Option<&pb::ResponseHeader>) -> i64 {
    header.map_or(0, |header| header.revision)
}

fn key_value(kv: pb::KeyValue) -> kv::KeyValue {
    kv::KeyValue {
        key: kv.key,
        value: kv.value,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use directory::kv::{Compare, LeaseId, Op, Range, Txn};
    use prost::Message;

    #[test]
    fn a_transaction_is_as_long_as_the_directory_takes_it_for() {
        let key = "k".repeat(200);
        let one = Txn {
            compares: vec![
                Compare::present(key.clone()),
                Compare::none_newer(key.clone(), i64::from(u32::MAX)),
                Compare::value(key.clone(), key.clone()),
            ],
            then: vec![
                Op::put(key.clone(), key.repeat(100)),
                Op::Put {
                    key: key.clone().into_bytes(),
                    value: Vec::new(),
                    lease: LeaseId(i64::MAX),
                },
                Op::delete_prefix(key.clone()),
            ],
            otherwise: vec![Op::Range(Range {
                limit: 1_000,
                revision: i64::from(u32::MAX),
                keys_only: true,
                count_only: true,
                ..Range::prefix(key)
            })],
        };
        let nested = Txn {
            then: vec![Op::Txn(one.clone()); 50],
            ..Txn::default()
        };
        for txn in [Txn::default(), one, nested] {
            let length = self::txn(txn.clone()).encoded_len();
            assert!(txn.size() >= length, "{} {length}", txn.size());
            assert!(
                txn.size() - length <= length / 50,
                "{} {length}",
                txn.size()
            );
        }
    }
}
