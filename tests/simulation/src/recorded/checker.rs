//! Puts notes in order and checks them. A commit is looked at once every request that it may be of
//! has ended; an answer once every commit is known that was made before it.

use super::claim::{Claim, claim, is_open};
use super::client::caller;
use super::{Answer, Note, Seen};
use crate::answer::Said;
use crate::chronicle::Chronicle;
use crate::explain::{explanation, is_unseen};
use crate::history::{Commit, End, Entry, History, Moment};
use crate::layout::{Change, Event};
use crate::operation::{Call, Op};
use crate::weather::Micros;
use std::collections::VecDeque;
use std::time::Duration;

/// After this long a request without a certain answer is under way no more, anywhere.
const UNDER_WAY: Micros = 60_000_000;
/// How far back the chronicle goes at least.
const REVISIONS: i64 = 2_000;
/// After so many violations it says no more.
const VIOLATIONS: usize = 10;
/// Later than any revision.
const NOT_YET: i64 = i64::MAX;

/// What came of a history.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How many requests were sent.
    pub requests: usize,
    /// How many answers were found true, without those of status 503.
    pub answers: usize,
    /// How many writes of clients the store has.
    pub writes: usize,
    /// How many requests got 503 or no answer.
    pub open: usize,
    /// How many of those had taken place.
    pub unheard: usize,
    /// What must not have happened, each with what was around it.
    pub violations: Vec<String>,
}

/// Checks a history.
#[must_use]
pub fn check(notes: impl IntoIterator<Item = Note>) -> Verdict {
    let mut checker = Checker {
        chronicle: Chronicle::new(),
        clients: Vec::new(),
        unexplained: VecDeque::new(),
        noted: 0,
        now: 0,
        verdict: Verdict::default(),
    };
    for note in notes {
        checker.take(note);
        if checker.verdict.violations.len() >= VIOLATIONS {
            return checker.verdict;
        }
    }
    checker.finish()
}

/// A request, and how far it is.
struct Asked {
    /// Its place among the notes.
    noted: usize,
    entry: Entry,
    stage: Stage,
}

enum Stage {
    /// It is not yet known how it ended.
    UnderWay,
    /// Answered, when so many looks at the store had begun.
    Answered(Said, u64),
    /// It got no certain answer: it may yet take place.
    Open,
}

#[derive(Default)]
struct Asking {
    /// Those that may still matter.
    asked: Vec<Asked>,
    /// The revisions of which the pages of its walk were true.
    walk: Vec<i64>,
}

struct Unexplained {
    /// Its place among the notes.
    noted: usize,
    at: Moment,
    changes: Vec<Change>,
}

struct Checker {
    chronicle: Chronicle,
    clients: Vec<Asking>,
    unexplained: VecDeque<Unexplained>,
    noted: usize,
    now: Micros,
    verdict: Verdict,
}

impl Checker {
    fn take(&mut self, note: Note) {
        self.noted += 1;
        self.now = micros(note.time);
        match note.seen {
            Seen::Begun {
                client,
                edge,
                call,
                revision,
            } => self.begin(client, edge, call, revision),
            Seen::Ended {
                client,
                answer,
                looks,
            } => self.end(client, answer, looks),
            Seen::Looked { number, revision } => self.look(number, revision),
            Seen::Committed { revision, writes } => self.unexplained.push_back(Unexplained {
                noted: self.noted,
                at: self.moment(revision),
                changes: writes.into_iter().map(Change::from).collect(),
            }),
            Seen::Compacting(revision) => {
                let compacted = &mut self.chronicle.compacted;
                *compacted = revision.max(*compacted);
            }
            Seen::Held(keys) => {
                self.go_on();
                if !self.chronicle.mirror.is(&keys) {
                    self.violates("the store does not hold what was written to it".to_owned());
                }
            }
        }
        self.go_on();
    }

    fn moment(&self, revision: i64) -> Moment {
        Moment {
            time: self.now,
            revision,
        }
    }

    fn begin(&mut self, client: usize, edge: usize, call: Call, revision: i64) {
        self.verdict.requests += 1;
        if self.clients.len() <= client {
            self.clients.resize_with(client + 1, Asking::default);
        }
        let mut entry = Entry::new(client, edge, call, self.moment(revision));
        // What befell a call of the store on its way is not known.
        entry.faults = 1;
        let asked = Asked {
            noted: self.noted,
            entry,
            stage: Stage::UnderWay,
        };
        self.clients[client].asked.push(asked);
    }

    fn end(&mut self, client: usize, answer: Option<Answer>, looks: u64) {
        let at = self.moment(NOT_YET);
        let asked = self.clients.get_mut(client);
        let Some(asked) = asked.and_then(|client| client.asked.last_mut()) else {
            return self.violates(format!(
                "client {client} got an answer and had asked nothing"
            ));
        };
        let Some(response) = answer.map(|answer| answer.response()) else {
            self.verdict.open += 1;
            asked.entry.end = Some((at, End::ClientLeft));
            asked.stage = Stage::Open;
            return;
        };
        let said = Said::of(&response);
        asked.entry.end = Some((at, End::Answered(response)));
        match said {
            Ok(said) => asked.stage = Stage::Answered(said, looks),
            Err(wrong) => {
                asked.stage = Stage::Open;
                let entry = asked.entry.clone();
                self.finds(&entry, &wrong);
            }
        }
    }

    /// Whoever was answered before a look began, was answered by the revision that it showed.
    fn look(&mut self, number: u64, revision: i64) {
        for asked in self.clients.iter_mut().flat_map(|one| &mut one.asked) {
            if let (Stage::Answered(_, looks), Some((at, _))) = (&asked.stage, &mut asked.entry.end)
                && at.revision == NOT_YET
                && *looks < number
            {
                at.revision = revision;
            }
        }
    }

    /// Checks what can be checked by now.
    fn go_on(&mut self) {
        while let Some(next) = self.unexplained.front() {
            let noted = next.noted;
            let mut asked = self.clients.iter().flat_map(|client| &client.asked);
            if asked.any(|one| one.noted < noted && matches!(one.stage, Stage::UnderWay)) {
                break;
            }
            if let Some(next) = self.unexplained.pop_front() {
                self.explain(next);
                self.judge();
            }
        }
        self.judge();
    }

    fn explain(&mut self, next: Unexplained) {
        let revision = next.at.revision;
        if let Err(wrong) = self.chronicle.write(next.at, None, next.changes) {
            return self.violates(format!("at revision {revision}, {wrong}"));
        }
        let Some(commit) = self.chronicle.commits.last() else {
            return;
        };
        let Some(event) = commit.events.first() else {
            let before = self.chronicle.state(revision - 1);
            // Before the first request, tenants and tokens are made.
            let unseen = is_unseen(commit, &before, &self.chronicle.state(revision));
            if self.verdict.requests > 0 && !unseen {
                self.violates(format!("revision {revision} was written without an event"));
            }
            return;
        };
        self.verdict.writes += 1;
        match self.whose(event, next.noted, revision) {
            Ok((client, place, operation)) => {
                let asked = &mut self.clients[client].asked[place];
                asked.entry.wrote(commit, operation);
            }
            Err(reasons) => {
                let wrong = format!("at revision {revision}, nobody's: {event:?}: {reasons}");
                self.violates(wrong);
            }
        }
    }

    /// The request that the last commit belongs to: the places of its client and of itself, and
    /// which of its operations it is. Of several that it might, the one whose answer fits best.
    fn whose(
        &self,
        event: &Event,
        noted: usize,
        revision: i64,
    ) -> Result<(usize, usize, Option<usize>), String> {
        let mut fitting = Vec::new();
        let mut reasons = Vec::new();
        for (client, asking) in self.clients.iter().enumerate() {
            if caller(client).token_id() != event.token {
                continue;
            }
            for (place, asked) in asking.asked.iter().enumerate() {
                if asked.noted > noted || asked.entry.begun.revision >= revision {
                    continue;
                }
                match explanation(&self.chronicle, &asked.entry) {
                    Ok(operation) => {
                        let op = &asked.entry.call.op;
                        let claim = match &asked.stage {
                            Stage::Answered(said, _) => claim(op, said, operation, event, revision),
                            Stage::UnderWay | Stage::Open => Claim::Open,
                        };
                        fitting.push((claim, (client, place, operation)));
                    }
                    Err(wrong) => reasons.push(wrong),
                }
            }
        }
        let best = fitting.into_iter().min_by_key(|(claim, _)| *claim);
        best.map(|(_, whose)| whose)
            .ok_or_else(|| reasons.join("\n  or "))
    }

    /// Checks the answers that came before the last commit, each client's in their order.
    fn judge(&mut self) {
        let revision = self.chronicle.revision();
        let mut found = Vec::new();
        for client in &mut self.clients {
            let (mut at, walk) = (0, &mut client.walk);
            while let Some(asked) = client.asked.get_mut(at) {
                let Stage::Answered(said, _) = &asked.stage else {
                    // What did take place needs no more answer.
                    let over = asked.entry.end.as_ref();
                    let over = over.is_some_and(|(at, _)| at.time + UNDER_WAY < self.now);
                    let done = matches!(asked.stage, Stage::Open)
                        && (over || !asked.entry.call.op.writes());
                    if done {
                        self.verdict.unheard += asked.entry.commits.len();
                        client.asked.remove(at);
                    } else {
                        at += 1;
                    }
                    continue;
                };
                if asked
                    .entry
                    .end
                    .as_ref()
                    .is_none_or(|(at, _)| at.revision > revision)
                {
                    break;
                }
                let entry = &mut asked.entry;
                if let Op::List(query) = &mut entry.call.op
                    && let Some(page) = query.walk_mut()
                {
                    page.revisions.clone_from(walk);
                }
                match self.chronicle.judge(entry, said) {
                    Ok(true_of) => {
                        if entry.call.op.walk().is_some() && said.status != 503 {
                            *walk = match said.next_cursor() {
                                Some(_) => true_of,
                                None => Vec::new(),
                            };
                        }
                    }
                    Err(wrong) => found.push((entry.clone(), wrong)),
                }
                if is_open(entry, said) {
                    self.verdict.open += 1;
                    asked.stage = Stage::Open;
                } else {
                    self.verdict.answers += 1;
                    client.asked.remove(at);
                }
            }
        }
        for (entry, wrong) in found {
            self.finds(&entry, &wrong);
        }
        self.forget();
    }

    /// Forgets what nobody asks about any more.
    fn forget(&mut self) {
        if self.chronicle.commits.len() as i64 <= 2 * REVISIONS {
            return;
        }
        let under_way = self.clients.iter().flat_map(|client| {
            let judged = |asked: &&Asked| !matches!(asked.stage, Stage::Open);
            let asked = client.asked.iter().filter(judged);
            let begun = asked.map(|asked| asked.entry.begun.revision - 1);
            begun.chain(client.walk.first().copied())
        });
        let needed = under_way.min().unwrap_or(NOT_YET);
        let kept = self.chronicle.revision() - REVISIONS;
        self.chronicle.forget(needed.min(kept));
    }

    fn finish(mut self) -> Verdict {
        let left = self.clients.iter().flat_map(|client| &client.asked);
        let left = left
            .filter(|asked| !matches!(asked.stage, Stage::Open))
            .count();
        if left > 0 || !self.unexplained.is_empty() {
            let commits = self.unexplained.len();
            self.violates(format!(
                "the notes end before {left} requests and {commits} commits are accounted for"
            ));
        }
        let open = self.clients.iter().flat_map(|client| &client.asked);
        self.verdict.unheard += open.map(|asked| asked.entry.commits.len()).sum::<usize>();
        self.verdict
    }

    /// Something is wrong with a request: what, with what happened meanwhile.
    fn finds(&mut self, entry: &Entry, wrong: &str) {
        let until = entry.end.as_ref().map_or(NOT_YET, |(at, _)| at.revision);
        let commits = self.chronicle.since(entry.begun.revision);
        let history = History {
            entries: vec![entry.clone()],
            commits: commits
                .iter()
                .filter(|commit| commit.at.revision <= until)
                .cloned()
                .collect::<Vec<Commit>>(),
            incidents: Vec::new(),
        };
        self.violates(format!("a request {wrong}\n{history}"));
    }

    fn violates(&mut self, what: String) {
        self.verdict.violations.push(what);
    }
}

fn micros(time: Duration) -> Micros {
    Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX)
}
