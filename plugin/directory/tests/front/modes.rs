//! Two modes per token: what one refuses the other takes, and each is told which
//! it has.

use crate::support::{Reply, World};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn token(world: &World, mode: &Value) -> String {
    let made = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&json!({"label": "test", "scopes": ["scim"], "mode": mode}))
        .send();
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(&made.body["mode"], mode);
    made.body["token"].as_str().unwrap().to_owned()
}

fn send(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Reply {
    world.scim(method, path).bearer(token).body(body).send()
}

fn get(world: &World, token: &str, path: &str) -> Reply {
    world.scim("GET", path).bearer(token).send()
}

#[test]
fn a_token_says_its_mode_and_is_lenient_unless_it_does() {
    let world = World::new();
    token(&world, &json!("strict"));
    world.token("acme", &["scim"]);
    let listed = world.admin("GET", "/tenants/acme/tokens").send();
    let tokens = listed.body["tokens"].as_array().unwrap().iter();
    let modes: Vec<&Value> = tokens.map(|token| &token["mode"]).collect();
    assert_eq!(modes, ["strict", "lenient"]);

    let unknown = json!({"scopes": ["scim"], "mode": "loose"});
    let refused = world
        .admin("POST", "/tenants/acme/tokens")
        .body(&unknown)
        .send();
    assert_eq!(refused.status, 400, "{refused:?}");
}

#[test]
fn the_configuration_tells_the_mode_of_the_token_that_asks() {
    let world = World::new();
    for (mode, conforms) in [("strict", Some(true)), ("lenient", None)] {
        let token = token(&world, &json!(mode));
        let config = get(&world, &token, "/ServiceProviderConfig").body;
        let told = config.get("interopProfileConformant");
        assert_eq!(told.map(|told| told == true), conforms, "{mode}");
        assert_eq!(config["changePassword"]["supported"], true);
    }
    let strict = token(&world, &json!("strict"));
    let schema = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    let schema = get(&world, &strict, schema).body;
    let mut attributes = schema["attributes"].as_array().unwrap().iter();
    assert!(attributes.any(|a| a["name"] == "interopProfileConformant" && a["type"] == "boolean"));
}

#[test]
fn every_list_with_types_names_them() {
    let world = World::new();
    let schemas = get(&world, &token(&world, &json!("strict")), "/Schemas").body;
    for schema in schemas["Resources"].as_array().unwrap() {
        for attribute in schema["attributes"].as_array().unwrap() {
            let below = attribute["subAttributes"].as_array().into_iter().flatten();
            for kind in below.filter(|sub| sub["name"] == "type") {
                let names = kind["canonicalValues"].as_array().map_or(0, Vec::len);
                assert!(
                    names > 0 || attribute["multiValued"] == false,
                    "{attribute}"
                );
            }
        }
    }
}

#[test]
fn a_strict_token_is_refused_what_a_lenient_one_may() {
    let world = World::new();
    let (strict, lenient) = (
        token(&world, &json!("strict")),
        token(&world, &json!("lenient")),
    );
    let name = |token: &str| if token == strict { "strict" } else { "lenient" };
    for token in [&strict, &lenient] {
        let user = json!({"schemas": [USER], "userName": name(token), "active": true});
        let made = send(&world, token, "POST", "/Users", &user);
        assert_eq!(made.status, 201, "{made:?}");
        let path = format!("/Users/{}", made.body["id"].as_str().unwrap());

        let mut untidy = user.clone();
        untidy["hobbies"] = json!(["tennis"]);
        let without_path = json!({"schemas": [PATCH_OP],
            "Operations": [{"op": "Replace", "value": {"active": "True"}}]});
        let replies = [
            send(&world, token, "PUT", &path, &untidy),
            send(&world, token, "PATCH", &path, &without_path),
            get(&world, token, "/Users?filter=userName+eq+strict"),
        ];
        let statuses = replies.each_ref().map(|reply| reply.status);
        if *token == strict {
            assert_eq!(statuses, [400, 400, 400], "{replies:?}");
            let types = replies
                .each_ref()
                .map(|reply| reply.body["scimType"].clone());
            assert_eq!(types, ["invalidSyntax", "invalidSyntax", "invalidFilter"]);
            assert_eq!(get(&world, token, &path).body["active"], true);
        } else {
            assert_eq!(statuses, [200, 200, 200], "{replies:?}");
        }
    }
}

#[test]
fn a_profile_client_adds_and_removes_members() {
    let world = World::new();
    let strict = token(&world, &json!("strict"));
    let user = json!({"schemas": [USER], "userName": "alice"});
    let user = send(&world, &strict, "POST", "/Users", &user).body["id"].clone();
    let group =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "staff"});
    let group = send(&world, &strict, "POST", "/Groups", &group);
    let path = format!("/Groups/{}", group.body["id"].as_str().unwrap());
    let members = || {
        get(&world, &strict, &path).body["members"]
            .as_array()
            .unwrap()
            .len()
    };
    let patch = |operation: Value| {
        let body = json!({"schemas": [PATCH_OP], "Operations": [operation]});
        send(&world, &strict, "PATCH", &path, &body).status
    };
    assert_eq!(
        patch(json!({"op": "add", "path": "members", "value": [{"value": user}]})),
        200
    );
    assert_eq!(members(), 1);
    let named = format!("members[value eq {user}]");
    assert_eq!(patch(json!({"op": "remove", "path": named})), 400);
    assert_eq!(
        patch(json!({"op": "remove", "path": format!("{named}.value")})),
        200
    );
    assert_eq!(members(), 0);
}
