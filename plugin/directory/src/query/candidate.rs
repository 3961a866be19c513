//! Resources that may be in an answer, and what they lack of being complete.

use crate::Directory;
use crate::ancestry::MAX_MEMBERSHIPS;
use crate::environment::{Clock, Entropy};
use crate::generation::{Generation, InGroup};
use crate::group_edit::{GROUP_BESIDE, beside_ranges};
use crate::keys::Kind;
use crate::kv::{KeyValue, Kv, Range, RangeReply};
use crate::memberships::{groups_of, in_groups, members, touched_at};
use crate::session::Session;
use crate::walk::{FIRST, PAGE};
use scim::Error;
use scim::gather::Gather as _;
use scim::resource::Resource;
use std::collections::BTreeSet;

pub(super) use crate::ancestry::too_large;

/// A resource that may be in an answer.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) resource: Resource,
    record: i64,
    /// What of a group is beside its record, once it was looked for.
    beside: Option<Beside>,
    memberships: Memberships,
}

/// What of a group is beside its record.
#[derive(Debug)]
struct Beside {
    /// The revision of the touch key; zero for none.
    touch: i64,
    generation: Generation,
}

/// How far the groups of a user or device, or the members of a group, were read.
#[derive(Debug)]
enum Memberships {
    Unread,
    Begun(RangeReply),
    Added,
}

impl Candidate {
    /// The revision that stands for the resource's state.
    pub(super) fn version(&self) -> i64 {
        self.record.max(self.beside.as_ref().map_or(0, |b| b.touch))
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads records.
    pub(super) fn candidates(
        &self,
        kind: Kind<'_>,
        kvs: &[KeyValue],
    ) -> Result<Vec<Candidate>, Error> {
        kvs.iter().map(|kv| self.candidate(kind, kv)).collect()
    }

    fn candidate(&self, kind: Kind<'_>, kv: &KeyValue) -> Result<Candidate, Error> {
        let resource = self.decode(kind, kv)?;
        let id = resource.text(self.registry.core().id).unwrap_or_default();
        Ok(Candidate {
            id: id.to_owned(),
            resource,
            record: kv.mod_revision,
            beside: None,
            memberships: Memberships::Unread,
        })
    }

    /// Reads a few resources together with what is soon asked of them: in which
    /// groups users and devices are, what of groups is beside their records.
    pub(super) async fn few(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        ids: &[String],
        revision: i64,
    ) -> Result<(Vec<Candidate>, i64), Error> {
        let keys = &session.keys;
        let mut beside_count = 0;
        let ranges = ids.iter().flat_map(|id| {
            let beside = match kind {
                Kind::User | Kind::Device => vec![groups_of(keys, id, 0, FIRST)],
                Kind::Group => beside_ranges(keys, id).into(),
                Kind::Other(..) => Vec::new(),
            };
            beside_count = beside.len();
            let ranges = std::iter::once(Range::one(keys.record(kind, id))).chain(beside);
            ranges.map(|range| Range { revision, ..range })
        });
        let ranges = ranges.collect();
        let replies = self.ranges(session, ranges).await?;
        let read_at = match (revision, replies.first()) {
            (0, Some(reply)) => reply.revision,
            _ => revision,
        };
        let mut candidates = Vec::with_capacity(ids.len());
        let mut replies = replies.into_iter();
        while let Some(record) = replies.next() {
            let beside: Vec<RangeReply> = replies.by_ref().take(beside_count).collect();
            if let Some(kv) = record.kvs.first() {
                let mut candidate = self.candidate(kind, kv)?;
                match (kind, beside.as_slice()) {
                    (Kind::Group, beside) => self.set_beside(&mut candidate, beside)?,
                    (Kind::User | Kind::Device, [begun]) => {
                        candidate.memberships = Memberships::Begun(begun.clone());
                    }
                    _ => {}
                }
                candidates.push(candidate);
            }
        }
        Ok((candidates, read_at))
    }

    fn set_beside(&self, group: &mut Candidate, replies: &[RangeReply]) -> Result<(), Error> {
        let touch = replies.first().and_then(|reply| reply.kvs.first());
        group.beside = Some(Beside {
            touch: touch.map_or(0, |touch| touch.mod_revision),
            generation: Generation::read(replies.get(1))?,
        });
        if let Some(at) = touch.and_then(touched_at) {
            self.stamp_modified_later(&mut group.resource, &at);
        }
        Ok(())
    }

    /// Reads what of groups is beside their records, where it was not read yet.
    pub(super) async fn add_beside(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        mut groups: Vec<&mut Candidate>,
        revision: i64,
    ) -> Result<(), Error> {
        groups.retain(|group| group.beside.is_none());
        if kind != Kind::Group || groups.is_empty() {
            return Ok(());
        }
        let ranges = groups.iter().flat_map(|group| {
            beside_ranges(&session.keys, &group.id).map(|range| Range { revision, ..range })
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        for (group, replies) in groups.iter_mut().zip(replies.chunks(GROUP_BESIDE)) {
            self.set_beside(group, replies)?;
        }
        Ok(())
    }

    /// Reads the groups of users and devices, or so many of the members of groups, where they
    /// were not read yet.
    pub(super) async fn add_memberships(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        mut lacking: Vec<&mut Candidate>,
        most: usize,
        revision: i64,
    ) -> Result<(), Error> {
        lacking.retain(|one| !matches!(one.memberships, Memberships::Added));
        let again = lacking.iter_mut().map(|one| &mut **one).collect();
        self.add_beside(session, kind, again, revision).await?;
        let mut walks = Vec::with_capacity(lacking.len());
        for candidate in &mut lacking {
            let prefix = match (kind, &candidate.beside) {
                (Kind::User | Kind::Device, _) => session.keys.members_of(&candidate.id),
                (Kind::Group, Some(Beside { generation, .. })) => {
                    session.keys.members(&candidate.id, generation)
                }
                _ => return Ok(()),
            };
            let range = Range {
                revision,
                limit: PAGE,
                keys_only: kind != Kind::Group,
                ..Range::prefix(prefix)
            };
            let state = std::mem::replace(&mut candidate.memberships, Memberships::Added);
            walks.push(match state {
                Memberships::Begun(first) => (range, Some(first)),
                Memberships::Unread | Memberships::Added => (range, None),
            });
        }
        let found = self
            .walk_many(session, walks, most, MAX_MEMBERSHIPS)
            .await?;
        let found = found.ok_or_else(too_large)?;

        let groups: Vec<Vec<InGroup>> = match kind {
            Kind::User | Kind::Device => found.iter().map(|kvs| in_groups(kvs)).collect(),
            Kind::Group | Kind::Other(..) => Vec::new(),
        };
        let ids = groups.iter().flatten().map(|one| one.group.clone());
        let ids: BTreeSet<String> = ids.gather();
        let ancestry = self.ancestry(session, ids, revision).await?;
        let mut memberships = 0;
        for (i, candidate) in lacking.iter_mut().enumerate() {
            let resource = &mut candidate.resource;
            if let Some(groups) = groups.get(i) {
                memberships += self.set_groups(session, resource, groups, &ancestry);
                if memberships > MAX_MEMBERSHIPS {
                    return Err(too_large());
                }
            } else if let Some(kvs) = found.get(i)
                && let Some(value) = self.members_value(session, &members(kvs)?)
            {
                resource.attributes.set(self.registry.core().members, value);
            }
        }
        Ok(())
    }
}
