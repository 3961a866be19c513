//! How long a transaction is as etcd counts it: the protobuf message that its fields
//! make. A default counts too, which the message leaves out.

use super::{Compare, CompareTarget, Op, Txn};

/// A field with a flag or an enumeration.
const FLAG: usize = 2;

impl Txn {
    /// The length of the transaction's message, or a little more.
    #[must_use]
    pub fn size(&self) -> usize {
        let compares = self.compares.iter().map(|one| field(compare(one)));
        let ops = self.then.iter().chain(&self.otherwise);
        // An operation is a message that holds the message of its kind.
        compares.chain(ops.map(|one| field(field(op(one))))).sum()
    }
}

fn compare(compare: &Compare) -> usize {
    let target = match &compare.target {
        CompareTarget::Value(value) => field(value.len()),
        CompareTarget::CreateRevision(n) | CompareTarget::ModRevision(n) => number(*n),
    };
    // The number of the end's field takes a byte more than others.
    let end = compare.end.as_ref().map_or(0, |end| 1 + field(end.len()));
    field(compare.key.len()) + end + target + 2 * FLAG
}

fn op(op: &Op) -> usize {
    let end = |end: &Option<Vec<u8>>| end.as_ref().map_or(0, |end| field(end.len()));
    match op {
        Op::Range(range) => {
            let numbers = number(range.limit) + number(range.revision);
            field(range.key.len()) + end(&range.end) + numbers + 2 * FLAG
        }
        Op::Put { key, value, lease } => field(key.len()) + field(value.len()) + number(lease.0),
        Op::Delete { key, end: to } => field(key.len()) + end(to),
        Op::Txn(txn) => txn.size(),
    }
}

/// A field of so many bytes: its number, its length and they.
fn field(length: usize) -> usize {
    1 + varint(length as u64) + length
}

/// A field with a number.
fn number(number: i64) -> usize {
    1 + varint(number.cast_unsigned())
}

fn varint(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
