//! etcd's rules, one by one, on a store without a network. That they are etcd's
//! is for `tests/etcd_equivalence` to show; these say which rule broke.

use etcd_proto::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd_proto::range_request::{SortOrder, SortTarget};
use etcd_proto::request_op::Request;
use etcd_proto::{
    Compare, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, RangeResponse, RequestOp,
    TxnRequest,
};

use crate::check;
use crate::config::History;
use crate::disk::Disk;
use crate::failure::Failure;
use crate::store::Store;

fn store() -> Store {
    let opened = Disk::open_backend(redb::backends::InMemoryBackend::new()).unwrap();
    Store::start(opened, History::UNLIMITED).unwrap().0
}

fn put(key: &str, value: &str) -> PutRequest {
    PutRequest {
        key: key.into(),
        value: value.into(),
        ..Default::default()
    }
}

fn delete(key: &str, range_end: &str) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: key.into(),
        range_end: range_end.into(),
        prev_kv: false,
    }
}

fn all() -> RangeRequest {
    RangeRequest {
        key: vec![0],
        range_end: vec![0],
        ..Default::default()
    }
}

fn op(request: Request) -> RequestOp {
    RequestOp {
        request: Some(request),
    }
}

fn then(success: Vec<Request>) -> TxnRequest {
    TxnRequest {
        success: success.into_iter().map(op).collect(),
        ..Default::default()
    }
}

fn keys(response: &RangeResponse) -> Vec<&str> {
    response
        .kvs
        .iter()
        .map(|kv| std::str::from_utf8(&kv.key).unwrap())
        .collect()
}

/// a=1, b=2, c=3 at revisions 2, 3, 4; then b=0 at 5.
async fn filled() -> Store {
    let store = store();
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3"), ("b", "0")] {
        store.put(put(key, value)).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_fresh_store_is_at_revision_1() {
    assert_eq!(store().range(&all()).unwrap().header.unwrap().revision, 1);
}

#[tokio::test]
async fn count_is_of_all_keys_and_more_tells_of_those_beyond_the_limit() {
    let response = filled()
        .await
        .range(&RangeRequest { limit: 2, ..all() })
        .unwrap();
    assert_eq!(
        (keys(&response), response.count, response.more),
        (vec!["a", "b"], 3, true)
    );
}

#[tokio::test]
async fn filters_by_revision_do_not_change_the_count() {
    let request = RangeRequest {
        min_mod_revision: 4,
        limit: 1,
        ..all()
    };
    let response = filled().await.range(&request).unwrap();
    assert_eq!(
        (keys(&response), response.count, response.more),
        (vec!["b"], 3, true)
    );
}

#[tokio::test]
async fn sorting_comes_before_the_limit() {
    let request = RangeRequest {
        sort_order: SortOrder::Descend as i32,
        sort_target: SortTarget::Mod as i32,
        limit: 2,
        ..all()
    };
    assert_eq!(keys(&filled().await.range(&request).unwrap()), ["b", "c"]);
}

#[tokio::test]
async fn a_past_revision_is_read_as_it_was_with_todays_header() {
    let request = RangeRequest {
        revision: 3,
        ..all()
    };
    let response = filled().await.range(&request).unwrap();
    assert_eq!(keys(&response), ["a", "b"]);
    assert_eq!(response.kvs[1].value, b"2");
    assert_eq!(response.header.unwrap().revision, 5);
}

#[tokio::test]
async fn future_and_compacted_revisions_are_refused() {
    let store = filled().await;
    let at = |revision| store.range(&RangeRequest { revision, ..all() });
    assert_eq!(at(6), Err(Failure::FutureRevision));
    store.compact(4).await.unwrap();
    assert_eq!(at(3), Err(Failure::Compacted));
    assert!(at(4).is_ok());
    assert_eq!(store.compact(4).await, Err(Failure::Compacted));
    assert_eq!(store.compact(6).await, Err(Failure::FutureRevision));
}

#[tokio::test]
async fn all_writes_of_a_transaction_share_one_revision_and_see_each_other() {
    let store = filled().await;
    let request = then(vec![
        Request::RequestPut(put("x", "1")),
        Request::RequestDeleteRange(delete("a", "c")),
        Request::RequestRange(all()),
    ]);
    let response = store.txn(request).await.unwrap();
    assert_eq!(response.header.unwrap().revision, 6);
    let Some(etcd_proto::response_op::Response::ResponseRange(range)) =
        &response.responses[2].response
    else {
        panic!("{response:?}");
    };
    assert_eq!(keys(range), ["c", "x"]);
    assert_eq!(store.range(&all()).unwrap().kvs[1].mod_revision, 6);
}

#[tokio::test]
async fn a_transaction_that_writes_nothing_has_no_revision() {
    let store = filled().await;
    let request = then(vec![Request::RequestDeleteRange(delete("zz", ""))]);
    assert_eq!(
        store.txn(request).await.unwrap().header.unwrap().revision,
        5
    );
}

#[tokio::test]
async fn a_refused_operation_leaves_nothing_of_its_transaction() {
    let store = filled().await;
    let leased = PutRequest {
        lease: 404,
        ..put("y", "")
    };
    let request = then(vec![
        Request::RequestPut(put("x", "")),
        Request::RequestPut(leased),
    ]);
    assert_eq!(store.txn(request).await, Err(Failure::LeaseNotFound));
    assert_eq!(store.range(&all()).unwrap().count, 3);
    assert_eq!(store.revision(), 5);
}

#[tokio::test]
async fn nested_compares_see_the_state_before_the_transaction() {
    let store = filled().await;
    let nested = TxnRequest {
        compare: vec![compare(
            "new",
            CompareResult::Equal,
            TargetUnion::Version(0),
        )],
        ..then(vec![Request::RequestPut(put("seen", "absent"))])
    };
    let request = then(vec![
        Request::RequestPut(put("new", "")),
        Request::RequestTxn(nested),
    ]);
    store.txn(request).await.unwrap();
    let seen = RangeRequest {
        key: b"seen".to_vec(),
        ..Default::default()
    };
    assert_eq!(store.range(&seen).unwrap().count, 1);
}

fn compare(key: &str, result: CompareResult, union: TargetUnion) -> Compare {
    let target = match union {
        TargetUnion::Version(_) => CompareTarget::Version,
        TargetUnion::CreateRevision(_) => CompareTarget::Create,
        TargetUnion::ModRevision(_) => CompareTarget::Mod,
        TargetUnion::Value(_) => CompareTarget::Value,
        TargetUnion::Lease(_) => CompareTarget::Lease,
    };
    Compare {
        result: result as i32,
        target: target as i32,
        key: key.into(),
        target_union: Some(union),
        range_end: Vec::new(),
    }
}

async fn holds(store: &Store, compare: Compare) -> bool {
    let request = TxnRequest {
        compare: vec![compare],
        ..Default::default()
    };
    store.txn(request).await.unwrap().succeeded
}

#[tokio::test]
async fn an_absent_key_compares_as_zero_but_has_no_value() {
    let store = filled().await;
    use CompareResult::{Equal, Less, NotEqual};
    assert!(holds(&store, compare("z", Equal, TargetUnion::CreateRevision(0))).await);
    assert!(holds(&store, compare("z", Less, TargetUnion::ModRevision(1))).await);
    assert!(!holds(&store, compare("z", Equal, TargetUnion::Value(Vec::new()))).await);
    assert!(
        !holds(
            &store,
            compare("z", NotEqual, TargetUnion::Value(b"x".to_vec()))
        )
        .await
    );
}

#[tokio::test]
async fn a_compare_over_a_range_must_hold_for_every_key() {
    let store = filled().await;
    let range = |max| Compare {
        range_end: b"d".to_vec(),
        ..compare("a", CompareResult::Less, TargetUnion::ModRevision(max))
    };
    assert!(holds(&store, range(6)).await);
    assert!(!holds(&store, range(5)).await);
}

#[tokio::test]
async fn ignored_value_and_lease_are_taken_from_the_key() {
    let store = filled().await;
    store.grant(7, 600).await.unwrap();
    store
        .put(PutRequest {
            lease: 7,
            ..put("a", "old")
        })
        .await
        .unwrap();
    store
        .put(PutRequest {
            ignore_lease: true,
            ..put("a", "new")
        })
        .await
        .unwrap();
    store
        .put(PutRequest {
            ignore_value: true,
            lease: 7,
            ..put("a", "")
        })
        .await
        .unwrap();
    let found: KeyValue = store.range(&all()).unwrap().kvs.remove(0);
    assert_eq!(
        (found.value, found.lease, found.version),
        (b"new".to_vec(), 7, 4)
    );
    let absent = PutRequest {
        ignore_value: true,
        ..put("z", "")
    };
    assert_eq!(store.put(absent).await, Err(Failure::KeyNotFound));
}

#[tokio::test]
async fn revoking_a_lease_deletes_its_keys_in_one_revision() {
    let store = filled().await;
    store.grant(7, 600).await.unwrap();
    store
        .put(PutRequest {
            lease: 7,
            ..put("a", "")
        })
        .await
        .unwrap();
    store
        .put(PutRequest {
            lease: 7,
            ..put("c", "")
        })
        .await
        .unwrap();
    assert_eq!(store.revoke(7).await, Ok(8));
    assert_eq!(keys(&store.range(&all()).unwrap()), ["b"]);
    assert_eq!(store.revoke(7).await, Err(Failure::LeaseNotFound));
}

#[test]
fn a_key_may_be_put_once_on_a_path() {
    let twice = then(vec![
        Request::RequestPut(put("a", "")),
        Request::RequestPut(put("a", "")),
    ]);
    assert_eq!(check::txn(&twice), Err(Failure::DuplicateKey));
    let nested = then(vec![
        Request::RequestPut(put("a", "")),
        Request::RequestTxn(then(vec![Request::RequestPut(put("a", ""))])),
    ]);
    assert_eq!(check::txn(&nested), Err(Failure::DuplicateKey));
    let branches = TxnRequest {
        failure: vec![op(Request::RequestPut(put("a", "")))],
        ..then(vec![Request::RequestPut(put("a", ""))])
    };
    assert_eq!(check::txn(&branches), Ok(()));
    let nested_branches = then(vec![Request::RequestTxn(branches)]);
    assert_eq!(check::txn(&nested_branches), Ok(()));
}

#[test]
fn a_put_may_not_meet_a_deletion_but_deletions_may_overlap() {
    let deleted = then(vec![
        Request::RequestPut(put("b", "")),
        Request::RequestDeleteRange(delete("a", "c")),
    ]);
    assert_eq!(check::txn(&deleted), Err(Failure::DuplicateKey));
    let beside = then(vec![
        Request::RequestPut(put("c", "")),
        Request::RequestDeleteRange(delete("a", "c")),
        Request::RequestDeleteRange(delete("b", "")),
    ]);
    assert_eq!(check::txn(&beside), Ok(()));
}

#[test]
fn malformed_requests_are_refused() {
    assert_eq!(
        check::range(&RangeRequest::default()),
        Err(Failure::EmptyKey)
    );
    assert_eq!(
        check::delete_range(&delete("", "x")),
        Err(Failure::EmptyKey)
    );
    let value = PutRequest {
        ignore_value: true,
        ..put("a", "x")
    };
    assert_eq!(check::put(&value), Err(Failure::ValueProvided));
    let lease = PutRequest {
        ignore_lease: true,
        lease: 1,
        ..put("a", "")
    };
    assert_eq!(check::put(&lease), Err(Failure::LeaseProvided));
    let empty = TxnRequest {
        success: vec![RequestOp { request: None }],
        ..Default::default()
    };
    assert_eq!(check::txn(&empty), Err(Failure::KeyNotFound));
}
