//! A store that stops at each call.

use directory::kv::memory::MemoryKv;
use directory::kv::{Kv, KvError, LeaseId, OpReply, Range, RangeReply, Txn, TxnReply};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

/// The store, with a stop before and after each call, so that a future can be
/// left where its request is not sent, and where it is done but not answered.
#[derive(Clone)]
pub(crate) struct Steps {
    pub(crate) kv: MemoryKv,
    /// How many bytes went there and back, but for what frames them.
    pub(crate) traffic: Rc<Cell<usize>>,
}

impl Steps {
    fn count(&self, bytes: usize) {
        self.traffic.set(self.traffic.get() + bytes);
    }
}

impl Kv for Steps {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        stop().await;
        let reply = self.kv.range(range).await;
        self.count(reply.as_ref().map_or(0, range_bytes));
        stop().await;
        reply
    }

    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError> {
        stop().await;
        self.count(txn.size());
        let reply = self.kv.txn(txn).await;
        self.count(reply.as_ref().map_or(0, txn_bytes));
        stop().await;
        reply
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        self.kv.grant_lease(ttl_seconds).await
    }
}

fn range_bytes(reply: &RangeReply) -> usize {
    let kvs = reply.kvs.iter();
    kvs.map(|kv| kv.key.len() + kv.value.len()).sum()
}

fn txn_bytes(reply: &TxnReply) -> usize {
    let replies = reply.replies.iter();
    replies
        .map(|reply| match reply {
            OpReply::Range(range) => range_bytes(range),
            OpReply::Txn(txn) => txn_bytes(txn),
            OpReply::Put | OpReply::Delete(_) => 0,
        })
        .sum()
}

/// Lets others go on, once.
pub(crate) async fn stop() {
    let mut waits = true;
    poll_fn(|_| match std::mem::take(&mut waits) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}
