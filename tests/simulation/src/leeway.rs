//! Where the service promises less than one request after the other.
//!
//! - Additions and removals of named members compare nothing, so that they never conflict:
//!   two that name the same member at the same time do not see each other. And a member
//!   who is deleted meanwhile is left out without a conflict. So a change of a group that
//!   has come to change nothing is written all the same: a new version of what was there.
//! - An addition that gives no label keeps the label that the member had at some time
//!   during the request, not the one that another gives it meanwhile.
//! - A member who is deleted while a group gets it may be in the answer if a reply of the
//!   store was lost, or the change was staged, as if it was deleted just after.
//! - Who is deleted may be, or have been since the beginning of the request, in what large
//!   changes of a group left to be cleaned up. Then the group gets a new version.
//! - A request that loses to several others at once is told of the name that is taken,
//!   also when by then the resource is another version or gone.

use crate::history::{Commit, Entry};
use crate::model::{self, Effect};
use crate::operation::{GroupChange, Op, UserChange};
use crate::state::{Id, State, Tenant};
use serde_json::Value;
use std::rc::Rc;

/// The group that a request changes by naming members alone.
fn named(op: &Op) -> Option<(&Id, &[GroupChange])> {
    let Op::PatchGroup(id, changes) = op else {
        return None;
    };
    let named = |change| matches!(change, &GroupChange::Add(_) | &GroupChange::Remove(_));
    changes.iter().all(named).then_some((id, changes))
}

/// The tenant after a change of a group, where the model says that it changes nothing, but
/// at some time since its beginning it would have changed something.
pub(crate) fn changed_meanwhile(
    entry: &Entry,
    before: &Tenant,
    since: &[Rc<State>],
    revision: i64,
) -> Option<Tenant> {
    let (Op::PatchGroup(id, _) | Op::ReplaceGroup(id, _)) = &entry.call.op else {
        return None;
    };
    let changes = since.iter().any(|state| {
        let tenant = state.of(entry.call.caller);
        let effect = model::apply(tenant, &entry.call.op, entry.call.version, id, revision);
        matches!(effect, Effect::Changed(_))
    });
    if !changes {
        return None;
    }
    let mut after = before.clone();
    Rc::make_mut(after.groups.get_mut(id)?).version = revision;
    Some(after)
}

/// Takes the labels of members who were added without one from what was found, where they
/// had that label at some time since the beginning of the request.
pub(crate) fn labels(entry: &Entry, expected: &mut Tenant, found: &Tenant, since: &[Rc<State>]) {
    let Op::PatchGroup(id, changes) = &entry.call.op else {
        return;
    };
    if named(&entry.call.op).is_none() {
        return;
    }
    let (Some(group), Some(found)) = (expected.groups.get_mut(id), found.groups.get(id)) else {
        return;
    };
    for change in changes {
        let GroupChange::Add(list) = change else {
            continue;
        };
        for (member, _) in list.iter().filter(|(_, label)| label.is_none()) {
            let had = |label: &Option<String>| {
                label.is_none()
                    || since.iter().any(|state| {
                        let group = state.of(entry.call.caller).groups.get(id);
                        group.is_some_and(|group| group.members.get(member) == Some(label))
                    })
            };
            if let Some(label) = found.members.get(member).filter(|label| had(label))
                && let Some(expected) = Rc::make_mut(group).members.get_mut(member)
            {
                expected.clone_from(label);
            }
        }
    }
}

/// Takes the new versions of groups that a deletion took nothing from but what was left to
/// be cleaned up; `since` are the commits since its request began, the last of which it is.
pub(crate) fn versions(op: &Op, expected: &mut Tenant, found: &Tenant, since: &[Commit]) {
    let (Op::DeleteUser(id) | Op::DeleteGroup(id)) = op else {
        return;
    };
    for (group, expected) in &mut expected.groups {
        if since.iter().any(|commit| commit.takes_from(group, id))
            && let (Some(found), Some(commit)) = (found.groups.get(group), since.last())
            && found.version == commit.at.revision
        {
            Rc::make_mut(expected).version = found.version;
        }
    }
}

/// Whether a write wants a name that another resource has.
pub(crate) fn name_is_taken(tenant: &Tenant, op: &Op) -> bool {
    let user = |id: &Id, name: &String| tenant.named(name).is_some_and(|holder| holder != id);
    let group =
        |id: &Id, name: &String| tenant.group_named(name).is_some_and(|holder| holder != id);
    match op {
        Op::ReplaceUser(id, form) => user(id, &form.name),
        Op::PatchUser(id, changes) => changes.iter().any(|change| match change {
            UserChange::Name(name) => user(id, name),
            _ => false,
        }),
        Op::ReplaceGroup(id, form) => group(id, &form.name),
        Op::PatchGroup(id, changes) => changes.iter().any(|change| match change {
            GroupChange::Name(name) => group(id, name),
            _ => false,
        }),
        _ => false,
    }
}

/// Takes members from an answer who are not in the group, but were somebody when the
/// request began or since.
pub(crate) fn forget_the_deleted(
    entry: &Entry,
    tenant: &Tenant,
    group: &str,
    body: &mut Value,
    between: &[(i64, Rc<State>)],
) {
    let Some(group) = tenant.groups.get(group) else {
        return;
    };
    let was = |id: &str| {
        let mut states = between.iter();
        states.any(|(_, state)| state.of(entry.call.caller).has(id))
    };
    if let Some(members) = body["members"].as_array_mut() {
        members.retain(|member| {
            let id = member["value"].as_str().unwrap_or_default();
            group.members.contains_key(id) || tenant.has(id) || !was(id)
        });
    }
}
