//! edge-kv answers as etcd does: the same random calls are made to both, and
//! every reply, error and event must be equal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what failed by panicking"
)]

mod calls;
mod pair;
mod watching;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use pair::Pair;

/// Runs `check` on random calls. Cases go on with the pair of servers that the
/// case before left in equal states; after a difference both start anew.
fn compare(
    cases: u32,
    lengths: std::ops::Range<usize>,
    check: &impl AsyncFn(&mut Pair, &[calls::Call]) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let any = Config::default();
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: cases / 2,
        failure_persistence: None,
        // The same calls each time, for this decides about a change of the store, not
        // about etcd; PROPTEST_RNG_SEED plays others.
        rng_seed: match any.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            seed @ RngSeed::Fixed(_) => seed,
        },
        ..any
    });
    let pair = std::cell::RefCell::new(None::<Pair>);
    let outcome = runner.run(&prop::collection::vec(calls::call(), lengths), |calls| {
        runtime.block_on(async {
            let taken = pair.borrow_mut().take();
            let mut current = match taken {
                Some(pair) => pair,
                None => Pair::start().await,
            };
            current.clear().await;
            check(&mut current, &calls).await?;
            pair.replace(Some(current));
            Ok(())
        })
    });
    drop(pair);
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

#[test]
fn every_reply_equals_etcds() {
    compare(400, 1..40, &async |pair, calls| {
        for call in calls {
            pair.compare(call).await?;
        }
        Ok(())
    });
}

#[test]
fn every_event_equals_etcds() {
    compare(40, 1..30, &watching::compare);
}

#[test]
fn the_same_state_is_there_after_a_restart() {
    compare(12, 5..60, &async |pair, calls| {
        for call in calls {
            pair.compare(call).await?;
        }
        pair.restart_edge().await;
        for call in calls {
            pair.compare(call).await?;
        }
        Ok(())
    });
}
