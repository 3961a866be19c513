//! The one thread that writes. It takes all calls that wait, runs them in order
//! in one database transaction, makes that durable with one fsync, and only then
//! answers them and shows their changes to readers and watchers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::config::History;
use crate::disk::Tables;
use crate::failure::Failure;
use crate::lessor::Lessor;
use crate::state::{Commit, NEVER_COMPACTED, Shared};
use crate::transaction::Transaction;

/// Calls committed together at most.
const MAX_GROUP: usize = 1024;
/// Revisions that one step of the store's own compaction covers at most, so
/// that calls do not wait long for it.
const COMPACTION_STEP: i64 = 2_000;
/// The store's own compaction waits until this share of what it keeps is due.
const COMPACTION_SLACK: u64 = 10;

/// A call for the writer.
pub(crate) trait Job: Send {
    /// Does the work within the group. An error means that the storage failed;
    /// a refused call is a result.
    fn run(&mut self, transaction: &mut Transaction<'_, '_>) -> Result<(), Failure>;
    /// Answers: the work is durable, or the storage failed.
    fn finish(self: Box<Self>, committed: Result<(), Failure>);
}

/// What the writer is told.
pub(crate) enum Order {
    /// A call to make.
    Run(Box<dyn Job>),
    /// Finish the calls before this and end, though there are still senders.
    Stop,
}

/// A closure as a [`Job`].
#[derive(Debug)]
pub(crate) struct Call<F, T> {
    work: Option<F>,
    result: Option<Result<T, Failure>>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<F, T> Call<F, T> {
    pub(crate) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, Failure>>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                work: Some(work),
                result: None,
                reply,
            },
            answer,
        )
    }
}

impl<F, T> Job for Call<F, T>
where
    F: FnOnce(&mut Transaction<'_, '_>) -> Result<T, Failure> + Send,
    T: Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_, '_>) -> Result<(), Failure> {
        if let Some(work) = self.work.take() {
            let result = work(transaction);
            if let Err(failure @ Failure::Storage(_)) = result {
                return Err(failure);
            }
            self.result = Some(result);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), Failure>) {
        let result = committed.and(self.result.unwrap_or(Err(Failure::Stopped)));
        // The caller may have gone away; its write stands all the same.
        let _gone = self.reply.send(result);
    }
}

/// The state that only the writer's thread has.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    lessor: Lessor,
    history: History,
    /// When which revision was the newest, oldest first, for the age of history.
    ages: VecDeque<(Instant, i64)>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, lessor: Lessor, history: History) -> Self {
        Self {
            shared,
            lessor,
            history,
            ages: VecDeque::new(),
        }
    }

    /// Works until it is told to stop, or every sender is gone.
    pub(crate) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(first) = orders.blocking_recv() {
            let mut group = Vec::new();
            let mut order = Some(first);
            while let Some(Order::Run(job)) = order {
                group.push(job);
                order = if group.len() < MAX_GROUP {
                    orders.try_recv().ok()
                } else {
                    None
                };
            }
            self.commit(group);
            self.compact_history();
            if let Some(Order::Stop) = order {
                return;
            }
        }
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        let committed = self.shared.check().and_then(|()| self.apply(&mut group));
        if let Err(failure) = &committed {
            tracing::error!(%failure, "the storage failed; no more calls are taken");
            self.shared.fail(failure.clone());
        }
        for job in group {
            job.finish(committed.clone());
        }
    }

    fn apply(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let mut commits: Vec<Arc<Commit>> = Vec::new();
        let database = self.shared.disk.write()?;
        let dirty = {
            let mut tables = Tables::open(&database)?;
            for job in group {
                let state = self.shared.state_mut();
                let mut transaction = Transaction::begin(state, &mut tables, &mut self.lessor);
                job.run(&mut transaction)?;
                commits.extend(transaction.end());
            }
            tables.is_dirty()
        };
        if dirty {
            database.commit().map_err(Failure::storage)?;
            self.shared.publish(commits);
        } else {
            database.abort().map_err(Failure::storage)?;
        }
        Ok(())
    }

    /// Compacts what is older than the history to keep, a step at a time.
    fn compact_history(&mut self) {
        let Some(target) = self.compaction_target() else {
            return;
        };
        let (call, _answer) =
            Call::new(move |transaction: &mut Transaction<'_, '_>| transaction.compact(target));
        self.commit(vec![Box::new(call)]);
    }

    fn compaction_target(&mut self) -> Option<i64> {
        let (newest, compacted) = {
            let state = self.shared.state();
            (state.published, state.compacted)
        };
        let now = Instant::now();
        self.note_age(now, newest);
        let keep = i64::try_from(self.history.revisions).ok()?;
        let slack = i64::try_from(self.history.revisions / COMPACTION_SLACK)
            .ok()?
            .max(1);
        let by_count = newest.checked_sub(keep)?;
        let by_age = self.aged_out(now)?;
        let due = by_count.min(by_age);
        let floor = compacted.max(NEVER_COMPACTED).max(0);
        (due - floor >= slack).then(|| due.min(floor + COMPACTION_STEP))
    }

    /// Samples at most 64 times per age to keep.
    fn note_age(&mut self, now: Instant, newest: i64) {
        let due = self
            .ages
            .back()
            .is_none_or(|(last, _)| now - *last >= self.history.age / 64);
        if due {
            self.ages.push_back((now, newest));
        }
    }

    /// The newest revision that is known to be older than the age to keep.
    fn aged_out(&mut self, now: Instant) -> Option<i64> {
        let limit = now.checked_sub(self.history.age)?;
        // Keep one sample beyond the limit: it is the answer.
        while let Some((second, _)) = self.ages.get(1)
            && *second <= limit
        {
            self.ages.pop_front();
        }
        self.ages
            .front()
            .filter(|(at, _)| *at <= limit)
            .map(|(_, revision)| *revision)
    }
}
