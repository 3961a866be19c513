//! Transactions: which branch is taken, whether it may run, and running it.
//!
//! All compares, also those of nested transactions, are made on the state before
//! the first write. The branches taken form a tree, which is then checked as a
//! whole, so that nothing is written unless all of it can be.

use etcd_proto::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd_proto::request_op::Request;
use etcd_proto::response_op::Response;
use etcd_proto::{
    Compare, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, RequestOp, ResponseOp,
    TxnRequest, TxnResponse,
};

use crate::failure::Failure;
use crate::index::Found;
use crate::interval::Interval;
use crate::ops::{self, View, header};
use crate::transaction::Transaction;

/// The side of a transaction that its compares chose.
#[derive(Debug)]
pub(crate) struct Branch<'r> {
    succeeded: bool,
    steps: Vec<Step<'r>>,
}

/// One operation of a chosen side.
#[derive(Debug)]
enum Step<'r> {
    Range(&'r RangeRequest),
    Put(&'r PutRequest),
    DeleteRange(&'r DeleteRangeRequest),
    Txn(Branch<'r>),
}

/// Whether one side at least can only read, so that it is worth trying without
/// the writer.
pub(crate) fn may_only_read(request: &TxnRequest) -> bool {
    let reads = |ops: &[RequestOp]| {
        ops.iter().all(|op| match &op.request {
            Some(Request::RequestRange(_)) | None => true,
            Some(Request::RequestTxn(nested)) => may_only_read(nested),
            Some(Request::RequestPut(_) | Request::RequestDeleteRange(_)) => false,
        })
    };
    reads(&request.success) || reads(&request.failure)
}

/// Makes the compares and follows them.
pub(crate) fn choose<'r>(view: &impl View, request: &'r TxnRequest) -> Result<Branch<'r>, Failure> {
    let mut succeeded = true;
    for compare in &request.compare {
        succeeded = holds(view, compare)?;
        if !succeeded {
            break;
        }
    }
    let ops = if succeeded {
        &request.success
    } else {
        &request.failure
    };
    let mut steps = Vec::with_capacity(ops.len());
    for op in ops {
        // An empty operation was refused before (see `check`).
        let Some(op) = &op.request else { continue };
        steps.push(match op {
            Request::RequestRange(range) => Step::Range(range),
            Request::RequestPut(put) => Step::Put(put),
            Request::RequestDeleteRange(delete) => Step::DeleteRange(delete),
            Request::RequestTxn(nested) => Step::Txn(choose(view, nested)?),
        });
    }
    Ok(Branch { succeeded, steps })
}

/// Whether a compare holds: for every key of its range, or, if there is none,
/// for a key of revision and version 0. An absent key has no value to compare.
fn holds(view: &impl View, compare: &Compare) -> Result<bool, Failure> {
    let interval = Interval::new(&compare.key, &compare.range_end);
    let mut any = false;
    for (_, found) in view.index().range(&interval, view.current()) {
        any = true;
        if !holds_for(view, compare, Some(found))? {
            return Ok(false);
        }
    }
    if any {
        Ok(true)
    } else {
        holds_for(view, compare, None)
    }
}

fn holds_for(view: &impl View, compare: &Compare, found: Option<Found>) -> Result<bool, Failure> {
    let record = || -> Result<KeyValue, Failure> {
        found.map_or(Ok(KeyValue::default()), |found| view.record(found.modified))
    };
    let union = compare.target_union.as_ref();
    let ordering = match compare.target() {
        CompareTarget::Value => {
            if found.is_none() {
                return Ok(false);
            }
            let wanted = match union {
                Some(TargetUnion::Value(value)) => value.as_slice(),
                _ => &[],
            };
            record()?.value.as_slice().cmp(wanted)
        }
        CompareTarget::Version => {
            let wanted = match union {
                Some(TargetUnion::Version(version)) => *version,
                _ => 0,
            };
            found.map_or(0, |found| found.version).cmp(&wanted)
        }
        CompareTarget::Create => {
            let wanted = match union {
                Some(TargetUnion::CreateRevision(revision)) => *revision,
                _ => 0,
            };
            found.map_or(0, |found| found.created).cmp(&wanted)
        }
        CompareTarget::Mod => {
            let wanted = match union {
                Some(TargetUnion::ModRevision(revision)) => *revision,
                _ => 0,
            };
            found.map_or(0, |found| found.modified.main).cmp(&wanted)
        }
        CompareTarget::Lease => {
            let wanted = match union {
                Some(TargetUnion::Lease(lease)) => *lease,
                _ => 0,
            };
            record()?.lease.cmp(&wanted)
        }
    };
    Ok(match compare.result() {
        CompareResult::Equal => ordering.is_eq(),
        CompareResult::NotEqual => ordering.is_ne(),
        CompareResult::Greater => ordering.is_gt(),
        CompareResult::Less => ordering.is_lt(),
    })
}

impl<'r> Branch<'r> {
    /// Whether nothing in it writes.
    pub(crate) fn only_reads(&self) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Range(_) => true,
            Step::Txn(branch) => branch.only_reads(),
            Step::Put(_) | Step::DeleteRange(_) => false,
        })
    }

    fn visit(
        &self,
        check: &mut impl FnMut(&Step<'r>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Txn(branch) => branch.visit(check),
            step => check(step),
        })
    }

    /// Refuses revisions that cannot be read.
    pub(crate) fn check_reads(&self, view: &impl View) -> Result<(), Failure> {
        self.visit(&mut |step| match step {
            Step::Range(range) if range.revision > view.current() => Err(Failure::FutureRevision),
            Step::Range(range) if range.revision != 0 && range.revision < view.compacted() => {
                Err(Failure::Compacted)
            }
            _ => Ok(()),
        })
    }

    /// Refuses puts that keep what is not there, or name a lease that is not.
    /// After this and [`Branch::check_reads`] nothing can fail but the storage.
    pub(crate) fn check_writes(
        &self,
        view: &impl View,
        lease_exists: impl Fn(i64) -> bool,
    ) -> Result<(), Failure> {
        let mut deleted: Vec<Interval> = Vec::new();
        self.visit(&mut |step| {
            let put = match step {
                Step::Put(put) => put,
                Step::DeleteRange(delete) => {
                    deleted.push(Interval::new(&delete.key, &delete.range_end));
                    return Ok(());
                }
                Step::Range(_) | Step::Txn(_) => return Ok(()),
            };
            if put.ignore_value || put.ignore_lease {
                // The check for duplicate keys lets a deletion "from key" pass
                // together with puts, as etcd's does.
                let gone = deleted.iter().any(|interval| interval.contains(&put.key));
                if gone || view.find(&put.key).is_none() {
                    return Err(Failure::KeyNotFound);
                }
            }
            if put.lease != 0 && !lease_exists(put.lease) {
                return Err(Failure::LeaseNotFound);
            }
            Ok(())
        })
    }

    /// Answers a branch that only reads. As with [`Branch::run`], the header's
    /// revision stays 0, which is what etcd has in nested transactions; the
    /// caller sets the outermost one's.
    pub(crate) fn read(&self, view: &impl View) -> Result<TxnResponse, Failure> {
        self.reply(|step| match step {
            Step::Range(range) => Ok(Some(Response::ResponseRange(ops::range(view, range)?))),
            Step::Txn(branch) => Ok(Some(Response::ResponseTxn(branch.read(view)?))),
            Step::Put(_) | Step::DeleteRange(_) => Ok(None),
        })
    }

    /// Runs the branch.
    pub(crate) fn run(&self, txn: &mut Transaction<'_, '_>) -> Result<TxnResponse, Failure> {
        self.reply(|step| {
            Ok(Some(match step {
                Step::Range(range) => Response::ResponseRange(ops::range(txn, range)?),
                Step::Put(put) => Response::ResponsePut(txn.put(put)?),
                Step::DeleteRange(delete) => Response::ResponseDeleteRange(txn.delete(delete)?),
                Step::Txn(branch) => Response::ResponseTxn(branch.run(txn)?),
            }))
        })
    }

    fn reply(
        &self,
        run: impl FnMut(&Step<'r>) -> Result<Option<Response>, Failure>,
    ) -> Result<TxnResponse, Failure> {
        let responses: Result<Vec<_>, _> = self
            .steps
            .iter()
            .map(run)
            .map(|response| {
                Ok(ResponseOp {
                    response: response?,
                })
            })
            .collect();
        Ok(TxnResponse {
            header: header(0),
            succeeded: self.succeeded,
            responses: responses?,
        })
    }
}
