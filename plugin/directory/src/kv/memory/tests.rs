//! The rules of etcd that the service relies on.

use super::*;
use crate::kv::{Compare, KeyValue, Op, OpReply};

fn txn(compares: Vec<Compare>, then: Vec<Op>, otherwise: Vec<Op>) -> Txn {
    Txn {
        compares,
        then,
        otherwise,
    }
}

fn write(kv: &MemoryKv, ops: Vec<Op>) -> TxnReply {
    kv.apply(&txn(Vec::new(), ops, Vec::new())).unwrap()
}

fn read(kv: &MemoryKv, range: Range) -> Result<RangeReply, KvError> {
    let reply = kv.apply(&txn(Vec::new(), vec![Op::Range(range)], Vec::new()))?;
    match reply.replies.into_iter().next() {
        Some(OpReply::Range(range)) => Ok(range),
        other => panic!("{other:?}"),
    }
}

fn one(kv: &MemoryKv, key: &str) -> Option<KeyValue> {
    read(kv, Range::one(key)).unwrap().kvs.into_iter().next()
}

#[test]
fn a_transaction_writes_at_one_revision() {
    let kv = MemoryKv::new();
    let reply = write(&kv, vec![Op::put("a", "1"), Op::put("b", "1")]);
    assert_eq!((reply.revision, kv.revision()), (2, 2));
    write(&kv, vec![Op::put("a", "2")]);
    let a = one(&kv, "a").unwrap();
    assert_eq!((a.create_revision, a.mod_revision, a.version), (2, 3, 2));
    write(&kv, vec![Op::delete("a")]);
    write(&kv, vec![Op::delete("a")]);
    assert_eq!(kv.revision(), 4, "deleting nothing is no write");
    write(&kv, vec![Op::put("a", "3")]);
    assert_eq!(one(&kv, "a").unwrap().create_revision, 5);
}

#[test]
fn the_past_is_read_until_it_is_compacted() {
    let kv = MemoryKv::new();
    write(&kv, vec![Op::put("a", "1")]);
    write(&kv, vec![Op::delete("a")]);
    let past = Range {
        revision: 2,
        ..Range::one("a")
    };
    assert_eq!(read(&kv, past.clone()).unwrap().kvs.len(), 1);
    let future = Range {
        revision: 9,
        ..past.clone()
    };
    assert_eq!(read(&kv, future).unwrap_err().kind, KvErrorKind::Compacted);
    kv.compact(3);
    assert_eq!(read(&kv, past).unwrap_err().kind, KvErrorKind::Compacted);
}

#[test]
fn a_range_counts_what_its_limit_leaves_out() {
    let kv = MemoryKv::new();
    write(
        &kv,
        ["a/1", "a/2", "a/3", "b"].map(|k| Op::put(k, "v")).to_vec(),
    );
    let page = read(
        &kv,
        Range {
            limit: 2,
            keys_only: true,
            ..Range::prefix("a/")
        },
    )
    .unwrap();
    assert_eq!((page.kvs.len(), page.count, page.more), (2, 3, true));
    assert!(page.kvs[0].value.is_empty());
    let count = Range {
        count_only: true,
        ..Range::prefix("a/")
    };
    let count = read(&kv, count).unwrap();
    assert_eq!((count.kvs.len(), count.count, count.more), (0, 3, false));
    let inverted = Range {
        end: Some(b"a".to_vec()),
        ..Range::one("b")
    };
    assert_eq!(read(&kv, inverted).unwrap().count, 0);
}

#[test]
fn a_range_in_a_transaction_sees_what_was_written_before_it() {
    let kv = MemoryKv::new();
    let reply = write(
        &kv,
        vec![
            Op::Range(Range::one("a")),
            Op::put("a", "1"),
            Op::Range(Range::one("a")),
        ],
    );
    let counts: Vec<i64> = reply
        .replies
        .iter()
        .filter_map(|reply| match reply {
            OpReply::Range(range) => Some(range.count),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [0, 1]);
}

#[test]
fn nested_compares_see_the_store_as_it_was_before() {
    let kv = MemoryKv::new();
    let nested = Op::Txn(txn(
        vec![Compare::present("a")],
        vec![Op::put("seen", "")],
        vec![Op::put("unseen", "")],
    ));
    write(&kv, vec![Op::put("a", "1"), nested]);
    assert!(one(&kv, "unseen").is_some() && one(&kv, "seen").is_none());
}

#[test]
fn a_compare_of_a_range_holds_for_all_its_keys() {
    let kv = MemoryKv::new();
    write(&kv, vec![Op::put("m/1", "")]);
    write(&kv, vec![Op::put("m/2", "")]);
    let holds = |compare: Compare| {
        kv.apply(&txn(vec![compare], vec![], vec![]))
            .unwrap()
            .succeeded
    };
    assert!(holds(Compare::none_newer("m/", 3)));
    assert!(!holds(Compare::none_newer("m/", 2)));
    assert!(holds(Compare::none_newer("n/", 0)));
    assert!(holds(Compare::absent("x")) && !holds(Compare::present("x")));
    assert!(holds(Compare::unchanged("m/1", 2)) && holds(Compare::unchanged("x", 0)));
    let value = Compare {
        target: crate::kv::CompareTarget::Value(Vec::new()),
        ..Compare::absent("x")
    };
    assert!(!holds(value), "an absent key has no value");
}

#[test]
fn a_key_is_written_once() {
    let kv = MemoryKv::new();
    let refused = |ops: Vec<Op>| kv.apply(&txn(vec![], ops, vec![])).is_err();
    let nested = |then: Vec<Op>, otherwise: Vec<Op>| Op::Txn(txn(vec![], then, otherwise));
    let put = || Op::put("a/1", "");
    assert!(refused(vec![put(), put()]));
    assert!(refused(vec![put(), Op::delete_prefix("a/")]));
    assert!(refused(vec![nested(vec![put()], vec![]), put()]));
    assert!(refused(vec![
        nested(vec![put()], vec![]),
        nested(vec![], vec![put()])
    ]));
    assert!(refused(vec![
        nested(vec![], vec![put()]),
        Op::delete("a/1")
    ]));
    assert!(!refused(vec![nested(vec![put()], vec![put()])]));
    assert!(!refused(vec![put(), Op::delete("a/2")]));
    assert!(!refused(vec![Op::delete("a/1"), Op::delete_prefix("a/")]));
    // Not even etcd is thorough: this was found by comparing with it.
    let to_the_end = Op::Delete {
        key: b"a".to_vec(),
        end: Some(vec![0]),
    };
    assert!(!refused(vec![put(), to_the_end]));
}

#[test]
fn operations_are_counted_along_the_longest_path() {
    let kv = MemoryKv::new();
    let puts = |n: usize, salt: &str| -> Vec<Op> {
        (0..n).map(|i| Op::put(format!("{salt}{i}"), "")).collect()
    };
    let chunks = |outer: usize, inner: usize| -> Vec<Op> {
        (0..outer)
            .map(|i| Op::Txn(txn(vec![], puts(inner, &format!("{i}/")), vec![])))
            .collect()
    };
    let kind = |ops: Vec<Op>| kv.apply(&txn(vec![], ops, vec![])).map_err(|e| e.kind);
    assert!(kind(puts(128, "")).is_ok());
    assert!(matches!(kind(puts(129, "")), Err(KvErrorKind::TooLarge(_))));
    assert!(kind(chunks(64, 64)).is_ok());
    assert!(matches!(
        kind(chunks(65, 64)),
        Err(KvErrorKind::TooLarge(_))
    ));
    let long = vec![Op::put("a", vec![0; 1_572_864])];
    assert!(matches!(kind(long), Err(KvErrorKind::TooLarge(_))));
}

#[test]
fn what_lives_by_a_lease_ends_with_it() {
    let kv = MemoryKv::new();
    let lease = kv.0.borrow_mut().history.grant_lease(60);
    let put = |lease| Op::Put {
        key: b"a".to_vec(),
        value: Vec::new(),
        lease,
    };
    write(&kv, vec![put(lease)]);
    kv.revoke_lease(lease);
    assert!(one(&kv, "a").is_none());
    let gone = kv.apply(&txn(vec![], vec![put(lease)], vec![]));
    assert!(matches!(gone.unwrap_err().kind, KvErrorKind::Refused(_)));
}

#[test]
fn a_lost_reply_is_applied_and_a_lost_request_is_not() {
    let kv = MemoryKv::new();
    let put = |key: &str| kv.txn(txn(vec![], vec![Op::put(key, "")], vec![]));
    kv.fail_next([
        Some(Fault::ReplyLost),
        Some(Fault::RequestLost),
        Some(Fault::Unavailable),
    ]);
    let outcomes = crate::simulation::block_on(async {
        [put("a").await, put("b").await, put("c").await].map(|r| r.map_err(|e| e.outcome).err())
    });
    assert_eq!(
        outcomes,
        [
            Some(Outcome::Unknown),
            Some(Outcome::Unknown),
            Some(Outcome::NotApplied)
        ]
    );
    assert!(one(&kv, "a").is_some() && one(&kv, "b").is_none() && one(&kv, "c").is_none());
}
