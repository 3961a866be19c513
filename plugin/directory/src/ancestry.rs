//! Groups in groups: which groups a user is in through others (RFC 7643 §4.1.2:
//! `groups`, of the type `direct` or `indirect`), and which users are in a group
//! so; and the same of devices. Read level by level, each level at once, all at one
//! revision. Circles end where they began.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::generation::{Generation, InGroup};
use crate::keys::{Kind, last_segment};
use crate::kv::{KeyValue, Kv, Range};
use crate::memberships::{MemberKind, groups_of, in_groups, member};
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
use scim::gather::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

/// The most memberships that are held in memory for one answer.
pub(crate) const MAX_MEMBERSHIPS: usize = 100_000;

/// Through how many groups, each in the next, a user is in the last one. What is
/// further away counts as not in it. Each level is a call of the store.
const MAX_LEVELS: usize = 100;

/// How many of the groups that a group is in are read together with its name.
const PARENTS: i64 = 20;

/// Groups, and the groups that those are in.
#[derive(Debug, Default)]
pub(crate) struct Ancestry(BTreeMap<String, Group>);

#[derive(Debug)]
struct Group {
    display: String,
    /// Of its members: who is in it by another is not in it.
    generation: Generation,
    parents: Vec<InGroup>,
}

/// A group that a user is in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Membership<'a> {
    pub(crate) id: &'a str,
    pub(crate) display: &'a str,
    /// Whether the user is a member itself, and not only through other groups.
    pub(crate) is_direct: bool,
}

impl Ancestry {
    /// The groups of a user who is a member of some: first those, then the ones
    /// that it is in through them, each kind by id.
    pub(crate) fn of<'a>(&'a self, direct: &'a [InGroup]) -> Vec<Membership<'a>> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&InGroup> = direct.iter().collect();
        while let Some(membership) = next.pop() {
            if let Some(group) = self.current(membership)
                && reached.insert(membership.group.as_str())
            {
                next.extend(&group.parents);
            }
        }
        let direct = direct.iter().filter(|one| self.current(one).is_some());
        let direct: Vec<&str> = direct.map(|one| one.group.as_str()).collect();
        for id in &direct {
            reached.remove(id);
        }
        let direct = direct.into_iter().map(|id| (id, true));
        let indirect = reached.into_iter().map(|id| (id, false));
        direct
            .chain(indirect)
            .filter_map(|(id, is_direct)| {
                let display = &self.0.get(id)?.display;
                Some(Membership {
                    id,
                    display,
                    is_direct,
                })
            })
            .collect()
    }

    /// The group of a membership that holds.
    fn current(&self, membership: &InGroup) -> Option<&Group> {
        let group = self.0.get(&membership.group);
        group.filter(|group| group.generation == membership.generation)
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads groups and all that they are in. Where no group is in another, that
    /// is one call of the store for 250 groups.
    ///
    /// # Errors
    /// [`Error::AnswerTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn ancestry(
        &self,
        session: &mut Session<'_>,
        groups: BTreeSet<String>,
        revision: i64,
    ) -> Result<Ancestry, Error> {
        let keys = session.keys.clone();
        let mut known = BTreeMap::new();
        let mut level = groups;
        let mut memberships = 0;
        for _ in 0..MAX_LEVELS {
            if level.is_empty() {
                break;
            }
            let ids: Vec<String> = std::mem::take(&mut level).into_iter().collect();
            let ranges = ids.iter().flat_map(|id| {
                let one = |key| Range {
                    revision,
                    ..Range::one(key)
                };
                [
                    one(keys.record(Kind::Group, id)),
                    one(keys.generation(id)),
                    groups_of(&keys, id, revision, PARENTS),
                ]
            });
            let ranges = ranges.collect();
            let mut replies = self.ranges(session, ranges).await?.into_iter();
            for id in ids {
                let (record, generation) = (replies.next(), replies.next());
                let first = replies.next().unwrap_or_default();
                let parents = self
                    .rest(session, &groups_of(&keys, &id, revision, PAGE), first)
                    .await?;
                memberships += 1 + parents.len();
                if memberships > MAX_MEMBERSHIPS {
                    return Err(too_large());
                }
                let record = record.unwrap_or_default();
                if let Some(record) = record.kvs.first() {
                    let display = self.name_of_group(record)?;
                    let parents = in_groups(&parents);
                    level.extend(parents.iter().map(|parent| parent.group.clone()));
                    let group = Group {
                        display,
                        generation: Generation::read(generation.as_ref())?,
                        parents,
                    };
                    known.insert(id, group);
                }
            }
            level.retain(|id| !known.contains_key(id));
        }
        Ok(Ancestry(known))
    }

    /// The ids of the groups that may have somebody as a member at a revision (zero:
    /// now), and that revision. A group with another generation of members by then is
    /// among them too.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn groups_with(
        &self,
        session: &mut Session<'_>,
        member: &str,
        revision: i64,
    ) -> Result<(BTreeSet<String>, i64), Error> {
        let memberships = Range {
            revision,
            keys_only: true,
            limit: PAGE,
            ..Range::prefix(session.keys.members_of(member))
        };
        let first = self.range(session, memberships.clone()).await?;
        let read_at = match revision {
            0 => first.revision,
            named => named,
        };
        let found = in_groups(&self.rest(session, &memberships, first).await?);
        Ok((found.into_iter().map(|one| one.group).gather(), read_at))
    }

    /// The `displayName` in the record of a group.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub(crate) fn name_of_group(&self, record: &KeyValue) -> Result<String, Error> {
        let group = self.decode(Kind::Group, record)?;
        let name = group.text(self.registry.core().group_display_name);
        Ok(name.unwrap_or_default().to_owned())
    }

    /// The ids of the users, or of those of another kind, that are in a group at a
    /// revision (zero: now), directly or through others, and that revision; `None` when
    /// its members are too many to be held.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn in_group(
        &self,
        session: &mut Session<'_>,
        wanted: Kind<'_>,
        group: &str,
        revision: i64,
    ) -> Result<Option<(BTreeSet<String>, i64)>, Error> {
        let keys = session.keys.clone();
        let members = |id: &str, generation: &Generation, revision| Range {
            revision,
            limit: PAGE,
            ..Range::prefix(keys.members(id, generation))
        };
        let generation = Range {
            revision,
            ..Range::one(keys.generation(group))
        };
        let generation = self.range(session, generation).await?;
        let revision = match revision {
            0 => generation.revision,
            named => named,
        };
        let generation = Generation::read(Some(&generation))?;
        let of_group = members(group, &generation, revision);
        let first = self.range(session, of_group.clone()).await?;
        if usize::try_from(first.count).unwrap_or(usize::MAX) > MAX_MEMBERSHIPS {
            return Ok(None);
        }
        let mut found = self.rest(session, &of_group, first).await?;
        let mut others = BTreeSet::new();
        let mut groups = BTreeSet::new();
        groups.insert(group.to_owned());
        for _ in 0..MAX_LEVELS {
            let mut level = Vec::new();
            for kv in &found {
                let Some(id) = last_segment(&kv.key) else {
                    continue;
                };
                let kind = member(kv)?.kind;
                if kind == MemberKind::Group {
                    if groups.insert(id.clone()) {
                        level.push(id);
                    }
                } else if kind.kind() == wanted {
                    others.insert(id);
                }
            }
            let Some(room) = MAX_MEMBERSHIPS.checked_sub(others.len() + groups.len()) else {
                return Ok(None);
            };
            if level.is_empty() {
                break;
            }
            let generations = level.iter().map(|id| Range {
                revision,
                ..Range::one(keys.generation(id))
            });
            let generations = self.ranges(session, generations.collect()).await?;
            let mut walks = Vec::with_capacity(level.len());
            for (id, generation) in level.iter().zip(&generations) {
                let generation = Generation::read(Some(generation))?;
                walks.push((members(id, &generation, revision), None));
            }
            let Some(all) = self.walk_many(session, walks, usize::MAX, room).await? else {
                return Ok(None);
            };
            found = all.into_iter().flatten().collect();
        }
        Ok(Some((others, revision)))
    }
}

/// That an answer would take too much memory.
pub(crate) fn too_large() -> Error {
    Error::AnswerTooLarge {
        reason: "ask for fewer resources with \"count\", or leave large attributes out with \"excludedAttributes\"".to_owned(),
    }
}
