//! What the store did, commit by commit, and the state that each commit made. Whoever saw
//! the commits, in a simulation or of a real etcd, tells them here, and what is to be
//! checked is checked against this: see [`check`](crate::check).

use crate::history::{Commit, Moment, TaskId};
use crate::layout::{Change, Mirror};
use crate::state::State;
use std::rc::Rc;

/// The commits and their states, from some revision on.
#[derive(Debug)]
pub(crate) struct Chronicle {
    pub(crate) mirror: Mirror,
    pub(crate) commits: Vec<Commit>,
    /// What was before this revision is forgotten by the store.
    pub(crate) compacted: i64,
    states: Vec<Rc<State>>,
    /// The revision of the first state.
    first: i64,
}

impl Chronicle {
    pub(crate) fn new() -> Self {
        Self {
            mirror: Mirror::default(),
            commits: Vec::new(),
            compacted: 0,
            // Nothing is at revision 0, and etcd begins at 1.
            states: vec![Rc::default(), Rc::default()],
            first: 0,
        }
    }

    /// The revision of the last commit.
    pub(crate) fn revision(&self) -> i64 {
        self.first + self.states.len() as i64 - 1
    }

    /// Takes over a commit.
    ///
    /// # Errors
    /// What cannot be read, or does not fit together.
    pub(crate) fn write(
        &mut self,
        at: Moment,
        task: Option<TaskId>,
        changes: Vec<Change>,
    ) -> Result<(), String> {
        let after = self.revision();
        if at.revision != after + 1 {
            return Err(format!("the revision before is {after}"));
        }
        let written = self.mirror.write(&changes, at.revision);
        self.states.push(Rc::new(self.mirror.state().clone()));
        let (events, result) = match written {
            Ok(events) => (events, Ok(())),
            Err(wrong) => (Vec::new(), Err(wrong)),
        };
        self.commits.push(Commit {
            at,
            task,
            events,
            changes,
        });
        result
    }

    pub(crate) fn state(&self, revision: i64) -> Rc<State> {
        let at = usize::try_from(revision - self.first).ok();
        at.and_then(|at| self.states.get(at))
            .cloned()
            .unwrap_or_default()
    }

    /// The states from one revision to before another.
    pub(crate) fn between(&self, from: i64, to: i64) -> &[Rc<State>] {
        let at = |revision| usize::try_from(revision - self.first).unwrap_or_default();
        self.states.get(at(from)..at(to)).unwrap_or_default()
    }

    /// The commits after a revision.
    pub(crate) fn since(&self, revision: i64) -> &[Commit] {
        let first = self.place(revision);
        self.commits.get(first..).unwrap_or_default()
    }

    /// Forgets what was before a revision.
    pub(crate) fn forget(&mut self, before: i64) {
        let before = before.clamp(self.first, self.revision());
        self.states
            .drain(..usize::try_from(before - self.first).unwrap_or_default());
        self.first = before;
        self.commits.drain(..self.place(before - 1));
    }

    fn place(&self, revision: i64) -> usize {
        self.commits
            .partition_point(|commit| commit.at.revision <= revision)
    }
}
