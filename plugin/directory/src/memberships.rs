//! Memberships: who is in which group. Each is a pair of keys of its own, one
//! below the group and one below the member, so that adding to a group rewrites
//! neither, and additions never conflict. Both name the generation of the group's
//! members that they belong to.

use crate::Directory;
use crate::ancestry::Ancestry;
use crate::environment::{Clock, Entropy};
use crate::generation::{Generation, InGroup};
use crate::keys::{Keys, Kind, last_segment};
use crate::kv::{Compare, KeyValue, Kv, Op, OpReply, Range, RangeReply, Txn};
use crate::session::Session;
use scim::Error;
use scim::gather::Gather as _;
use scim::resource::{Complex, Resource, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// No id is as long as this. Longer ones are not asked for: a few of them would
/// make a request that the store refuses.
pub(crate) const MAX_ID_BYTES: usize = 64;

/// How many members are read at a time.
pub(crate) const MEMBERS_PAGE: i64 = 1_000;

/// How many kinds are asked for at a time.
const KINDS: usize = 3_000;

/// What is kept of a membership.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Member {
    #[serde(rename = "type")]
    pub(crate) kind: MemberKind,
    /// The label that the client gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
}

/// The `type` of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum MemberKind {
    User,
    Group,
    Device,
}

/// The members of a group, by id.
pub(crate) type Members = BTreeMap<String, Member>;

/// The members that a client wants, by id, with the label it gave.
pub(crate) type Wanted = BTreeMap<String, Option<String>>;

/// What is to become of some members: `None` takes one out.
pub(crate) type MemberChanges = BTreeMap<String, Option<Member>>;

/// The memberships of one member at a revision (zero: now), up to so many.
pub(crate) fn groups_of(keys: &Keys, member: &str, revision: i64, limit: i64) -> Range {
    Range {
        revision,
        limit,
        keys_only: true,
        ..Range::prefix(keys.members_of(member))
    }
}

#[derive(Deserialize, Serialize)]
struct Touch {
    at: String,
}

impl MemberKind {
    pub(crate) const ALL: [Self; 3] = [Self::User, Self::Group, Self::Device];

    pub(crate) fn kind(self) -> Kind<'static> {
        match self {
            Self::User => Kind::User,
            Self::Group => Kind::Group,
            Self::Device => Kind::Device,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Device => "Device",
        }
    }
}

/// The list of a group's members, of one generation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) group: &'a str,
    pub(crate) generation: &'a Generation,
}

impl List<'_> {
    /// Lets a member in, unless it is gone by then. The deletion of a member compares that
    /// no membership is newer than those it saw; so either it sees this one, or this
    /// one sees that the member is gone.
    pub(crate) fn join(&self, id: &str, member: &Member) -> Result<Op, Error> {
        let record = self.keys.record(member.kind.kind(), id);
        Ok(Op::Txn(Txn {
            compares: vec![Compare::present(record)],
            then: self.let_in(id, member)?.into(),
            otherwise: Vec::new(),
        }))
    }

    /// The keys of a membership.
    pub(crate) fn let_in(&self, id: &str, member: &Member) -> Result<[Op; 2], Error> {
        let value = serde_json::to_vec(member).map_err(|e| internal(&e))?;
        let [member, member_of] = self.keys_of(id);
        Ok([Op::put(member, value.clone()), Op::put(member_of, value)])
    }

    /// Takes a member out.
    pub(crate) fn leave(&self, id: &str) -> Op {
        Op::Txn(Txn {
            then: self.keys_of(id).map(Op::delete).into(),
            ..Txn::default()
        })
    }

    fn keys_of(&self, id: &str) -> [Vec<u8>; 2] {
        [
            self.keys.member(self.group, self.generation, id),
            self.keys.member_of(id, self.group, self.generation),
        ]
    }
}

/// Whether the reply to [`List::join`] says that the member is in.
pub(crate) fn joined(reply: &OpReply) -> bool {
    matches!(reply, OpReply::Txn(txn) if txn.succeeded)
}

/// What to read to know what an id belongs to.
pub(crate) fn kind_ranges(keys: &Keys, id: &str) -> [Range; MemberKind::ALL.len()] {
    MemberKind::ALL.map(|kind| Range {
        count_only: true,
        ..Range::one(keys.record(kind.kind(), id))
    })
}

/// What an id belongs to, by the replies to [`kind_ranges`].
pub(crate) fn kind(replies: &[RangeReply]) -> Option<MemberKind> {
    let mut kinds = MemberKind::ALL.into_iter().zip(replies);
    let found = kinds.find(|(_, reply)| reply.count > 0);
    found.map(|(kind, _)| kind)
}

/// Marks that the members of a group changed. Whoever rewrites the list compares
/// it, whoever adds to it does not.
pub(crate) fn touch(keys: &Keys, group: &str, at: &str) -> Result<Op, Error> {
    let value = serde_json::to_vec(&Touch { at: at.to_owned() }).map_err(|e| internal(&e))?;
    Ok(Op::put(keys.group_touch(group), value))
}

/// When a group's members last changed.
pub(crate) fn touched_at(touch: &KeyValue) -> Option<String> {
    let touch: Touch = serde_json::from_slice(&touch.value).ok()?;
    Some(touch.at)
}

/// The memberships in what was read below [`Keys::members_of`].
pub(crate) fn in_groups(kvs: &[KeyValue]) -> Vec<InGroup> {
    kvs.iter().filter_map(|kv| InGroup::of(&kv.key)).collect()
}

/// The members in what was read below [`Keys::members`].
pub(crate) fn members(kvs: &[KeyValue]) -> Result<Members, Error> {
    let mut members = Members::new();
    for kv in kvs {
        if let Some(id) = last_segment(&kv.key) {
            members.insert(id, member(kv)?);
        }
    }
    Ok(members)
}

/// One member.
pub(crate) fn member(kv: &KeyValue) -> Result<Member, Error> {
    serde_json::from_slice(&kv.value).map_err(|e| Error::Internal {
        reason: format!("a stored membership is damaged; {e}"),
    })
}

fn internal(error: &serde_json::Error) -> Error {
    Error::Internal {
        reason: error.to_string(),
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The members that a group's `members` names, but for ids that are longer
    /// than any.
    pub(crate) fn wanted(&self, members: Option<&Value>) -> Wanted {
        let core = self.registry.core();
        members
            .map(Value::elements)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_complex)
            .filter_map(|member| {
                let id = member.text(core.members_value)?;
                if id.len() > MAX_ID_BYTES {
                    return None;
                }
                let display = member.text(core.members_display);
                Some((id.to_owned(), display.map(str::to_owned)))
            })
            .gather()
    }

    /// A group's `members`, as a client sees them.
    pub(crate) fn members_value(&self, session: &Session<'_>, members: &Members) -> Option<Value> {
        let core = self.registry.core();
        let elements = members.iter().map(|(id, member)| {
            let mut element = Complex::default();
            let location = self.location(session, member.kind.kind(), id);
            element.set(core.members_value, Value::String(id.clone()));
            element.set(core.members_ref, Value::String(location));
            let kind = member.kind.name().to_owned();
            element.set(core.members_type, Value::String(kind));
            if let Some(display) = &member.display {
                element.set(core.members_display, Value::String(display.clone()));
            }
            Value::Complex(element)
        });
        (!members.is_empty()).then(|| Value::List(elements.collect()))
    }

    /// What the resources with these ids are, those that exist at a revision (zero:
    /// now).
    pub(crate) async fn kinds(
        &self,
        session: &mut Session<'_>,
        ids: &[&str],
        revision: i64,
    ) -> Result<BTreeMap<String, MemberKind>, Error> {
        let keys = &session.keys;
        let ranges = ids.iter().flat_map(|id| kind_ranges(keys, id));
        let ranges: Vec<_> = ranges.map(|range| Range { revision, ..range }).collect();
        let found = self.ranges_by(session, &ranges, KINDS).await?;
        let found = found.chunks(MemberKind::ALL.len()).map(kind);
        Ok(ids
            .iter()
            .zip(found)
            .filter_map(|(id, kind)| Some(((*id).to_owned(), kind?)))
            .gather())
    }

    /// Reads all members of a group.
    pub(crate) async fn load_members(
        &self,
        session: &mut Session<'_>,
        group: &str,
        generation: &Generation,
        revision: i64,
    ) -> Result<Members, Error> {
        let range = Range {
            limit: MEMBERS_PAGE,
            revision,
            ..Range::prefix(session.keys.members(group, generation))
        };
        members(&self.walk(session, range).await?)
    }

    /// Sets the `groups` of a user or device, by those that it is a member of itself:
    /// they and all that those are in.
    pub(crate) fn set_groups(
        &self,
        session: &Session<'_>,
        member: &mut Resource,
        direct: &[InGroup],
        ancestry: &Ancestry,
    ) -> usize {
        let Some(groups) = self.kind(member.resource_type).groups(&self.registry) else {
            return 0;
        };
        let elements = ancestry.of(direct).into_iter().map(|group| {
            let location = self.location(session, Kind::Group, group.id);
            let kind = match group.is_direct {
                true => "direct",
                false => "indirect",
            };
            let element: Complex = [
                (groups.value, group.id.to_owned()),
                (groups.reference, location),
                (groups.display, group.display.to_owned()),
                (groups.kind, kind.to_owned()),
            ]
            .map(|(id, text)| (id, Value::String(text)))
            .into_iter()
            .collect();
            Value::Complex(element)
        });
        let elements: Vec<Value> = elements.collect();
        let count = elements.len();
        if elements.is_empty() {
            member.attributes.remove(groups.list);
        } else {
            member.attributes.set(groups.list, Value::List(elements));
        }
        count
    }
}
