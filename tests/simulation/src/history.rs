//! What happened: every request with its answer, and every commit.

use crate::layout::{Change, Event};
use crate::operation::Call;
use crate::state::Id;
use crate::weather::Micros;
use directory::http::Response;
use std::fmt;

/// When something happened, and at which revision the store was then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) time: Micros,
    pub(crate) revision: i64,
}

/// Names a request: its place among all.
pub(crate) type TaskId = usize;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) client: usize,
    pub(crate) edge: usize,
    pub(crate) call: Call,
    pub(crate) begun: Moment,
    pub(crate) end: Option<(Moment, End)>,
    /// How many of its calls of the store came to harm, and how often the store forgot
    /// its past meanwhile.
    pub(crate) faults: usize,
    /// The revisions that it wrote; of a bulk request each with the place of its
    /// operation.
    pub(crate) commits: Vec<(i64, usize)>,
    /// What the first operation of a bulk request made, or the only one.
    pub(crate) made: Option<Id>,
    /// Whether it wrote something that nobody sees until its commit.
    pub(crate) staged: bool,
    /// The revisions of which its answer is true.
    pub(crate) true_of: Vec<i64>,
}

impl Entry {
    /// A request that begins.
    pub(crate) fn new(client: usize, edge: usize, call: Call, begun: Moment) -> Self {
        Self {
            client,
            edge,
            call,
            begun,
            end: None,
            faults: 0,
            commits: Vec::new(),
            made: None,
            staged: false,
            true_of: Vec::new(),
        }
    }

    /// Takes a commit that was found to be its own.
    pub(crate) fn wrote(&mut self, commit: &Commit, place: Option<usize>) {
        let Some(place) = place else {
            self.staged = true;
            return;
        };
        if place == 0 {
            self.made = commit.events.first().map(|event| event.id.clone());
        }
        self.commits.push((commit.at.revision, place));
    }
}

/// How a request ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Answered(Response),
    /// The client went away.
    ClientLeft,
    /// The edge died.
    EdgeDied,
}

/// A write of the store.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) at: Moment,
    /// Whose it is; none for what was there at the beginning.
    pub(crate) task: Option<TaskId>,
    pub(crate) events: Vec<Event>,
    pub(crate) changes: Vec<Change>,
}

impl Commit {
    /// Whether it takes a key of this member from some generation of this group.
    pub(crate) fn takes_from(&self, group: &Id, member: &Id) -> bool {
        self.changes
            .iter()
            .any(|change| change.takes_from(group, member))
    }
}

/// Something that befell the store or an edge.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) time: Micros,
    pub(crate) what: String,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub(crate) entries: Vec<Entry>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) incidents: Vec<Incident>,
}

impl History {
    /// A number that hardly two histories share (FNV-1a over all of its text).
    #[must_use]
    pub fn hash(&self) -> u64 {
        let text = self.to_string();
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// How many requests it has.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.entries.len()
    }

    /// How many writes of the store.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.commits.len()
    }
}

impl fmt::Display for History {
    /// In the order in which it happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(Micros, String)> = Vec::new();
        for (task, entry) in self.entries.iter().enumerate() {
            let request = entry.call.request();
            lines.push((
                entry.begun.time,
                format!(
                    "#{task} client {} of {} at edge {}, revision {}: {} {}{} {}",
                    entry.client,
                    entry.call.caller.token_id(),
                    entry.edge,
                    entry.begun.revision,
                    request.method,
                    request.target,
                    entry
                        .call
                        .version
                        .map_or(String::new(), |v| format!(" (version {v})")),
                    String::from_utf8_lossy(&request.body),
                ),
            ));
            if let Some((at, end)) = &entry.end {
                let end = match end {
                    End::Answered(response) => format!(
                        "{} {}",
                        response.status,
                        String::from_utf8_lossy(&response.body)
                    ),
                    End::ClientLeft => "its client went away".to_owned(),
                    End::EdgeDied => "its edge died".to_owned(),
                };
                let faults = entry.faults;
                let end = format!(
                    "#{task} after {faults} faults, revision {}: {end}",
                    at.revision
                );
                lines.push((at.time, end));
            }
        }
        for commit in &self.commits {
            let whose = commit
                .task
                .map_or("in the beginning".to_owned(), |t| format!("for #{t}"));
            lines.push((
                commit.at.time,
                format!("  revision {} {whose}", commit.at.revision),
            ));
            for change in &commit.changes {
                let line = match change {
                    Change::Put(key, value, _) => {
                        format!("    {key} = {}", String::from_utf8_lossy(value))
                    }
                    Change::Delete(key) => format!("    {key} deleted"),
                };
                lines.push((commit.at.time, line));
            }
        }
        let incidents = self.incidents.iter();
        lines.extend(incidents.map(|one| (one.time, format!("  *** {}", one.what))));
        // Stable: what happened at one time stays in its order.
        lines.sort_by_key(|(time, _)| *time);
        for (time, line) in lines {
            writeln!(f, "{:>10.3} ms  {line}", time as f64 / 1_000.0)?;
        }
        Ok(())
    }
}
