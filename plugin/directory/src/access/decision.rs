//! Decisions: whether a user or device may be on the network now, and with which policy. Everything
//! is read from the store when it is asked for, so a decision is as new as the directory.

use super::device;
use super::policy::{Effective, OfGroup, Policy};
use crate::Directory;
use crate::ancestry::Ancestry;
use crate::environment::{Clock, Entropy};
use crate::generation::InGroup;
use crate::keys::Kind;
use crate::kv::{KeyValue, Kv, Range};
use crate::memberships::{groups_of, in_groups};
use crate::session::Session;
use crate::stored::decode;
use crate::walk::{FIRST, PAGE};
use scim::Error;
use scim::gather::Gather as _;
use scim::resource::Value;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Longer names are nobody's: no key of the store is so long.
pub(super) const MAX_NAME: usize = 1_024;

/// How many users are decided about at one revision.
const TOGETHER: usize = 300;

/// How often a name is looked up again whose user was renamed meanwhile.
const LOOK_UPS: usize = 3;

/// Whether somebody may be on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed(Rc<Allowed>),
    Denied(Denial),
}

/// Who may, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) user_id: String,
    /// Of a device, its address.
    pub(crate) user_name: String,
    /// Whether it is a device, and no user.
    pub(crate) is_device: bool,
    pub(crate) policy: Effective,
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Denial {
    /// Nobody has the name, or no longer.
    UnknownUser,
    /// The user or device is deactivated.
    Inactive,
    /// No group that the user or device is in has a policy.
    NoPolicy,
}

/// A user or device as it was found.
pub(crate) struct Found {
    /// If it is there.
    pub(crate) record: Option<KeyValue>,
    /// Its own memberships; of who is not let in whatever they are, only where all are asked for.
    pub(crate) direct: Vec<InGroup>,
    pub(crate) decision: Decision,
    /// Of one that is there: the `userName`, the address.
    user_name: Option<String>,
}

/// Some users or devices, all at one revision.
pub(crate) struct Snapshot {
    pub(crate) found: BTreeMap<String, Found>,
    /// The groups of all of them.
    pub(crate) ancestry: Ancestry,
}

/// Whose memberships are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Of those for whom they decide.
    Undecided,
    /// Of all.
    All,
}

impl Decision {
    pub(crate) fn allowed(&self) -> Option<&Allowed> {
        match self {
            Self::Allowed(allowed) => Some(allowed),
            Self::Denied(_) => None,
        }
    }
}

impl Found {
    /// Whether its groups decide.
    fn is_undecided(&self) -> bool {
        self.decision == Decision::Denied(Denial::NoPolicy)
    }
}

impl Denial {
    /// For people.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::UnknownUser => "No user has this name, and no device this address.",
            Self::Inactive => "The user or device is deactivated.",
            Self::NoPolicy => "The user or device is in no group that has a policy.",
        }
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Decides about the user of a name, or the device of an address.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(crate) async fn decide_by_name(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Decision, Error> {
        for _ in 0..LOOK_UPS {
            let Some(holder) = self.holder_of_name(session, name).await? else {
                return Ok(Decision::Denied(Denial::UnknownUser));
            };
            let ids = vec![holder.id.clone()];
            let decided = self.decide_some(session, holder.kind, ids, 0, Whose::Undecided);
            let Some((_, found)) = decided.await?.found.into_iter().next() else {
                continue;
            };
            // Read a moment later: somebody else may have the name by now.
            if found
                .user_name
                .is_some_and(|called| holder.is(&called, name))
            {
                return Ok(found.decision);
            }
        }
        Err(Error::Unavailable {
            reason: "The user or device is being renamed.",
        })
    }

    /// Decides about a user or device, by id.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(crate) async fn decide(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<Decision, Error> {
        let ids = BTreeSet::from([id.to_owned()]);
        let decision = self.decide_all(session, ids).await?.remove(id);
        Ok(decision.unwrap_or(Decision::Denied(Denial::UnknownUser)))
    }

    /// Decides about users and devices, by id: some at one revision.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(crate) async fn decide_all(
        &self,
        session: &mut Session<'_>,
        ids: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Decision>, Error> {
        let mut decisions = BTreeMap::new();
        let mut unknown = ids;
        for kind in [Kind::User, Kind::Device] {
            let mut ids = std::mem::take(&mut unknown).into_iter().peekable();
            while ids.peek().is_some() {
                let some = ids.by_ref().take(TOGETHER).collect();
                let decided = self.decide_some(session, kind, some, 0, Whose::Undecided);
                for (id, found) in decided.await?.found {
                    if found.decision == Decision::Denied(Denial::UnknownUser) {
                        unknown.insert(id.clone());
                    }
                    decisions.insert(id, found.decision);
                }
            }
        }
        Ok(decisions)
    }

    /// Decides about a few of a kind at a revision (zero: now): their records and memberships in one
    /// call of the store, their groups in another where none is in a group itself, the policies in a
    /// third.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(crate) async fn decide_some(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'static>,
        ids: Vec<String>,
        revision: i64,
        whose: Whose,
    ) -> Result<Snapshot, Error> {
        let keys = session.keys.clone();
        let reads = ids.iter().flat_map(|id| {
            let record = Range {
                revision,
                ..Range::one(keys.record(kind, id))
            };
            [record, groups_of(&keys, id, revision, FIRST)]
        });
        let mut replies = self.ranges(session, reads.collect()).await?.into_iter();
        let mut read_at = revision;
        let mut found = BTreeMap::new();
        let mut groups = BTreeSet::new();
        for id in ids {
            let (record, first) = (replies.next().unwrap_or_default(), replies.next());
            if revision == 0 {
                read_at = record.revision;
            }
            let mut one = self.look_at(kind, record.kvs.into_iter().next())?;
            if one.is_undecided() || whose == Whose::All && one.record.is_some() {
                let range = groups_of(&keys, &id, read_at, PAGE);
                let all = self
                    .rest(session, &range, first.unwrap_or_default())
                    .await?;
                one.direct = in_groups(&all);
                groups.extend(one.direct.iter().map(|one| one.group.clone()));
            }
            found.insert(id, one);
        }
        let ancestry = self.ancestry(session, groups, read_at).await?;
        let of_user = |direct: &Vec<InGroup>| {
            let groups = ancestry.of(direct);
            groups.iter().map(|group| group.display.to_owned()).gather()
        };
        let undecided = found.iter().filter(|(_, one)| one.is_undecided());
        let groups: BTreeMap<String, BTreeSet<String>> = undecided
            .map(|(id, one)| (id.clone(), of_user(&one.direct)))
            .collect();
        let named = groups.values().flatten().cloned().gather();
        let policies = self.policies_of(session, named, read_at).await?;
        for (id, groups) in groups {
            let of_groups = groups.into_iter().filter_map(|group| {
                let policy = policies.get(&group)?.clone();
                Some(OfGroup { group, policy })
            });
            if let Some(policy) = Effective::of(of_groups.collect())
                && let Some(user) = found.get_mut(&id)
            {
                user.decision = Decision::Allowed(Rc::new(Allowed {
                    user_id: id,
                    user_name: user.user_name.clone().unwrap_or_default(),
                    is_device: kind == Kind::Device,
                    policy,
                }));
            }
        }
        Ok(Snapshot { found, ancestry })
    }

    /// What the record of a user or device says, before any group has a say.
    fn look_at(&self, kind: Kind<'_>, record: Option<KeyValue>) -> Result<Found, Error> {
        let Some(record) = record else {
            return Ok(Found {
                record: None,
                direct: Vec::new(),
                decision: Decision::Denied(Denial::UnknownUser),
                user_name: None,
            });
        };
        let found = self.decode(kind, &record)?;
        let core = self.registry.core();
        let (active, user_name) = match kind {
            Kind::Device => (core.device_active, device::address(&self.registry, &found)),
            _ => (core.active, found.text(core.user_name)),
        };
        let denial = match is_active(found.get(active)) {
            true => Denial::NoPolicy,
            false => Denial::Inactive,
        };
        Ok(Found {
            user_name: user_name.map(str::to_owned),
            decision: Decision::Denied(denial),
            direct: Vec::new(),
            record: Some(record),
        })
    }

    /// The policies of groups that have one, at a revision.
    async fn policies_of(
        &self,
        session: &mut Session<'_>,
        groups: BTreeSet<String>,
        revision: i64,
    ) -> Result<BTreeMap<String, Policy>, Error> {
        let ranges = groups.iter().map(|group| Range {
            revision,
            ..Range::one(session.keys.policy(group))
        });
        let ranges = ranges.collect();
        let found = self.ranges(session, ranges).await?;
        let mut policies = BTreeMap::new();
        for (group, found) in groups.into_iter().zip(found) {
            if let Some(kv) = found.kvs.first() {
                policies.insert(group, decode(&kv.value)?);
            }
        }
        Ok(policies)
    }
}

/// A user of whom nobody has said otherwise is active, as SCIM clients see it too.
fn is_active(active: Option<&Value>) -> bool {
    !matches!(active, Some(Value::Boolean(false)))
}
