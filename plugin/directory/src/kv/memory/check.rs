//! What etcd refuses before it looks at its data: empty keys, too many
//! operations, a key written twice, a request that is too long.

use crate::kv::{KvError, KvErrorKind, Op, Outcome, Txn};
use std::collections::BTreeSet;

/// `--max-txn-ops`, by default.
const MAX_OPS: usize = 128;

/// `--max-request-bytes`, by default.
const MAX_BYTES: usize = 1_572_864;

pub(super) fn txn(txn: &Txn) -> Result<(), KvError> {
    if txn.size() > MAX_BYTES {
        return Err(too_large("etcdserver: request is too large"));
    }
    count(txn, MAX_OPS)?;
    Writes::of(&txn.then)?;
    Writes::of(&txn.otherwise)?;
    Ok(())
}

pub(super) fn key(key: &[u8]) -> Result<(), KvError> {
    if key.is_empty() {
        return Err(refused("etcdserver: key is not provided"));
    }
    Ok(())
}

/// Counts the longest of a transaction's three lists, and what is left of the
/// limit goes to those within it.
fn count(txn: &Txn, limit: usize) -> Result<(), KvError> {
    let lists = [txn.compares.len(), txn.then.len(), txn.otherwise.len()];
    let longest = lists.into_iter().max().unwrap_or_default();
    let Some(left) = limit.checked_sub(longest) else {
        return Err(too_large("etcdserver: too many operations in txn request"));
    };
    for compare in &txn.compares {
        key(&compare.key)?;
    }
    for op in txn.then.iter().chain(&txn.otherwise) {
        match op {
            Op::Range(range) => key(&range.key)?,
            Op::Put { key: put, .. } => key(put)?,
            Op::Delete { key: deleted, .. } => key(deleted)?,
            Op::Txn(nested) => count(nested, left)?,
        }
    }
    Ok(())
}

/// Keys that a list of operations may put, and ranges that it may delete.
#[derive(Default)]
struct Writes<'a> {
    puts: BTreeSet<&'a [u8]>,
    deletes: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

impl<'a> Writes<'a> {
    /// In etcd's own order (`checkIntervals`), which matters: a deletion within
    /// a nested transaction is not held against a put of an earlier one.
    fn of(ops: &'a [Op]) -> Result<Self, KvError> {
        let mut all = Self::default();
        for op in ops {
            if let Op::Delete { key, end } = op {
                all.deletes.push((key, end.as_deref()));
            }
        }
        for op in ops {
            let Op::Txn(nested) = op else { continue };
            let then = Self::of(&nested.then)?;
            let otherwise = Self::of(&nested.otherwise)?;
            for put in &then.puts {
                all.put(put, None)?;
            }
            for put in &otherwise.puts {
                all.put(put, Some(&then))?;
            }
            all.deletes.extend(then.deletes);
            all.deletes.extend(otherwise.deletes);
        }
        for op in ops {
            if let Op::Put { key, .. } = op {
                all.put(key, None)?;
            }
        }
        Ok(all)
    }

    /// Adds a put. It may be one of the other branch, of which only one is taken.
    fn put(&mut self, key: &'a [u8], other_branch: Option<&Self>) -> Result<(), KvError> {
        let excused = other_branch.is_some_and(|other| other.puts.contains(key));
        let twice = !self.puts.insert(key) && !excused;
        if twice || self.deletes(key) {
            return Err(refused("etcdserver: duplicate key given in txn request"));
        }
        Ok(())
    }

    fn deletes(&self, key: &[u8]) -> bool {
        self.deletes.iter().any(|(start, end)| match end {
            None => key == *start,
            // A range to the end of all keys, `"\0"`, is none here: etcd does not
            // hold it against a put.
            Some(end) => key >= *start && key < *end,
        })
    }
}

fn refused(why: &str) -> KvError {
    KvError {
        kind: KvErrorKind::Refused(why.to_owned()),
        outcome: Outcome::NotApplied,
    }
}

fn too_large(why: &str) -> KvError {
    KvError {
        kind: KvErrorKind::TooLarge(why.to_owned()),
        outcome: Outcome::NotApplied,
    }
}
