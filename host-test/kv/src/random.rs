//! Identifiers that nobody else has chosen: for a store, and for leases whose
//! caller leaves the choice to the server.

use std::hash::{BuildHasher, RandomState};

/// A number from 1 to `i64::MAX`, drawn from the seed that the standard library
/// takes from the system. Unlikely to repeat; not a secret.
pub(crate) fn id() -> u64 {
    (RandomState::new().hash_one(std::time::SystemTime::now()) >> 1).max(1)
}
