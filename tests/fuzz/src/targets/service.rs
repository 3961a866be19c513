//! Whole requests, several in a row on one store: what holds of every answer, and what
//! holds of the store at the end.

use crate::world::World;
use crate::{consistent, script};

/// Requests in the form of [`script`].
pub(crate) fn run(data: &[u8]) {
    let world = World::new();
    script::play(&world, data);
    consistent::check(&world);
}
