//! What the service says of itself (RFC 7644 §4).

use crate::support::{Reply, World};
use serde_json::json;

fn get(world: &World, path: &str) -> Reply {
    let (token, _) = world.token("acme", &["scim:read"]);
    world.scim("GET", path).bearer(&token).send()
}

#[test]
fn collections_are_lists_of_what_is_there_by_id() {
    let world = World::new();
    for (endpoint, ids) in [
        (
            "/Schemas",
            &[
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:core:2.0:Group",
                "urn:ietf:params:scim:schemas:core:2.0:Device",
                "urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            ][..],
        ),
        ("/ResourceTypes", &["User", "Group", "Device"]),
    ] {
        let list = get(&world, endpoint);
        assert_eq!(list.status, 200);
        let resources = list.body["Resources"].as_array().unwrap();
        assert_eq!(list.body["totalResults"], resources.len());
        assert_eq!(list.body["itemsPerPage"], resources.len());
        for id in ids {
            assert!(resources.iter().any(|r| r["id"] == *id), "{id}");
        }
        for resource in resources {
            let id = resource["id"].as_str().unwrap();
            let one = get(&world, &format!("{endpoint}/{id}"));
            assert_eq!((one.status, &one.body), (200, resource));
            let location = format!("https://eu.example.com/scim/v2{endpoint}/{id}");
            assert_eq!(resource["meta"]["location"], location);
        }
    }
    for path in [
        "/Schemas/urn:none",
        "/ResourceTypes/none",
        "/ResourceTypes/user",
        "/Schemas/User",
    ] {
        assert_eq!(get(&world, path).status, 404, "{path}");
    }
    let lower = get(
        &world,
        "/schemas/URN:ietf:params:scim:schemas:core:2.0:user",
    );
    assert_eq!(lower.status, 200);
}

#[test]
fn the_configuration_tells_what_is_offered() {
    let world = World::new();
    let config = get(&world, "/ServiceProviderConfig").body;
    assert_eq!(config["patch"]["supported"], true);
    assert_eq!(
        config["filter"],
        json!({"supported": true, "maxResults": 1000})
    );
    assert_eq!(config["etag"]["supported"], true);
    for feature in ["bulk", "sort", "changePassword"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["bulk"]["maxOperations"], 1000);
    assert_eq!(config["bulk"]["maxPayloadSize"], 16_777_216);
    assert_eq!(
        config["authenticationSchemes"][0]["type"],
        "oauthbearertoken"
    );
    assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
    assert_eq!(
        config["meta"]["location"],
        "https://eu.example.com/scim/v2/ServiceProviderConfig"
    );
}

#[test]
fn a_filter_is_forbidden_and_other_parameters_are_ignored() {
    let world = World::new();
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        let filtered = get(&world, &format!("{path}?filter=id%20pr"));
        assert_eq!(filtered.status, 403, "{path}");
        let plain = get(&world, path);
        let asked = get(
            &world,
            &format!("{path}?attributes=id&startIndex=2&count=0&sortBy=x"),
        );
        assert_eq!((asked.status, &asked.body), (200, &plain.body), "{path}");
    }
}
