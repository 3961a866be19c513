//! A store in memory that behaves as etcd does, for tests and simulation: with
//! its revisions and their past, its nested transactions and its limits, and
//! with the ways in which a store fails its clients.

mod check;
mod history;

use super::{Kv, KvError, KvErrorKind, LeaseId, Outcome, Range, RangeReply, Txn, TxnReply};
use history::History;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// A store in memory. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryKv(Rc<RefCell<State>>);

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store cannot be reached: certainly nothing was done.
    Unavailable,
    /// The request is lost on its way: nothing was done, and nobody knows.
    RequestLost,
    /// The reply is lost on its way: it was done, and nobody knows.
    ReplyLost,
}

/// Something to be done once, as if by another client.
type Hook = Box<dyn FnOnce(&MemoryKv)>;

#[derive(Default)]
struct State {
    history: History,
    outage: Option<Fault>,
    next: VecDeque<Option<Fault>>,
    hooks: VecDeque<Option<Hook>>,
    interleaved: bool,
    calls: usize,
}

impl MemoryKv {
    /// An empty store, at revision 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes every call fail, until told otherwise.
    pub fn set_outage(&self, fault: Option<Fault>) {
        self.0.borrow_mut().outage = fault;
    }

    /// Says for each of the next calls whether it fails, and how.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.0.borrow_mut().next.extend(faults);
    }

    /// Does something after `calls` more calls, before the one that follows them:
    /// what another client does between two steps of an operation.
    pub fn before(&self, calls: usize, hook: impl FnOnce(&Self) + 'static) {
        let hooks = &mut self.0.borrow_mut().hooks;
        while hooks.len() <= calls {
            hooks.push_back(None);
        }
        if let Some(slot) = hooks.get_mut(calls) {
            *slot = Some(Box::new(hook));
        }
    }

    /// Makes every call wait for one turn of the others.
    pub fn set_interleaved(&self, interleaved: bool) {
        self.0.borrow_mut().interleaved = interleaved;
    }

    /// How many calls there have been.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.borrow().calls
    }

    /// The revision of the last write.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.0.borrow().history.revision()
    }

    /// Forgets what was before a revision.
    pub fn compact(&self, revision: i64) {
        self.0.borrow_mut().history.compact(revision);
    }

    /// Ends a lease, and deletes what lives by it.
    pub fn revoke_lease(&self, lease: LeaseId) {
        self.0.borrow_mut().history.revoke_lease(lease);
    }

    /// The leases that were granted and not revoked, with their time in seconds.
    #[must_use]
    pub fn leases(&self) -> Vec<(LeaseId, i64)> {
        self.0.borrow().history.leases()
    }

    /// All keys and values, in order.
    #[must_use]
    pub fn dump(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let everything = Range {
            key: vec![0],
            end: Some(vec![0]),
            ..Range::default()
        };
        let reply = self.0.borrow().history.range(&everything);
        let kvs = reply.map(|reply| reply.kvs).unwrap_or_default();
        kvs.into_iter().map(|kv| (kv.key, kv.value)).collect()
    }

    /// Runs a transaction without delay and without fault.
    ///
    /// # Errors
    /// As etcd: see [`KvError`].
    pub fn apply(&self, txn: &Txn) -> Result<TxnReply, KvError> {
        self.0.borrow_mut().history.txn(txn)
    }

    async fn call<T>(
        &self,
        request: impl FnOnce(&mut History) -> Result<T, KvError>,
    ) -> Result<T, KvError> {
        let mut waits = self.0.borrow().interleaved;
        poll_fn(|_| {
            if std::mem::take(&mut waits) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;

        let hook = self.0.borrow_mut().hooks.pop_front().flatten();
        if let Some(hook) = hook {
            hook(self);
        }
        let mut state = self.0.borrow_mut();
        state.calls += 1;
        let fault = state.next.pop_front().flatten().or(state.outage);
        match fault {
            None => request(&mut state.history),
            Some(Fault::Unavailable) => Err(unavailable(Outcome::NotApplied)),
            Some(Fault::RequestLost) => Err(unavailable(Outcome::Unknown)),
            Some(Fault::ReplyLost) => {
                request(&mut state.history)?;
                Err(unavailable(Outcome::Unknown))
            }
        }
    }
}

impl Kv for MemoryKv {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        let reply = self.call(|history| history.range(&range)).await;
        // A read is never in doubt: see the contract.
        reply.map_err(|error| KvError {
            outcome: Outcome::NotApplied,
            ..error
        })
    }

    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError> {
        self.call(|history| history.txn(&txn)).await
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        self.call(|history| Ok(history.grant_lease(ttl_seconds)))
            .await
    }
}

impl fmt::Debug for MemoryKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKv")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

fn unavailable(outcome: Outcome) -> KvError {
    KvError {
        kind: KvErrorKind::Unavailable("a fault was injected".to_owned()),
        outcome,
    }
}

#[cfg(test)]
mod tests;
