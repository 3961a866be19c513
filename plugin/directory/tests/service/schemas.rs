//! Schemas and resource types of a configuration: all that users and groups have,
//! they have.

use crate::support::{Reply, World, filter, request, request_of};
use serde_json::{Value, json};

const SITE: &str = "urn:example:schemas:1.0:Site";
pub(crate) const BADGE: &str = "urn:example:schemas:1.0:Badge";

/// Sites, and badges of users and groups.
pub(crate) fn config() -> Value {
    json!({
        "schemas": [
            {"id": SITE, "name": "Site", "attributes": [
                {"name": "displayName", "required": true},
                {"name": "code", "caseExact": true, "uniqueness": "server"},
                {"name": "floors", "type": "integer"},
                {"name": "number", "type": "integer", "uniqueness": "global"},
                {"name": "city", "indexed": true},
                {"name": "tags", "multiValued": true, "indexed": true},
                {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "value", "indexed": true},
                    {"name": "key", "uniqueness": "server"},
                    {"name": "primary", "type": "boolean"}]},
                {"name": "opened", "type": "dateTime", "mutability": "immutable"},
                {"name": "secret", "returned": "never"},
                {"name": "notes", "returned": "request"}]},
            {"id": BADGE, "name": "Badge", "attributes": [
                {"name": "number", "uniqueness": "server"},
                {"name": "color", "indexed": true, "canonicalValues": ["red", "blue"]}]}],
        "resource_types": [
            {"name": "Site", "endpoint": "/Sites", "schema": SITE, "description": "A building"},
            {"name": "User", "schemaExtensions": [{"schema": BADGE}]},
            {"name": "Group", "schemaExtensions": [{"schema": BADGE}]}]
    })
}

pub(crate) fn world() -> World {
    World::configured(config())
}

pub(crate) fn site(world: &World, body: &Value) -> Reply {
    let made = world.post("/Sites", body);
    assert_eq!(made.status, 201, "{made:?}");
    made
}

/// The keys of a tenant below a prefix.
pub(crate) fn keys(world: &World, prefix: &str) -> Vec<String> {
    let prefix = format!("scim/acme/{prefix}");
    let all = world.kv.dump().into_iter();
    let all = all.map(|(key, _)| String::from_utf8(key).unwrap());
    all.filter_map(|key| Some(key.strip_prefix(&prefix)?.to_owned()))
        .collect()
}

pub(crate) fn found(world: &World, collection: &str, text: &str) -> Vec<String> {
    world.get(&filter(collection, text)).ids()
}

#[test]
fn a_configured_type_lives_as_users_do() {
    let world = world();
    let made = site(
        &world,
        &json!({"schemas": [SITE], "DISPLAYNAME": "Mill", "code": "M1", "floors": 3,
            "externalId": "x/1", "id": "mine", "unknown": 1, "secret": "s", "notes": "n"}),
    );
    let id = made.id();
    let location = format!("https://scim.example.com/scim/v2/Sites/{id}");
    assert_eq!(made.header("location"), Some(location.as_str()));
    assert_eq!(made.body["meta"]["resourceType"], "Site");
    assert_eq!(made.body["meta"]["location"], location);
    assert_eq!(made.body["schemas"], json!([SITE]));
    assert_eq!(made.body["displayName"], "Mill");
    assert!(made.body["secret"].is_null() && made.body["notes"].is_null());

    let path = format!("/sites/{id}");
    assert_eq!(world.get(&path).body, made.body);
    let shown = world.get(&format!("{path}?attributes=notes,{SITE}:floors"));
    assert_eq!(shown.body["notes"], "n");
    assert_eq!(shown.body["floors"], 3);
    assert!(shown.body["displayName"].is_null());
    let mut known = request("GET", &path, None);
    known
        .headers
        .push(("if-none-match".to_owned(), made.etag().into_bytes()));
    assert_eq!(world.send(&known).status, 304);

    let put = world.put(&path, &json!({"displayName": "Mill 2", "code": "M1"}));
    assert_eq!(
        (put.status, &put.body["displayName"]),
        (200, &json!("Mill 2"))
    );
    assert!(put.body["floors"].is_null() && put.body["externalId"].is_null());
    let patched = world.patch(
        &path,
        &json!([{"op": "add", "path": format!("{SITE}:tags"), "value": ["a", "b"]},
            {"op": "add", "path": "doors", "value": [{"value": "N", "primary": true}]},
            {"op": "replace", "path": "doors[value eq \"N\"].value", "value": "North"}]),
    );
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["tags"], json!(["a", "b"]));
    assert_eq!(
        patched.body["doors"],
        json!([{"value": "North", "primary": true}])
    );
    let mut stale = request("DELETE", &path, None);
    stale
        .headers
        .push(("if-match".to_owned(), made.etag().into_bytes()));
    assert_eq!(world.send(&stale).status, 412);

    let listed = world.get("/Sites?count=1");
    assert_eq!(listed.body["totalResults"], 1);
    assert_eq!(listed.body["Resources"], json!([patched.body]));
    let events = world.events("acme");
    let ops: Vec<_> = events.iter().map(|e| e["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["Site.create", "Site.replace", "Site.patch"]);
    assert_eq!(events[2]["attributes"], json!(["tags", "doors"]));

    let answer = request_of("other", "GET", &path, None);
    assert_eq!(world.send(&answer).status, 404, "of another tenant");
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.get(&path).status, 404);
    assert_eq!(world.delete(&path).status, 404);
    assert!(keys(&world, "resource").is_empty());
    assert!(keys(&world, "index/").is_empty());
}

#[test]
fn bad_values_are_refused_by_their_attribute() {
    let world = world();
    for (body, scim_type, names) in [
        (json!({"code": "M"}), "invalidValue", "displayName"),
        (
            json!({"displayName": "a", "floors": "three"}),
            "invalidValue",
            "floors",
        ),
        (
            json!({"displayName": "a", "opened": "today"}),
            "invalidValue",
            "opened",
        ),
        (
            json!({"displayName": "a", "doors": [{"primary": true, "value": "a"},
            {"primary": true, "value": "b"}]}),
            "invalidValue",
            "doors",
        ),
    ] {
        let refused = world.post("/Sites", &body);
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.body["scimType"], scim_type, "{refused:?}");
        assert!(
            refused.body["detail"].as_str().unwrap().contains(names),
            "{refused:?}"
        );
    }
    assert!(keys(&world, "resource").is_empty());
    assert!(world.events("acme").is_empty());
}

#[test]
fn a_unique_value_belongs_to_one_resource() {
    let world = world();
    let first = site(
        &world,
        &json!({"displayName": "a", "code": "M1", "number": 7,
        "doors": [{"key": "K1"}, {"key": "K2"}]}),
    );
    site(&world, &json!({"displayName": "b", "code": "m1"}));
    for (body, attribute) in [
        (json!({"displayName": "c", "code": "M1"}), "code"),
        (json!({"displayName": "c", "number": 7}), "number"),
        (
            json!({"displayName": "c", "doors": [{"key": "K9"}, {"key": "k2"}]}),
            "doors.key",
        ),
    ] {
        let refused = world.post("/Sites", &body);
        assert_eq!(
            (refused.status, &refused.body["scimType"]),
            (409, &json!("uniqueness"))
        );
        assert!(
            refused.body["detail"].as_str().unwrap().contains(attribute),
            "{refused:?}"
        );
    }
    // One's own value is no other's; a value given up is free.
    let path = format!("/Sites/{}", first.id());
    let kept = world.put(
        &path,
        &json!({"displayName": "a", "code": "M1", "doors": [{"key": "K1"}]}),
    );
    assert_eq!(kept.status, 200, "{kept:?}");
    site(
        &world,
        &json!({"displayName": "c", "number": 7, "doors": [{"key": "K2"}]}),
    );
    let taken = world.patch(&path, &json!([{"op": "add", "path": "number", "value": 7}]));
    assert_eq!(taken.status, 409, "{taken:?}");
    // Another tenant has values of its own.
    let body = json!({"displayName": "a", "code": "M1"});
    let other = request_of("other", "POST", "/Sites", Some(&body));
    assert_eq!(world.send(&other).status, 201);
    // And so has another type: users and groups share no badges with each other.
    let badge = json!({BADGE: {"number": "1"}, "userName": "u", "displayName": "g"});
    assert_eq!(world.post("/Users", &badge).status, 201);
    assert_eq!(world.post("/Groups", &badge).status, 201);
    let again = json!({BADGE: {"number": "1"}, "userName": "v", "displayName": "h"});
    assert_eq!(world.post("/Users", &again).status, 409);
    let refused = world.post("/Groups", &again);
    assert_eq!(refused.status, 409);
    assert!(
        refused.body["detail"]
            .as_str()
            .unwrap()
            .contains("Badge:number"),
        "{refused:?}"
    );
}

#[test]
fn of_two_that_claim_a_value_at_once_one_gets_it() {
    for seed in 0..20 {
        let world = world();
        let body = json!({"displayName": "a", "code": "M1"});
        let requests = [
            request("POST", "/Sites", Some(&body)),
            request("POST", "/Sites", Some(&body)),
            request(
                "POST",
                "/Sites",
                Some(&json!({"displayName": "b", "code": "M2"})),
            ),
        ];
        let replies = crate::support::interleave(seed, &[&world.directory], &requests);
        let mut statuses: Vec<u16> = replies.iter().map(|r| r.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 409], "seed {seed}");
    }
}

#[test]
fn filters_find_by_index_what_a_scan_finds() {
    let world = world();
    for i in 0..30 {
        site(
            &world,
            &json!({"displayName": format!("s{i}"), "code": format!("C{i}"),
            "number": i, "city": if i % 2 == 0 { "Ulm" } else { "Köln" },
            "tags": [format!("t{}", i % 3), "all"], "floors": i % 4,
            "doors": [{"value": format!("d{}", i % 5)}, {"value": "gate"}]}),
        );
    }
    for (text, matches) in [
        ("code eq \"C7\"", 1),
        ("code eq \"c7\"", 0),
        ("number eq 7", 1),
        ("city eq \"ULM\"", 15),
        ("city eq \"KÖLN\" and floors eq 1", 8),
        ("tags eq \"T1\"", 10),
        ("tags eq \"all\"", 30),
        ("doors.value eq \"D3\"", 6),
        ("doors[value eq \"gate\" and not (primary eq true)]", 30),
        ("doors eq \"d3\"", 6),
        ("urn:example:schemas:1.0:Site:city eq \"ulm\"", 15),
        ("city eq \"Ulm\" or floors eq 1", 23),
        ("city sw \"U\"", 15),
        ("floors gt 2", 7),
        ("not (city eq \"Ulm\")", 15),
        ("opened pr", 0),
    ] {
        assert_eq!(found(&world, "/Sites", text).len(), matches, "{text}");
    }
    let refused = world.get(&filter("/Sites", "secret eq \"s\""));
    assert!(
        refused.status == 400 || refused.status == 403,
        "{refused:?}"
    );

    let calls = world.kv.calls();
    found(&world, "/Sites", "city eq \"nowhere\"");
    assert_eq!(world.kv.calls() - calls, 1, "an index answers");
}

#[test]
fn an_extension_is_part_of_users() {
    let world = world();
    let made = world.post(
        "/Users",
        &json!({"userName": "ann", "schemas": [BADGE], BADGE: {"number": "7", "color": "Red"}}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let schemas = made.body["schemas"].as_array().unwrap();
    assert!(schemas.contains(&json!(BADGE)), "{made:?}");
    assert_eq!(made.body[BADGE], json!({"number": "7", "color": "Red"}));
    let id = made.id();
    for text in [
        &format!("{BADGE}:color eq \"RED\""),
        "color eq \"red\" and userName eq \"ann\"",
    ] {
        assert_eq!(found(&world, "/Users", text).concat(), id, "{text}");
    }
    let path = format!("/Users/{id}");
    let patched = world.patch(
        &path,
        &json!([{"op": "replace", "path": format!("{BADGE}:color"), "value": "blue"},
            {"op": "remove", "path": format!("{BADGE}:number")}]),
    );
    assert_eq!(patched.body[BADGE], json!({"color": "blue"}));
    assert!(found(&world, "/Users", "color eq \"red\"").is_empty());
    let shown = world.get(&format!("{path}?excludedAttributes={BADGE}"));
    assert!(shown.body[BADGE].is_null());
    assert_eq!(world.delete(&path).status, 204);
    assert!(keys(&world, "index/").is_empty());
}

#[test]
fn what_is_configured_is_told() {
    let world = world();
    let types = world.get("/ResourceTypes");
    assert_eq!(types.body["totalResults"], 4);
    let site = world.get("/ResourceTypes/Site");
    assert_eq!(site.body["endpoint"], "/Sites");
    assert_eq!(site.body["schema"], SITE);
    let user = world.get("/ResourceTypes/User");
    let extension = json!({"schema": BADGE, "required": false});
    assert!(
        user.body["schemaExtensions"]
            .as_array()
            .unwrap()
            .contains(&extension)
    );
    let schema = world.get(&format!("/Schemas/{SITE}"));
    let attributes = schema.body["attributes"].as_array().unwrap();
    assert_eq!(attributes.len(), 10);
    assert_eq!(attributes[1]["uniqueness"], "server");
    assert!(!schema.body.to_string().contains("indexed"));
    // The answer is itself a document for the configuration.
    let again = json!({"schemas": [schema.body, world.get(&format!("/Schemas/{BADGE}")).body],
        "resource_types": [site.body, {"name": "User", "schemaExtensions": [extension]}]});
    let config = directory::Config::from_value(again).unwrap();
    assert!(config.registry().unwrap().schema(SITE).is_some());
}
