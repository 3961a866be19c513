//! How often the instances of one proxy have written: so that each sees at once what another one
//! wrote, before the store is asked again.

use crate::environment::{Row, Shared};
use crate::quota::Part;
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

/// How often a row is tried that others write at the same time: more workers there are not.
const TRIES: usize = 32;

/// The counts of all tenants, in a table that the instances share. Tenants that meet in one row
/// count together, which costs each no more than a read of the store.
#[derive(Default)]
pub(crate) struct Writes {
    shared: RefCell<Option<Rc<dyn Shared>>>,
    /// Of this instance alone.
    own: Cell<u64>,
}

impl Writes {
    pub(crate) fn share(&self, shared: Rc<dyn Shared>) {
        self.shared.replace(Some(shared));
    }

    /// How often there was a write to a tenant.
    pub(crate) fn count(&self, tenant: &str) -> u64 {
        match self.shared.borrow().as_deref() {
            Some(shared) => shared.read(place(tenant)).0.value,
            None => self.own.get(),
        }
    }

    /// Counts one that was made, or may have been.
    pub(crate) fn note(&self, tenant: &str) {
        let shared = self.shared.borrow();
        let Some(shared) = shared.as_deref() else {
            return self.own.set(self.own.get().wrapping_add(1));
        };
        for _ in 0..TRIES {
            let (found, version) = shared.read(place(tenant));
            let next = Row {
                value: found.value.wrapping_add(1),
                ..found
            };
            if shared.write(place(tenant), next, version) {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Writes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writes").finish_non_exhaustive()
    }
}

fn place(tenant: &str) -> u16 {
    // The same in all instances; and it need not be hard to meet another one.
    let mut hasher = DefaultHasher::new();
    tenant.hash(&mut hasher);
    let [low, high, ..] = hasher.finish().to_le_bytes();
    Part::Writes.row(low, high)
}
