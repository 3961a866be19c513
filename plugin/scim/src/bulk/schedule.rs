//! The order in which the operations of a bulk request can be done.
//!
//! It is the client's own, but that an operation waits for those that create
//! what it refers to, and no longer than that. So what refers to nothing that
//! comes later has the result that it has without reordering (RFC 7644 §3.7).
//! Those that refer to one another in a circle do not wait for each other: each
//! goes at its turn, with its references to what is yet to come (§3.7.1).

use super::{BulkRequest, Method};
use crate::error::Error;
use crate::gather::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

/// Which operation is next.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The operation that creates what a bulkId stands for.
    definitions: BTreeMap<String, usize>,
    steps: Vec<Step>,
    /// Those that wait for nothing, in their order.
    ready: BTreeSet<usize>,
}

/// What the schedule knows of an operation.
#[derive(Clone, Debug, Default)]
struct Step {
    /// The operations that create what it refers to.
    needs: BTreeSet<usize>,
    /// The operations that refer to what it creates.
    dependents: Vec<usize>,
    /// How many it waits for.
    unmet: usize,
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
            let mut needs = BTreeSet::new();
            operation.visit_references(&mut |bulk_id, _| {
                needs.extend(definitions.get(bulk_id).copied());
                None
            });
            for needed in &needs {
                if let Some(step) = steps.get_mut(*needed) {
                    step.dependents.push(at);
                }
            }
            if let Some(step) = steps.get_mut(at) {
                step.needs = needs;
            }
        }
        let circles = circles(&steps);
        for (at, step) in steps.iter_mut().enumerate() {
            let apart = |other: &usize| circles.get(*other) != circles.get(at);
            step.unmet = step.needs.iter().filter(|needed| apart(needed)).count();
            step.dependents.retain(apart);
        }
        let ready = steps.iter().enumerate();
        let ready = ready.filter(|(_, step)| step.unmet == 0);
        Ok(Self {
            definitions,
            ready: ready.map(|(at, _)| at).gather(),
            steps,
        })
    }

    /// The place in the request, from 0, of the operation that creates what a
    /// bulkId stands for.
    #[must_use]
    pub fn definition(&self, bulk_id: &str) -> Option<usize> {
        self.definitions.get(bulk_id).copied()
    }
}

impl Iterator for Schedule {
    type Item = usize;

    /// The place of the operation to do next, from 0. It counts as done when the
    /// next one is asked for, however it came out.
    fn next(&mut self) -> Option<usize> {
        let at = self.ready.pop_first()?;
        let step = self.steps.get_mut(at)?;
        for dependent in std::mem::take(&mut step.dependents) {
            if let Some(step) = self.steps.get_mut(dependent) {
                step.unmet -= 1;
                if step.unmet == 0 {
                    self.ready.insert(dependent);
                }
            }
        }
        Some(at)
    }
}

/// For each operation the circle it is in, by the place of one of it: the
/// strongly connected components, as Kosaraju finds them.
fn circles(steps: &[Step]) -> Vec<Option<usize>> {
    let mut order = Vec::with_capacity(steps.len());
    let mut seen = vec![false; steps.len()];
    let mut stack: Vec<(usize, bool)> = (0..steps.len()).map(|at| (at, false)).collect();
    while let Some((at, is_behind)) = stack.pop() {
        let (Some(step), Some(seen)) = (steps.get(at), seen.get_mut(at)) else {
            continue;
        };
        if is_behind {
            order.push(at);
        } else if !std::mem::replace(seen, true) {
            stack.push((at, true));
            stack.extend(step.needs.iter().map(|needed| (*needed, false)));
        }
    }
    let mut circles = vec![None; steps.len()];
    for root in order.into_iter().rev() {
        let mut stack = vec![root];
        while let Some(at) = stack.pop() {
            let (Some(step), Some(circle)) = (steps.get(at), circles.get_mut(at)) else {
                continue;
            };
            if circle.is_none() {
                *circle = Some(root);
                stack.extend(&step.dependents);
            }
        }
    }
    circles
}
