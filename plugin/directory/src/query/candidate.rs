//! Resources that may be in an answer, and what they lack of being complete.

use crate::Directory;
use crate::ancestry::MAX_MEMBERSHIPS;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{KeyValue, Kv, Range, RangeReply};
use crate::memberships::{last_segments, members, touched_at};
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
    /// The revision of the touch key, once it was looked for; zero for none.
    touch: Option<i64>,
    memberships: Memberships,
}

/// How far the groups of a user, or the members of a group, were read.
#[derive(Debug)]
enum Memberships {
    Unread,
    Begun(RangeReply),
    Added,
}

impl Candidate {
    /// The revision that stands for the resource's state.
    pub(super) fn version(&self) -> i64 {
        self.record.max(self.touch.unwrap_or(0))
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
            touch: None,
            memberships: Memberships::Unread,
        })
    }

    /// Reads a few resources together with what is soon asked of them: in which
    /// groups users are, when the members of groups changed.
    pub(super) async fn few(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        ids: &[String],
        revision: i64,
    ) -> Result<(Vec<Candidate>, i64), Error> {
        let keys = &session.keys;
        let ranges = ids.iter().flat_map(|id| {
            let beside = match kind {
                Kind::User => Some(Range {
                    limit: FIRST,
                    keys_only: true,
                    ..Range::prefix(keys.members_of(id))
                }),
                Kind::Group => Some(Range::one(keys.group_touch(id))),
                Kind::Other(..) => None,
            };
            let ranges = std::iter::once(Range::one(keys.record(kind, id))).chain(beside);
            ranges.map(|range| Range { revision, ..range })
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        let read_at = match (revision, replies.first()) {
            (0, Some(reply)) => reply.revision,
            _ => revision,
        };
        let mut candidates = Vec::with_capacity(ids.len());
        let mut replies = replies.into_iter();
        while let Some(record) = replies.next() {
            let beside = match kind {
                Kind::User | Kind::Group => replies.next().unwrap_or_default(),
                Kind::Other(..) => RangeReply::default(),
            };
            if let Some(kv) = record.kvs.first() {
                let mut candidate = self.candidate(kind, kv)?;
                match kind {
                    Kind::User => candidate.memberships = Memberships::Begun(beside),
                    Kind::Group => self.add_touch(&mut candidate, &beside),
                    Kind::Other(..) => {}
                }
                candidates.push(candidate);
            }
        }
        Ok((candidates, read_at))
    }

    fn add_touch(&self, group: &mut Candidate, reply: &RangeReply) {
        let touch = reply.kvs.first();
        group.touch = Some(touch.map_or(0, |touch| touch.mod_revision));
        if let Some(at) = touch.and_then(touched_at) {
            self.stamp_modified_later(&mut group.resource, &at);
        }
    }

    /// Reads when members of groups last changed, where it was not read yet.
    pub(super) async fn add_touches(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        mut groups: Vec<&mut Candidate>,
        revision: i64,
    ) -> Result<(), Error> {
        groups.retain(|group| group.touch.is_none());
        if kind != Kind::Group || groups.is_empty() {
            return Ok(());
        }
        let ranges = groups.iter().map(|group| Range {
            revision,
            ..Range::one(session.keys.group_touch(&group.id))
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        for (group, reply) in groups.iter_mut().zip(replies) {
            self.add_touch(group, &reply);
        }
        Ok(())
    }

    /// Reads the groups of users, or the members of groups, where they were not
    /// read yet.
    pub(super) async fn add_memberships(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        mut lacking: Vec<&mut Candidate>,
        revision: i64,
    ) -> Result<(), Error> {
        lacking.retain(|one| !matches!(one.memberships, Memberships::Added));
        let mut walks = Vec::with_capacity(lacking.len());
        for candidate in &mut lacking {
            let prefix = match kind {
                Kind::User => session.keys.members_of(&candidate.id),
                Kind::Group => session.keys.members(&candidate.id),
                Kind::Other(..) => return Ok(()),
            };
            let range = Range {
                revision,
                limit: PAGE,
                keys_only: kind == Kind::User,
                ..Range::prefix(prefix)
            };
            let state = std::mem::replace(&mut candidate.memberships, Memberships::Added);
            walks.push(match state {
                Memberships::Begun(first) => (range, Some(first)),
                Memberships::Unread | Memberships::Added => (range, None),
            });
        }
        let found = self.walk_many(session, walks, MAX_MEMBERSHIPS).await?;
        let found = found.ok_or_else(too_large)?;

        let groups: Vec<Vec<String>> = match kind {
            Kind::User => found.iter().map(|kvs| last_segments(kvs)).collect(),
            Kind::Group | Kind::Other(..) => Vec::new(),
        };
        let ids: BTreeSet<String> = groups.iter().flatten().cloned().gather();
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
