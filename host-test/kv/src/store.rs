//! The store as the services see it: reads on the caller's thread, everything
//! else through the writer.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use etcd_proto::{
    DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse,
    TxnRequest, TxnResponse,
};
use tokio::sync::mpsc;

use crate::config::History;
use crate::disk::{Disk, Opened};
use crate::error::Error;
use crate::failure::Failure;
use crate::index::Index;
use crate::lessor::{LeaseInfo, Lessor};
use crate::ops::{self, View, header};
use crate::state::{FIRST_REVISION, NEVER_COMPACTED, Recent, Shared, State};
use crate::transaction::Transaction;
use crate::txn;
use crate::writer::{Call, Order, Writer};

/// Calls that may wait for the writer.
const QUEUE: usize = 4096;
/// How often leases are looked at: as often as etcd does.
const TICK: Duration = Duration::from_millis(500);

/// An open store. Clones share it; it closes when the last one is gone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// The writer's thread. It ends when it is told to, or with the last [`Store`].
#[derive(Debug)]
pub(crate) struct WriterThread(JoinHandle<()>);

impl WriterThread {
    pub(crate) fn join(self) -> Result<(), Failure> {
        self.0.join().map_err(|_panic| Failure::Stopped)
    }
}

impl Store {
    /// Starts on an opened database.
    pub(crate) fn start(opened: Opened, history: History) -> Result<(Self, WriterThread), Error> {
        let (shared, lessor) = restore(opened)?;
        let shared = Arc::new(shared);
        let (orders, receiver) = mpsc::channel(QUEUE);
        let writer = Writer::new(Arc::clone(&shared), lessor, history);
        let thread = std::thread::Builder::new()
            .name("edge-kv-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(|error| Error::Serve(error.to_string()))?;
        Ok((Self { shared, orders }, WriterThread(thread)))
    }

    /// Runs `work` in the writer; answers when its writes are durable.
    async fn submit<T, F>(&self, work: F) -> Result<T, Failure>
    where
        F: FnOnce(&mut Transaction<'_, '_>) -> Result<T, Failure> + Send + 'static,
        T: Send + 'static,
    {
        let (call, answer) = Call::new(work);
        self.orders
            .send(Order::Run(Box::new(call)))
            .await
            .map_err(|_closed| Failure::Stopped)?;
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Lets the writer finish the calls that wait, and takes no more.
    pub(crate) async fn stop(&self) {
        // If it has ended already, it has stopped as well.
        let _ended = self.orders.send(Order::Stop).await;
    }

    /// The newest durable revision.
    pub(crate) fn revision(&self) -> i64 {
        self.shared.state().published
    }

    pub(crate) fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Failure> {
        let (selection, log) = {
            let snapshot = self.shared.snapshot()?;
            (ops::select(&snapshot, request)?, snapshot.log)
        };
        ops::load(request, selection, |revision| log.record(revision))
    }

    pub(crate) async fn put(&self, request: PutRequest) -> Result<PutResponse, Failure> {
        self.submit(move |transaction| transaction.put(&request))
            .await
    }

    pub(crate) async fn delete_range(
        &self,
        request: DeleteRangeRequest,
    ) -> Result<DeleteRangeResponse, Failure> {
        self.submit(move |transaction| transaction.delete(&request))
            .await
    }

    /// Runs a transaction. One whose chosen side only reads needs no writer: it
    /// is answered on the committed state, as etcd answers one without writes.
    pub(crate) async fn txn(&self, request: TxnRequest) -> Result<TxnResponse, Failure> {
        if txn::may_only_read(&request) {
            let snapshot = self.shared.snapshot()?;
            let branch = txn::choose(&snapshot, &request)?;
            if branch.only_reads() {
                branch.check_reads(&snapshot)?;
                let mut response = branch.read(&snapshot)?;
                response.header = header(snapshot.current());
                return Ok(response);
            }
        }
        self.submit(move |transaction| transaction.txn(&request))
            .await
    }

    /// Compacts; answers the store's revision.
    pub(crate) async fn compact(&self, revision: i64) -> Result<i64, Failure> {
        self.submit(move |transaction| {
            transaction.compact(revision)?;
            Ok(transaction.current())
        })
        .await
    }

    /// Grants a lease; answers id, time to live, and the store's revision.
    pub(crate) async fn grant(&self, id: i64, ttl: i64) -> Result<(i64, i64, i64), Failure> {
        self.submit(move |transaction| {
            let (id, ttl) = transaction.grant(id, ttl)?;
            Ok((id, ttl, transaction.current()))
        })
        .await
    }

    /// Ends a lease; answers the store's revision.
    pub(crate) async fn revoke(&self, id: i64) -> Result<i64, Failure> {
        self.submit(move |transaction| {
            transaction.revoke(id)?;
            Ok(transaction.current())
        })
        .await
    }

    /// Starts a lease's time anew; nothing if there is no such lease.
    pub(crate) async fn keep_alive(&self, id: i64) -> Result<Option<i64>, Failure> {
        self.submit(move |transaction| Ok(transaction.lessor.keep_alive(id)))
            .await
    }

    pub(crate) async fn lease(&self, id: i64) -> Result<Option<LeaseInfo>, Failure> {
        self.submit(move |transaction| Ok(transaction.lessor.info(id)))
            .await
    }

    pub(crate) async fn leases(&self) -> Result<Vec<i64>, Failure> {
        self.submit(|transaction| Ok(transaction.lessor.ids()))
            .await
    }

    /// Ends leases as their time comes, and lets the writer look at the age of
    /// history, until the store is stopped or fails.
    pub(crate) async fn tick(self) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let expired = self
                .submit(|transaction| Ok(transaction.lessor.expired(Instant::now())))
                .await;
            let Ok(expired) = expired else { return };
            for id in expired {
                // Each in a transaction of its own, as a revoke by a client is.
                match self.revoke(id).await {
                    Ok(_) | Err(Failure::LeaseNotFound) => {}
                    Err(_) => return,
                }
            }
        }
    }
}

/// Reads the log into memory.
fn restore(opened: Opened) -> Result<(Shared, Lessor), Error> {
    let Opened {
        disk,
        store_id,
        compacted,
        leases,
    } = opened;
    let compacted = compacted.unwrap_or(NEVER_COMPACTED);
    let mut newest = FIRST_REVISION.max(compacted);
    let mut index = Index::default();
    let mut lessor = Lessor::default();
    for (id, ttl) in leases {
        lessor.restore(id, ttl);
    }
    read_log(&disk, |revision, record| {
        newest = newest.max(revision.main);
        // A deletion has lease 0, which detaches.
        lessor.attach(&record.key, record.lease);
        index.restore(record, revision);
    })
    .map_err(|failure| Error::Stopped(failure.to_string()))?;
    let state = State {
        index,
        published: newest,
        applied: newest,
        compacted,
        recent: Recent::default(),
    };
    Ok((Shared::new(disk, store_id, state), lessor))
}

fn read_log(
    disk: &Disk,
    mut each: impl FnMut(crate::index::Revision, etcd_proto::KeyValue),
) -> Result<(), Failure> {
    let log = disk.read()?;
    for entry in log.records(0, i64::MAX)? {
        let (revision, record) = entry?;
        each(revision, record);
    }
    Ok(())
}
