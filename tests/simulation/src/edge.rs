//! What an edge has: its way to the store and its clock.

use crate::weather::Micros;
use crate::world::{Request, Shared, WaitId};
use directory::environment::Clock;
use etcd_kv::{NotSent, Reply, Transport};
use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// When every simulation begins, in milliseconds since the Unix epoch.
const BEGINNING: u64 = 1_795_000_000_000;

/// The way to the store.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) world: Shared,
}

impl Transport for Network {
    async fn call(
        &self,
        _: &'static str,
        method: &'static str,
        message: &[u8],
    ) -> Result<Reply, NotSent> {
        let message = message.to_vec();
        let id = self.world.borrow_mut().send(Request { method, message })?;
        let waiting = Waiting {
            world: self.world.clone(),
            id,
        };
        let reply = poll_fn(|_| match waiting.world.borrow_mut().heard(id) {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        });
        Ok(reply.await)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

/// Ends the wait also when the request is dropped.
struct Waiting {
    world: Shared,
    id: WaitId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.world.borrow_mut().forget(self.id);
    }
}

/// A clock that is wrong by so much, and goes so much too fast or too slow.
#[derive(Clone)]
pub(crate) struct SimClock {
    pub(crate) world: Shared,
    /// In milliseconds.
    pub(crate) ahead: i64,
    /// In thousandths.
    pub(crate) rate: u64,
}

impl SimClock {
    fn shown(&self, real: Micros) -> Micros {
        real * self.rate / 1_000
    }
}

impl Clock for SimClock {
    fn now_millis(&self) -> u64 {
        let shown = self.shown(self.world.borrow().now) / 1_000;
        (BEGINNING + shown).saturating_add_signed(self.ahead)
    }

    async fn sleep(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(Micros::MAX);
        let id = self.world.borrow_mut().pause(micros * 1_000 / self.rate);
        let waiting = Waiting {
            world: self.world.clone(),
            id,
        };
        poll_fn(|_| match waiting.world.borrow().woken(id) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}
