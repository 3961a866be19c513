//! A watcher, and reading what it has not seen yet.

use std::sync::Arc;

use etcd_proto::Event;
use etcd_proto::event::EventType;

use crate::disk::LogReader;
use crate::failure::Failure;
use crate::interval::Interval;
use crate::state::{Commit, Shared};

/// A response is sent when its events reach this size in bytes, at the end of a
/// transaction: those of one are never split.
const RESPONSE_BYTES: usize = 1 << 20;

/// One watch of a stream.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) interval: Interval,
    /// The first revision not seen yet.
    pub(super) next: i64,
    /// Whether it has once seen everything. From then on a compaction does not
    /// hurt it, as long as the commits that it still has to see are in memory.
    pub(super) synced: bool,
    /// Whether a compaction ended it. As with etcd its id stays taken, and a
    /// client's cancellation of it is still confirmed.
    pub(super) ended: bool,
    pub(super) without_puts: bool,
    pub(super) without_deletes: bool,
    pub(super) prev_kv: bool,
    pub(super) progress_notify: bool,
    /// Whether anything was sent since the last progress notification was due.
    pub(super) active: bool,
}

impl Watcher {
    fn wants(&self, event: &Event) -> bool {
        let filtered = match event.r#type() {
            EventType::Put => self.without_puts,
            EventType::Delete => self.without_deletes,
        };
        !filtered
            && event
                .kv
                .as_ref()
                .is_some_and(|kv| self.interval.contains(&kv.key))
    }
}

/// What a watcher can be told at once.
#[derive(Debug)]
pub(super) enum Batch {
    /// It has seen everything.
    UpToDate,
    /// What it asks for is gone.
    Compacted { revision: i64 },
    /// Events up to a revision; none, if none of them concern it.
    Events { events: Vec<Event>, revision: i64 },
}

impl Batch {
    /// Reads what comes next for a watcher, and moves it on.
    pub(super) fn read(shared: &Shared, watcher: &mut Watcher) -> Result<Self, Failure> {
        let (published, commits) = {
            let state = shared.state();
            if watcher.next > state.published {
                watcher.synced = true;
                return Ok(Self::UpToDate);
            }
            if !watcher.synced && watcher.next < state.compacted {
                return Ok(Self::Compacted {
                    revision: state.compacted,
                });
            }
            let commits = state.recent.since(watcher.next);
            let commits: Option<Vec<Arc<Commit>>> = commits.map(|found| found.cloned().collect());
            (state.published, commits)
        };
        let mut collected = Collected::new(watcher);
        let published = match commits {
            Some(commits) => {
                collected.add_commits(&commits);
                published
            }
            None => {
                let snapshot = shared.snapshot()?;
                let (published, compacted) = (snapshot.state.published, snapshot.state.compacted);
                if watcher.next < compacted {
                    return Ok(Self::Compacted {
                        revision: compacted,
                    });
                }
                let log = snapshot.log;
                drop(snapshot.state);
                collected.add_log(&log, published)?;
                published
            }
        };
        let Collected {
            mut events, next, ..
        } = collected;
        let revision = if events.is_empty() {
            published
        } else {
            next - 1
        };
        watcher.next = next.max(watcher.next);
        if watcher.prev_kv {
            add_previous(shared, &mut events)?;
        }
        Ok(Self::Events { events, revision })
    }
}

/// Events gathered for one response.
#[derive(Debug)]
struct Collected<'w> {
    watcher: &'w Watcher,
    events: Vec<Event>,
    bytes: usize,
    next: i64,
}

impl<'w> Collected<'w> {
    fn new(watcher: &'w Watcher) -> Self {
        Self {
            watcher,
            events: Vec::new(),
            bytes: 0,
            next: watcher.next,
        }
    }

    fn has_room(&self) -> bool {
        self.bytes < RESPONSE_BYTES
    }

    fn add(&mut self, event: &Event) {
        if self.watcher.wants(event) {
            let size = event
                .kv
                .as_ref()
                .map_or(0, |kv| kv.key.len() + kv.value.len());
            self.bytes += size + size_of::<Event>();
            self.events.push(event.clone());
        }
    }

    fn add_commits(&mut self, commits: &[Arc<Commit>]) {
        for commit in commits {
            if !self.has_room() {
                return;
            }
            for event in &commit.events {
                self.add(event);
            }
            self.next = commit.revision + 1;
        }
    }

    fn add_log(&mut self, log: &LogReader, published: i64) -> Result<(), Failure> {
        let mut transaction = None;
        for entry in log.records(self.next, published)? {
            let (revision, mut record) = entry?;
            if transaction.replace(revision.main) != Some(revision.main) && !self.has_room() {
                self.next = revision.main;
                return Ok(());
            }
            let deleted = record.version == 0;
            record.mod_revision = revision.main;
            let kind = if deleted {
                EventType::Delete
            } else {
                EventType::Put
            };
            self.add(&Event {
                r#type: kind as i32,
                kv: Some(record),
                prev_kv: None,
            });
        }
        self.next = published + 1;
        Ok(())
    }
}

/// Adds what each key was before, where that can still be read.
fn add_previous(shared: &Shared, events: &mut [Event]) -> Result<(), Failure> {
    for event in events {
        let Some(kv) = &event.kv else { continue };
        let snapshot = shared.snapshot()?;
        if let Some(found) = snapshot.find(&kv.key, kv.mod_revision - 1) {
            event.prev_kv = Some(snapshot.log.record(found.modified)?);
        }
    }
    Ok(())
}
