//! What the directory needs from where it runs, beside a store.

use crate::config::Webhook;
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

/// Takes webhooks to their receivers, and hears how that goes.
#[expect(
    async_fn_in_trait,
    reason = "everything runs on one thread, inside the proxy and in tests"
)]
pub trait Courier {
    /// Sends a POST request to the receiver of a webhook, and waits no longer than its timeout.
    /// The status of the answer.
    ///
    /// # Errors
    /// Why there is none, as a part of a sentence.
    async fn post(
        &self,
        webhook: &Webhook,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<u16, &'static str>;

    /// Takes note of how it goes, for metrics and log.
    fn note(&self, webhook: &Webhook, progress: &Progress);
}

/// How the delivery of a webhook goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This instance delivers it from now on.
    Begun,
    /// The receiver has acknowledged an event.
    Delivered,
    /// The receiver did not acknowledge an event, which will be sent again.
    Failed {
        /// The event's id.
        event: String,
        /// How often it was sent.
        attempts: u32,
        /// What happened instead.
        reason: String,
    },
    /// So many events are still to be delivered.
    Behind(u64),
    /// So many events that were to be delivered are not in the event log any more.
    Missing(u64),
    /// This instance does not deliver it for now: another one does, or the store does not do as
    /// asked.
    Ended {
        /// What happened.
        reason: String,
    },
}
