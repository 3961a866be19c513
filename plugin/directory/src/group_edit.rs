//! The one way in which groups are changed: a record, some members, and what
//! must not have changed meanwhile.

use crate::Directory;
use crate::commit::{Change, Commit};
use crate::environment::{Clock, Entropy};
use crate::generation::Generation;
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, Kv, OpReply, Range, RangeReply};
use crate::memberships::{List, Member, MemberChanges, Members, Wanted, joined, touch, touched_at};
use crate::session::Session;
use crate::staging::GroupWrite;
use crate::unused::Unused;
use scim::Error;
use scim::gather::Gather as _;
use scim::resource::{Resource, complete};
use scim::schema::ResourceTypeId;

/// A group as it was read.
#[derive(Clone, Debug)]
pub(crate) struct StoredGroup {
    /// Without members; its `lastModified` is the record's.
    pub(crate) resource: Resource,
    /// The revision of the record; zero for a group that is yet to be made.
    pub(crate) record: i64,
    /// The revision of the touch key; zero when there is none.
    pub(crate) touch: i64,
    /// When members last changed.
    pub(crate) touched_at: Option<String>,
    /// The generation of its members.
    pub(crate) generation: Generation,
    /// The store's revision when it was read.
    pub(crate) read_at: i64,
}

/// What is to become of a group.
#[derive(Debug)]
pub(crate) struct Edit {
    /// The new state of its record.
    pub(crate) group: Resource,
    /// Its members before, if they were read.
    pub(crate) members: Option<Members>,
    /// Which members come, change or go.
    pub(crate) changes: MemberChanges,
    /// Whether the changes rest on the list of members that was read. Those that
    /// name each member do not, so they never conflict.
    pub(crate) compare_members: bool,
    /// What the answer needs of the state after the change.
    pub(crate) read: Vec<Range>,
}

/// A group after a change.
#[derive(Debug)]
pub(crate) struct Edited {
    /// Without members.
    pub(crate) group: Resource,
    pub(crate) version: i64,
    pub(crate) members: Members,
    /// A revision at which it is so.
    pub(crate) read_at: i64,
    /// The replies to [`Edit::read`]; none when they were lost.
    pub(crate) read: Vec<RangeReply>,
}

impl StoredGroup {
    /// A group that is not in the store.
    pub(crate) fn unborn(group: ResourceTypeId) -> Self {
        Self {
            resource: Resource::new(group),
            record: 0,
            touch: 0,
            touched_at: None,
            generation: Generation::first(),
            read_at: 0,
        }
    }

    /// The revision that stands for the group's state.
    pub(crate) fn version(&self) -> i64 {
        self.record.max(self.touch)
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads a group without its members.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`].
    pub(crate) async fn load_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<StoredGroup, Error> {
        let reads = group_ranges(&session.keys, id);
        let replies = self.ranges(session, reads.to_vec()).await?;
        self.stored_group(id, &replies)
    }

    /// The group in the replies to [`group_ranges`].
    ///
    /// # Errors
    /// [`Error::NoResource`].
    pub(crate) fn stored_group(
        &self,
        id: &str,
        replies: &[RangeReply],
    ) -> Result<StoredGroup, Error> {
        let first = |at: usize| replies.get(at).and_then(|reply| reply.kvs.first());
        let found = first(0).ok_or_else(|| self.not_found(Kind::Group, id))?;
        let touch = first(1);
        Ok(StoredGroup {
            resource: self.decode(Kind::Group, found)?,
            record: found.mod_revision,
            touch: touch.map_or(0, |touch| touch.mod_revision),
            touched_at: touch.and_then(touched_at),
            generation: Generation::read(replies.get(2))?,
            read_at: replies.first().map_or(0, |reply| reply.revision),
        })
    }

    /// A group as it is.
    pub(crate) fn unedited(&self, stored: StoredGroup, members: Members) -> Edited {
        let (version, read_at) = (stored.version(), stored.read_at);
        let mut group = stored.resource;
        if let Some(at) = stored.touched_at {
            self.stamp_modified_later(&mut group, &at);
        }
        Edited {
            group,
            version,
            members,
            read_at,
            read: Vec::new(),
        }
    }

    /// What has to change for a group, read at a revision with these members, to have
    /// the wanted ones. Those that do not exist are left out.
    pub(crate) async fn difference(
        &self,
        session: &mut Session<'_>,
        (members, revision): (&Members, i64),
        wanted: Wanted,
    ) -> Result<MemberChanges, Error> {
        let unknown: Vec<&str> = wanted
            .keys()
            .filter(|id| !members.contains_key(*id))
            .map(String::as_str)
            .collect();
        let kinds = self.kinds(session, &unknown, revision).await?;
        let mut changes: MemberChanges = members
            .keys()
            .filter(|id| !wanted.contains_key(*id))
            .map(|id| (id.clone(), None))
            .gather();
        for (id, display) in wanted {
            let present = members.get(&id);
            let kind = present.map(|m| m.kind).or_else(|| kinds.get(&id).copied());
            if let Some(kind) = kind {
                let member = Member { kind, display };
                if present != Some(&member) {
                    changes.insert(id, Some(member));
                }
            }
        }
        Ok(changes)
    }

    /// Makes a change. `None` when another writer was faster: then read and try
    /// again. A change that makes no difference is not written. One that is too large
    /// for a transaction is staged, and rests on the list of members in any case.
    ///
    /// # Errors
    /// [`Error::NotUnique`], [`Error::Required`], [`Error::ChangeTooLarge`],
    /// [`Error::Unavailable`].
    pub(crate) async fn edit_group(
        &self,
        session: &mut Session<'_>,
        stored: &StoredGroup,
        edit: Edit,
        write: &mut GroupWrite<'_>,
    ) -> Result<Option<Edited>, Error> {
        complete(&self.registry, &edit.group)?;
        let record_changes = !self.same_record(&stored.resource, &edit.group);
        if !record_changes && edit.changes.is_empty() {
            // Of the state that was looked at: somebody else may have changed it since.
            let read = edit.read.into_iter().map(|range| Range {
                revision: stored.read_at,
                ..range
            });
            return Ok(Some(Edited {
                read: self.ranges(session, read.collect()).await?,
                ..self.unedited(stored.clone(), edit.members.unwrap_or_default())
            }));
        }
        let attributes = &mut write.event.attributes;
        *attributes = self.changed(&stored.resource, &edit.group);
        if !edit.changes.is_empty() {
            attributes.push(self.registry.path(self.registry.core().members));
        }
        let few = edit.changes.len() <= self.config.limits.max_members_at_once;
        if few && write.stage.is_none() {
            match self.edit_at_once(session, stored, &edit, write).await {
                Err(Error::ChangeTooLarge { .. }) if !edit.changes.is_empty() => {}
                done => return done,
            }
        }
        self.edit_staged(session, stored, edit, write).await
    }

    /// Makes a change in one transaction.
    async fn edit_at_once(
        &self,
        session: &mut Session<'_>,
        stored: &StoredGroup,
        edit: &Edit,
        write: &GroupWrite<'_>,
    ) -> Result<Option<Edited>, Error> {
        let (id, keys) = (write.event.resource.as_str(), session.keys.clone());
        let at = self.now();
        let (group, mut change) = self.group_change(&keys, id, stored, edit, &at);
        let list = List {
            keys: &keys,
            group: id,
            generation: &stored.generation,
        };
        let is_new = stored.record == 0;
        if !edit.changes.is_empty() && !is_new {
            change.ops.push(touch(&keys, id, &at)?);
            // Who compares the touch key knows that nobody has switched it.
            if !edit.compare_members {
                change.compares.push(list.generation.is_current(&keys, id));
            }
        }
        change.read.clone_from(&edit.read);
        let first_member = change.many.len();
        for (member, state) in &edit.changes {
            change.many.push(match state {
                Some(state) => list.join(member, state)?,
                None => list.leave(member),
            });
        }
        if is_new {
            let arrival = session.awaited.arrival(&keys, Kind::Group, id, &at);
            change.many.extend(arrival?);
        }
        match self.commit(session, &write.event, &change).await? {
            Commit::Made {
                revision,
                many,
                read,
            } => {
                let many = many.as_deref().and_then(|all| all.get(first_member..));
                let members = edit.members.clone().unwrap_or_default();
                Ok(Some(Edited {
                    group,
                    version: revision,
                    members: outcome(members, edit.changes.clone(), many),
                    read_at: revision,
                    read,
                }))
            }
            Commit::Conflict(explained) => {
                self.after_conflict(session, Kind::Group, id, &change, &explained)
                    .await?;
                Ok(None)
            }
        }
    }

    /// Writes the whole list of members as a new generation, and then makes it the
    /// group's, with the rest of the change, in one transaction.
    async fn edit_staged(
        &self,
        session: &mut Session<'_>,
        stored: &StoredGroup,
        mut edit: Edit,
        write: &mut GroupWrite<'_>,
    ) -> Result<Option<Edited>, Error> {
        let id = write.event.resource.clone();
        edit.compare_members = true;
        let before = match edit.members.take() {
            Some(members) => members,
            None => {
                self.load_members(session, &id, &stored.generation, stored.read_at)
                    .await?
            }
        };
        let wanted = outcome(before, std::mem::take(&mut edit.changes), None);
        self.stage(session, write, wanted).await?;
        let Some(stage) = &write.stage else {
            return Ok(None);
        };

        let keys = session.keys.clone();
        let at = self.now();
        let (group, mut change) = self.group_change(&keys, &id, stored, &edit, &at);
        let list = List {
            keys: &keys,
            group: &id,
            generation: &stage.generation,
        };
        let is_new = stored.record == 0;
        let replaced = (!is_new).then(|| {
            let now = self.clock.now_millis();
            Unused::due(session.tenant(), &id, &stored.generation, now)
        });
        stage.switch(&self.config.prefix, list, replaced, &mut change)?;
        if is_new {
            session.awaited.staged(&id, &stage.generation);
            let arrival = session.awaited.arrival(&keys, Kind::Group, &id, &at);
            change.many.extend(arrival?);
        } else {
            change.ops.push(touch(&keys, &id, &at)?);
        }
        match self.commit(session, &write.event, &change).await? {
            Commit::Made { revision, .. } => {
                let stage = write.stage.take();
                Ok(Some(Edited {
                    group,
                    version: revision,
                    members: stage.map(|stage| stage.members).unwrap_or_default(),
                    read_at: revision,
                    read: Vec::new(),
                }))
            }
            Commit::Conflict(explained) => {
                self.after_conflict(session, Kind::Group, &id, &change, &explained)
                    .await?;
                Ok(None)
            }
        }
    }

    /// What a change writes beside memberships, what it rests on, and the group as it
    /// is then.
    fn group_change(
        &self,
        keys: &Keys,
        id: &str,
        stored: &StoredGroup,
        edit: &Edit,
        at: &str,
    ) -> (Resource, Change) {
        let is_new = stored.record == 0;
        let record = keys.record(Kind::Group, id);
        let mut group = edit.group.clone();
        let mut change = Change::default();
        if !self.same_record(&stored.resource, &group) {
            self.stamp_modified(&mut group, at);
            let old = (!is_new).then_some(&stored.resource);
            change = self.put_record(keys, Kind::Group, id, old, &group);
            let unchanged = Compare::unchanged(record, stored.record);
            change.compares.push(unchanged);
        } else if edit.compare_members {
            let unchanged = Compare::unchanged(record, stored.record);
            change.compares.push(unchanged);
        } else {
            change.compares.push(Compare::present(record));
        }
        if edit.compare_members && !is_new {
            let unchanged = Compare::unchanged(keys.group_touch(id), stored.touch);
            change.compares.push(unchanged);
        }
        self.stamp_modified(&mut group, at);
        (group, change)
    }
}

/// How many ranges a group has beside its record.
pub(crate) const GROUP_BESIDE: usize = 2;

/// What to read of a group beside its record: its touch key and its generation.
pub(crate) fn beside_ranges(keys: &Keys, id: &str) -> [Range; GROUP_BESIDE] {
    [keys.group_touch(id), keys.generation(id)].map(Range::one)
}

/// What to read of a group.
pub(crate) fn group_ranges(keys: &Keys, id: &str) -> [Range; 1 + GROUP_BESIDE] {
    let [touch, generation] = beside_ranges(keys, id);
    [Range::one(keys.record(Kind::Group, id)), touch, generation]
}

/// The members after a change. One that was deleted just then is not among them;
/// where the replies were lost, it counts as deleted just after.
fn outcome(mut members: Members, changes: MemberChanges, replies: Option<&[OpReply]>) -> Members {
    for (i, (id, state)) in changes.into_iter().enumerate() {
        let reply = replies.and_then(|replies| replies.get(i));
        match state {
            Some(member) if reply.is_none_or(joined) => members.insert(id, member),
            Some(_) | None => members.remove(&id),
        };
    }
    members
}
