//! `/Me`: the user that a token stands for (RFC 7644 §3.11).

use crate::support::{Reply, World};
use serde_json::{Value, json};

/// A token that stands for a user, beside one that writes whom it likes.
struct Own {
    world: World,
    other: String,
    token: String,
    id: String,
    location: String,
}

impl Own {
    fn new(scopes: &[&str]) -> Self {
        let world = World::new();
        let (other, _) = world.token("acme", &["scim"]);
        let id = world.user(&other, "alice");
        let made = token_of(&world, &id, scopes);
        assert_eq!((made.status, &made.body["user"]), (201, &json!(id)));
        Self {
            token: made.body["token"].as_str().unwrap().to_owned(),
            location: format!("https://eu.example.com/scim/v2/Users/{id}"),
            id,
            other,
            world,
        }
    }

    fn send(&self, method: &str, header: Option<(&str, &str)>, body: Option<&Value>) -> Reply {
        let mut call = self.world.scim(method, "/Me").bearer(&self.token);
        if let Some((name, value)) = header {
            call = call.header(name, value);
        }
        if let Some(body) = body {
            call = call.body(body);
        }
        let reply = call.send();
        assert_eq!(
            reply.header("location"),
            Some(self.location.as_str()),
            "{reply:?}"
        );
        reply
    }

    fn user(&self) -> Reply {
        let path = format!("/Users/{}", self.id);
        self.world.scim("GET", &path).bearer(&self.other).send()
    }
}

fn token_of(world: &World, user: &str, scopes: &[&str]) -> Reply {
    let call = world.admin("POST", "/tenants/acme/tokens");
    call.body(&json!({"scopes": scopes, "user": user})).send()
}

#[test]
fn me_is_the_user_that_the_token_stands_for() {
    let own = Own::new(&["scim"]);
    let read = own.send("GET", None, None);
    assert_eq!(read.response, own.user().response);
    assert_eq!(own.send("HEAD", None, None).response, read.response);
    let etag = read.header("etag").unwrap();
    assert_eq!(
        own.send("GET", Some(("if-none-match", etag)), None).status,
        304
    );

    let put = json!({"userName": "alice", "displayName": "Al"});
    assert_eq!(
        own.send("PUT", Some(("if-match", "\"0\"")), Some(&put))
            .status,
        412
    );
    let written = own.send("PUT", None, Some(&put));
    assert_eq!((written.status, &written.body["id"]), (200, &json!(own.id)));
    let patch = json!({"Operations": [{"op": "add", "path": "title", "value": "Dr."}]});
    assert_eq!(own.send("PATCH", None, Some(&patch)).body["title"], "Dr.");
    assert_eq!(own.send("PATCH", None, Some(&json!({}))).status, 400);
    let short = own
        .world
        .scim("GET", "/me/?attributes=title")
        .bearer(&own.token);
    assert_eq!(short.send().body["title"], "Dr.");
    assert_eq!(own.user().body["displayName"], "Al");

    assert_eq!(own.send("DELETE", None, None).status, 204);
    assert_eq!(own.user().status, 404);
    for method in ["GET", "HEAD", "DELETE"] {
        assert_eq!(own.send(method, None, None).status, 404, "{method}");
    }
}

#[test]
fn me_obeys_the_scopes() {
    let own = Own::new(&["scim:read"]);
    assert_eq!(own.send("GET", None, None).status, 200);
    let put = json!({"userName": "mallory"});
    assert_eq!(own.send("PUT", None, Some(&put)).status, 403);
    assert_eq!(own.send("DELETE", None, None).status, 403);
    assert_eq!(own.user().body["userName"], "alice");
}

#[test]
fn nobody_creates_oneself_and_who_is_no_user_is_not_me() {
    let own = Own::new(&["scim"]);
    let body = json!({"userName": "bob"});
    let refused = own.world.scim("POST", "/Me").bearer(&own.token).body(&body);
    assert_eq!(refused.send().status, 501);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
        let call = own.world.scim(method, "/Me").bearer(&own.other).body(&body);
        let reply = call.send();
        assert_eq!(
            (reply.status, reply.header("location")),
            (501, None),
            "{method}"
        );
    }
}

#[test]
fn a_token_stands_for_a_user_of_its_tenant_only() {
    let world = World::new();
    let (elsewhere, _) = world.token("other", &["scim"]);
    let foreign = world.user(&elsewhere, "alice");
    let before = world.kv.dump();
    for user in [foreign.as_str(), "none", "", "a/b", "../other/user/x"] {
        let refused = token_of(&world, user, &["scim"]);
        assert_eq!(refused.status, 400, "{user}");
        assert!(refused.detail().contains("\"user\""), "{refused:?}");
    }
    assert_eq!(before, world.kv.dump());
}

#[test]
fn the_list_of_tokens_says_whom_they_stand_for() {
    let own = Own::new(&["scim"]);
    let listed = own.world.admin("GET", "/tenants/acme/tokens").send();
    let users: Vec<_> = listed.body["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token.get("user").cloned())
        .collect();
    assert_eq!(users, [None, Some(json!(own.id))]);
}
