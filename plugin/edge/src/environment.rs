//! The directory's clock and randomness, as the host gives them.

use crate::executor::Executor;
use directory::environment::{Clock, Entropy};
use proxy_wasm::hostcalls;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// The host's clock. `SystemTime::now` would do the same and cost 16 KB.
pub(crate) fn now_millis() -> u64 {
    hostcalls::get_current_time()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// Tells the time, and waits by the root context's tick.
#[derive(Debug)]
pub(crate) struct HostClock(pub(crate) Rc<Executor>);

impl Clock for HostClock {
    fn now_millis(&self) -> u64 {
        self.0.polled_at()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// WASI's `random_get`, which Envoy serves from BoringSSL.
#[derive(Debug)]
pub(crate) struct HostEntropy;

impl Entropy for HostEntropy {
    fn fill(&self, bytes: &mut [u8]) -> bool {
        getrandom::fill(bytes).is_ok()
    }
}
