//! What must hold of a history. Each commit of the store is known, ours or a real one, so
//! the state at each revision is, and with it the order of all writes. So it is enough to
//! check two things.
//!
//! - *At each commit*: it belongs to a request that is not yet answered, whose token
//!   stands, and it takes the state before to the state that the sequential model makes of
//!   it; with one event, that tells of it.
//! - *At each answer*: there is a state between the beginning of the request and its
//!   answer of which the answer is true. For a write that committed, it is the state that
//!   it made.
//!
//! This is linearizability of the whole directory, shown by its witness: each request
//! takes effect at one point between its beginning and its answer, and the points are
//! in the order of the store's revisions. Nothing is searched for.

use crate::answer::{self, Said};
use crate::chronicle::Chronicle;
use crate::explain::resolved;
use crate::history::Entry;
use crate::model::{self, Effect};
use crate::operation::Op;
use crate::state::{Id, State};
use std::rc::Rc;

/// How often a request starts again that meets other writers.
const ATTEMPTS: usize = 7;

impl Chronicle {
    /// Checks the answer that a request got: the revisions of which it is true.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn judge(&self, entry: &Entry, said: &Said) -> Result<Vec<i64>, String> {
        let to = entry.end.as_ref().map_or(0, |(end, _)| end.revision);
        let during = entry.begun.revision..=to;
        let lets_in = |revision: &i64| self.state(*revision).lets_in(entry.call.caller);
        let revisions: Vec<i64> = match entry.call.op.walk() {
            // All its pages are of one state, which may be older than the request.
            Some(walk) if walk.cursor.is_some() => match during.clone().any(|at| lets_in(&at)) {
                true => walk.revisions.clone(),
                false => Vec::new(),
            },
            _ => during.clone().collect(),
        };
        let between = revisions.into_iter().map(|at| (at, self.state(at)));
        let between: Vec<(i64, Rc<State>)> = between.collect();
        match &entry.call.op {
            _ if said.status == 401 && entry.commits.is_empty() => {
                match during.clone().all(|at| lets_in(&at)) {
                    true => Err("is refused though its token stands".to_owned()),
                    false => Ok(Vec::new()),
                }
            }
            Op::Bulk(operations) if said.status == 200 => bulk(entry, operations, said, &between),
            _ => self.one(entry, said, &between),
        }
    }

    fn one(
        &self,
        entry: &Entry,
        said: &Said,
        between: &[(i64, Rc<State>)],
    ) -> Result<Vec<i64>, String> {
        let committed = entry.commits.first().map(|(revision, _)| *revision);
        if said.status == 503 {
            return self.excuse(entry, said);
        }
        if let Some(walk) = entry.call.op.walk()
            && said.has_expired()
            && walk
                .revisions
                .iter()
                .any(|revision| *revision < self.compacted)
        {
            return Ok(Vec::new());
        }
        let is_administered = matches!(entry.call.op, Op::Revoke(_) | Op::Sweep);
        let is_paged = entry
            .call
            .op
            .walk()
            .is_some_and(|walk| walk.cursor.is_some());
        let lets_in =
            |state: &State| is_administered || is_paged || state.lets_in(entry.call.caller);
        let true_of: Vec<i64> = between
            .iter()
            .filter(|(revision, state)| {
                committed.map_or_else(|| lets_in(state), |committed| committed == *revision)
                    && answer::is_true(entry, said, committed.is_some(), state, between)
            })
            .map(|(revision, _)| *revision)
            .collect();
        match (true_of.is_empty(), committed) {
            (false, _) => Ok(true_of),
            (true, Some(at)) => Err(format!(
                "wrote revision {at}, and its answer {} is not true of it",
                said.status
            )),
            (true, None) => Err(format!(
                "wrote nothing, and its answer {} was true at no time from its beginning to its end",
                said.status
            )),
        }
    }

    /// Whether a request had reason to say that the store did not answer.
    fn excuse(&self, entry: &Entry, said: &Said) -> Result<Vec<i64>, String> {
        if entry.faults > 0 {
            return Ok(Vec::new());
        }
        let others = self.since(entry.begun.revision).len();
        if said.detail().contains("at the same time") && others >= ATTEMPTS {
            return Ok(Vec::new());
        }
        Err(format!("is answered 503 without reason: {}", said.detail()))
    }
}

/// Whether what a bulk request says of each of its operations is true: each of a time of
/// its own.
fn bulk(
    entry: &Entry,
    operations: &[Op],
    said: &Said,
    between: &[(i64, Rc<State>)],
) -> Result<Vec<i64>, String> {
    let outcomes = said.body["Operations"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if outcomes.len() != operations.len() {
        return Err(format!("has {} outcomes", outcomes.len()));
    }
    let mut made = None;
    for (place, (op, outcome)) in operations.iter().zip(outcomes).enumerate() {
        let status = outcome["status"]
            .as_str()
            .and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or("has an outcome without status")?;
        let committed = entry.commits.iter().find(|(_, of)| *of == place);
        let in_doubt = status == 503;
        if in_doubt && entry.faults == 0 {
            return Err(format!("says 503 of its operation {place} without reason"));
        }
        let right = match (committed, status) {
            (_, 503) | (Some(_), 200..300) => true,
            (Some(_), _) => false,
            (None, 401) => between
                .iter()
                .any(|(_, state)| !state.lets_in(entry.call.caller)),
            (None, status) => between.iter().any(|(_, state)| {
                let tenant = state.of(entry.call.caller);
                let op = resolved(op, made.as_ref());
                match model::apply(tenant, &op, None, &"".into(), 0) {
                    Effect::Same => (200..300).contains(&status),
                    Effect::Refused(reasons) => reasons.contains(&status),
                    // What it refers to was not made.
                    Effect::Changed(_) => made.is_none() && place > 0 && status >= 400,
                }
            }),
        };
        if !right {
            let what = committed.map_or("nothing".to_owned(), |(at, _)| format!("revision {at}"));
            return Err(format!(
                "wrote {what} for operation {place} and says {status} of it"
            ));
        }
        if place == 0 {
            made = created(outcome);
        }
    }
    Ok(Vec::new())
}

/// What the first operation of a bulk request has made.
fn created(outcome: &serde_json::Value) -> Option<Id> {
    let location = outcome["location"].as_str()?;
    let id = location.rsplit('/').next()?;
    outcome["status"]
        .as_str()?
        .starts_with('2')
        .then(|| id.into())
}
