//! The order in which the operations of a bulk request can be done.
//!
//! It is the client's own, but that an operation waits for those that create
//! what it refers to, and no longer than that. None is moved ahead of another
//! that comes before it without waiting; so what does not refer to anything has
//! the result that it has without reordering (RFC 7644 §3.7). Where all that are
//! left wait for one another, one of such a circle is let through, with its
//! references to what is yet to come (§3.7.1).

use super::{BulkRequest, Method};
use crate::error::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Which operation is next.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The operation that creates what a bulkId stands for.
    definitions: BTreeMap<String, usize>,
    steps: Vec<Step>,
    ready: BTreeSet<usize>,
    left: usize,
}

/// What the schedule knows of an operation.
#[derive(Clone, Debug, Default)]
struct Step {
    /// The operations that create what it refers to, but for itself.
    needs: BTreeSet<usize>,
    /// How many of those are yet to be done.
    unmet: usize,
    /// The operations that need it.
    dependents: Vec<usize>,
    done: bool,
}

impl Schedule {
    /// The schedule of a request.
    ///
    /// # Errors
    /// [`Error::InvalidBulk`] for a bulkId that two operations give to what they
    /// create.
    pub fn of(request: &mut BulkRequest<'_>) -> Result<Self, Error> {
        let mut definitions = BTreeMap::new();
        for (at, operation) in request.operations.iter().enumerate() {
            // The others create nothing; theirs is but a label.
            if operation.method == Method::Post
                && let Some(bulk_id) = &operation.bulk_id
                && let Some(first) = definitions.insert(bulk_id.clone().into_owned(), at)
            {
                let (first, second) = (first + 1, at + 1);
                return Err(Error::InvalidBulk {
                    reason: format!("operations {first} and {second} have the same \"bulkId\""),
                });
            }
        }
        let mut steps = vec![Step::default(); request.operations.len()];
        for (at, operation) in request.operations.iter_mut().enumerate() {
            let mut needs: BTreeSet<usize> = BTreeSet::new();
            operation.visit_references(&mut |bulk_id, _| {
                needs.extend(definitions.get(bulk_id).filter(|needed| **needed != at));
                None
            });
            for needed in &needs {
                if let Some(step) = steps.get_mut(*needed) {
                    step.dependents.push(at);
                }
            }
            if let Some(step) = steps.get_mut(at) {
                step.unmet = needs.len();
                step.needs = needs;
            }
        }
        let ready = steps.iter().enumerate();
        let ready = ready.filter(|(_, step)| step.unmet == 0);
        Ok(Self {
            definitions,
            ready: ready.map(|(at, _)| at).collect(),
            left: steps.len(),
            steps,
        })
    }

    /// The place in the request, from 0, of the operation that creates what a
    /// bulkId stands for.
    #[must_use]
    pub fn definition(&self, bulk_id: &str) -> Option<usize> {
        self.definitions.get(bulk_id).copied()
    }

    /// The first of those left in a circle of operations that wait for one
    /// another, when nothing else is left to do.
    fn circular(&self) -> Option<usize> {
        let is_left = |at: &usize| self.steps.get(*at).is_some_and(|step| !step.done);
        let mut at = (0..self.steps.len()).find(|at| is_left(at))?;
        let mut seen = BTreeSet::new();
        let mut way = Vec::new();
        // Each waits for another that is left, so the way comes back to itself.
        while seen.insert(at) {
            way.push(at);
            let step = self.steps.get(at)?;
            at = step.needs.iter().copied().find(|at| is_left(at))?;
        }
        way.into_iter().skip_while(|other| *other != at).min()
    }
}

impl Iterator for Schedule {
    type Item = usize;

    /// The place of the operation to do next, from 0. It counts as done when the
    /// next one is asked for, however it came out.
    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let at = self.ready.pop_first().or_else(|| self.circular())?;
        self.left -= 1;
        let step = self.steps.get_mut(at)?;
        step.done = true;
        for dependent in std::mem::take(&mut step.dependents) {
            if let Some(step) = self.steps.get_mut(dependent).filter(|step| !step.done) {
                step.unmet -= 1;
                if step.unmet == 0 {
                    self.ready.insert(dependent);
                }
            }
        }
        Some(at)
    }
}
