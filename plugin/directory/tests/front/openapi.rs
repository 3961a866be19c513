//! The description of the administrator's interface and of the network's questions is true: it has
//! the routes that there are, and what a client sends and gets fits it.

use crate::support::{ADMIN_KEY, Call, Reply, Service, World, call, configured};
use directory::route::Route;
use jsonschema::Validator;
use scim::schema::{DEVICE, ETHERNET_MAB};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const TABLES: [&str; 2] = ["/admin/v1", "/access/v1"];

fn document(service: &Service, path: &str) -> Value {
    let reply = call(service, "GET", path).bearer(ADMIN_KEY).send();
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json"))
    );
    reply.body
}

fn tables(service: &Service) -> [(&'static str, &[Route]); 2] {
    let routes = service.routes();
    let [admin, access] = TABLES;
    [(admin, &routes.admin), (access, &routes.access)]
}

/// Path and method of all that there is, but what is everywhere.
fn operations(service: &Service) -> BTreeSet<(String, String)> {
    let tables = tables(service).into_iter();
    let routes = tables.flat_map(|(base, routes)| routes.iter().map(move |route| (base, route)));
    routes
        .flat_map(|(base, route)| {
            let methods = route.allow.split(", ");
            let methods = methods.filter(|method| !matches!(*method, "HEAD" | "OPTIONS"));
            methods.map(move |method| (format!("{base}{}", route.path), method.to_lowercase()))
        })
        .collect()
}

fn described(document: &Value) -> BTreeSet<(String, String)> {
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.filter(|key| *key != "parameters");
        described.extend(methods.map(|method| (path.clone(), method.clone())));
    }
    described
}

/// What a reference in the document stands for.
fn followed<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap();
            document.pointer(pointer).unwrap()
        }
        None => value,
    }
}

#[test]
fn every_route_and_method_is_described_and_nothing_else() {
    let world = World::new();
    let document = document(&world.service, "/admin/v1/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(described(&document), operations(&world.service));
}

#[test]
fn the_paths_are_those_of_the_configuration() {
    let world = World::new();
    let moved = json!({"admin_path": "/manage", "access_path": "/guard"});
    let service = configured(&world.kv, &world.clock, 3, moved);
    let moved: BTreeSet<_> = described(&document(&service, "/manage/openapi.json"));
    let there = operations(&service).into_iter();
    let there = there.map(|(path, method)| {
        let path = path.replace("/admin/v1", "/manage");
        (path.replace("/access/v1", "/guard"), method)
    });
    assert_eq!(moved, there.collect());
}

#[test]
fn whoever_administers_a_tenant_may_read_it_and_nobody_else() {
    let world = World::new();
    for (scope, status) in [("admin", 200), ("scim", 403), ("access", 403)] {
        let (token, _) = world.token("acme", &[scope]);
        let call = call(&world.service, "GET", "/admin/v1/openapi.json");
        assert_eq!(call.bearer(&token).send().status, status, "{scope}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_its_path_names() {
    let world = World::new();
    let document = document(&world.service, "/admin/v1/openapi.json");
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let common = item["parameters"].as_array().into_iter().flatten();
        let common: Vec<_> = common.map(|one| followed(&document, one)).collect();
        let of_path = common.iter().filter(|one| one["in"] == "path");
        let of_path: Vec<_> = of_path.map(|one| one["name"].as_str().unwrap()).collect();
        let segments = path.split('/').filter(|segment| segment.starts_with('{'));
        let named: Vec<_> = segments.map(|s| s.trim_matches(['{', '}'])).collect();
        assert_eq!(of_path, named, "{path}");
        for (method, operation) in item.as_object().unwrap() {
            if method != "parameters" {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                assert!(
                    operation["summary"].as_str().unwrap().ends_with('.'),
                    "{name}"
                );
            }
        }
    }
}

/// Sends requests, and holds each and its answer against the document.
struct Checked<'w> {
    world: &'w World,
    document: Value,
    /// What was done with success.
    done: BTreeSet<(String, String)>,
}

impl Checked<'_> {
    fn send(&mut self, call: &Call<'_>, expected: u16) -> Reply {
        let reply = call.send();
        let (method, target) = (call.request.method.to_lowercase(), &call.request.target);
        assert_eq!(reply.status, expected, "{method} {target}: {reply:?}");
        let path = target.split('?').next().unwrap();
        let path = self.path(path);
        let operation = &self.document["paths"][&path][&method];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let known: Vec<&str> = parameters
            .map(|one| followed(&self.document, one)["name"].as_str().unwrap())
            .collect();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        if expected < 300 {
            for name in query.split('&').filter_map(|pair| pair.split('=').next()) {
                assert!(name.is_empty() || known.contains(&name), "{target}");
            }
            self.check_request(call, operation, &path);
            self.done.insert((path.clone(), method.clone()));
        }
        let responses = &operation["responses"];
        let response = responses.get(expected.to_string());
        let response = followed(&self.document, response.unwrap_or(&responses["default"]));
        match reply.header("content-type") {
            None => assert_eq!(response.get("content"), None, "{method} {path}"),
            Some(media) => {
                let schema = &response["content"][media]["schema"];
                assert!(schema.is_object(), "{method} {path}: {expected} as {media}");
                self.fits(schema, &reply.body, &format!("{method} {path}"));
            }
        }
        reply
    }

    fn check_request(&self, call: &Call<'_>, operation: &Value, path: &str) {
        let body = &operation["requestBody"];
        match call.request.body.as_slice() {
            [] => assert_ne!(body["required"], json!(true), "{path} has a body"),
            sent => {
                let schema = &body["content"]["application/json"]["schema"];
                let sent = serde_json::from_slice(sent).unwrap();
                self.fits(schema, &sent, path);
            }
        }
    }

    fn fits(&self, schema: &Value, instance: &Value, what: &str) {
        let errors = self.validator(schema);
        let errors: Vec<String> = errors
            .iter_errors(instance)
            .map(|e| e.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "{what}: {instance} does not fit: {errors:?}"
        );
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.as_object().unwrap().clone();
        schema.insert("components".to_owned(), self.document["components"].clone());
        let dialect = json!("https://json-schema.org/draft/2020-12/schema");
        schema.insert("$schema".to_owned(), dialect);
        jsonschema::options()
            .should_validate_formats(true)
            .build(&Value::Object(schema))
            .unwrap()
    }

    /// The path in the document that a path is of.
    fn path(&self, path: &str) -> String {
        let fits = |pattern: &str| {
            let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
            patterns.clone().count() == segments.clone().count()
                && patterns.all(|pattern| {
                    let segment = segments.next().unwrap_or_default();
                    pattern.starts_with('{') || pattern == segment
                })
        };
        let paths: &Map<_, _> = self.document["paths"].as_object().unwrap();
        let found = paths.keys().find(|pattern| fits(pattern));
        found
            .unwrap_or_else(|| panic!("{path} is not described"))
            .clone()
    }

    fn admin(&mut self, method: &str, path: &str, body: Option<&Value>, expected: u16) -> Value {
        let call = self.world.admin(method, path);
        let call = match body {
            Some(body) => call.body(body),
            None => call,
        };
        self.send(&call, expected).body
    }

    fn guard(&mut self, token: &str, path: &str, body: Option<&Value>, expected: u16) -> Value {
        let method = if body.is_some() { "POST" } else { "GET" };
        let call = self.world.access(method, path).bearer(token);
        let call = match body {
            Some(body) => call.body(body),
            None => call,
        };
        self.send(&call, expected).body
    }
}

#[test]
fn what_is_sent_and_answered_at_every_route_fits_the_description() {
    let world = World::new();
    let document = document(&world.service, "/admin/v1/openapi.json");
    let mut checked = Checked {
        world: &world,
        document,
        done: BTreeSet::new(),
    };
    let tenant = "/tenants/acme";
    let at = |path: &str| format!("{tenant}{path}");
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();

    checked.admin("GET", "/openapi.json", None, 200);
    checked.admin("POST", "/tenants", Some(&json!({"name": "Unnamed"})), 201);
    checked.admin(
        "POST",
        "/tenants",
        Some(&json!({"id": "acme", "name": "again"})),
        409,
    );
    checked.admin("GET", "/tenants", None, 200);

    let form = json!({"label": "x", "scopes": ["scim"], "mode": "strict", "expiresAt": "2027-01-31T00:00:00Z"});
    let token = id(&checked.admin("POST", &at("/tokens"), Some(&form), 201));
    checked.admin("POST", &at("/tokens"), Some(&json!({"scopes": []})), 400);
    let rotate = at(&format!("/tokens/{token}/rotate"));
    checked.admin("POST", &rotate, None, 201);
    let form = json!({"expiresAt": "2027-02-28T00:00:00Z", "oldExpiresAt": "2026-11-19T00:00:00Z"});
    checked.admin("POST", &rotate, Some(&form), 201);
    let (scim, user_of) = world.token("acme", &["scim"]);
    let (guard, _) = world.token("acme", &["access"]);
    let ada = world
        .scim("POST", "/Users")
        .bearer(&scim)
        .body(&json!({"userName": "ada", "displayName": "Ada", "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "ada@example.com", "type": "work"}], "phoneNumbers": [{"value": "1", "type": "mobile"}]}))
        .send();
    let ada = id(&ada.body);
    let bob = world.user(&scim, "bob");
    let printer = json!({"schemas": [DEVICE, ETHERNET_MAB], "active": true,
        ETHERNET_MAB: {"deviceMacAddress": "02:00:5E:10:00:77"}});
    let printer = world.scim("POST", "/Devices").bearer(&scim).body(&printer);
    let printer = printer.send().body["id"].as_str().unwrap().to_owned();
    world.group(&scim, "Printers", &[&printer]);
    world.policy("Printers", &json!({"name": "Printers", "vlan": 300}));
    directory::simulation::block_on(world.service.note_token_uses()).unwrap();
    checked.admin("GET", &at("/tokens"), None, 200);
    checked.admin("DELETE", &at(&format!("/tokens/{token}")), None, 204);
    checked.admin("DELETE", &at(&format!("/tokens/{token}")), None, 404);

    let policy = json!({"name": "corporate", "priority": 10, "vlan": 100, "bandwidthUp": 1, "bandwidthDown": 2,
        "sessionTimeout": 3, "idleTimeout": 4});
    checked.admin("PUT", &at("/policies/Staff"), Some(&policy), 201);
    checked.admin("PUT", &at("/policies/Staff"), Some(&policy), 200);
    checked.admin(
        "PUT",
        &at("/policies/Ghosts"),
        Some(&json!({"name": "none"})),
        201,
    );
    checked.admin(
        "PUT",
        &at("/policies/Ghosts"),
        Some(&json!({"name": 1})),
        400,
    );
    checked.admin("GET", &at("/policies"), None, 200);
    checked.admin("GET", &at("/policies/Staff"), None, 200);
    let staff = world.group(&scim, "Staff", &[&ada]);
    world.group(&scim, "All", &[&staff]);
    let report = checked.admin("GET", &at("/policy-report"), None, 200);
    assert!(
        report["groupsWithoutPolicy"]
            .as_array()
            .is_some_and(|groups| !groups.is_empty())
    );

    checked.admin("GET", &at("/access/ada"), None, 200);
    checked.admin("GET", &at("/access/nobody"), None, 200);
    checked.admin("GET", &at("/access/02-00-5e-10-00-77"), None, 200);
    checked.guard(&guard, "/users/ada", None, 200);
    checked.guard(&guard, "/users/bob", None, 403);
    checked.guard(&scim, "/users/ada", None, 403);
    let asked = json!({"User-Name": {"type": "string", "value": ["ada"]}, "NAS-Port": 1});
    let accepted = checked.guard(&guard, "/authorize", Some(&asked), 200);
    checked.guard(
        &guard,
        "/authorize",
        Some(&json!({"User-Name": "bob"})),
        403,
    );
    checked.guard(&scim, "/authorize", Some(&asked), 403);
    checked.guard(&guard, "/authorize", Some(&json!({})), 400);
    let start = |session: &str, class: &Value| {
        json!({"User-Name": "ada", "Acct-Status-Type": "Start", "Acct-Session-Id": session,
            "NAS-IP-Address": "192.0.2.1", "Class": class})
    };
    let class = &accepted["reply:Class"]["value"][0];
    checked.guard(&guard, "/accounting", Some(&start("1", class)), 200);
    checked.guard(&guard, "/accounting", Some(&start("2", &json!(""))), 200);
    checked.guard(
        &guard,
        "/accounting",
        Some(&json!({"User-Name": "x", "Acct-Status-Type": 1})),
        200,
    );
    let changed = json!({"name": "corporate", "vlan": 150});
    checked.admin("PUT", &at("/policies/Staff"), Some(&changed), 200);
    let sessions = checked.admin("GET", &at("/sessions?count=1"), None, 200);
    let next = sessions["next"].as_str().unwrap();
    checked.admin(
        "GET",
        &at(&format!("/sessions?user={ada}&after={next}")),
        None,
        200,
    );
    let verdicts = checked.admin("GET", &at("/sessions"), None, 200);
    assert!(verdicts.to_string().contains("\"change\""));

    checked.admin("GET", &at("/users?count=1"), None, 200);
    checked.admin("GET", &at("/users?search=a&after=a"), None, 200);
    checked.admin("GET", &at("/users?filter=x"), None, 400);
    checked.admin("GET", &at(&format!("/users/{ada}")), None, 200);
    checked.admin("GET", &at("/users/none"), None, 404);
    checked.admin("GET", &at("/groups?count=1"), None, 200);
    let groups = checked.admin("GET", &at("/groups"), None, 200);
    assert!(groups["groups"][0]["policy"].is_object());

    world.delete(&scim, &format!("/Users/{ada}"));
    world.delete(&scim, &format!("/Users/{bob}"));
    checked.admin("GET", &at("/deleted-users?count=1"), None, 200);
    checked.admin("GET", &at("/deleted-users"), None, 200);
    checked.admin(
        "POST",
        &at(&format!("/deleted-users/{ada}/restore")),
        None,
        200,
    );
    checked.admin(
        "POST",
        &at(&format!("/deleted-users/{ada}/restore")),
        None,
        404,
    );
    checked.admin("DELETE", &at("/policies/Ghosts"), None, 204);
    checked.admin("DELETE", &at("/policies/Ghosts"), None, 404);
    let filter = format!(
        "type=user.*&resource={ada}&token={user_of}&since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z"
    );
    let events = checked.admin(
        "GET",
        &at(&format!("/events?{filter}&count=10&wait=0")),
        None,
        200,
    );
    assert_eq!(events["events"].as_array().unwrap().len(), 2);
    checked.admin("GET", &at("/events"), None, 200);
    checked.admin("GET", &at("/events?type=user"), None, 400);

    assert_eq!(checked.done, operations(&world.service));
}
