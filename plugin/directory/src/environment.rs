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

/// Gives random bytes that nobody can foresee.
pub trait Entropy {
    /// Fills `bytes`; false when the source is out of order.
    #[must_use]
    fn fill(&self, bytes: &mut [u8]) -> bool;
}
