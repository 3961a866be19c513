//! Groups in groups: which groups a user is in through others (RFC 7643 §4.1.2:
//! `groups`, of the type `direct` or `indirect`), and which users are in a group
//! so. Read level by level, each level at once, all at one revision. Circles end
//! where they began.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::{Kind, last_segment};
use crate::kv::{Kv, Range};
use crate::memberships::{MemberKind, last_segments, member};
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
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
    parents: Vec<String>,
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
    pub(crate) fn of<'a>(&'a self, direct: &'a [String]) -> Vec<Membership<'a>> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = direct.iter().map(String::as_str).collect();
        while let Some(id) = next.pop() {
            if let Some(group) = self.0.get(id)
                && reached.insert(id)
            {
                next.extend(group.parents.iter().map(String::as_str));
            }
        }
        for id in direct {
            reached.remove(id.as_str());
        }
        let direct = direct.iter().map(|id| (id.as_str(), true));
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
        let parents = |id: &str, limit| Range {
            revision,
            limit,
            keys_only: true,
            ..Range::prefix(keys.members_of(id))
        };
        let mut known = BTreeMap::new();
        let mut level = groups;
        let mut memberships = 0;
        for _ in 0..MAX_LEVELS {
            if level.is_empty() {
                break;
            }
            let ids: Vec<String> = std::mem::take(&mut level).into_iter().collect();
            let ranges = ids.iter().flat_map(|id| {
                let record = Range {
                    revision,
                    ..Range::one(keys.record(Kind::Group, id))
                };
                [record, parents(id, PARENTS)]
            });
            let ranges = ranges.collect();
            let mut replies = self.ranges(session, ranges).await?.into_iter();
            for id in ids {
                let (record, first) = (replies.next(), replies.next());
                let first = first.unwrap_or_default();
                let parents = self.rest(session, &parents(&id, PAGE), first).await?;
                memberships += 1 + parents.len();
                if memberships > MAX_MEMBERSHIPS {
                    return Err(too_large());
                }
                let record = record.unwrap_or_default();
                if let Some(record) = record.kvs.first() {
                    let group = self.decode(Kind::Group, record)?;
                    let display = group.text(self.registry.core().group_display_name);
                    let display = display.unwrap_or_default().to_owned();
                    let parents = last_segments(&parents);
                    level.extend(parents.iter().cloned());
                    known.insert(id, Group { display, parents });
                }
            }
            level.retain(|id| !known.contains_key(id));
        }
        Ok(Ancestry(known))
    }

    /// The ids of the users who are in a group at a revision (zero: now), directly
    /// or through others, and that revision; `None` when they are too many to be
    /// held.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn users_in(
        &self,
        session: &mut Session<'_>,
        group: &str,
        revision: i64,
    ) -> Result<Option<(BTreeSet<String>, i64)>, Error> {
        let keys = session.keys.clone();
        let members = |id: &str, revision| Range {
            revision,
            limit: PAGE,
            ..Range::prefix(keys.members(id))
        };
        let of_group = members(group, revision);
        let first = self.range(session, of_group.clone()).await?;
        let revision = match revision {
            0 => first.revision,
            named => named,
        };
        if usize::try_from(first.count).unwrap_or(usize::MAX) > MAX_MEMBERSHIPS {
            return Ok(None);
        }
        let mut found = self.rest(session, &of_group, first).await?;
        let mut users = BTreeSet::new();
        let mut groups = BTreeSet::new();
        groups.insert(group.to_owned());
        for _ in 0..MAX_LEVELS {
            let mut level = Vec::new();
            for kv in &found {
                let Some(id) = last_segment(&kv.key) else {
                    continue;
                };
                match member(kv)?.kind {
                    MemberKind::User => {
                        users.insert(id);
                    }
                    MemberKind::Group => {
                        if groups.insert(id.clone()) {
                            level.push((members(&id, revision), None));
                        }
                    }
                }
            }
            let Some(room) = MAX_MEMBERSHIPS.checked_sub(users.len() + groups.len()) else {
                return Ok(None);
            };
            if level.is_empty() {
                break;
            }
            let Some(all) = self.walk_many(session, level, room).await? else {
                return Ok(None);
            };
            found = all.into_iter().flatten().collect();
        }
        Ok(Some((users, revision)))
    }
}

/// That an answer would take too much memory.
pub(crate) fn too_large() -> Error {
    Error::AnswerTooLarge {
        reason: "ask for fewer resources with \"count\", or leave large attributes out with \"excludedAttributes\"".to_owned(),
    }
}
