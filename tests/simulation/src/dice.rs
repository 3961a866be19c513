//! Every choice of a simulation, all from one seed.

use directory::environment::Entropy as _;
use directory::simulation::SeededEntropy;
use std::ops::Range;

/// A source of choices.
#[derive(Debug)]
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        let mut bytes = [0; 8];
        assert!(self.0.fill(&mut bytes), "a seed gives numbers for ever");
        u64::from_le_bytes(bytes)
    }

    /// A number below a limit, which is not zero.
    pub(crate) fn below(&self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// Whether something happens that happens so often in a thousand times.
    pub(crate) fn chance(&self, per_thousand: u64) -> bool {
        self.next() % 1_000 < per_thousand
    }

    pub(crate) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of them, unless there is none.
    pub(crate) fn any<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        match of {
            [] => None,
            of => Some(self.pick(of)),
        }
    }
}
