//! What the keys of the store mean: the only place that knows how they are laid out.
//! From each commit it makes the state that the model speaks of, and checks that
//! every other key follows from it: indexes are what a rebuild would give,
//! memberships stand on both sides, and nothing is left of what is gone.

mod derived;
mod record;

pub(crate) use record::{group, user};

use crate::state::{Id, State};
use crate::tenants::TENANTS;
use directory::kv::{LeaseId, Op, OpReply, Txn, TxnReply};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use derived::{derived, is_accounted_for};
use record::{display, event, json};

pub(crate) const PREFIX: &str = "scim/";

/// What a tenant has that follows from no record, in the order of the keys.
const STAND_ALONE: [&str; 4] = ["event", "token-used", "token", "user-deleted"];

/// A key that a commit wrote.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(String, Vec<u8>, LeaseId),
    Delete(String),
}

impl Change {
    /// Whether it takes a key of this member from some generation of this group.
    pub(crate) fn takes_from(&self, group: &Id, member: &Id) -> bool {
        let Self::Delete(key) = self else {
            return false;
        };
        let path: Vec<&str> = key.split('/').collect();
        matches!(
            path.as_slice(),
            ["scim", _, "member", of, _, one] if group.as_ref() == *of && member.as_ref() == *one
        )
    }

    /// Whether it makes the key that cursors are made with.
    pub(crate) fn is_of_cursors(&self) -> bool {
        matches!(self, Self::Put(key, ..) if key.strip_prefix(PREFIX) == Some("cursor-key"))
    }

    /// Whether it notes when a token was used.
    pub(crate) fn is_of_use(&self) -> bool {
        let Self::Put(key, ..) = self else {
            return false;
        };
        let path: Vec<&str> = key.split('/').collect();
        matches!(path.as_slice(), ["scim", _, "token-used", _])
    }

    /// Whether it is of a member of some generation, or of the record of one.
    pub(crate) fn is_of_members(&self) -> bool {
        let (Self::Put(key, ..) | Self::Delete(key)) = self;
        let path: Vec<&str> = key.split('/').collect();
        matches!(
            path.as_slice(),
            ["scim", "unused", _]
                | ["scim", _, "member" | "member-of", ..]
                | ["scim", _, "group-touch", _]
        )
    }
}

/// The event of a commit.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) tenant: usize,
    /// Such as `user.create`.
    pub(crate) op: String,
    /// The resource.
    pub(crate) id: Id,
    /// The id of the token.
    pub(crate) token: String,
}

/// The store's keys and what they mean.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    keys: BTreeMap<String, Stored>,
    state: State,
}

#[derive(Debug)]
struct Stored {
    value: Vec<u8>,
    revision: i64,
}

impl Mirror {
    /// What a transaction wrote, by which of its branches were taken.
    pub(crate) fn changes(&self, txn: &Txn, reply: &TxnReply) -> Vec<Change> {
        let mut changes = Vec::new();
        self.collect(txn, reply, &mut changes);
        changes
    }

    fn collect(&self, txn: &Txn, reply: &TxnReply, changes: &mut Vec<Change>) {
        let ops = match reply.succeeded {
            true => &txn.then,
            false => &txn.otherwise,
        };
        for (op, reply) in ops.iter().zip(&reply.replies) {
            match (op, reply) {
                (Op::Put { key, value, lease }, _) => {
                    changes.push(Change::Put(text(key), value.clone(), *lease));
                }
                (Op::Delete { key, end: None }, _) => {
                    let key = text(key);
                    if self.keys.contains_key(&key) {
                        changes.push(Change::Delete(key));
                    }
                }
                (
                    Op::Delete {
                        key,
                        end: Some(end),
                    },
                    _,
                ) => {
                    let range = self.keys.range(text(key)..text(end));
                    changes.extend(range.map(|(key, _)| Change::Delete(key.clone())));
                }
                (Op::Txn(nested), OpReply::Txn(reply)) => self.collect(nested, reply, changes),
                (Op::Range(_) | Op::Txn(_), _) => {}
            }
        }
    }

    /// Takes over what a commit wrote, and returns its events.
    ///
    /// # Errors
    /// What cannot be read, or does not fit together.
    pub(crate) fn write(
        &mut self,
        changes: &[Change],
        revision: i64,
    ) -> Result<Vec<Event>, String> {
        let mut events = Vec::new();
        let mut written = BTreeSet::new();
        let (mut event_ids, mut last_events) = (Vec::new(), Vec::new());
        for change in changes {
            let (key, value) = match change {
                Change::Put(key, value, _) => (key, Some(value)),
                Change::Delete(key) => (key, None),
            };
            let old = match value {
                Some(value) => {
                    let value = value.clone();
                    self.keys.insert(key.clone(), Stored { value, revision })
                }
                None => self.keys.remove(key),
            };
            let path = key
                .strip_prefix(PREFIX)
                .ok_or_else(|| format!("{key} is not below {PREFIX}"))?;
            let segments: Vec<&str> = path.split('/').collect();
            match segments.as_slice() {
                ["cursor-key"] | ["tenant", _] | ["unused", _] => {}
                ["token", _] => {
                    let grant = value.or(old.as_ref().map(|old| &old.value));
                    let grant = json(grant.map_or(&[], Vec::as_slice))?;
                    let id = grant["id"].as_str().unwrap_or_default().into();
                    match value {
                        Some(_) => self.state.tokens.insert(id),
                        None => self.state.tokens.remove(&id),
                    };
                }
                [tenant, rest @ ..] => {
                    let known = TENANTS.iter().position(|known| known == tenant);
                    let tenant = match (known, rest) {
                        (Some(tenant), _) => tenant,
                        // Of a tenant that nobody writes to.
                        (None, ["event" | "token" | "token-used", _] | ["last-event"]) => continue,
                        (None, _) => return Err(format!("{key} is of no tenant")),
                    };
                    written.insert(tenant);
                    match (rest, value) {
                        (["event", id], Some(value)) => {
                            events.push(event(tenant, value)?);
                            event_ids.push((tenant, (*id).to_owned()));
                        }
                        (["last-event"], value) => {
                            let id = value.map(|id| String::from_utf8_lossy(id).into_owned());
                            last_events.push((tenant, id.unwrap_or_default()));
                        }
                        _ => {}
                    }
                    self.take_over(tenant, rest, value.map(Vec::as_slice), revision)?;
                }
                [] => return Err(format!("{key} has no name")),
            }
            if let (Change::Put(_, _, lease), true) = (change, segments.contains(&"user-deleted"))
                && lease.0 == 0
            {
                return Err(format!("{key} has no lease and would stay for ever"));
            }
        }
        for tenant in written {
            self.check(tenant)?;
        }
        if event_ids != last_events {
            return Err(format!(
                "the events are {event_ids:?}, and the last ones are said to be {last_events:?}"
            ));
        }
        Ok(events)
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Whether it is what the store says it holds.
    pub(crate) fn is(&self, dump: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let ours = self
            .keys
            .iter()
            .map(|(key, stored)| (key.as_bytes(), &stored.value));
        ours.eq(dump.iter().map(|(key, value)| (key.as_slice(), value)))
    }

    /// Brings the state of a tenant up to date with one key.
    fn take_over(
        &mut self,
        tenant: usize,
        segments: &[&str],
        value: Option<&[u8]>,
        revision: i64,
    ) -> Result<(), String> {
        let name = TENANTS[tenant];
        let touch = |id: &str| self.keys.get(&format!("{PREFIX}{name}/group-touch/{id}"));
        let touched = |id: &str| touch(id).map_or(0, |touch| touch.revision);
        let state = &mut self.state.tenants[tenant];
        match segments {
            ["user", id] => match value {
                Some(value) => {
                    let user = Rc::new(user(&json(value)?, id, revision)?);
                    state.users.insert((*id).into(), user);
                }
                None => {
                    state.users.remove(*id);
                }
            },
            ["user-deleted", id] => {
                match value {
                    Some(_) => Rc::make_mut(&mut state.deleted).insert((*id).into()),
                    None => Rc::make_mut(&mut state.deleted).remove(*id),
                };
            }
            ["group", id] => match value {
                Some(value) => {
                    let mut new = group(&json(value)?, id, revision)?;
                    new.version = new.version.max(touched(id));
                    new.members = match state.groups.get(*id) {
                        Some(old) => old.members.clone(),
                        None => members(&self.keys, name, id)?,
                    };
                    state.groups.insert((*id).into(), Rc::new(new));
                }
                None => {
                    state.groups.remove(*id);
                }
            },
            ["group-touch", id] => {
                if let (Some(group), Some(_)) = (state.groups.get_mut(*id), value) {
                    Rc::make_mut(group).version = revision;
                }
            }
            ["group-generation", id] => {
                if let (Some(group), Some(_)) = (state.groups.get_mut(*id), value) {
                    Rc::make_mut(group).members = members(&self.keys, name, id)?;
                }
            }
            ["member", id, generation, member] => {
                if let Some(group) = state.groups.get_mut(*id)
                    && *generation == current(&self.keys, name, id)?
                {
                    let members = &mut Rc::make_mut(group).members;
                    match value {
                        Some(value) => {
                            members.insert((*member).into(), display(value)?);
                        }
                        None => {
                            members.remove(*member);
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks that the keys of a tenant are those that follow from its state.
    fn check(&self, tenant: usize) -> Result<(), String> {
        let (name, tenant) = (TENANTS[tenant], &self.state.tenants[tenant]);
        let base = format!("{PREFIX}{name}/");
        let derived = derived(&base, tenant, &self.keys, name)?;
        let unused = self.unused_generations()?;
        for (key, value) in &derived {
            let stored = self
                .keys
                .get(key)
                .ok_or_else(|| format!("{key} is missing"))?;
            if let Some(value) = value
                && stored.value != value.as_bytes()
            {
                let found = String::from_utf8_lossy(&stored.value);
                return Err(format!("{key} should be {value}, is {found}"));
            }
        }
        // What stands alone, and grows without end, is passed over.
        let mut from = base.clone();
        let mut rest = Vec::new();
        for alone in STAND_ALONE {
            rest.push(from..format!("{base}{alone}/"));
            from = format!("{base}{alone}0");
        }
        rest.push(from..format!("{PREFIX}{name}0"));
        for (key, _) in rest.into_iter().flat_map(|range| self.keys.range(range)) {
            if !derived.contains_key(key) && !is_accounted_for(tenant, &unused, &key[base.len()..])
            {
                return Err(format!("{key} follows from no record"));
            }
        }
        Ok(())
    }

    /// The generations that no group has, each with the group that had it, or was to.
    fn unused_generations(&self) -> Result<BTreeSet<(String, String)>, String> {
        self.unused()
            .map(|stored| {
                let record = json(&stored.value)?;
                let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                Ok((text("group"), text("generation")))
            })
            .collect()
    }

    /// Whether there is such a record at all.
    pub(crate) fn has_unused(&self) -> bool {
        self.unused().next().is_some()
    }

    fn unused(&self) -> impl Iterator<Item = &Stored> {
        let range = format!("{PREFIX}unused/")..format!("{PREFIX}unused0");
        self.keys.range(range).map(|(_, stored)| stored)
    }
}

/// The generation that a group's members belong to.
fn current(keys: &BTreeMap<String, Stored>, tenant: &str, id: &str) -> Result<String, String> {
    match keys.get(&format!("{PREFIX}{tenant}/group-generation/{id}")) {
        None => Ok("0".to_owned()),
        Some(stored) => {
            let name = json(&stored.value)?;
            Ok(name.as_str().ok_or("a generation has no name")?.to_owned())
        }
    }
}

/// The members of a group, of the generation that it has.
fn members(
    keys: &BTreeMap<String, Stored>,
    tenant: &str,
    id: &str,
) -> Result<BTreeMap<Id, Option<String>>, String> {
    let below = format!(
        "{PREFIX}{tenant}/member/{id}/{}",
        current(keys, tenant, id)?
    );
    let (base, end) = (format!("{below}/"), format!("{below}0"));
    keys.range(base.clone()..end)
        .map(|(key, stored)| Ok((key[base.len()..].into(), display(&stored.value)?)))
        .collect()
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
