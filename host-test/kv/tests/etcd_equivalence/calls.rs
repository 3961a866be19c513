//! Random calls over few keys, so that they often meet.

use etcd_proto::compare::TargetUnion;
use etcd_proto::request_op::Request;
use etcd_proto::{
    CompactionRequest, Compare, DeleteRangeRequest, LeaseGrantRequest, LeaseLeasesRequest,
    LeaseRevokeRequest, LeaseTimeToLiveRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A call, with revisions relative to the store's.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Range(RangeRequest),
    Put(PutRequest),
    DeleteRange(DeleteRangeRequest),
    Txn(TxnRequest),
    Compact(CompactionRequest),
    Grant(LeaseGrantRequest),
    Revoke(LeaseRevokeRequest),
    TimeToLive(LeaseTimeToLiveRequest),
    Leases(LeaseLeasesRequest),
}

/// Revisions are generated as small numbers: how far back, from here on.
const RELATIVE: i64 = 1 << 40;

/// Turns a generated revision into one of the store.
fn absolute(revision: &mut i64, current: i64) {
    if *revision >= RELATIVE / 2 {
        *revision = (current + *revision - RELATIVE).max(1);
    }
}

impl Call {
    /// The call with revisions made absolute.
    pub(crate) fn at(&self, current: i64) -> Self {
        let mut call = self.clone();
        match &mut call {
            Self::Range(range) => range_at(range, current),
            Self::Txn(txn) => txn_at(txn, current),
            Self::Compact(compact) => absolute(&mut compact.revision, current),
            _ => {}
        }
        call
    }
}

fn range_at(range: &mut RangeRequest, current: i64) {
    absolute(&mut range.revision, current);
    absolute(&mut range.min_mod_revision, current);
    absolute(&mut range.max_mod_revision, current);
    absolute(&mut range.min_create_revision, current);
    absolute(&mut range.max_create_revision, current);
}

fn txn_at(txn: &mut TxnRequest, current: i64) {
    for compare in &mut txn.compare {
        if let Some(TargetUnion::CreateRevision(revision) | TargetUnion::ModRevision(revision)) =
            &mut compare.target_union
        {
            absolute(revision, current);
        }
    }
    for op in txn.success.iter_mut().chain(&mut txn.failure) {
        match &mut op.request {
            Some(Request::RequestRange(range)) => range_at(range, current),
            Some(Request::RequestTxn(txn)) => txn_at(txn, current),
            _ => {}
        }
    }
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let keys: Vec<&[u8]> = vec![
        b"a", b"a", b"b", b"b", b"c", b"ab", b"b\0", b"\0", b"\xff", b"d",
    ];
    prop_oneof![
        40 => select(keys).prop_map(<[u8]>::to_vec),
        1 => Just(Vec::new()),
    ]
}

fn range_end() -> impl Strategy<Value = Vec<u8>> {
    let ends: Vec<&[u8]> = vec![b"", b"", b"", b"\0", b"b", b"c", b"d", b"\xff", b"a\0"];
    select(ends).prop_map(<[u8]>::to_vec)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    select(vec![b"".as_slice(), b"1", b"2", b"10"]).prop_map(<[u8]>::to_vec)
}

fn revision() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0_i64),
        5 => (0_i64..12).prop_map(|back| RELATIVE - back),
        1 => (1_i64..3).prop_map(|ahead| RELATIVE + ahead),
    ]
}

fn bound() -> impl Strategy<Value = i64> {
    prop_oneof![6 => Just(0_i64), 1 => revision()]
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.15)
}

fn lease() -> impl Strategy<Value = i64> {
    prop_oneof![8 => Just(0_i64), 4 => 1_i64..4, 1 => Just(9_i64)]
}

fn range() -> impl Strategy<Value = RangeRequest> {
    let order = (0..3_i32, 0..5_i32, prop::bool::ANY);
    let bounds = (bound(), bound(), bound(), bound());
    (
        key(),
        range_end(),
        -1_i64..4,
        revision(),
        order,
        bounds,
        rarely(),
        rarely(),
        rarely(),
    )
        .prop_map(
            |(key, range_end, limit, revision, order, bounds, a, b, c)| {
                let (sort_order, sort_target, sorted) = order;
                RangeRequest {
                    key,
                    range_end,
                    limit,
                    revision,
                    sort_order: if sorted { sort_order } else { 0 },
                    sort_target: if sorted { sort_target } else { 0 },
                    serializable: a,
                    keys_only: b,
                    count_only: c,
                    min_mod_revision: bounds.0,
                    max_mod_revision: bounds.1,
                    min_create_revision: bounds.2,
                    max_create_revision: bounds.3,
                }
            },
        )
}

fn put() -> impl Strategy<Value = PutRequest> {
    (
        key(),
        value(),
        lease(),
        prop::bool::ANY,
        rarely(),
        rarely(),
        prop::bool::weighted(0.9),
    )
        .prop_map(
            |(key, value, lease, prev_kv, ignore_value, ignore_lease, valid)| PutRequest {
                key,
                value: if valid && ignore_value {
                    Vec::new()
                } else {
                    value
                },
                lease: if valid && ignore_lease { 0 } else { lease },
                prev_kv,
                ignore_value,
                ignore_lease,
            },
        )
}

fn delete_range() -> impl Strategy<Value = DeleteRangeRequest> {
    (key(), range_end(), prop::bool::ANY).prop_map(|(key, range_end, prev_kv)| DeleteRangeRequest {
        key,
        range_end,
        prev_kv,
    })
}

fn comparison() -> impl Strategy<Value = Compare> {
    let small = prop_oneof![Just(0_i64), 1_i64..4];
    let union = prop_oneof![
        small
            .clone()
            .prop_map(|version| (0, Some(TargetUnion::Version(version)))),
        revision().prop_map(|revision| (1, Some(TargetUnion::CreateRevision(revision)))),
        revision().prop_map(|revision| (2, Some(TargetUnion::ModRevision(revision)))),
        value().prop_map(|value| (3, Some(TargetUnion::Value(value)))),
        small.prop_map(|lease| (4, Some(TargetUnion::Lease(lease)))),
        // A union that does not fit the target, or none: etcd compares with zero.
        (0..5_i32).prop_map(|target| (target, Some(TargetUnion::Version(3)))),
        (0..5_i32).prop_map(|target| (target, None)),
    ];
    (key(), range_end(), 0..4_i32, union).prop_map(
        |(key, range_end, result, (target, target_union))| Compare {
            result,
            target,
            key,
            target_union,
            range_end,
        },
    )
}

fn operation(depth: u32) -> BoxedStrategy<RequestOp> {
    let leaf = prop_oneof![
        20 => range().prop_map(Request::RequestRange),
        40 => put().prop_map(Request::RequestPut),
        12 => delete_range().prop_map(Request::RequestDeleteRange),
    ];
    let request = if depth == 0 {
        leaf.boxed()
    } else {
        prop_oneof![5 => leaf, 2 => txn(depth - 1).prop_map(Request::RequestTxn)].boxed()
    };
    prop_oneof![
        60 => request.prop_map(Some),
        1 => Just(None),
    ]
    .prop_map(|request| RequestOp { request })
    .boxed()
}

fn txn(depth: u32) -> BoxedStrategy<TxnRequest> {
    let operations = || prop::collection::vec(operation(depth), 0..4);
    (
        prop::collection::vec(comparison(), 0..3),
        operations(),
        operations(),
    )
        .prop_map(|(compare, success, failure)| TxnRequest {
            compare,
            success,
            failure,
        })
        .boxed()
}

/// A transaction that etcd survives: one that deletes a key and then puts it with
/// `ignore_value` or `ignore_lease` passes its checks, which look at the state
/// before, and crashes the whole etcd when it is applied.
fn survivable(mut txn: TxnRequest) -> TxnRequest {
    if deletes(&txn) {
        put_in_full(&mut txn);
    }
    txn
}

fn deletes(txn: &TxnRequest) -> bool {
    txn.success
        .iter()
        .chain(&txn.failure)
        .any(|op| match &op.request {
            Some(Request::RequestDeleteRange(_)) => true,
            Some(Request::RequestTxn(nested)) => deletes(nested),
            Some(Request::RequestRange(_) | Request::RequestPut(_)) | None => false,
        })
}

fn put_in_full(txn: &mut TxnRequest) {
    for op in txn.success.iter_mut().chain(&mut txn.failure) {
        match &mut op.request {
            Some(Request::RequestPut(put)) => {
                put.ignore_value = false;
                put.ignore_lease = false;
            }
            Some(Request::RequestTxn(nested)) => put_in_full(nested),
            Some(Request::RequestRange(_) | Request::RequestDeleteRange(_)) | None => {}
        }
    }
}

/// Any call.
pub(crate) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        20 => range().prop_map(Call::Range),
        25 => put().prop_map(Call::Put),
        8 => delete_range().prop_map(Call::DeleteRange),
        30 => txn(2).prop_map(survivable).prop_map(Call::Txn),
        2 => revision().prop_map(|revision| {
            Call::Compact(CompactionRequest { revision, physical: false })
        }),
        5 => (1_i64..4, select(vec![0, 1, 100, 1000, 9_000_000_001])).prop_map(|(id, ttl)| {
            // Not so short that it ends within the test.
            Call::Grant(LeaseGrantRequest { id, ttl: if ttl < 100 { 1000 } else { ttl } })
        }),
        3 => (1_i64..5).prop_map(|id| Call::Revoke(LeaseRevokeRequest { id })),
        3 => (1_i64..5, prop::bool::ANY).prop_map(|(id, keys)| {
            Call::TimeToLive(LeaseTimeToLiveRequest { id, keys })
        }),
        1 => Just(Call::Leases(LeaseLeasesRequest {})),
    ]
}
