//! Whole requests, several in a row on one store. Beside what holds of every answer: at
//! the end each user and group is found by its id and by every index, and writing what was
//! read changes nothing.

use crate::script;
use crate::world::World;
use serde_json::{Value, json};

/// Requests in the form of [`script`].
pub(crate) fn run(data: &[u8]) {
    let world = World::new();
    script::play(&world, data);
    for (endpoint, indexed) in [
        ("/Users", &["userName", "externalId", "emails.value"][..]),
        ("/Groups", &["displayName", "externalId", "members.value"]),
    ] {
        let (status, list) = world.call("GET", &format!("{endpoint}?count=1000"), &Value::Null);
        assert_eq!(status, 200);
        for listed in list["Resources"].as_array().unwrap() {
            check(&world, endpoint, indexed, listed);
        }
    }
}

fn check(world: &World, endpoint: &str, indexed: &[&str], listed: &Value) {
    let id = listed["id"].as_str().unwrap();
    let path = format!("{endpoint}/{id}");
    let (status, read) = world.call("GET", &path, &Value::Null);
    assert_eq!((status, &read), (200, listed));
    for name in indexed {
        for value in values(listed, name) {
            let filter = format!("{name} eq {value}");
            let body = json!({"filter": filter, "count": 1000});
            let query = format!(
                "{endpoint}?count=1000&attributes=id&filter={}",
                escaped(&filter)
            );
            let (status, found) = world.call("GET", &query, &body);
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

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
