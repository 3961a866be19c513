//! Query strings against a store that holds some users and groups. Reading changes nothing,
//! so one store serves all inputs.

use crate::fixture::SECRET;
use crate::world::World;
use serde_json::{Value, json};

thread_local! {
    static WORLD: World = populated();
}

/// What stands behind the `?`.
pub(crate) fn run(data: &[u8]) {
    let query = String::from_utf8_lossy(data);
    WORLD.with(|world| {
        for endpoint in ["/Users", "/Groups"] {
            let (status, body) = world.call("GET", &format!("{endpoint}?{query}"), &Value::Null);
            assert!(matches!(status, 200 | 400 | 403), "{status}: {body}");
            assert!(!body.to_string().contains(SECRET), "{body}");
            if status == 200 {
                pages(world, endpoint, &query, &body);
            }
        }
    });
}

/// What the page does not show is on the next one: a page of one entry is the first of the
/// page that was asked for.
fn pages(world: &World, endpoint: &str, query: &str, page: &Value) {
    let given = query.to_ascii_lowercase();
    if given.contains("count") || given.contains('%') {
        return;
    }
    let query = format!("{endpoint}?{query}&count=1");
    let (status, first) = world.call("GET", &query, &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(first["totalResults"], page["totalResults"]);
    assert_eq!(first["Resources"].get(0), page["Resources"].get(0));
}

fn populated() -> World {
    let world = World::new();
    let mut members = Vec::new();
    for number in 0..12 {
        let family = ["Jensen", "jensen", "Ödegård"][number % 3];
        let user = json!({
            "userName": format!("user{number}@example.com"),
            "externalId": format!("ext-{}", number % 5),
            "password": SECRET,
            "active": number % 2 == 0,
            "title": (number % 3 == 0).then_some("Guide"),
            "name": {"familyName": family, "givenName": "B"},
            "emails": [
                {"value": format!("user{number}@example.com"), "type": "work", "primary": number % 4 == 0},
                {"value": format!("home{}@example.org", number % 2), "type": "home"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tours"},
        });
        let (status, made) = world.call("POST", "/Users", &user);
        assert_eq!(status, 201, "{made}");
        members.push(json!({"value": made["id"]}));
    }
    for number in 0..3 {
        let members = &members[..number * 4];
        let group = json!({"displayName": format!("Group {number}"), "members": members});
        let (status, made) = world.call("POST", "/Groups", &group);
        assert_eq!(status, 201, "{made}");
    }
    world
}
