//! Decisions: whether a user may be on the network now, and with which policy. Everything is read
//! from the store when it is asked for, so a decision is as new as the directory.

use super::policy::{Effective, OfGroup, Policy};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::generation::InGroup;
use crate::keys::Kind;
use crate::kv::{KeyValue, Kv, Range};
use crate::memberships::in_groups;
use crate::session::Session;
use crate::stored::decode;
use crate::walk::{FIRST, PAGE};
use scim::Error;
use scim::gather::Gather as _;
use scim::resource::Value;
use scim::text::fold;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Longer names are nobody's: no key of the store is so long.
pub(super) const MAX_NAME: usize = 1_024;

/// How many users are decided about at one revision.
const TOGETHER: usize = 300;

/// How often a name is looked up again whose user was renamed meanwhile.
const LOOK_UPS: usize = 3;

/// Whether somebody may be on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed(Box<Allowed>),
    Denied(Denial),
}

/// Who may, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    pub(crate) policy: Effective,
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Denial {
    /// Nobody has the name, or no longer.
    UnknownUser,
    /// The user is deactivated.
    Inactive,
    /// No group that the user is in has a policy.
    NoPolicy,
}

/// A user as it was found.
struct Found {
    /// Of a user who is there.
    user_name: Option<String>,
    decision: Decision,
}

impl Decision {
    pub(crate) fn allowed(&self) -> Option<&Allowed> {
        match self {
            Self::Allowed(allowed) => Some(allowed),
            Self::Denied(_) => None,
        }
    }
}

impl Denial {
    /// For people.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::UnknownUser => "There is no user of this name.",
            Self::Inactive => "The user is deactivated.",
            Self::NoPolicy => "The user is in no group that has a policy.",
        }
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Decides about whoever has a `userName`.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(crate) async fn decide_by_name(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Decision, Error> {
        for _ in 0..LOOK_UPS {
            let Some(id) = self.holder_of_name(session, name).await? else {
                return Ok(Decision::Denied(Denial::UnknownUser));
            };
            let found = self.decide_some(session, vec![id]).await?;
            let Some((_, found)) = found.into_iter().next() else {
                continue;
            };
            // Read a moment later: somebody else may have the name by now.
            if found
                .user_name
                .is_some_and(|found| fold(&found) == fold(name))
            {
                return Ok(found.decision);
            }
        }
        Err(Error::Unavailable {
            reason: "The user is being renamed.",
        })
    }

    /// The id of the user who has a `userName`.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(super) async fn holder_of_name(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Option<String>, Error> {
        if name.len() > MAX_NAME {
            return Ok(None);
        }
        let key = session.keys.user_name(&fold(name));
        let holder = self.range(session, Range::one(key)).await?;
        let holder = holder.kvs.into_iter().next();
        Ok(holder.and_then(|kv| String::from_utf8(kv.value).ok()))
    }

    /// Decides about a user, by id.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(crate) async fn decide(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<Decision, Error> {
        let found = self.decide_some(session, vec![id.to_owned()]).await?;
        let decision = found.into_values().next().map(|found| found.decision);
        Ok(decision.unwrap_or(Decision::Denied(Denial::UnknownUser)))
    }

    /// Decides about users, by id: some at one revision.
    ///
    /// # Errors
    /// As [`Self::decide_by_name`].
    pub(crate) async fn decide_all(
        &self,
        session: &mut Session<'_>,
        ids: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Decision>, Error> {
        let mut decisions = BTreeMap::new();
        let mut ids = ids.into_iter().peekable();
        while ids.peek().is_some() {
            let some = ids.by_ref().take(TOGETHER).collect();
            let found = self.decide_some(session, some).await?;
            decisions.extend(found.into_iter().map(|(id, found)| (id, found.decision)));
        }
        Ok(decisions)
    }

    /// Decides about a few users at one revision: their records and memberships in one call of the
    /// store, their groups in another where none is in a group itself, the policies in a third.
    async fn decide_some(
        &self,
        session: &mut Session<'_>,
        ids: Vec<String>,
    ) -> Result<BTreeMap<String, Found>, Error> {
        let keys = session.keys.clone();
        let memberships = |id: &str, revision, limit| Range {
            revision,
            limit,
            keys_only: true,
            ..Range::prefix(keys.members_of(id))
        };
        let reads = ids.iter().flat_map(|id| {
            let record = Range::one(keys.record(Kind::User, id));
            [record, memberships(id, 0, FIRST)]
        });
        let mut replies = self.ranges(session, reads.collect()).await?.into_iter();
        let mut revision = 0;
        let mut found = BTreeMap::new();
        let mut members = BTreeMap::new();
        let mut groups = BTreeSet::new();
        for id in ids {
            let (record, first) = (replies.next().unwrap_or_default(), replies.next());
            revision = record.revision;
            let user = self.look_at(record.kvs.first())?;
            if user.decision == Decision::Denied(Denial::NoPolicy) {
                let range = memberships(&id, revision, PAGE);
                let all = self
                    .rest(session, &range, first.unwrap_or_default())
                    .await?;
                let direct = in_groups(&all);
                groups.extend(direct.iter().map(|one| one.group.clone()));
                members.insert(id.clone(), direct);
            }
            found.insert(id, user);
        }
        let ancestry = self.ancestry(session, groups, revision).await?;
        let of_user = |direct: &Vec<InGroup>| {
            let groups = ancestry.of(direct);
            groups.iter().map(|group| group.display.to_owned()).gather()
        };
        let groups: BTreeMap<String, BTreeSet<String>> = members
            .iter()
            .map(|(id, direct)| (id.clone(), of_user(direct)))
            .collect();
        let named = groups.values().flatten().cloned().gather();
        let policies = self.policies_of(session, named, revision).await?;
        for (id, groups) in groups {
            let of_groups = groups.into_iter().filter_map(|group| {
                let policy = policies.get(&group)?.clone();
                Some(OfGroup { group, policy })
            });
            if let Some(policy) = Effective::of(of_groups.collect())
                && let Some(user) = found.get_mut(&id)
            {
                user.decision = Decision::Allowed(Box::new(Allowed {
                    user_id: id,
                    user_name: user.user_name.clone().unwrap_or_default(),
                    policy,
                }));
            }
        }
        Ok(found)
    }

    /// What a user's record says, before any group has a say.
    fn look_at(&self, record: Option<&KeyValue>) -> Result<Found, Error> {
        let Some(record) = record else {
            return Ok(Found {
                user_name: None,
                decision: Decision::Denied(Denial::UnknownUser),
            });
        };
        let user = self.decode(Kind::User, record)?;
        let core = self.registry.core();
        let denial = match is_active(user.get(core.active)) {
            true => Denial::NoPolicy,
            false => Denial::Inactive,
        };
        Ok(Found {
            user_name: user.text(core.user_name).map(str::to_owned),
            decision: Decision::Denied(denial),
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
