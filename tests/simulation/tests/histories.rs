//! Histories that were found to show something, and as many others as a test has time
//! for; and that a seed always gives the same one.

use simulation::Plan;

/// Seeds whose histories once showed something wrong, each with what it was.
const FOUND: &str = include_str!("../seeds.txt");

fn found() -> impl Iterator<Item = u64> {
    let lines = FOUND.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let seed = line.split_whitespace().next().unwrap_or_default();
        seed.parse().expect("a line begins with a seed")
    })
}

#[test]
fn what_was_found_is_mended() {
    let plan = Plan::new(None);
    let mut replayed = 0;
    for seed in found() {
        let run = plan.run(seed);
        assert_eq!(run.violation, None, "{}", simulation::replay(seed));
        replayed += 1;
    }
    assert!(replayed > 0);
}

#[test]
fn a_seed_gives_the_same_history_in_every_run() {
    let (one, other) = (Plan::new(None), Plan::new(None));
    let mut hashes = Vec::new();
    for seed in 1..=100 {
        let hash = one.run(seed).history.hash();
        assert_eq!(other.run(seed).history.hash(), hash, "seed {seed}");
        hashes.push(hash);
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 100, "seeds give histories of their own");
}
