//! The one way in which groups are changed: a record, some members, and what
//! must not have changed meanwhile.

use crate::Directory;
use crate::commit::{Change, Commit, Event};
use crate::environment::{Clock, Entropy};
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, Kv, OpReply, Range, RangeReply};
use crate::memberships::{
    Member, MemberChanges, Members, Wanted, join, joined, leave, touch, touched_at,
};
use crate::session::Session;
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
    /// The store's revision when it was read.
    pub(crate) read_at: i64,
}

/// What is to become of a group.
#[derive(Debug)]
pub(crate) struct Edit {
    /// The new state of its record.
    pub(crate) group: Resource,
    /// Its members before, as far as the answer needs them.
    pub(crate) members: Members,
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
            read_at: replies.first().map_or(0, |reply| reply.revision),
        })
    }

    /// A group as it is.
    pub(crate) fn unedited(&self, stored: StoredGroup, members: Members) -> Edited {
        let version = stored.version();
        let mut group = stored.resource;
        if let Some(at) = stored.touched_at {
            self.stamp_modified_later(&mut group, &at);
        }
        Edited {
            group,
            version,
            members,
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
    /// again. A change that makes no difference is not written.
    ///
    /// # Errors
    /// [`Error::NotUnique`], [`Error::Required`], [`Error::ChangeTooLarge`],
    /// [`Error::Unavailable`].
    pub(crate) async fn edit_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        stored: &StoredGroup,
        edit: Edit,
        event: &mut Event<'_>,
    ) -> Result<Option<Edited>, Error> {
        let Edit {
            mut group,
            members,
            changes,
            compare_members,
            read,
        } = edit;
        complete(&self.registry, &group)?;
        let is_new = stored.record == 0;
        let record_changes = !self.same_record(&stored.resource, &group);
        if !record_changes && changes.is_empty() {
            // Of the state that was looked at: somebody else may have changed it since.
            let read = read.into_iter().map(|range| Range {
                revision: stored.read_at,
                ..range
            });
            return Ok(Some(Edited {
                read: self.ranges(session, read.collect()).await?,
                ..self.unedited(stored.clone(), members)
            }));
        }

        let at = self.now();
        let keys = session.keys.clone();
        let record = keys.record(Kind::Group, id);
        event.attributes = self.changed(&stored.resource, &group);
        let mut change = Change::default();
        if record_changes {
            self.stamp_modified(&mut group, &at);
            let old = (!is_new).then_some(&stored.resource);
            change = self.put_record(&keys, Kind::Group, id, old, &group);
            let unchanged = Compare::unchanged(record, stored.record);
            change.compares.push(unchanged);
        } else if compare_members {
            let unchanged = Compare::unchanged(record, stored.record);
            change.compares.push(unchanged);
        } else {
            change.compares.push(Compare::present(record));
        }
        if compare_members && !is_new {
            let unchanged = Compare::unchanged(keys.group_touch(id), stored.touch);
            change.compares.push(unchanged);
        }
        change.read = read;
        let first_member = change.many.len();
        if !changes.is_empty() {
            let members = self.registry.core().members;
            event.attributes.push(self.registry.path(members));
            if !is_new {
                change.ops.push(touch(&keys, id, at.clone())?);
            }
            for (member, state) in &changes {
                change.many.push(match state {
                    Some(state) => join(&keys, id, member, state)?,
                    None => leave(&keys, id, member),
                });
            }
        }
        if is_new {
            let arrival = session.awaited.arrival(&keys, Kind::Group, id, &at);
            change.many.extend(arrival?);
        }
        match self.commit(session, event, &change).await? {
            Commit::Made {
                revision,
                many,
                read,
            } => {
                self.stamp_modified(&mut group, &at);
                let many = many.as_deref().and_then(|all| all.get(first_member..));
                Ok(Some(Edited {
                    group,
                    version: revision,
                    members: outcome(members, changes, many),
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
}

/// What to read of a group.
pub(crate) fn group_ranges(keys: &Keys, id: &str) -> [Range; 2] {
    [
        Range::one(keys.record(Kind::Group, id)),
        Range::one(keys.group_touch(id)),
    ]
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
