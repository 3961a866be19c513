//! How long something takes: the best of many short rounds, since whatever else the
//! machine does can only add, and does not add to all of them.

use std::time::{Duration, Instant};

const ROUNDS: usize = 300;
/// Shorter than what a busy system gives a process at once.
const ROUND: Duration = Duration::from_millis(3);

/// Microseconds of one pass.
pub(crate) fn micros(mut pass: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut passes = 0_u32;
        while started.elapsed() < ROUND {
            for _ in 0..8 {
                pass();
            }
            passes += 8;
        }
        best = best.min(started.elapsed().as_secs_f64() * 1e6 / f64::from(passes));
    }
    best
}
