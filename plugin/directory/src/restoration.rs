//! Deleted users: what is kept of one, and how it comes back. One transaction brings the record,
//! its index keys, the password and the memberships, and takes away what was kept.

use crate::Directory;
use crate::commit::{Action, Attempts, Change, Commit};
use crate::environment::{Clock, Entropy};
use crate::generation::{Generation, InGroup};
use crate::index;
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, Kv, Op, Range, Txn};
use crate::memberships::{List, Member, MemberKind, touch};
use crate::password::Password;
use crate::session::Session;
use crate::stored::{decode, encode};
use scim::Error;
use scim::json::Quoted;
use scim::resource::{Resource, Value, from_store, to_store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of a deleted user, on a lease.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletedUser {
    pub(crate) deleted_at: String,
    /// When the lease is over; older records do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept_until: Option<String>,
    /// Whether the user was active until then; older records do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was_active: Option<bool>,
    /// The ids of those that it was a member of itself.
    pub(crate) groups: Vec<String>,
    /// The hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// The record, inactive.
    user: serde_json::Value,
}

/// A group, as an administrator sees it beside a user.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NamedGroup {
    pub(crate) id: String,
    pub(crate) display_name: String,
}

/// A user who is back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restored {
    id: String,
    user_name: String,
    active: bool,
    groups: Vec<NamedGroup>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// What is to be kept of a user who is deleted now.
    ///
    /// # Errors
    /// [`Error::Internal`], which does not happen.
    pub(crate) fn kept_user(
        &self,
        mut user: Resource,
        groups: &[String],
        password: Option<&[u8]>,
        retention_seconds: i64,
    ) -> Result<Vec<u8>, Error> {
        let active = self.registry.core().active;
        let was_active = user.get(active) != Some(&Value::Boolean(false));
        user.attributes.set(active, Value::Boolean(false));
        let now = i64::try_from(self.clock.now_millis()).unwrap_or(i64::MAX);
        let until = now.saturating_add(retention_seconds.saturating_mul(1_000));
        let hash = password.and_then(|hash| std::str::from_utf8(hash).ok());
        encode(&DeletedUser {
            deleted_at: self.now(),
            kept_until: Some(scim::datetime::format(until)),
            was_active: Some(was_active),
            groups: groups.to_vec(),
            password: hash.map(str::to_owned),
            user: decode(&to_store(&self.registry, &user))?,
        })
    }

    /// The user in a record of a deleted one; it is inactive.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub(crate) fn user_in(&self, deleted: &DeletedUser) -> Result<Resource, Error> {
        let user = encode(&deleted.user)?;
        from_store(&self.registry, self.registry.core().user, &user)
    }

    /// Brings a deleted user back, into those of its groups that are still there. It is as active
    /// as it was; where an older record does not say, it stays inactive, for nobody should be let
    /// in by mistake.
    ///
    /// # Errors
    /// [`Error::NoResource`]; [`Error::Taken`] for a `userName`, or another value that no two may
    /// have, that somebody else has by now; [`Error::ChangeTooLarge`]; [`Error::Unavailable`].
    pub(crate) async fn restore_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<Restored, Error> {
        let core = self.registry.core();
        let mut event = self.event(Kind::User, Action::Restore, id)?;
        let key = session.keys.user_deleted(id);
        let mut attempts = Attempts::default();
        loop {
            let found = self.range(session, Range::one(key.clone())).await?;
            let kept = found.kvs.first().ok_or_else(|| not_deleted(id))?;
            let deleted: DeletedUser = decode(&kept.value)?;
            let mut user = self.user_in(&deleted)?;
            let active = deleted.was_active == Some(true);
            user.attributes.set(core.active, Value::Boolean(active));
            self.stamp_modified(&mut user, &self.now());
            let groups = deleted.groups.iter().cloned().collect();
            let groups = self.groups_now(session, groups, found.revision).await?;

            event.attributes = self.changed(&Resource::new(core.user), &user);
            let keys = session.keys.clone();
            let mut change = self.put_record(&keys, Kind::User, id, None, &user);
            let unchanged = Compare::unchanged(key.clone(), kept.mod_revision);
            change.compares.push(unchanged);
            change.ops.push(Op::delete(key.clone()));
            if let Some(hash) = deleted.password {
                change.ops.extend(Password::Set(hash).write(&keys, id));
            }
            self.join_all(&keys, id, &groups, found.revision, &mut change)?;
            let explained = match self.commit(session, &event, &change).await? {
                Commit::Made { .. } => {
                    let groups = groups.into_values().map(|(_, group)| group);
                    return Ok(Restored {
                        id: id.to_owned(),
                        user_name: user.text(core.user_name).unwrap_or_default().to_owned(),
                        active,
                        groups: groups.collect(),
                    });
                }
                Commit::Conflict(explained) => explained,
            };
            if let Some((claim, holder)) = index::holder(&change, id, &explained) {
                return Err(Error::Taken {
                    attribute: self.registry.path(claim.attribute),
                    value: Quoted::from(claim.value.as_str()),
                    holder: Quoted::from(holder.as_str()),
                });
            }
            self.after_conflict(session, Kind::User, id, &change, &explained)
                .await?;
            self.start_again(&mut attempts).await?;
        }
    }

    /// Those of some groups that are there at a revision, each with the generation that its members
    /// have, by id.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(crate) async fn groups_now(
        &self,
        session: &mut Session<'_>,
        ids: BTreeSet<String>,
        revision: i64,
    ) -> Result<BTreeMap<String, (InGroup, NamedGroup)>, Error> {
        let keys = session.keys.clone();
        let one = |key| Range {
            revision,
            ..Range::one(key)
        };
        let ranges = ids
            .iter()
            .flat_map(|id| [keys.record(Kind::Group, id), keys.generation(id)]);
        let ranges = ranges.map(one).collect();
        let mut replies = self.ranges(session, ranges).await?.into_iter();
        let mut groups = BTreeMap::new();
        for id in ids {
            let (record, generation) = (replies.next().unwrap_or_default(), replies.next());
            let Some(record) = record.kvs.first() else {
                continue;
            };
            let display_name = self.name_of_group(record)?;
            let membership = InGroup {
                group: id.clone(),
                generation: Generation::read(generation.as_ref())?,
            };
            let named = NamedGroup {
                id: id.clone(),
                display_name,
            };
            groups.insert(id, (membership, named));
        }
        Ok(groups)
    }

    /// Lets a user into groups as they were read: into each that is still there by then. None may
    /// have got another generation of members meanwhile, or the user would be in the old one.
    fn join_all(
        &self,
        keys: &Keys,
        id: &str,
        groups: &BTreeMap<String, (InGroup, NamedGroup)>,
        read_at: i64,
        change: &mut Change,
    ) -> Result<(), Error> {
        let generations = keys.generation("");
        change
            .compares
            .push(Compare::none_newer(generations, read_at));
        let at = self.now();
        let member = Member {
            kind: MemberKind::User,
            display: None,
        };
        for (group, (membership, _)) in groups {
            let list = List {
                keys,
                group,
                generation: &membership.generation,
            };
            let mut then = list.let_in(id, &member)?.to_vec();
            then.push(touch(keys, group, &at)?);
            change.many.push(Op::Txn(Txn {
                compares: vec![Compare::present(keys.record(Kind::Group, group))],
                then,
                otherwise: Vec::new(),
            }));
        }
        Ok(())
    }
}

fn not_deleted(id: &str) -> Error {
    Error::NoResource {
        resource_type: "deleted user".to_owned(),
        id: Quoted::from(id),
    }
}
