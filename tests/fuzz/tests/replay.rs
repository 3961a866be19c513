//! Every saved input through its target: the corpus, and what fuzzing once found.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::Path;

/// Runs all inputs of a target's folder, and says which panicked.
fn replay(name: &str, run: fn(&[u8]), folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(name);
    let mut failed = Vec::new();
    for entry in folder.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        if catch_unwind(|| run(&input)).is_err() {
            failed.push(path.display().to_string());
        }
    }
    failed
}

#[test]
fn no_saved_input_breaks_its_target() {
    let failed: Vec<String> = fuzz::TARGETS
        .into_iter()
        .flat_map(|(name, run)| {
            let mut failed = replay(name, run, "corpus");
            failed.extend(replay(name, run, "regressions"));
            failed
        })
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn each_target_has_a_corpus_and_each_folder_a_target() {
    let names: BTreeSet<_> = fuzz::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let folders = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = folder.read_dir().into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(folders("corpus"), names);
    assert!(folders("regressions").is_subset(&names));
}
