//! Entity-tags and preconditions (RFC 7644 §3.14).

use crate::support::{Reply, World};
use serde_json::{Value, json};

const PATCH: &str = r#"{"Operations":[{"op":"replace","path":"displayName","value":"%"}]}"#;

fn patch(value: &str) -> Value {
    serde_json::from_str(&PATCH.replace('%', value)).unwrap()
}

struct Resource {
    world: World,
    token: String,
    path: String,
}

impl Resource {
    fn new(endpoint: &str) -> Self {
        let world = World::new();
        let (token, _) = world.token("acme", &["scim"]);
        let made = world
            .scim("POST", endpoint)
            .bearer(&token)
            .body(&json!({"userName": "a", "displayName": "a", "active": true}))
            .send();
        assert_eq!(made.status, 201, "{made:?}");
        let path = format!("{endpoint}/{}", made.body["id"].as_str().unwrap());
        let location = format!("https://eu.example.com/scim/v2{path}");
        assert_eq!(made.header("location"), Some(location.as_str()));
        assert_eq!(made.header("content-location"), Some(location.as_str()));
        assert_eq!(made.body["meta"]["location"], location);
        assert_eq!(made.header("etag"), made.body["meta"]["version"].as_str());
        Self { world, token, path }
    }

    fn send(&self, method: &str, header: Option<(&str, &str)>, body: Option<&Value>) -> Reply {
        let mut call = self.world.scim(method, &self.path).bearer(&self.token);
        if let Some((name, value)) = header {
            call = call.header(name, value);
        }
        if let Some(body) = body {
            call = call.body(body);
        }
        call.send()
    }

    fn etag(&self) -> String {
        let read = self.send("GET", None, None);
        assert_eq!(read.header("etag"), read.body["meta"]["version"].as_str());
        read.header("etag").unwrap().to_owned()
    }
}

#[test]
fn a_version_changes_with_its_resource_and_not_without() {
    for endpoint in ["/Users", "/Groups", "/Devices"] {
        let resource = Resource::new(endpoint);
        let first = resource.etag();
        assert_eq!(resource.etag(), first);
        let written = resource.send("PATCH", None, Some(&patch("b")));
        let second = written.header("etag").unwrap().to_owned();
        assert_ne!(first, second);
        assert_eq!(resource.etag(), second);
        let again = resource.send("PATCH", None, Some(&patch("b")));
        assert_eq!(again.header("etag"), Some(second.as_str()));
    }
}

#[test]
fn what_is_known_is_not_sent_again() {
    for endpoint in ["/Users", "/Groups", "/Devices"] {
        let resource = Resource::new(endpoint);
        let etag = resource.etag();
        for (tag, status) in [
            (etag.as_str(), 304),
            (etag.trim_start_matches("W/"), 304),
            ("*", 304),
            (&format!("\"x\", {etag}"), 304),
            ("W/\"0\"", 200),
            ("", 200),
        ] {
            let read = resource.send("GET", Some(("if-none-match", tag)), None);
            assert_eq!(
                (read.status, read.header("etag")),
                (status, Some(etag.as_str())),
                "{tag}"
            );
        }
        let other = resource.send("GET", Some(("if-match", "W/\"0\"")), None);
        assert_eq!(other.status, 412, "{other:?}");
    }
}

#[test]
fn a_write_for_another_version_is_refused() {
    for endpoint in ["/Users", "/Groups", "/Devices"] {
        let resource = Resource::new(endpoint);
        let stale = resource.etag();
        resource.send("PATCH", None, Some(&patch("b")));
        let current = resource.etag();
        let put = json!({"userName": "a", "displayName": "c", "active": true});
        for (method, body) in [
            ("PUT", Some(&put)),
            ("PATCH", Some(&patch("c"))),
            ("DELETE", None),
        ] {
            for header in [
                ("if-match", stale.as_str()),
                ("if-match", "W/\"0\", \"x\""),
                ("if-match", ""),
                ("if-none-match", "*"),
                ("if-none-match", &current),
            ] {
                let refused = resource.send(method, Some(header), body);
                assert_eq!(refused.status, 412, "{method} {header:?} {refused:?}");
                assert_eq!(resource.etag(), current);
            }
        }
        for (method, body) in [
            ("PUT", Some(&put)),
            ("PATCH", Some(&patch("d"))),
            ("DELETE", None),
        ] {
            let tag = format!("\"x\", {}", resource.etag());
            let done = resource.send(method, Some(("if-match", &tag)), body);
            assert!(done.status < 300, "{method} {done:?}");
        }
    }
}

#[test]
fn answers_say_where_their_resource_is() {
    for endpoint in ["/Users", "/Groups", "/Devices"] {
        let resource = Resource::new(endpoint);
        let location = format!("https://eu.example.com/scim/v2{}", resource.path);
        let location = Some(location.as_str());
        let put = json!({"userName": "a", "displayName": "c", "active": true});
        for (method, body) in [
            ("GET", None),
            ("HEAD", None),
            ("PUT", Some(&put)),
            ("PATCH", Some(&patch("d"))),
        ] {
            let reply = resource.send(method, None, body);
            assert_eq!(reply.header("location"), location, "{method} {endpoint}");
            assert!(reply.header("etag").is_some());
            // Without a representation there is nothing to locate.
            let expected = location.filter(|_| reply.status == 200);
            assert_eq!(
                reply.header("content-location"),
                expected,
                "{method} {endpoint}"
            );
        }
        let etag = resource.etag();
        let known = resource.send("GET", Some(("if-none-match", &etag)), None);
        assert_eq!(
            (known.status, known.header("content-location")),
            (304, location)
        );
        assert_eq!(known.header("cache-control"), Some("private, no-cache"));
    }
}

#[test]
fn documents_have_versions_too() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let mut etags = Vec::new();
    for path in [
        "/ServiceProviderConfig",
        "/Schemas",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
    ] {
        let read = |header: (&str, &str)| {
            let call = world.scim("GET", path).bearer(&token);
            call.header(header.0, header.1).send()
        };
        let plain = read(("x", ""));
        let etag = plain.header("etag").unwrap().to_owned();
        // RFC 7643 §3.1; a list is of no place.
        let location = plain.body["meta"]["location"].as_str();
        assert_eq!(location.is_none(), plain.body["Resources"].is_array());
        assert_eq!(plain.header("content-location"), location, "{path}");
        let known = read(("if-none-match", &etag));
        assert_eq!(known.header("content-location"), location, "{path}");
        assert_eq!(
            (known.status, known.header("etag")),
            (304, Some(etag.as_str()))
        );
        assert_eq!(read(("if-none-match", "W/\"0\"")).status, 200);
        assert_eq!(read(("if-match", &etag)).status, 200);
        assert_eq!(read(("if-match", "W/\"0\"")).status, 412);
        assert!(!etags.contains(&etag), "{path}");
        etags.push(etag);
    }
}

#[test]
fn any_version_will_do_as_long_as_there_is_one() {
    let resource = Resource::new("/Users");
    let done = resource.send("PATCH", Some(("if-match", "*")), Some(&patch("b")));
    assert_eq!(done.status, 200);
    assert_eq!(
        resource
            .send("DELETE", Some(("if-match", "*")), None)
            .status,
        204
    );
    assert_eq!(
        resource
            .send("DELETE", Some(("if-match", "*")), None)
            .status,
        404
    );
}

#[test]
fn locations_begin_where_the_client_was() {
    let resource = Resource::new("/Users");
    let mut call = resource
        .world
        .scim("GET", &resource.path)
        .bearer(&resource.token);
    call.request.scheme = "http".to_owned();
    call.request.authority = "localhost:8080".to_owned();
    let location = |reply: &Reply| reply.body["meta"]["location"].as_str().unwrap().to_owned();
    assert!(location(&call.send()).starts_with("http://localhost:8080/scim/v2/Users/"));
    let forwarded = call.header("x-forwarded-proto", "https").send();
    assert!(location(&forwarded).starts_with("https://localhost:8080/scim/v2/Users/"));
}
