//! Circles: groups whose members are created by a later operation of the same
//! bulk request (RFC 7644 §3.7.1).
//!
//! A member that is not there cannot be in a group. So the group is made without
//! it, and the transaction that makes the member lets it into all groups that
//! wait for it. Each operation stays one transaction, and between any two of them
//! the directory is whole.

use crate::generation::Generation;
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, Op, Txn};
use crate::memberships::{List, Member, MemberKind, Wanted, touch};
use scim::Error;
use std::collections::BTreeMap;

/// The resources that are yet to be created, by the ids that they are to have.
/// Empty but in a bulk request with a circle.
#[derive(Debug, Default)]
pub(crate) struct Awaited(BTreeMap<String, Waiting>);

/// The groups that wait for a member, by id.
pub(crate) type Waiting = BTreeMap<String, Place>;

/// The place that a group keeps for a member.
#[derive(Debug)]
pub(crate) struct Place {
    /// What the group calls it.
    display: Option<String>,
    /// The generation that the group's members were made with. Has it another one by
    /// then, somebody has made a new list, without the member.
    generation: Generation,
}

impl Awaited {
    /// Lets groups wait for a resource with this id.
    pub(crate) fn expect(&mut self, id: &str) {
        self.0.entry(id.to_owned()).or_default();
    }

    /// Notes which of the members that a new group wants it has to wait for.
    pub(crate) fn wait(&mut self, group: &str, wanted: &Wanted) {
        for (id, waiting) in &mut self.0 {
            if let Some(display) = wanted.get(id) {
                let place = Place {
                    display: display.clone(),
                    generation: Generation::first(),
                };
                waiting.insert(group.to_owned(), place);
            }
        }
    }

    /// Notes that a new group's members were staged.
    pub(crate) fn staged(&mut self, group: &str, generation: &Generation) {
        for place in self.0.values_mut().filter_map(|all| all.get_mut(group)) {
            place.generation.clone_from(generation);
        }
    }

    /// What lets a new resource into the groups that wait for it.
    pub(crate) fn arrival(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        at: &str,
    ) -> Result<Vec<Op>, Error> {
        let kind = MemberKind::ALL
            .into_iter()
            .find(|member| member.kind() == kind);
        let (Some(waiting), Some(kind)) = (self.0.get(id), kind) else {
            return Ok(Vec::new());
        };
        let mut ops = Vec::with_capacity(waiting.len());
        for (group, place) in waiting {
            let list = List {
                keys,
                group,
                generation: &place.generation,
            };
            let display = place.display.clone();
            let mut txn = Txn {
                then: list.let_in(id, &Member { kind, display })?.into(),
                ..Txn::default()
            };
            // Its own record is in the same transaction, which makes it a member
            // of itself as well.
            if group != id {
                let record = keys.record(Kind::Group, group);
                txn.compares = vec![
                    Compare::present(record),
                    place.generation.is_current(keys, group),
                ];
                txn.then.push(touch(keys, group, at)?);
            }
            ops.push(Op::Txn(txn));
        }
        Ok(ops)
    }

    /// Ends the waiting for a resource, whatever became of it.
    pub(crate) fn end(&mut self, id: &str) -> Waiting {
        self.0.remove(id).unwrap_or_default()
    }
}
