//! What readers and the writer share: the index, the published revision, and
//! the latest changes for watchers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use etcd_proto::Event;
use tokio::sync::watch;

use crate::disk::{Disk, LogReader};
use crate::failure::Failure;
use crate::index::{Found, Index, Revision};
use crate::ops::View;

/// Changes kept in memory for watchers that follow closely.
const RECENT_BYTES: usize = 16 << 20;

/// etcd's first revision: that of a store nothing was ever written to.
pub(crate) const FIRST_REVISION: i64 = 1;
/// etcd's mark for "never compacted".
pub(crate) const NEVER_COMPACTED: i64 = -1;

/// The store's state, shared by all calls.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Disk,
    pub(crate) store_id: u64,
    state: RwLock<State>,
    /// The published revision, for those who wait for it to grow.
    published: watch::Sender<i64>,
    /// Why the storage takes no more writes.
    failed: Mutex<Option<Failure>>,
}

/// Guarded by one lock, held for the time of one call at most, never during an
/// fsync: readers go on while a group is committed.
#[derive(Debug)]
pub(crate) struct State {
    /// May be ahead of `published` by the group being committed; reads at a
    /// revision do not see it.
    pub(crate) index: Index,
    /// The newest revision that is on the disk.
    pub(crate) published: i64,
    /// The newest revision given out.
    pub(crate) applied: i64,
    /// Revisions before it cannot be read.
    pub(crate) compacted: i64,
    pub(crate) recent: Recent,
}

impl Shared {
    pub(crate) fn new(disk: Disk, store_id: u64, state: State) -> Self {
        let published = watch::Sender::new(state.published);
        Self {
            disk,
            store_id,
            state: RwLock::new(state),
            published,
            failed: Mutex::new(None),
        }
    }

    /// The state for reading.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for changing; the writer's alone.
    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when the published revision grows.
    pub(crate) fn subscribe(&self) -> watch::Receiver<i64> {
        self.published.subscribe()
    }

    /// Makes committed changes visible.
    pub(crate) fn publish(&self, commits: Vec<Arc<Commit>>) {
        let revision = {
            let mut state = self.state_mut();
            state.published = state.applied;
            state.recent.extend(commits);
            state.published
        };
        self.published
            .send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }

    /// Refuses all further calls: what is in memory may differ from the disk.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert(failure);
    }

    /// An error if the storage has failed.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone().map_or(Ok(()), Err)
    }

    /// The committed state at this moment. It stands still while held, so hold
    /// it briefly.
    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>, Failure> {
        self.check()?;
        let state = self.state();
        // Under the lock, so that a compaction cannot remove records that the
        // index still names: it changes the index first.
        let log = self.disk.read()?;
        Ok(Snapshot { state, log })
    }
}

/// The committed state at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    pub(crate) state: RwLockReadGuard<'a, State>,
    pub(crate) log: LogReader,
}

impl View for Snapshot<'_> {
    fn index(&self) -> &Index {
        &self.state.index
    }

    fn current(&self) -> i64 {
        self.state.published
    }

    fn compacted(&self) -> i64 {
        self.state.compacted
    }

    fn record(&self, revision: Revision) -> Result<etcd_proto::KeyValue, Failure> {
        self.log.record(revision)
    }
}

impl Snapshot<'_> {
    /// A key as of a past revision, for a watch's `prev_kv`.
    pub(crate) fn find(&self, key: &[u8], at: i64) -> Option<Found> {
        (at >= self.state.compacted)
            .then(|| self.state.index.find(key, at))
            .flatten()
    }
}

/// What one transaction changed.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) revision: i64,
    pub(crate) events: Vec<Event>,
    pub(crate) bytes: usize,
}

/// The latest commits, without gaps between them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
}

impl Recent {
    fn extend(&mut self, commits: Vec<Arc<Commit>>) {
        for commit in commits {
            self.bytes = self.bytes.saturating_add(commit.bytes);
            self.commits.push_back(commit);
        }
        while self.bytes > RECENT_BYTES
            && let Some(oldest) = self.commits.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
    }

    /// The commits from `revision` on, if none of them has been let go.
    pub(crate) fn since(&self, revision: i64) -> Option<impl Iterator<Item = &Arc<Commit>>> {
        let oldest = self.commits.front()?.revision;
        if revision < oldest {
            return None;
        }
        let start = self
            .commits
            .partition_point(|commit| commit.revision < revision);
        Some(self.commits.range(start..))
    }
}
