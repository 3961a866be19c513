//! How long something takes: the best of several rounds, since whatever else the machine
//! does can only add.

use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(200);

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
