//! A clock, a source of randomness, a shared table and an executor that are the same
//! in every run, for tests and simulation. The store that belongs to them is
//! [`MemoryKv`](crate::kv::memory::MemoryKv).

pub use crate::join::join_all;

use crate::environment::{Clock, Entropy, Row, Shared};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A clock that goes only when somebody sleeps. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Rc<Cell<u64>>);

impl ManualClock {
    /// A clock at so many milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(millis: u64) -> Self {
        Self(Rc::new(Cell::new(millis)))
    }

    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.0.set(self.0.get().saturating_add(millis));
    }
}

impl Clock for ManualClock {
    fn now_millis(&self) -> u64 {
        self.0.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        let mut waits = true;
        poll_fn(|_| match std::mem::take(&mut waits) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }
}

/// Numbers that follow from a seed (`SplitMix64`). Clones go on alike.
#[derive(Clone, Debug)]
pub struct SeededEntropy(Cell<u64>);

impl SeededEntropy {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> bool {
        for chunk in bytes.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = random;
            }
        }
        true
    }
}

/// What instances on one thread share. Clones are the same table.
#[derive(Clone, Debug, Default)]
pub struct SharedTable(Rc<RefCell<BTreeMap<u16, (Row, u32)>>>);

impl SharedTable {
    /// How many rows were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Shared for SharedTable {
    fn read(&self, row: u16) -> (Row, u32) {
        self.0.borrow().get(&row).copied().unwrap_or_default()
    }

    fn write(&self, row: u16, value: Row, version: u32) -> bool {
        let current = self.read(row).1 == version;
        if current {
            let written = (value, version.wrapping_add(1));
            self.0.borrow_mut().insert(row, written);
        }
        current
    }
}

/// Polls a future until it is done. What it waits for must be done by others on
/// this thread, or by itself.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
