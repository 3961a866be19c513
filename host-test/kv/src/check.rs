//! Refusing malformed requests, by etcd's rules and in etcd's order.

use std::collections::HashSet;

use etcd_proto::range_request::{SortOrder, SortTarget};
use etcd_proto::request_op::Request;
use etcd_proto::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use prost::Message;
use prost::encoding::encoded_len_varint;

use crate::failure::Failure;

/// etcd's default `--max-txn-ops`.
const MAX_TXN_OPS: usize = 128;
/// etcd's default `--max-request-bytes`.
const MAX_REQUEST_BYTES: usize = 1536 * 1024;
/// What etcd's gRPC server takes: room for framing beyond the request.
const MAX_MESSAGE_BYTES: usize = MAX_REQUEST_BYTES + 512 * 1024;
/// etcd measures a write as an entry of its log, which also bears a request id.
const LOG_ENTRY_OVERHEAD: usize = 14;

/// Refuses a range request without a key or with an unknown order.
pub(crate) fn range(request: &RangeRequest) -> Result<(), Failure> {
    if request.key.is_empty() {
        return Err(Failure::EmptyKey);
    }
    if SortOrder::try_from(request.sort_order).is_err()
        || SortTarget::try_from(request.sort_target).is_err()
    {
        return Err(Failure::InvalidSortOption);
    }
    Ok(())
}

/// Refuses a put without a key, or with what it says to ignore.
pub(crate) fn put(request: &PutRequest) -> Result<(), Failure> {
    if request.key.is_empty() {
        return Err(Failure::EmptyKey);
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(Failure::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Failure::LeaseProvided);
    }
    Ok(())
}

/// Refuses a deletion without a key.
pub(crate) fn delete_range(request: &DeleteRangeRequest) -> Result<(), Failure> {
    if request.key.is_empty() {
        Err(Failure::EmptyKey)
    } else {
        Ok(())
    }
}

/// Refuses a transaction of too many operations, with a malformed one, or that
/// could write a key twice.
pub(crate) fn txn(request: &TxnRequest) -> Result<(), Failure> {
    txn_ops(request, MAX_TXN_OPS)?;
    Writes::of(&request.success)?;
    Writes::of(&request.failure)?;
    Ok(())
}

/// The limit is on the longest list; a nested transaction gets what is left.
fn txn_ops(request: &TxnRequest, max: usize) -> Result<(), Failure> {
    let longest = request
        .compare
        .len()
        .max(request.success.len())
        .max(request.failure.len());
    let left = max.checked_sub(longest).ok_or(Failure::TooManyOps)?;
    if request.compare.iter().any(|compare| compare.key.is_empty()) {
        return Err(Failure::EmptyKey);
    }
    request
        .success
        .iter()
        .chain(&request.failure)
        .try_for_each(|op| match &op.request {
            Some(Request::RequestRange(request)) => range(request),
            Some(Request::RequestPut(request)) => put(request),
            Some(Request::RequestDeleteRange(request)) => delete_range(request),
            Some(Request::RequestTxn(request)) => txn_ops(request, left),
            None => Err(Failure::KeyNotFound),
        })
}

/// What a list of operations may write, whichever branches it takes.
#[derive(Default)]
struct Writes<'r> {
    puts: HashSet<&'r [u8]>,
    /// Half-open; no end means unbounded. An end of one zero byte is taken as
    /// it stands, as etcd does, so such a deletion overlaps nothing here.
    deletes: Vec<(&'r [u8], Deleted<'r>)>,
}

#[derive(Clone, Copy)]
enum Deleted<'r> {
    Key,
    Before(&'r [u8]),
}

impl<'r> Writes<'r> {
    /// Collects the writes in etcd's order (deletions of this level, then nested
    /// transactions, then puts of this level), which decides what collides: a
    /// put with any put on the same path, and with a deletion seen before it.
    fn of(ops: &'r [RequestOp]) -> Result<Self, Failure> {
        let mut all = Self::default();
        for op in ops {
            if let Some(Request::RequestDeleteRange(delete)) = &op.request {
                let end = match delete.range_end.as_slice() {
                    [] => Deleted::Key,
                    end => Deleted::Before(end),
                };
                all.deletes.push((&delete.key, end));
            }
        }
        for op in ops {
            if let Some(Request::RequestTxn(nested)) = &op.request {
                let then = Self::of(&nested.success)?;
                let otherwise = Self::of(&nested.failure)?;
                for key in &then.puts {
                    all.add_put(key)?;
                }
                for key in &otherwise.puts {
                    // The same key on both sides is one put: only one side runs.
                    if !then.puts.contains(key) {
                        all.add_put(key)?;
                    }
                }
                all.deletes.extend(then.deletes);
                all.deletes.extend(otherwise.deletes);
            }
        }
        for op in ops {
            if let Some(Request::RequestPut(put)) = &op.request {
                all.add_put(&put.key)?;
            }
        }
        Ok(all)
    }

    fn add_put(&mut self, key: &'r [u8]) -> Result<(), Failure> {
        let deleted = self.deletes.iter().any(|(start, end)| match end {
            Deleted::Key => key == *start,
            Deleted::Before(end) => key >= *start && key < *end,
        });
        if deleted || !self.puts.insert(key) {
            return Err(Failure::DuplicateKey);
        }
        Ok(())
    }
}

/// Refuses a message that etcd's transport would not take.
pub(crate) fn message_size(message: &impl Message) -> Result<(), Failure> {
    let size = message.encoded_len();
    if size > MAX_MESSAGE_BYTES {
        return Err(Failure::MessageTooLarge {
            size,
            max: MAX_MESSAGE_BYTES,
        });
    }
    Ok(())
}

/// Refuses a write that etcd would not take into its log.
pub(crate) fn write_size(message: &impl Message) -> Result<(), Failure> {
    let size = message.encoded_len();
    let framed =
        size + encoded_len_varint(u64::try_from(size).unwrap_or(u64::MAX)) + LOG_ENTRY_OVERHEAD;
    if framed > MAX_REQUEST_BYTES {
        Err(Failure::RequestTooLarge)
    } else {
        Ok(())
    }
}
