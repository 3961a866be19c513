//! Deletion: of users, who are kept out of sight for a while, and of everything
//! else, for good.

use crate::Directory;
use crate::commit::{Action, Attempts, Change, Commit, Event};
use crate::config::OnDelete;
use crate::environment::{Clock, Entropy};
use crate::generation::{Generation, InGroup};
use crate::group_edit::StoredGroup;
use crate::keys::{Keys, Kind, last_segment, unused as unused_key};
use crate::kv::{Compare, Kv, LeaseId, Op, Range, Txn};
use crate::memberships::{List, groups_of, in_groups, touch};
use crate::password::Password;
use crate::precondition::Precondition;
use crate::resources::Stored;
use crate::session::Session;
use crate::unused::Unused;
use crate::walk::PAGE;
use scim::Error;
use scim::projection::Projection;
use scim::resource::Value;
use std::collections::BTreeMap;

const SECONDS_PER_DAY: i64 = 86_400;

/// Whoever is in more groups leaves them by the shortest transaction.
const FEW_GROUPS: usize = 1_000;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// DELETE of a user (RFC 7644 §3.6). The record moves, inactive, to where no
    /// SCIM request finds it, and vanishes after the time of retention; the
    /// `userName` is free at once. Or, as configured, the user is only
    /// deactivated.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::Unavailable`].
    pub(crate) async fn delete_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let active = self.registry.core().active;
        if self.config.on_delete == OnDelete::Deactivate {
            let nothing =
                Projection::parse(&self.registry, self.registry.core().user, Some("id"), None);
            self.change_resource(
                session,
                Kind::User,
                id,
                Action::Delete,
                precondition,
                &nothing,
                |user| {
                    let mut user = user.clone();
                    user.attributes.set(active, Value::Boolean(false));
                    Ok((user, Password::Kept))
                },
            )
            .await?;
            return Ok(());
        }

        let event = self.event(Kind::User, Action::Delete, id)?;
        let mut lease = None;
        let mut attempts = Attempts::default();
        loop {
            let stored = self.load(session, Kind::User, id).await?;
            precondition.check(stored.revision)?;
            let lease = match lease {
                Some(lease) => lease,
                None => *lease.insert(self.lease(session, self.retention()).await?),
            };
            let password = Range {
                revision: stored.read_at,
                ..Range::one(session.keys.user_password(id))
            };
            let password = self.range(session, password).await?;
            let password = password.kvs.first().map(|kv| kv.value.as_slice());
            let groups = match stored.groups.is_empty() {
                true => Vec::new(),
                false => {
                    self.current(session, &stored.groups, stored.read_at)
                        .await?
                }
            };
            let keys = &session.keys;
            let change = self.user_deletion(keys, id, stored, &groups, password, lease)?;
            if self
                .try_delete(session, Kind::User, &event, &change)
                .await?
            {
                return Ok(());
            }
            self.start_again(&mut attempts).await?;
        }
    }

    /// DELETE of a group (RFC 7644 §3.6), for good.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::ChangeTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn delete_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let event = self.event(Kind::Group, Action::Delete, id)?;
        let mut attempts = Attempts::default();
        loop {
            let stored = self.load_group(session, id).await?;
            precondition.check(stored.version())?;
            let parents = groups_of(&session.keys, id, stored.read_at, PAGE);
            let parents = in_groups(&self.walk(session, parents).await?);

            let keys = session.keys.clone();
            let record = (&stored.resource, stored.record);
            let mut change = self.delete_record(&keys, Kind::Group, id, record);
            let touch = keys.group_touch(id);
            let unchanged = Compare::unchanged(touch.clone(), stored.touch);
            change.compares.push(unchanged);
            change.ops.push(Op::delete(touch));
            if !stored.generation.is_first() {
                change.ops.push(Op::delete(keys.generation(id)));
            }
            self.end_members(session, &event, &stored, &mut change)
                .await?;
            self.leave_all(&keys, id, &parents, stored.read_at, &mut change)?;
            if self
                .try_delete(session, Kind::Group, &event, &change)
                .await?
            {
                return Ok(());
            }
            self.start_again(&mut attempts).await?;
        }
    }

    /// DELETE of a device or a resource of another type (RFC 7644 §3.6), for good.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::ChangeTooLarge`] for a device in too many groups,
    /// [`Error::Unavailable`].
    pub(crate) async fn delete_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let event = self.event(kind, Action::Delete, id)?;
        let mut attempts = Attempts::default();
        loop {
            let stored = self.load(session, kind, id).await?;
            precondition.check(stored.revision)?;
            let keys = &session.keys;
            let record = (&stored.resource, stored.revision);
            let mut change = self.delete_record(keys, kind, id, record);
            if kind.groups(&self.registry).is_some() {
                self.leave_all(keys, id, &stored.groups, stored.read_at, &mut change)?;
            }
            if self.try_delete(session, kind, &event, &change).await? {
                return Ok(());
            }
            self.start_again(&mut attempts).await?;
        }
    }

    /// Commits a deletion; `false` when another writer was faster.
    async fn try_delete(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        event: &Event<'_>,
        change: &Change,
    ) -> Result<bool, Error> {
        match self.commit(session, event, change).await? {
            Commit::Made { .. } => Ok(true),
            Commit::Conflict(explained) => {
                self.after_conflict(session, kind, &event.resource, change, &explained)
                    .await?;
                Ok(false)
            }
        }
    }

    /// For how many seconds deleted users are kept.
    fn retention(&self) -> i64 {
        i64::from(self.config.retention_days) * SECONDS_PER_DAY
    }

    fn user_deletion(
        &self,
        keys: &Keys,
        id: &str,
        stored: Stored,
        groups: &[String],
        password: Option<&[u8]>,
        lease: LeaseId,
    ) -> Result<Change, Error> {
        let record = (&stored.resource, stored.revision);
        let mut change = self.delete_record(keys, Kind::User, id, record);
        self.leave_all(keys, id, &stored.groups, stored.read_at, &mut change)?;
        // Who changes the password writes the record too, which is compared.
        if password.is_some() {
            change.ops.push(Op::delete(keys.user_password(id)));
        }
        change.ops.push(Op::Put {
            key: keys.user_deleted(id),
            value: self.kept_user(stored.resource, groups, password, self.retention())?,
            lease,
        });
        Ok(change)
    }

    /// Ends the memberships in a group: with it, if they are few. Else nobody sees
    /// them any more as soon as the group is gone, and they are cleaned up later.
    async fn end_members(
        &self,
        session: &mut Session<'_>,
        event: &Event<'_>,
        stored: &StoredGroup,
        change: &mut Change,
    ) -> Result<(), Error> {
        let (keys, id) = (session.keys.clone(), event.resource.as_str());
        let members = Range {
            keys_only: true,
            limit: PAGE,
            revision: stored.read_at,
            ..Range::prefix(keys.members(id, &stored.generation))
        };
        let first = self.range(session, members.clone()).await?;
        let few = i64::try_from(self.config.limits.max_members_at_once);
        if few.is_ok_and(|few| first.count <= few) {
            let list = List {
                keys: &keys,
                group: id,
                generation: &stored.generation,
            };
            let members = self.rest(session, &members, first).await?;
            let members = members.iter().filter_map(|kv| last_segment(&kv.key));
            change
                .many
                .extend(members.map(|member| list.leave(&member)));
        } else {
            let now = self.clock.now_millis();
            let unused = Unused::due(session.tenant(), id, &stored.generation, now);
            let record = unused_key(&self.config.prefix, &event.id);
            change.ops.push(Op::put(record, unused.to_json()?));
        }
        Ok(())
    }

    /// Takes a user, group or device out of all groups it was in, if it joined no other
    /// since.
    fn leave_all(
        &self,
        keys: &Keys,
        id: &str,
        groups: &[InGroup],
        read_at: i64,
        change: &mut Change,
    ) -> Result<(), Error> {
        let memberships = keys.members_of(id);
        change
            .compares
            .push(Compare::none_newer(memberships.clone(), read_at));
        if groups.is_empty() {
            return Ok(());
        }
        change.ops.push(Op::delete_prefix(memberships));
        let at = self.now();
        // A group that is its own member is no group to be told of its end.
        let others = groups.iter().filter(|one| one.group != id);
        let mut of_groups = BTreeMap::<_, Vec<_>>::new();
        for InGroup { group, generation } in others {
            let key = keys.member(group, generation, id);
            change.many.push(Op::delete(key.clone()));
            of_groups.entry(group).or_default().push(key);
        }
        let few = of_groups.len() <= FEW_GROUPS;
        for (group, memberships) in of_groups {
            // A group that it has left meanwhile does not change.
            let holds = match <[_; 1]>::try_from(memberships) {
                Ok([key]) if few => key,
                // Which of several generations the group has by then, nobody knows; and
                // of very many groups the shorter key fits. At worst, one that it has
                // just left gets another version.
                _ => keys.record(Kind::Group, group),
            };
            change.many.push(Op::Txn(Txn {
                compares: vec![Compare::present(holds)],
                then: vec![touch(keys, group, &at)?],
                otherwise: Vec::new(),
            }));
        }
        Ok(())
    }

    /// The ids of those of some groups that still have the generation that they are
    /// named with.
    async fn current(
        &self,
        session: &mut Session<'_>,
        groups: &[InGroup],
        revision: i64,
    ) -> Result<Vec<String>, Error> {
        let ranges = groups.iter().map(|one| Range {
            revision,
            ..Range::one(session.keys.generation(&one.group))
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        let mut current = Vec::with_capacity(groups.len());
        for (one, reply) in groups.iter().zip(&replies) {
            if Generation::read(Some(reply))? == one.generation {
                current.push(one.group.clone());
            }
        }
        Ok(current)
    }
}
