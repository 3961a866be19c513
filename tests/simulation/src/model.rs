//! The sequential model: what a write makes of the directory when nothing else
//! happens at the same time. Made from RFC 7643 and RFC 7644 and from what the
//! service says of itself, not from its code.

use crate::operation::{GroupChange, GroupForm, Member, Op, UserChange, UserForm};
use crate::state::{Group, Id, Tenant, User};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a write does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It leaves this.
    Changed(Tenant),
    /// It succeeds and changes nothing.
    Same,
    /// It is refused with one of these statuses: there may be more than one reason.
    Refused(Vec<u16>),
}

const NOT_FOUND: u16 = 404;
const CONFLICT: u16 = 409;
const PRECONDITION_FAILED: u16 = 412;

/// Does a write. What it creates gets the id `new`; what it changes, the version.
pub(crate) fn apply(
    tenant: &Tenant,
    op: &Op,
    if_match: Option<i64>,
    new: &Id,
    version: i64,
) -> Effect {
    let found = op.target().and_then(|id| tenant.version(id));
    let failed = if_match.is_some() && found.is_some() && if_match != found;
    match (unconditional(tenant, op, new, version), failed) {
        (Effect::Refused(mut reasons), true) => {
            reasons.push(PRECONDITION_FAILED);
            Effect::Refused(reasons)
        }
        (_, true) => Effect::Refused(vec![PRECONDITION_FAILED]),
        (effect, false) => effect,
    }
}

fn unconditional(tenant: &Tenant, op: &Op, new: &Id, version: i64) -> Effect {
    match op {
        Op::CreateUser(form) => put_user(tenant, new, form.user(), version),
        Op::ReplaceUser(id, _) | Op::PatchUser(id, _) | Op::DeleteUser(id) => {
            match tenant.users.get(id) {
                None => Effect::Refused(vec![NOT_FOUND]),
                Some(user) => match op {
                    Op::ReplaceUser(_, form) => replace_user(tenant, id, user, form, version),
                    Op::PatchUser(_, changes) => patch_user(tenant, id, user, changes, version),
                    _ => delete(tenant, id, version),
                },
            }
        }
        Op::CreateGroup(form) => {
            let group = Group {
                name: form.name.clone(),
                external: form.external.clone(),
                members: existing(tenant, &form.members, &BTreeMap::new()),
                version: 0,
            };
            put_group(tenant, new, group, version)
        }
        Op::ReplaceGroup(id, _) | Op::PatchGroup(id, _) | Op::DeleteGroup(id) => {
            match tenant.groups.get(id) {
                None => Effect::Refused(vec![NOT_FOUND]),
                Some(group) => match op {
                    Op::ReplaceGroup(_, form) => replace_group(tenant, id, group, form, version),
                    Op::PatchGroup(_, changes) => patch_group(tenant, id, group, changes, version),
                    _ => delete(tenant, id, version),
                },
            }
        }
        Op::GetUser(_)
        | Op::GetGroup(..)
        | Op::List(_)
        | Op::Bulk(_)
        | Op::Revoke(_)
        | Op::Sweep => Effect::Same,
    }
}

fn replace_user(tenant: &Tenant, id: &Id, old: &User, form: &UserForm, version: i64) -> Effect {
    let mut user = form.user();
    // Who leaves it out does not mean to let a deactivated user in again.
    user.active = form.active.unwrap_or(old.active);
    put_user(tenant, id, user, version)
}

fn patch_user(
    tenant: &Tenant,
    id: &Id,
    old: &User,
    changes: &[UserChange],
    version: i64,
) -> Effect {
    let mut user = old.clone();
    for change in changes {
        match change {
            UserChange::Name(name) => user.name.clone_from(name),
            UserChange::Active(active) => user.active = *active,
            UserChange::External(external) => user.external.clone_from(external),
            UserChange::AddEmail(email) => {
                user.emails.insert(email.clone());
            }
            UserChange::RemoveEmails => user.emails.clear(),
        }
    }
    put_user(tenant, id, user, version)
}

fn put_user(tenant: &Tenant, id: &Id, mut user: User, version: i64) -> Effect {
    if let Some(old) = tenant.users.get(id) {
        user.version = old.version;
        if user == **old {
            return Effect::Same;
        }
    }
    if tenant.named(&user.name).is_some_and(|holder| holder != id) {
        return Effect::Refused(vec![CONFLICT]);
    }
    user.version = version;
    let mut next = tenant.clone();
    next.users.insert(id.clone(), Rc::new(user));
    Effect::Changed(next)
}

fn replace_group(tenant: &Tenant, id: &Id, old: &Group, form: &GroupForm, version: i64) -> Effect {
    let group = Group {
        name: form.name.clone(),
        external: form.external.clone(),
        members: existing(tenant, &form.members, &BTreeMap::new()),
        version: old.version,
    };
    put_group(tenant, id, group, version)
}

fn patch_group(
    tenant: &Tenant,
    id: &Id,
    old: &Group,
    changes: &[GroupChange],
    version: i64,
) -> Effect {
    let mut group = old.clone();
    for change in changes {
        match change {
            GroupChange::Name(name) => group.name.clone_from(name),
            GroupChange::External(external) => group.external.clone_from(external),
            GroupChange::Add(list) => {
                let added = existing(tenant, list, &group.members);
                group.members.extend(added);
            }
            GroupChange::Remove(ids) => group.members.retain(|id, _| !ids.contains(id)),
            GroupChange::Set(list) => {
                group.members = existing(tenant, list, &BTreeMap::new());
            }
        }
    }
    put_group(tenant, id, group, version)
}

/// The members to be that exist. One without a label keeps the one it has.
fn existing(
    tenant: &Tenant,
    list: &[Member],
    present: &BTreeMap<Id, Option<String>>,
) -> BTreeMap<Id, Option<String>> {
    let list = list.iter().filter(|(id, _)| tenant.has(id));
    list.map(|(id, display)| {
        let known = || present.get(id).cloned().flatten();
        (id.clone(), display.clone().or_else(known))
    })
    .collect()
}

fn put_group(tenant: &Tenant, id: &Id, mut group: Group, version: i64) -> Effect {
    if tenant.groups.get(id).is_some_and(|old| **old == group) {
        return Effect::Same;
    }
    if tenant
        .group_named(&group.name)
        .is_some_and(|holder| holder != id)
    {
        return Effect::Refused(vec![CONFLICT]);
    }
    group.version = version;
    let mut next = tenant.clone();
    next.groups.insert(id.clone(), Rc::new(group));
    Effect::Changed(next)
}

/// Takes a user or group away, and out of all groups, which are then other versions.
fn delete(tenant: &Tenant, id: &Id, version: i64) -> Effect {
    let mut next = tenant.clone();
    if next.users.remove(id).is_some() {
        Rc::make_mut(&mut next.deleted).insert(id.clone());
    }
    next.groups.remove(id);
    for group in next.groups.values_mut() {
        if group.members.contains_key(id) {
            let group = Rc::make_mut(group);
            group.members.remove(id);
            group.version = version;
        }
    }
    Effect::Changed(next)
}
