//! The directory as the sequential model sees it: users, groups and who is in which,
//! per tenant; and which tokens stand.

use crate::tenants::{Caller, TENANTS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Shared by threads where histories are real.
pub(crate) type Id = Arc<str>;

/// All tenants at one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) tenants: [Tenant; TENANTS.len()],
    /// The ids of the tokens that stand.
    pub(crate) tokens: BTreeSet<Id>,
}

/// What one tenant has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) users: BTreeMap<Id, Rc<User>>,
    pub(crate) groups: BTreeMap<Id, Rc<Group>>,
    /// Who was deleted.
    pub(crate) deleted: Rc<BTreeSet<Id>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) external: Option<String>,
    pub(crate) emails: BTreeSet<String>,
    pub(crate) active: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) external: Option<String>,
    /// The label of each.
    pub(crate) members: BTreeMap<Id, Option<String>>,
}

/// A group that a user is in: its name, and whether it is not only through others.
pub(crate) type Membership = (String, bool);

impl State {
    /// What the tenant of a caller has.
    pub(crate) fn of(&self, caller: Caller) -> &Tenant {
        &self.tenants[caller.tenant]
    }

    /// Whether a caller's token stands.
    pub(crate) fn lets_in(&self, caller: Caller) -> bool {
        self.tokens.contains(caller.token_id().as_str())
    }

    /// What is not as it should be, as a sentence about a request.
    pub(crate) fn difference(&self, found: &Self) -> String {
        let mut lines = vec!["left not what it should have left:".to_owned()];
        if self.tokens != found.tokens {
            lines.push(format!("tokens {:?} for {:?}", found.tokens, self.tokens));
        }
        let both = self.tenants.iter().zip(&found.tenants);
        for (name, (tenant, found)) in TENANTS.iter().zip(both) {
            differences(name, &tenant.users, &found.users, &mut lines);
            differences(name, &tenant.groups, &found.groups, &mut lines);
            if tenant.deleted != found.deleted {
                lines.push(format!(
                    "{name} deleted {:?} for {:?}",
                    found.deleted, tenant.deleted
                ));
            }
        }
        lines.join("\n  ")
    }
}

fn differences<T: PartialEq + fmt::Debug>(
    name: &str,
    wanted: &BTreeMap<Id, Rc<T>>,
    found: &BTreeMap<Id, Rc<T>>,
    lines: &mut Vec<String>,
) {
    let ids: BTreeSet<&Id> = wanted.keys().chain(found.keys()).collect();
    for id in ids {
        let (wanted, found) = (wanted.get(id), found.get(id));
        if wanted != found {
            lines.push(format!("{name} {id} {found:?} for {wanted:?}"));
        }
    }
}

impl Tenant {
    /// Whether somebody, or some group, has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.users.contains_key(id) || self.groups.contains_key(id)
    }

    /// The version of a user or group.
    pub(crate) fn version(&self, id: &str) -> Option<i64> {
        let user = self.users.get(id).map(|user| user.version);
        user.or_else(|| Some(self.groups.get(id)?.version))
    }

    /// The groups of a user, directly and through others.
    pub(crate) fn groups_of(&self, user: &str) -> BTreeMap<Id, Membership> {
        let mut found = BTreeMap::new();
        let mut next: Vec<Id> = vec![user.into()];
        while let Some(member) = next.pop() {
            for (id, group) in &self.groups {
                if group.members.contains_key(&member) && !found.contains_key(id) {
                    let direct = group.members.contains_key(user);
                    found.insert(id.clone(), (group.name.clone(), direct));
                    next.push(id.clone());
                }
            }
        }
        found
    }

    /// The user of a name, in whatever case.
    pub(crate) fn named(&self, name: &str) -> Option<&Id> {
        let mut users = self.users.iter();
        let found = users.find(|(_, user)| user.name.eq_ignore_ascii_case(name));
        found.map(|(id, _)| id)
    }

    /// The group of a name, in whatever case.
    pub(crate) fn group_named(&self, name: &str) -> Option<&Id> {
        let mut groups = self.groups.iter();
        let found = groups.find(|(_, group)| group.name.eq_ignore_ascii_case(name));
        found.map(|(id, _)| id)
    }
}
