//! A bulk request on its way: what is left to do, what came of the rest, and the
//! ids of what it creates.

use scim::Error;
use scim::bulk::{Operation, Outcome, Schedule};
use scim::schema::ResourceTypeId;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A bulk request on its way. Operations go by their place in it, from 0.
#[derive(Debug)]
pub(super) struct Job<'j> {
    schedule: Schedule,
    left: Vec<Option<Operation<'j>>>,
    outcomes: Vec<Option<Outcome<'j>>>,
    /// The types of what is created; `None` for an operation that creates nothing.
    types: Vec<Option<ResourceTypeId>>,
    /// The ids of what is created, from when they are first needed.
    ids: BTreeMap<usize, String>,
}

/// How far an operation is that creates something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creation {
    Failed,
    Made(ResourceTypeId),
    ToCome(ResourceTypeId),
}

impl<'j> Job<'j> {
    pub(super) fn new(
        schedule: Schedule,
        operations: Vec<Operation<'j>>,
        types: Vec<Option<ResourceTypeId>>,
    ) -> Self {
        Self {
            schedule,
            outcomes: operations.iter().map(|_| None).collect(),
            left: operations.into_iter().map(Some).collect(),
            types,
            ids: BTreeMap::new(),
        }
    }

    /// The next operation, with its place.
    pub(super) fn take_next(&mut self) -> Option<(usize, Operation<'j>)> {
        let at = self.schedule.next()?;
        Some((at, self.left.get_mut(at)?.take()?))
    }

    /// The operation that creates what a bulkId stands for, and how far it is.
    pub(super) fn creation(&self, bulk_id: &str) -> Option<(usize, Creation)> {
        let at = self.schedule.definition(bulk_id)?;
        let of = self.types.get(at).copied().flatten();
        let outcome = self.outcomes.get(at).and_then(Option::as_ref);
        let creation = match (of, outcome) {
            (Some(of), Some(outcome)) if outcome.error.is_none() => Creation::Made(of),
            (Some(of), None) => Creation::ToCome(of),
            _ => Creation::Failed,
        };
        Some((at, creation))
    }

    /// The id of what an operation creates, a new one where it has none yet.
    pub(super) fn id(
        &mut self,
        at: usize,
        new_id: impl FnOnce() -> Result<String, Error>,
    ) -> Result<String, Error> {
        Ok(match self.ids.entry(at) {
            Entry::Occupied(given) => given.get().clone(),
            Entry::Vacant(none) => none.insert(new_id()?).clone(),
        })
    }

    /// Notes what came of an operation.
    pub(super) fn done(&mut self, at: usize, outcome: Outcome<'j>) {
        if let Some(place) = self.outcomes.get_mut(at) {
            *place = Some(outcome);
        }
    }

    /// Notes that a resource that was created has another version by now.
    pub(super) fn has_version(&mut self, id: &str, version: &str) {
        let mut ids = self.ids.iter();
        let at = ids.find(|(_, other)| *other == id).map(|(at, _)| *at);
        let outcome = at.and_then(|at| self.outcomes.get_mut(at)?.as_mut());
        if let Some(known) = outcome.and_then(|outcome| outcome.version.as_mut()) {
            version.clone_into(known);
        }
    }

    /// What came of the operations that were done, in the order of the request.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = &Outcome<'j>> {
        self.outcomes.iter().flatten()
    }
}
