//! The key-value contract: etcd's model, named as etcd names it.
//!
//! The directory sees nothing of the store but this. Keys are ordered bytes,
//! every reply bears the store's revision, and a [`Txn`] is the only way to
//! write. Limits are etcd's own: see [`Txn`].

pub mod memory;

mod size;

/// A store of etcd's model.
#[expect(
    async_fn_in_trait,
    reason = "everything runs on one thread, inside the proxy and in tests"
)]
pub trait Kv {
    /// Reads keys.
    ///
    /// # Errors
    /// [`KvError`], whose outcome is never in doubt.
    async fn range(&self, range: Range) -> Result<RangeReply, KvError>;

    /// Compares, then reads and writes, all at one revision or not at all.
    ///
    /// # Errors
    /// [`KvError`], which tells whether the transaction may have been applied.
    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError>;

    /// Grants a lease: keys put with it vanish `ttl_seconds` later.
    ///
    /// # Errors
    /// [`KvError`]; a lease nobody has heard of ends by itself.
    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError>;
}

/// Names a lease. Zero is no lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseId(pub i64);

/// Which keys to read, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub key: Vec<u8>,
    /// The key after the last; `None` reads `key` alone.
    pub end: Option<Vec<u8>>,
    /// The most keys to return; zero returns all.
    pub limit: i64,
    /// Leaves the values out.
    pub keys_only: bool,
    /// Returns the count alone.
    pub count_only: bool,
    /// The revision to read at; zero reads the newest.
    pub revision: i64,
}

impl Range {
    /// Reads one key.
    #[must_use]
    pub fn one(key: impl Into<Vec<u8>>) -> Self {
        Self {
            key: key.into(),
            ..Self::default()
        }
    }

    /// Reads every key that begins with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let key = prefix.into();
        Self {
            end: Some(prefix_end(&key)),
            key,
            ..Self::default()
        }
    }
}

/// The key after all that begin with `prefix`; `"\0"`, which etcd reads as "to
/// the end", where there is none.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

/// A key with its value and history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Vec<u8>,
    /// The value; empty when only keys were asked for.
    pub value: Vec<u8>,
    /// The revision at which the key was created.
    pub create_revision: i64,
    /// The revision of the last change.
    pub mod_revision: i64,
    /// How often it was put since its creation.
    pub version: i64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeReply {
    /// The store's revision when it answered.
    pub revision: i64,
    /// The keys, in order.
    pub kvs: Vec<KeyValue>,
    /// Whether the limit left keys out.
    pub more: bool,
    /// How many keys there are, whatever the limit.
    pub count: i64,
}

/// A transaction. Its writes share one revision. A key may be put only once in
/// what is executed, and not both put and deleted (also by a range).
///
/// etcd takes at most 128 compares or operations in one transaction, counted
/// over the longest path of nested transactions, and a request of 1.5 MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    /// All must hold for `then`.
    pub compares: Vec<Compare>,
    /// Done when all compares hold.
    pub then: Vec<Op>,
    /// Done otherwise.
    pub otherwise: Vec<Op>,
}

/// What must hold of a key, or of every key of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    /// The key, or the first of the range. An absent key has revisions of zero.
    pub key: Vec<u8>,
    /// The key after the last of the range.
    pub end: Option<Vec<u8>>,
    /// What is compared.
    pub target: CompareTarget,
    /// How it must compare.
    pub result: CompareResult,
}

/// What a [`Compare`] looks at, and with what it compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareTarget {
    /// The revision of the key's creation.
    CreateRevision(i64),
    /// The revision of the key's last change.
    ModRevision(i64),
    /// The value; false for an absent key.
    Value(Vec<u8>),
}

/// How a [`Compare`] must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareResult {
    /// Equal to the given value.
    Equal,
    /// Greater than the given value.
    Greater,
    /// Less than the given value.
    Less,
    /// Not equal to the given value.
    NotEqual,
}

impl Compare {
    /// The key is absent.
    #[must_use]
    pub fn absent(key: impl Into<Vec<u8>>) -> Self {
        Self::of(key, CompareResult::Equal, CompareTarget::CreateRevision(0))
    }

    /// The key is there.
    #[must_use]
    pub fn present(key: impl Into<Vec<u8>>) -> Self {
        Self::of(
            key,
            CompareResult::Greater,
            CompareTarget::CreateRevision(0),
        )
    }

    /// The key was last changed at `revision`; zero: it is absent.
    #[must_use]
    pub fn unchanged(key: impl Into<Vec<u8>>, revision: i64) -> Self {
        Self::of(
            key,
            CompareResult::Equal,
            CompareTarget::ModRevision(revision),
        )
    }

    /// No key that begins with `prefix` was changed after `revision`. (A key
    /// that was deleted does not count.)
    #[must_use]
    pub fn none_newer(prefix: impl Into<Vec<u8>>, revision: i64) -> Self {
        let key = prefix.into();
        Self {
            end: Some(prefix_end(&key)),
            key,
            target: CompareTarget::ModRevision(revision + 1),
            result: CompareResult::Less,
        }
    }

    /// There is no key from `start` to before `end`.
    #[must_use]
    pub fn nothing_between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self {
            end: Some(end.into()),
            ..Self::absent(start)
        }
    }

    /// There is no key that begins with `prefix`.
    #[must_use]
    pub fn nothing_below(prefix: impl Into<Vec<u8>>) -> Self {
        let prefix = prefix.into();
        let end = prefix_end(&prefix);
        Self::nothing_between(prefix, end)
    }

    /// The key has this value.
    #[must_use]
    pub fn value(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        let target = CompareTarget::Value(value.into());
        Self::of(key, CompareResult::Equal, target)
    }

    fn of(key: impl Into<Vec<u8>>, result: CompareResult, target: CompareTarget) -> Self {
        Self {
            key: key.into(),
            end: None,
            target,
            result,
        }
    }
}

/// An operation of a [`Txn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads keys, seeing the operations before it.
    Range(Range),
    /// Puts a key.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
        /// The lease it lives by.
        lease: LeaseId,
    },
    /// Deletes a key, or those of a range.
    Delete {
        /// The key, or the first of the range.
        key: Vec<u8>,
        /// The key after the last.
        end: Option<Vec<u8>>,
    },
    /// A transaction of its own, whose compares see the store as it was before
    /// the outermost one.
    Txn(Txn),
}

impl Op {
    /// Puts a key that stays.
    #[must_use]
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put {
            key: key.into(),
            value: value.into(),
            lease: LeaseId::default(),
        }
    }

    /// Deletes one key.
    #[must_use]
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::Delete {
            key: key.into(),
            end: None,
        }
    }

    /// Deletes every key that begins with `prefix`.
    #[must_use]
    pub fn delete_prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let key = prefix.into();
        Self::Delete {
            end: Some(prefix_end(&key)),
            key,
        }
    }
}

/// How a [`Txn`] came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnReply {
    /// The store's revision after it: that of its writes, if it wrote.
    pub revision: i64,
    /// Whether all compares held.
    pub succeeded: bool,
    /// One reply for each operation that was done.
    pub replies: Vec<OpReply>,
}

/// The reply to an [`Op`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpReply {
    /// To a read.
    Range(RangeReply),
    /// To a put.
    Put,
    /// To a deletion: how many keys it deleted.
    Delete(i64),
    /// To a nested transaction.
    Txn(TxnReply),
}

/// Why the store did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct KvError {
    /// What happened.
    pub kind: KvErrorKind,
    /// Whether the request may have been applied all the same.
    pub outcome: Outcome,
}

/// What happened to a request of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvErrorKind {
    /// The store cannot be reached, has no leader, or did not answer in time.
    #[error("the store did not answer: {0}")]
    Unavailable(String),
    /// The revision to read at is compacted away, or is still to come: the store was
    /// put back to an older state.
    #[error("the store does not have the revision")]
    Compacted,
    /// The transaction is larger than the store takes.
    #[error("the transaction is too large: {0}")]
    TooLarge(String),
    /// The store refused the request, or its answer made no sense.
    #[error("the store refused: {0}")]
    Refused(String),
}

/// Whether a request that failed was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly not.
    NotApplied,
    /// Nobody knows: the reply was lost.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_sibling() {
        assert_eq!(prefix_end(b"a/"), b"a0");
        assert_eq!(prefix_end(b"a\xff"), b"b");
        assert_eq!(prefix_end(b"\xff"), b"\0");
    }
}
