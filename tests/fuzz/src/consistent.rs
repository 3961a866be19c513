//! What must hold of a store whatever was done to it: each user and group is found by its
//! id and by every index, and writing what was read changes nothing.

use crate::world::World;
use serde_json::Value;

/// The endpoints, and the attributes that an index answers for.
const INDEXED: [(&str, [&str; 3]); 2] = [
    ("/Users", ["userName", "externalId", "emails.value"]),
    ("/Groups", ["displayName", "externalId", "members.value"]),
];

/// Checks all resources and returns how many there are.
pub(crate) fn check(world: &World) -> usize {
    let mut count = 0;
    for (endpoint, indexed) in INDEXED {
        let path = format!("{endpoint}?count=1000");
        let (status, list) = world.call("GET", &path, &Value::Null);
        assert_eq!(status, 200);
        for listed in list["Resources"].as_array().unwrap() {
            check_one(world, endpoint, &indexed, listed);
            count += 1;
        }
    }
    count
}

fn check_one(world: &World, endpoint: &str, indexed: &[&str], listed: &Value) {
    let id = listed["id"].as_str().unwrap();
    let path = format!("{endpoint}/{id}");
    let (status, read) = world.call("GET", &path, &Value::Null);
    assert_eq!((status, &read), (200, listed));
    for name in indexed {
        for value in values(listed, name) {
            let filter = format!("{name} eq {value}");
            let query = format!(
                "{endpoint}?count=1000&attributes=id&filter={}",
                escaped(&filter)
            );
            let (status, found) = world.call("GET", &query, &Value::Null);
            assert_eq!(status, 200, "{filter}: {found}");
            let mut found = found["Resources"].as_array().unwrap().iter();
            assert!(
                found.any(|resource| resource["id"] == id),
                "{filter} does not find {id}"
            );
        }
    }
    let (status, written) = world.call("PUT", &path, &read);
    assert_eq!((status, &written), (200, &read));
}

fn values<'j>(resource: &'j Value, name: &str) -> Vec<&'j Value> {
    match name.split_once('.') {
        None => resource.get(name).into_iter().collect(),
        Some((list, sub)) => {
            let elements = resource[list].as_array().into_iter().flatten();
            elements.filter_map(|element| element.get(sub)).collect()
        }
    }
}

/// Text as it can stand in a query.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
