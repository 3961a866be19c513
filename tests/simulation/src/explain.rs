//! What must hold of a commit: see [`check`](crate::check).

use crate::chronicle::Chronicle;
use crate::history::{Commit, End, Entry};
use crate::layout::Change;
use crate::leeway;
use crate::model::{self, Effect};
use crate::operation::{Op, bulk_id};
use crate::state::{Id, State};

/// That the last commit is what a request asked for: the place of the operation of a bulk request,
/// or zero; none for what no request asks for but some leave behind.
pub(crate) fn explanation(chronicle: &Chronicle, entry: &Entry) -> Result<Option<usize>, String> {
    let commits = chronicle.since(entry.begun.revision);
    let Some(commit) = commits.last() else {
        return Ok(None);
    };
    let revision = commit.at.revision;
    let since = chronicle.between(entry.begun.revision, revision);
    let (before, after) = (chronicle.state(revision - 1), chronicle.state(revision));
    let (before, after) = (&*before, &*after);
    if let Op::Revoke(caller) = &entry.call.op {
        let mut expected = before.clone();
        expected.tokens.remove(caller.token_id().as_str());
        let told = commit.events.as_slice();
        let is_told = matches!(told, [event] if event.op == "token.revoke"
            && event.tenant == caller.tenant
            && *event.id == *caller.token_id()
            && event.token == "admin-key");
        return match (expected == *after, is_told) {
            (true, true) => Ok(Some(0)),
            (true, false) => Err(format!("revoked a token and told of {told:?}")),
            (false, _) => Err("was to revoke a token and did something else".to_owned()),
        };
    }
    if commit.events.is_empty() {
        // What is staged, and what is cleaned up, is in nobody's sight.
        let unseen = !entry.call.op.writes() || commit.changes.iter().all(Change::is_of_members);
        return match before == after && unseen {
            true => Ok(None),
            false => Err("wrote without an event".to_owned()),
        };
    }
    let [event] = commit.events.as_slice() else {
        return Err("left more than one event".to_owned());
    };
    let caller = entry.call.caller;
    if !before.lets_in(caller) {
        return Err("wrote with a token that was revoked".to_owned());
    }
    if event.token != caller.token_id() || event.tenant != caller.tenant {
        return Err(format!("left an event of somebody else: {event:?}"));
    }
    let answered = matches!(&entry.end, Some((at, End::Answered(said)))
        if said.status != 503 && at.revision < revision);
    if answered && !matches!(entry.call.op, Op::Bulk(_)) {
        return Err("wrote after it was answered".to_owned());
    }
    let one = std::slice::from_ref(&entry.call.op);
    let operations = match &entry.call.op {
        Op::Bulk(operations) => operations.as_slice(),
        _ => one,
    };
    let tenant = before.of(caller);
    let done = |place| entry.commits.iter().any(|(_, done)| *done == place);
    let mut again = false;
    for (place, op) in operations.iter().enumerate() {
        if op.event() != event.op || op.target().is_some_and(|id| *id != event.id) {
            continue;
        }
        if done(place) {
            again = true;
            continue;
        }
        let op = resolved(op, entry.made.as_ref());
        let effect = model::apply(tenant, &op, entry.call.version, &event.id, revision);
        let mut next = match effect {
            Effect::Changed(next) => next,
            Effect::Same | Effect::Refused(_) if operations.len() > 1 => continue,
            Effect::Same => leeway::changed_meanwhile(entry, tenant, since, revision)
                .ok_or("wrote though it changes nothing")?,
            Effect::Refused(reasons) => {
                return Err(format!("wrote though it should be refused: {reasons:?}"));
            }
        };
        leeway::labels(entry, &mut next, after.of(caller), since);
        leeway::versions(&op, &mut next, after.of(caller), commits);
        let mut expected = before.clone();
        expected.tenants[caller.tenant] = next;
        if expected == *after {
            return Ok(Some(place));
        }
        if operations.len() == 1 {
            return Err(expected.difference(after));
        }
    }
    Err(match again {
        true => "wrote twice".to_owned(),
        false => format!("does not explain what was written: {event:?}"),
    })
}

/// Whether nobody can see of a commit that it happened: something was staged or cleaned up, a
/// token's use was noted, or the key that cursors are made with was made.
pub(crate) fn is_unseen(commit: &Commit, before: &State, after: &State) -> bool {
    let unseen =
        |change: &Change| change.is_of_members() || change.is_of_cursors() || change.is_of_use();
    before == after && commit.changes.iter().all(unseen)
}

/// An operation of a bulk request, with what its reference stands for.
pub(crate) fn resolved(op: &Op, made: Option<&Id>) -> Op {
    let mut op = op.clone();
    let Some(made) = made else {
        return op;
    };
    if let Op::CreateGroup(form) | Op::ReplaceGroup(_, form) = &mut op {
        for (id, _) in &mut form.members {
            if *id == bulk_id() {
                *id = made.clone();
            }
        }
    }
    op
}
