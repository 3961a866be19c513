//! Packs many operations into one transaction of etcd's limits: at most 128
//! compares or operations, counted over the longest path of nested transactions,
//! and 1.5 MiB.

use crate::kv::{Op, OpReply, Txn, TxnReply};

/// etcd's default `--max-txn-ops`.
const MAX_OPS: usize = 128;

/// What a session adds to a transaction, and some to spare.
const RESERVED_OPS: usize = 4;

/// What a commit may read behind its writes.
const BEHIND: usize = 3;

/// etcd's default `--max-request-bytes`, less what a session and etcd itself add.
const MAX_BYTES: usize = 1_572_864 - 4_096;

/// Why a transaction cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) what: &'static str,
    pub(crate) limit: usize,
}

/// Appends operations that are independent of one another, in nested
/// transactions if they are many.
///
/// # Errors
/// When there are more than nesting can take.
pub(crate) fn append(ops: &mut Vec<Op>, many: Vec<Op>) -> Result<(), TooLarge> {
    let deepest = many.iter().map(depth).max().unwrap_or_default();
    let room = MAX_OPS.saturating_sub(RESERVED_OPS + BEHIND + ops.len() + deepest);
    // With n levels of f operations each, f^n fit and a path counts n * f.
    for levels in 1..=3 {
        let fan = room / levels as usize;
        if fan.pow(levels) >= many.len() {
            ops.extend(nest(many, fan, levels));
            return Ok(());
        }
    }
    Err(TooLarge {
        what: "the number of its parts",
        limit: (room / 3).pow(3),
    })
}

/// The replies to `count` operations that [`append`] took, in their order.
pub(crate) fn unpack(replies: Vec<OpReply>, count: usize) -> Vec<OpReply> {
    let mut level = replies;
    while level.len() < count {
        let nested = level.into_iter().flat_map(|reply| match reply {
            OpReply::Txn(TxnReply { replies, .. }) => replies,
            OpReply::Range(_) | OpReply::Put | OpReply::Delete(_) => Vec::new(),
        });
        let nested: Vec<OpReply> = nested.collect();
        if nested.is_empty() {
            return nested;
        }
        level = nested;
    }
    level
}

/// Checks that the store will take a transaction.
///
/// # Errors
/// When it would not.
pub(crate) fn check(txn: &Txn) -> Result<(), TooLarge> {
    if depth_of(txn) + RESERVED_OPS > MAX_OPS {
        return Err(TooLarge {
            what: "the number of its parts",
            limit: MAX_OPS,
        });
    }
    if txn.size() > MAX_BYTES {
        return Err(TooLarge {
            what: "its size in bytes",
            limit: MAX_BYTES,
        });
    }
    Ok(())
}

fn nest(many: Vec<Op>, fan: usize, levels: u32) -> Vec<Op> {
    if levels <= 1 {
        return many;
    }
    let each = fan.pow(levels - 1);
    let mut nested = Vec::with_capacity(many.len().div_ceil(each));
    let mut rest = many.into_iter().peekable();
    while rest.peek().is_some() {
        let part: Vec<Op> = rest.by_ref().take(each).collect();
        // Always as deep as the rest, so that replies are found by counting.
        nested.push(Op::Txn(Txn {
            then: nest(part, fan, levels - 1),
            ..Txn::default()
        }));
    }
    nested
}

/// How much an operation adds to the count of a path beside itself.
fn depth(op: &Op) -> usize {
    match op {
        Op::Txn(txn) => depth_of(txn),
        Op::Range(_) | Op::Put { .. } | Op::Delete { .. } => 0,
    }
}

fn depth_of(txn: &Txn) -> usize {
    let widest = txn
        .compares
        .len()
        .max(txn.then.len())
        .max(txn.otherwise.len());
    let deepest = txn.then.iter().chain(&txn.otherwise).map(depth).max();
    widest + deepest.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn puts(count: usize) -> Vec<Op> {
        (0..count)
            .map(|i| Op::put(format!("k{i}"), Vec::new()))
            .collect()
    }

    /// What the store would answer, a deletion's count standing for the key.
    fn replies(ops: &[Op]) -> Vec<OpReply> {
        ops.iter()
            .map(|op| match op {
                Op::Put { key, .. } => {
                    let digits = std::str::from_utf8(&key[1..]).unwrap();
                    OpReply::Delete(digits.parse().unwrap())
                }
                Op::Txn(txn) => OpReply::Txn(TxnReply {
                    replies: replies(&txn.then),
                    ..TxnReply::default()
                }),
                Op::Range(_) | Op::Delete { .. } => panic!("no such operation was given"),
            })
            .collect()
    }

    #[test]
    fn any_number_stays_within_the_count_and_comes_back_in_order() {
        for count in [0, 1, 100, 119, 120, 121, 500, 3_600, 3_601, 20_000] {
            let mut ops = Vec::new();
            append(&mut ops, puts(count)).unwrap();
            let txn = Txn {
                then: ops,
                ..Txn::default()
            };
            check(&txn).unwrap();
            let expected: Vec<OpReply> = (0..count as i64).map(OpReply::Delete).collect();
            assert_eq!(unpack(replies(&txn.then), count), expected, "{count}");
        }
    }

    #[test]
    fn more_than_nesting_takes_is_refused() {
        assert!(append(&mut Vec::new(), puts(70_000)).is_err());
    }

    #[test]
    fn size_is_limited() {
        let txn = Txn {
            then: vec![Op::put("k", vec![0; MAX_BYTES])],
            ..Txn::default()
        };
        assert_eq!(check(&txn).unwrap_err().limit, MAX_BYTES);
    }
}
