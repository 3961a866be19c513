//! What the store held at each of its revisions.

use super::check;
use crate::kv::{
    Compare, CompareResult, CompareTarget, KeyValue, KvError, KvErrorKind, LeaseId, Op, OpReply,
    Outcome, Range, RangeReply, Txn, TxnReply,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Every version of every key since the last compaction.
pub(super) struct History {
    keys: BTreeMap<Vec<u8>, Vec<Version>>,
    revision: i64,
    compacted: i64,
    leases: BTreeMap<i64, i64>,
    last_lease: i64,
}

/// A key from one revision on.
#[derive(Clone)]
struct Version {
    kv: KeyValue,
    lease: LeaseId,
    deleted: bool,
}

impl Default for History {
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            // etcd is at 1 before the first write.
            revision: 1,
            compacted: 0,
            leases: BTreeMap::new(),
            last_lease: 0,
        }
    }
}

/// Which branches of a transaction, and of those within it, are taken. Decided
/// before anything is done, as etcd does.
struct Path {
    succeeded: bool,
    nested: Vec<Self>,
}

impl History {
    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    pub(super) fn compact(&mut self, revision: i64) {
        self.compacted = revision;
    }

    pub(super) fn range(&self, range: &Range) -> Result<RangeReply, KvError> {
        check::key(&range.key)?;
        self.read(range, self.revision)
    }

    pub(super) fn txn(&mut self, txn: &Txn) -> Result<TxnReply, KvError> {
        check::txn(txn)?;
        let path = self.path(txn);
        self.readable(txn, &path)?;
        let written = self.revision + 1;
        let mut wrote = false;
        let mut reply = self.run(txn, &path, written, &mut wrote)?;
        if wrote {
            self.revision = written;
        }
        stamp(&mut reply, self.revision);
        Ok(reply)
    }

    pub(super) fn grant_lease(&mut self, ttl_seconds: i64) -> LeaseId {
        self.last_lease += 1;
        self.leases.insert(self.last_lease, ttl_seconds);
        LeaseId(self.last_lease)
    }

    pub(super) fn leases(&self) -> Vec<(LeaseId, i64)> {
        let leases = self.leases.iter();
        leases.map(|(id, ttl)| (LeaseId(*id), *ttl)).collect()
    }

    pub(super) fn revoke_lease(&mut self, lease: LeaseId) {
        self.leases.remove(&lease.0);
        let bound: Vec<_> = self
            .live(&[0], Some(&[0]), self.revision)
            .filter(|version| version.lease == lease)
            .map(|version| version.kv.key.clone())
            .collect();
        if !bound.is_empty() {
            self.revision += 1;
        }
        for key in bound {
            self.delete(&key, None, self.revision);
        }
    }

    /// The versions of a range's keys as of a revision, without the deleted ones.
    fn live<'a>(
        &'a self,
        key: &'a [u8],
        end: Option<&'a [u8]>,
        revision: i64,
    ) -> impl Iterator<Item = &'a Version> {
        // The map would panic where etcd finds nothing.
        let inverted = end.is_some_and(|end| end != b"\0" && end <= key);
        let to = match end {
            None => Bound::Included(key),
            Some(b"\0") => Bound::Unbounded,
            Some(_) if inverted => Bound::Included(key),
            Some(end) => Bound::Excluded(end),
        };
        self.keys
            .range::<[u8], _>((Bound::Included(key), to))
            .filter(move |_| !inverted)
            .filter_map(move |(_, versions)| {
                let known = versions.iter().rev();
                known.clone().find(|v| v.kv.mod_revision <= revision)
            })
            .filter(|version| !version.deleted)
    }

    fn read(&self, range: &Range, now: i64) -> Result<RangeReply, KvError> {
        let revision = match range.revision {
            0 => now,
            other if other > now || other < self.compacted => {
                return Err(KvError {
                    kind: KvErrorKind::Compacted,
                    outcome: Outcome::NotApplied,
                });
            }
            past => past,
        };
        let mut found: Vec<KeyValue> = self
            .live(&range.key, range.end.as_deref(), revision)
            .map(|version| version.kv.clone())
            .collect();
        let count = found.len();
        if range.count_only {
            found.clear();
        }
        let limit = usize::try_from(range.limit).unwrap_or_default();
        let more = limit > 0 && found.len() > limit;
        if more {
            found.truncate(limit);
        }
        if range.keys_only {
            for kv in &mut found {
                kv.value.clear();
            }
        }
        Ok(RangeReply {
            revision: now,
            kvs: found,
            more,
            count: i64::try_from(count).unwrap_or(i64::MAX),
        })
    }

    fn path(&self, txn: &Txn) -> Path {
        let succeeded = txn.compares.iter().all(|compare| self.holds(compare));
        let ops = if succeeded { &txn.then } else { &txn.otherwise };
        let nested = ops.iter().filter_map(|op| match op {
            Op::Txn(txn) => Some(self.path(txn)),
            Op::Range(_) | Op::Put { .. } | Op::Delete { .. } => None,
        });
        Path {
            succeeded,
            nested: nested.collect(),
        }
    }

    /// Whether all that is to be done can be, before any of it is.
    fn readable(&self, txn: &Txn, path: &Path) -> Result<(), KvError> {
        let mut nested = path.nested.iter();
        for op in txn.branch(path.succeeded) {
            match op {
                Op::Range(range) => {
                    self.read(range, self.revision)?;
                }
                Op::Put { lease, .. } if lease.0 != 0 && !self.leases.contains_key(&lease.0) => {
                    return Err(refused("requested lease not found"));
                }
                Op::Txn(txn) => {
                    if let Some(path) = nested.next() {
                        self.readable(txn, path)?;
                    }
                }
                Op::Put { .. } | Op::Delete { .. } => {}
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        txn: &Txn,
        path: &Path,
        written: i64,
        wrote: &mut bool,
    ) -> Result<TxnReply, KvError> {
        let mut nested = path.nested.iter();
        let mut replies = Vec::new();
        for op in txn.branch(path.succeeded) {
            replies.push(match op {
                Op::Range(range) => {
                    let now = if *wrote { written } else { self.revision };
                    OpReply::Range(self.read(range, now)?)
                }
                Op::Put { key, value, lease } => {
                    self.put(key, value, *lease, written);
                    *wrote = true;
                    OpReply::Put
                }
                Op::Delete { key, end } => {
                    let deleted = self.delete(key, end.as_deref(), written);
                    *wrote |= deleted > 0;
                    OpReply::Delete(deleted)
                }
                Op::Txn(txn) => match nested.next() {
                    Some(path) => OpReply::Txn(self.run(txn, path, written, wrote)?),
                    None => OpReply::Txn(TxnReply::default()),
                },
            });
        }
        Ok(TxnReply {
            revision: 0,
            succeeded: path.succeeded,
            replies,
        })
    }

    fn put(&mut self, key: &[u8], value: &[u8], lease: LeaseId, revision: i64) {
        let versions = self.keys.entry(key.to_vec()).or_default();
        let last = versions.last().filter(|version| !version.deleted);
        let kv = KeyValue {
            key: key.to_vec(),
            value: value.to_vec(),
            create_revision: last.map_or(revision, |version| version.kv.create_revision),
            mod_revision: revision,
            version: last.map_or(1, |version| version.kv.version + 1),
        };
        versions.push(Version {
            kv,
            lease,
            deleted: false,
        });
    }

    fn delete(&mut self, key: &[u8], end: Option<&[u8]>, revision: i64) -> i64 {
        let there = self.live(key, end, revision);
        let keys: Vec<_> = there.map(|version| version.kv.key.clone()).collect();
        for key in &keys {
            if let Some(versions) = self.keys.get_mut(key) {
                versions.push(Version {
                    kv: KeyValue {
                        key: key.clone(),
                        mod_revision: revision,
                        ..KeyValue::default()
                    },
                    lease: LeaseId::default(),
                    deleted: true,
                });
            }
        }
        i64::try_from(keys.len()).unwrap_or(i64::MAX)
    }

    fn holds(&self, compare: &Compare) -> bool {
        let mut found = self
            .live(&compare.key, compare.end.as_deref(), self.revision)
            .map(|version| &version.kv)
            .peekable();
        if found.peek().is_none() {
            // An absent key has revisions of zero, and no value to compare with.
            let absent = KeyValue::default();
            let has_value = matches!(compare.target, CompareTarget::Value(_));
            return !has_value && meets(compare, &absent);
        }
        found.all(|kv| meets(compare, kv))
    }
}

impl Txn {
    fn branch(&self, succeeded: bool) -> &[Op] {
        if succeeded {
            &self.then
        } else {
            &self.otherwise
        }
    }
}

fn meets(compare: &Compare, kv: &KeyValue) -> bool {
    let ordering = match &compare.target {
        CompareTarget::CreateRevision(revision) => kv.create_revision.cmp(revision),
        CompareTarget::ModRevision(revision) => kv.mod_revision.cmp(revision),
        CompareTarget::Value(value) => kv.value.cmp(value),
    };
    match compare.result {
        CompareResult::Equal => ordering == Ordering::Equal,
        CompareResult::Greater => ordering == Ordering::Greater,
        CompareResult::Less => ordering == Ordering::Less,
        CompareResult::NotEqual => ordering != Ordering::Equal,
    }
}

/// The revision of the whole is known only at its end.
fn stamp(reply: &mut TxnReply, revision: i64) {
    reply.revision = revision;
    for reply in &mut reply.replies {
        if let OpReply::Txn(nested) = reply {
            stamp(nested, revision);
        }
    }
}

fn refused(why: &str) -> KvError {
    KvError {
        kind: KvErrorKind::Refused(why.to_owned()),
        outcome: Outcome::NotApplied,
    }
}
