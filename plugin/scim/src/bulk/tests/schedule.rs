//! The order.

use super::with_parsed;
use crate::bulk::Schedule;
use crate::error::Error;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A `POST` that defines its own place and refers to others.
fn post(at: usize, refers_to: &BTreeSet<usize>) -> Value {
    let members: Vec<Value> = refers_to
        .iter()
        .map(|to| json!({"value": format!("bulkId:{to}")}))
        .collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": at.to_string(), "data": {"members": members}})
}

fn order(operations: &Value) -> Vec<usize> {
    with_parsed(operations, |mut request| {
        Schedule::of(&mut request).unwrap().collect()
    })
}

/// The order of as many creations as there are lists of references.
fn order_of(references: &[&[usize]]) -> Vec<usize> {
    let operations = references.iter().enumerate();
    let operations = operations.map(|(at, to)| post(at, &to.iter().copied().collect()));
    order(&operations.collect())
}

#[test]
fn an_operation_waits_for_what_it_refers_to_and_no_longer() {
    for (references, expected) in [
        (&[&[][..], &[], &[]][..], vec![0, 1, 2]),
        (&[&[], &[0], &[1]], vec![0, 1, 2]),
        (&[&[1], &[], &[]], vec![1, 0, 2]),
        (&[&[2], &[0], &[]], vec![2, 0, 1]),
        (&[&[3], &[], &[0, 1], &[]], vec![1, 3, 0, 2]),
        // To itself, and to nobody.
        (&[&[0], &[9]], vec![0, 1]),
    ] {
        assert_eq!(order_of(references), expected, "{references:?}");
    }
}

#[test]
fn those_in_a_circle_do_not_wait_for_each_other() {
    for (references, expected) in [
        (&[&[1][..], &[0]][..], vec![0, 1]),
        (&[&[1], &[2], &[1]], vec![1, 0, 2]),
        (&[&[], &[3], &[1], &[2]], vec![0, 1, 2, 3]),
        (&[&[1, 2], &[0], &[3], &[2]], vec![1, 2, 0, 3]),
        (&[&[1, 4], &[2], &[0], &[4], &[]], vec![1, 2, 4, 0, 3]),
    ] {
        assert_eq!(order_of(references), expected, "{references:?}");
    }
}

#[test]
fn path_and_data_both_count_and_only_a_post_defines() {
    let patch = |path: &str, value: &str| {
        json!({"method": "PATCH", "path": path, "bulkId": "a",
            "data": [{"op": "add", "path": "members", "value": [{"value": value}]}]})
    };
    let operations = json!([
        patch("/Groups/bulkId:a", "1"),
        patch("/Groups/1", "bulkId:b"),
        {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {}},
        {"method": "DELETE", "path": "/Groups/bulkId:a"},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {}},
    ]);
    assert_eq!(order(&operations), [2, 0, 3, 4, 1]);
}

#[test]
fn two_resources_cannot_have_one_bulk_id() {
    let twice = json!([
        post(1, &BTreeSet::new()),
        post(0, &BTreeSet::new()),
        post(1, &BTreeSet::new())
    ]);
    with_parsed(&twice, |mut request| {
        let error = Schedule::of(&mut request).unwrap_err();
        assert!(matches!(error, Error::InvalidBulk { .. }));
        assert!(error.to_string().contains("operations 1 and 3 "), "{error}");
    });
}

#[test]
fn a_long_circle_is_no_burden() {
    let many = 900;
    let ring = (0..many).map(|at| post(at, &BTreeSet::from([(at + 1) % many])));
    let found = order(&ring.collect());
    let expected: Vec<usize> = (0..many).collect();
    assert_eq!(found, expected);
}

/// Whether an operation refers to another, directly or through others.
fn reaches(references: &[BTreeSet<usize>], from: usize, to: usize) -> bool {
    let mut reached = BTreeSet::new();
    let mut next: Vec<usize> = references[from].iter().copied().collect();
    while let Some(at) = next.pop() {
        if reached.insert(at) {
            next.extend(&references[at]);
        }
    }
    reached.contains(&to)
}

proptest! {
    #[test]
    fn all_are_done_once_and_after_what_they_need(
        references in prop::collection::vec(prop::collection::btree_set(0..12_usize, 0..3), 12),
    ) {
        let operations = references.iter().enumerate().map(|(at, to)| post(at, to));
        let order = order(&operations.collect());
        let sorted: BTreeSet<usize> = order.iter().copied().collect();
        prop_assert_eq!(sorted.len(), references.len());

        let mut done = BTreeSet::new();
        for at in order {
            let waits = |at: usize| {
                let needs = references[at].iter().copied();
                let needs = needs.filter(|needed| !reaches(&references, *needed, at));
                needs.into_iter().any(|needed| !done.contains(&needed))
            };
            prop_assert!(!waits(at), "{} is too early", at);
            let first = (0..at).find(|other| !done.contains(other) && !waits(*other));
            prop_assert_eq!(first, None, "{} overtakes", at);
            done.insert(at);
        }
    }
}
