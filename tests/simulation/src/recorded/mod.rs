//! Histories that really happened: requests over HTTP with their answers, and what a watch of a
//! real etcd saw. They are checked as the simulated ones are; only when a request took place is
//! known less exactly, namely from when until when at least, and which request a commit belongs
//! to is found out.

mod checker;
mod claim;
mod client;

pub use checker::{Verdict, check};
pub use client::Client;

pub use crate::operation::Call;

use crate::layout::Change;
use crate::tenants::TENANTS;
use directory::kv::{LeaseId, Op};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// One thing that was seen. The order of notes is one that things may have happened in: what
/// is caused by something is noted after it.
#[derive(Clone, Debug)]
pub struct Note {
    /// When it was noted, since the beginning.
    pub time: Duration,
    /// What it is.
    pub seen: Seen,
}

/// What can be seen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A client is about to send a request.
    Begun {
        /// Which of the clients.
        client: usize,
        /// Through which of the proxies.
        edge: usize,
        /// What it asks for.
        call: Call,
        /// A revision that the store had reached by then.
        revision: i64,
    },
    /// The request that a client waited for has come to its end.
    Ended {
        /// Which of the clients.
        client: usize,
        /// The answer, unless there was none.
        answer: Option<Answer>,
        /// How many looks at the store had begun by then.
        looks: u64,
    },
    /// The store was looked at, past all proxies.
    Looked {
        /// Which look it was, counted from one.
        number: u64,
        /// The revision that the store had when it answered.
        revision: i64,
    },
    /// A commit of the store.
    Committed {
        /// Its revision.
        revision: i64,
        /// The keys it put or deleted.
        writes: Vec<Write>,
    },
    /// The store is about to forget what was before this revision.
    Compacting(i64),
    /// All that the store holds, when nobody writes any more.
    Held(Vec<(Vec<u8>, Vec<u8>)>),
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The entity tag.
    pub tag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A key that a commit put, with its value and the number of its lease, or deleted.
#[derive(Clone, Debug)]
pub struct Write {
    /// The key.
    pub key: String,
    /// Its value and lease; none when it was deleted.
    pub put: Option<(Vec<u8>, i64)>,
}

impl From<Write> for Change {
    fn from(write: Write) -> Self {
        match write.put {
            Some((value, lease)) => Self::Put(write.key, value, LeaseId(lease)),
            None => Self::Delete(write.key),
        }
    }
}

/// Notes what is seen, from any thread.
#[derive(Clone, Debug)]
pub struct Recorder {
    notes: Sender<Note>,
    /// The highest revision that anybody has seen.
    reached: Arc<AtomicI64>,
    /// The highest revision of a commit that was noted.
    watched: Arc<AtomicI64>,
    looks: Arc<AtomicU64>,
    beginning: Instant,
}

impl Recorder {
    /// One whose notes go there.
    #[must_use]
    pub fn new(notes: Sender<Note>) -> Self {
        Self {
            notes,
            reached: Arc::default(),
            watched: Arc::default(),
            looks: Arc::default(),
            beginning: Instant::now(),
        }
    }

    /// A client is about to send a request through one of the proxies.
    pub fn begins(&self, client: usize, edge: usize, call: &Call) {
        let (call, revision) = (call.clone(), self.reached.load(Ordering::SeqCst));
        self.note(Seen::Begun {
            client,
            edge,
            call,
            revision,
        });
    }

    /// Its request has come to its end.
    pub fn ends(&self, client: usize, answer: Option<Answer>) {
        let looks = self.looks.load(Ordering::SeqCst);
        self.note(Seen::Ended {
            client,
            answer,
            looks,
        });
    }

    /// The store is about to be looked at: the number of the look.
    #[must_use]
    pub fn looks(&self) -> u64 {
        1 + self.looks.fetch_add(1, Ordering::SeqCst)
    }

    /// The look with this number showed a revision, by a linearizable read.
    pub fn looked(&self, number: u64, revision: i64) {
        self.reached.fetch_max(revision, Ordering::SeqCst);
        self.note(Seen::Looked { number, revision });
    }

    /// The watch showed a commit.
    pub fn committed(&self, revision: i64, writes: Vec<Write>) {
        self.note(Seen::Committed { revision, writes });
        self.reached.fetch_max(revision, Ordering::SeqCst);
        self.watched.fetch_max(revision, Ordering::SeqCst);
    }

    /// The store is about to forget what was before a revision.
    pub fn compacts(&self, revision: i64) {
        self.note(Seen::Compacting(revision));
    }

    /// All that the store holds, at the end.
    pub fn holds(&self, keys: Vec<(Vec<u8>, Vec<u8>)>) {
        self.note(Seen::Held(keys));
    }

    /// The highest revision of a commit that the watch has shown.
    #[must_use]
    pub fn watched(&self) -> i64 {
        self.watched.load(Ordering::SeqCst)
    }

    fn note(&self, seen: Seen) {
        let time = self.beginning.elapsed();
        // Whoever reads no more wants no more.
        let _ = self.notes.send(Note { time, seen });
    }
}

/// What the store is to hold before the proxies start: the tenants, and a token for each client.
#[must_use]
pub fn founding(clients: usize) -> Vec<(String, String)> {
    let founding = crate::tenants::founding(clients.div_ceil(TENANTS.len()));
    let puts = founding.then.into_iter().filter_map(|op| match op {
        Op::Put { key, value, .. } => Some((
            String::from_utf8_lossy(&key).into_owned(),
            String::from_utf8_lossy(&value).into_owned(),
        )),
        Op::Delete { .. } | Op::Range(_) | Op::Txn(_) => None,
    });
    puts.collect()
}
