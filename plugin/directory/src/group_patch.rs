//! PATCH of a group (RFC 7644 §3.5.2). Operations that name the members they add
//! or remove work on those alone, whatever the size of the group, and never
//! conflict; for any other the list of members is loaded.

use crate::Directory;
use crate::commit::Action;
use crate::environment::{Clock, Entropy};
use crate::generation::InGroup;
use crate::group_edit::{Edit, Edited, StoredGroup, group_ranges};
use crate::keys::Kind;
use crate::kv::{Kv, Range};
use crate::memberships::{
    MAX_ID_BYTES, Member, MemberChanges, MemberKind, kind, kind_ranges, member,
};
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
use crate::staging::GroupWrite;
use scim::Error;
use scim::gather::Gather as _;
use scim::json::Json;
use scim::patch::{MemberChange, Patch};
use std::collections::BTreeMap;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// PATCH of a group. The answer shows it when that is asked for and it is small.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::NotUnique`], what is wrong with the body,
    /// [`Error::ChangeTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn patch_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        shown: bool,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let most = self.config.limits.max_patch_operations;
        let patch = Patch::parse(&self.registry, core.group, body, most, id, session.mode())?;
        let mut write = GroupWrite::new(self.event(Kind::Group, Action::Patch, id)?);
        let result = self
            .try_patch(session, &patch, precondition, shown, &mut write)
            .await;
        let edited = self.end_write(write, result).await?;
        self.patched(session, id, &edited)
    }

    async fn try_patch(
        &self,
        session: &mut Session<'_>,
        patch: &Patch,
        precondition: &Precondition,
        shown: bool,
        write: &mut GroupWrite<'_>,
    ) -> Result<Edited, Error> {
        let named = patch.member_changes(&self.registry);
        let id = write.event.resource.clone();
        loop {
            let (stored, mut edit) = match &named {
                Some(named) => self.patch_named(session, &id, patch, named).await?,
                None => self.patch_list(session, &id, patch).await?,
            };
            precondition.check(stored.version())?;
            edit.compare_members |= precondition.is_given();
            self.keep_identity(&stored.resource, &mut edit.group);
            if shown {
                edit.read = self.shown_ranges(&session.keys, &id, &stored.generation);
            }
            match self.edit_group(session, &stored, edit, write).await? {
                Some(edited) => return Ok(edited),
                None => self.start_again(&mut write.attempts).await?,
            }
        }
    }

    /// Reads the members that the operations name and works out what becomes of
    /// them.
    async fn patch_named(
        &self,
        session: &mut Session<'_>,
        id: &str,
        patch: &Patch,
        named: &[MemberChange],
    ) -> Result<(StoredGroup, Edit), Error> {
        let mut before: BTreeMap<&str, Option<Member>> = BTreeMap::new();
        let mut kinds: BTreeMap<&str, MemberKind> = BTreeMap::new();
        for id in named
            .iter()
            .map(target)
            .filter(|id| id.len() <= MAX_ID_BYTES)
        {
            before.insert(id, None);
        }
        let of_group = group_ranges(&session.keys, id);
        let mut ranges = of_group.to_vec();
        for member in before.keys() {
            // Whatever the generation, which is read just now.
            ranges.push(Range::prefix(session.keys.member_of_group(member, id)));
            ranges.extend(kind_ranges(&session.keys, member));
        }
        let replies = self.ranges(session, ranges).await?;
        let stored = self.stored_group(id, &replies)?;
        let of_members = replies.get(of_group.len()..).unwrap_or_default();
        for ((id, state), replies) in before
            .iter_mut()
            .zip(of_members.chunks(1 + MemberKind::ALL.len()))
        {
            let Some((membership, record)) = replies.split_first() else {
                continue;
            };
            let current = membership.kvs.iter().find(|kv| {
                InGroup::of(&kv.key).is_some_and(|one| one.generation == stored.generation)
            });
            *state = current.map(member).transpose()?;
            if let Some(kind) = kind(record) {
                kinds.insert(id, kind);
            }
        }

        let mut after = before.clone();
        for change in named {
            let id = target(change);
            let Some(state) = after.get_mut(id) else {
                continue;
            };
            match change {
                MemberChange::Remove(_) => *state = None,
                MemberChange::Add(added) => {
                    let known = before.get(id).and_then(Option::as_ref).map(|m| m.kind);
                    let present = state.take();
                    *state = known.or_else(|| kinds.get(id).copied()).map(|kind| Member {
                        kind,
                        display: added.display.clone().or_else(|| present?.display),
                    });
                }
            }
        }
        // All that are named or none: nothing compares how those were that are left as
        // they were, and by the time of the commit they may be otherwise.
        let changes: MemberChanges = match before == after {
            true => MemberChanges::new(),
            false => after
                .into_iter()
                .map(|(id, state)| (id.to_owned(), state))
                .gather(),
        };
        let mut group = stored.resource.clone();
        patch.apply_besides_members(&self.registry, &mut group)?;
        let edit = Edit {
            group,
            members: None,
            changes,
            // Other operations may rest on a record that they leave as it was.
            compare_members: !patch.is_of(self.registry.core().members),
            read: Vec::new(),
        };
        Ok((stored, edit))
    }

    /// Applies the operations to the whole list.
    async fn patch_list(
        &self,
        session: &mut Session<'_>,
        id: &str,
        patch: &Patch,
    ) -> Result<(StoredGroup, Edit), Error> {
        let core = self.registry.core();
        let stored = self.load_group(session, id).await?;
        let members = self
            .load_members(session, id, &stored.generation, stored.read_at)
            .await?;
        let mut group = stored.resource.clone();
        if let Some(value) = self.members_value(session, &members) {
            group.attributes.set(core.members, value);
        }
        patch.apply(&self.registry, &mut group)?;
        let wanted = self.wanted(group.attributes.remove(core.members).as_ref());
        let read = (&members, stored.read_at);
        let edit = Edit {
            group,
            changes: self.difference(session, read, wanted).await?,
            members: Some(members),
            compare_members: true,
            read: Vec::new(),
        };
        Ok((stored, edit))
    }
}

fn target(change: &MemberChange) -> &str {
    match change {
        MemberChange::Add(member) => &member.value,
        MemberChange::Remove(id) => id,
    }
}
