//! Bulk requests: each operation comes once, after those that create what it refers to; and
//! what the answer says was done is what the store holds.

use crate::consistent;
use crate::world::World;
use scim::bulk::{BulkRequest, DEPTH, Method, Schedule};
use scim::json::{self, MAX_DEPTH};
use serde_json::Value;
use std::collections::BTreeSet;

const MAX_OPERATIONS: usize = 20;

/// The body of a bulk request.
pub(crate) fn run(data: &[u8]) {
    scheduled(data);
    let Ok(body) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    // A large request takes long and shows no more than a small one.
    if body["Operations"]
        .as_array()
        .is_some_and(|all| all.len() > MAX_OPERATIONS)
    {
        return;
    }
    let world = World::new();
    let (status, answer) = world.call("POST", "/Bulk", &body);
    if status == 200 {
        assert_eq!(
            consistent::check(&world),
            resources(&body, &answer),
            "{answer}"
        );
    } else {
        assert!(matches!(status, 400 | 413), "{answer}");
        assert_eq!(consistent::check(&world), 0);
    }
}

fn scheduled(data: &[u8]) {
    let Ok(body) = json::parse(data, MAX_DEPTH.min(40 + DEPTH)) else {
        return;
    };
    let Ok(mut request) = BulkRequest::parse(body, MAX_OPERATIONS) else {
        return;
    };
    let Ok(schedule) = Schedule::of(&mut request) else {
        return;
    };
    let order: Vec<usize> = schedule.collect();
    let places: BTreeSet<usize> = order.iter().copied().collect();
    assert_eq!(order.len(), request.operations.len());
    assert_eq!(places, (0..request.operations.len()).collect());
    let posted = |at: &usize| {
        let operation = &request.operations[*at];
        operation
            .bulk_id
            .as_deref()
            .filter(|_| operation.method == Method::Post)
    };
    let ids: BTreeSet<String> = order.iter().filter_map(posted).map(str::to_owned).collect();
    for operation in &mut request.operations {
        operation.visit_references(&mut |bulk_id, _| ids.contains(bulk_id).then(|| "x".to_owned()));
        operation.visit_references(&mut |bulk_id, _| {
            assert!(!ids.contains(bulk_id), "{bulk_id} is still there");
            None
        });
    }
}

/// How many resources there should be after an answer: all created but those deleted.
fn resources(request: &Value, answer: &Value) -> usize {
    let outcomes = answer["Operations"].as_array().expect("Operations");
    // Names of attributes have no case.
    let asked = request.as_object().into_iter().flatten();
    let asked = asked.filter(|(name, _)| name.eq_ignore_ascii_case("operations"));
    let asked: usize = asked
        .filter_map(|(_, list)| list.as_array())
        .map(Vec::len)
        .sum();
    assert!(outcomes.len() <= asked);
    let mut left = 0;
    for outcome in outcomes {
        let status = outcome["status"].as_str().expect("a status in text");
        let failed = outcome.get("response").is_some();
        assert_eq!(failed, status >= "400", "{outcome}");
        match (outcome["method"].as_str().expect("a method"), status) {
            ("POST", "201") => left += 1,
            ("DELETE", "204") => left -= 1,
            _ => {}
        }
        assert!(failed || outcome["location"].is_string(), "{outcome}");
    }
    usize::try_from(left).expect("no more deleted than created")
}
