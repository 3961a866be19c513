//! Resources that may be in an answer, and what they lack of being complete.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{KeyValue, Kv, Range};
use crate::memberships::{last_segments, members, touched_at};
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
use scim::resource::Resource;
use std::collections::BTreeSet;

/// The most memberships that are held in memory for one answer.
const MAX_MEMBERSHIPS: usize = 100_000;

/// A resource that may be in an answer.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) resource: Resource,
    record: i64,
    touch: Option<i64>,
    has_memberships: bool,
}

impl Candidate {
    /// The revision that stands for the resource's state.
    pub(super) fn version(&self) -> i64 {
        self.record.max(self.touch.unwrap_or(0))
    }
}

/// That an answer would take too much memory.
pub(super) fn too_large() -> Error {
    Error::AnswerTooLarge {
        reason: "ask for fewer resources with \"count\", or leave large attributes out with \"excludedAttributes\"".to_owned(),
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads records.
    pub(super) fn candidates(&self, kind: Kind, kvs: &[KeyValue]) -> Result<Vec<Candidate>, Error> {
        let read = |kv| {
            let resource = self.decode(kind, kv)?;
            let id = resource.text(self.registry.core().id).unwrap_or_default();
            Ok(Candidate {
                id: id.to_owned(),
                resource,
                record: kv.mod_revision,
                touch: None,
                has_memberships: false,
            })
        };
        kvs.iter().map(read).collect()
    }

    /// Reads when members of groups last changed, where it was not read yet.
    pub(super) async fn add_touches(
        &self,
        session: &mut Session<'_>,
        kind: Kind,
        candidates: &mut [Candidate],
        revision: i64,
    ) -> Result<(), Error> {
        if kind == Kind::User {
            return Ok(());
        }
        let mut groups: Vec<&mut Candidate> = candidates
            .iter_mut()
            .filter(|group| group.touch.is_none())
            .collect();
        let ranges = groups.iter().map(|group| Range {
            revision,
            ..Range::one(session.keys.group_touch(&group.id))
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        for (group, reply) in groups.iter_mut().zip(replies) {
            let touch = reply.kvs.first();
            group.touch = Some(touch.map_or(0, |touch| touch.mod_revision));
            if let Some(at) = touch.and_then(touched_at) {
                self.stamp_modified_later(&mut group.resource, &at);
            }
        }
        Ok(())
    }

    /// Reads the groups of users, or the members of groups, where they were not
    /// read yet.
    pub(super) async fn add_memberships(
        &self,
        session: &mut Session<'_>,
        kind: Kind,
        candidates: &mut [Candidate],
        revision: i64,
    ) -> Result<(), Error> {
        let mut lacking: Vec<&mut Candidate> = candidates
            .iter_mut()
            .filter(|candidate| !candidate.has_memberships)
            .collect();
        let ranges = lacking.iter().map(|candidate| Range {
            revision,
            limit: PAGE,
            keys_only: kind == Kind::User,
            ..Range::prefix(match kind {
                Kind::User => session.keys.members_of(&candidate.id),
                Kind::Group => session.keys.members(&candidate.id),
            })
        });
        let ranges: Vec<Range> = ranges.collect();
        let found = self.walk_many(session, &ranges, MAX_MEMBERSHIPS).await?;
        let found = found.ok_or_else(too_large)?;

        let groups: Vec<Vec<String>> = match kind {
            Kind::User => found.iter().map(|kvs| last_segments(kvs)).collect(),
            Kind::Group => Vec::new(),
        };
        let ids: BTreeSet<&str> = groups.iter().flatten().map(String::as_str).collect();
        let names = self.group_names(session, ids, revision).await?;
        for (i, candidate) in lacking.iter_mut().enumerate() {
            candidate.has_memberships = true;
            let resource = &mut candidate.resource;
            if let Some(groups) = groups.get(i) {
                self.set_groups_from(session, resource, groups, &names);
            } else if let Some(kvs) = found.get(i)
                && let Some(value) = self.members_value(session, &members(kvs)?)
            {
                resource.attributes.set(self.registry.core().members, value);
            }
        }
        Ok(())
    }
}
