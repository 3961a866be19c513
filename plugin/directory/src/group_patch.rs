//! PATCH of a group (RFC 7644 §3.5.2). Operations that name the members they add
//! or remove work on those alone, whatever the size of the group, and never
//! conflict; for any other the list of members is loaded.

use crate::Directory;
use crate::commit::{Action, Attempts};
use crate::environment::{Clock, Entropy};
use crate::group_edit::{Edit, StoredGroup, group_ranges};
use crate::keys::Kind;
use crate::kv::{Kv, Range};
use crate::memberships::{
    MAX_ID_BYTES, Member, MemberChanges, MemberKind, Members, kind, kind_ranges, member,
};
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
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
        let named = patch.member_changes(&self.registry);
        let mut event = self.event(Kind::Group, Action::Patch, id)?;
        let mut attempts = Attempts::default();
        loop {
            let (stored, mut edit) = match &named {
                Some(named) => self.patch_named(session, id, &patch, named).await?,
                None => self.patch_list(session, id, &patch).await?,
            };
            precondition.check(stored.version())?;
            edit.compare_members |= precondition.is_given();
            self.keep_identity(&stored.resource, &mut edit.group);
            if shown {
                edit.read = self.shown_ranges(&session.keys, id);
            }
            let edited = self.edit_group(session, id, &stored, edit, &mut event);
            match edited.await? {
                Some(edited) => return self.patched(session, id, &edited),
                None => self.start_again(&mut attempts).await?,
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
            ranges.push(Range::one(session.keys.member(id, member)));
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
            *state = membership.kvs.first().map(member).transpose()?;
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
            members: Members::new(),
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
        let members = self.load_members(session, id, stored.read_at).await?;
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
            members,
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
