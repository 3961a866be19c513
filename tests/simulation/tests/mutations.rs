//! What the simulation notices: each way in which the service could be wrong is found
//! within a thousand histories, and in as many nothing is found in the service as it is.

use simulation::{Mutation, Plan};

const HISTORIES: u64 = 1_000;

/// The first seed that shows something wrong.
fn found(mutation: Option<Mutation>) -> Option<(u64, String)> {
    let plan = Plan::new(mutation);
    let mut seeds = 1..=HISTORIES;
    seeds.find_map(|seed| Some((seed, plan.run(seed).violation?)))
}

#[test]
fn every_mutation_is_found_within_a_thousand_histories() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        match found(Some(mutation)) {
            Some((seed, wrong)) => {
                let first = wrong.lines().next().unwrap_or_default();
                println!("{mutation:?}: seed {seed}, {first}");
            }
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "not noticed: {missed:?}");
}

#[test]
fn nothing_is_found_in_the_service_as_it_is() {
    assert_eq!(found(None), None);
}
