//! What the directory needs from where it runs, beside a store.

use std::time::Duration;

/// Tells the time.
#[expect(
    async_fn_in_trait,
    reason = "everything runs on one thread, inside the proxy and in tests"
)]
pub trait Clock {
    /// Milliseconds since the Unix epoch.
    fn now_millis(&self) -> u64;

    /// Waits, at least so long.
    async fn sleep(&self, duration: Duration);
}

/// A table of 65,536 rows that all instances in one proxy share. Nothing is lost with
/// a row: what stands there is counted anew.
pub trait Shared {
    /// What stands in a row, and the version that it has.
    fn read(&self, row: u16) -> (Row, u32);

    /// Writes a row if it still has the version that was read: whether it did.
    #[must_use]
    fn write(&self, row: u16, value: Row, version: u32) -> bool;
}

/// A row of [`Shared`]; all zero where nothing was written yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Whose row it is.
    pub owner: u64,
    /// What its owner keeps there.
    pub value: u64,
}

/// Tells how much memory is in use.
pub trait Memory {
    /// The bytes that are allocated, for whatever.
    fn allocated(&self) -> usize;
}

/// Gives random bytes that nobody can foresee.
pub trait Entropy {
    /// Fills `bytes`; false when the source is out of order.
    #[must_use]
    fn fill(&self, bytes: &mut [u8]) -> bool;
}
