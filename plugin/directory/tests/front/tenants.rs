//! Tenants that have everything in common, and names made to meet: whatever one writes,
//! the keys of the other stay as they are, byte for byte (authorizer 2.4.5, CVE-2026-67330
//! in better-auth: a deprovisioning in one organisation reached another).

use crate::support::{Reply, World};
use serde_json::{Value, json};

/// Pairs of names of which one begins like the other, or like what stands in keys.
const PAIRS: [(&str, &str); 6] = [
    ("a", "a-b"),
    ("user", "user-name"),
    ("group", "member"),
    ("cursor-key", "tokens"),
    ("event", "0"),
    ("index", "index-state"),
];

type Keys = Vec<(Vec<u8>, Vec<u8>)>;

struct Tenant<'w> {
    world: &'w World,
    name: &'static str,
    token: String,
}

impl<'w> Tenant<'w> {
    fn new(world: &'w World, name: &'static str) -> Self {
        let made = world.admin("POST", "/tenants").body(&json!({"id": name}));
        assert_eq!(made.send().status, 201);
        let (token, _) = world.token(name, &["scim", "admin"]);
        Self { world, name, token }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let call = self.world.scim(method, path).bearer(&self.token);
        call.body(body).send()
    }

    fn make(&self, path: &str, body: &Value) -> String {
        let made = self.send("POST", path, body);
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// A user and a group with it, the same in every tenant but for their ids.
    fn populate(&self) -> (String, String) {
        let user = self.make("/Users", &user());
        let group =
            json!({"displayName": "staff", "externalId": "g", "members": [{"value": user}]});
        (user, self.make("/Groups", &group))
    }

    /// Everything that is the tenant's, the grants of its tokens included.
    fn keys(&self) -> Keys {
        let own = format!("scim/{}/", self.name).into_bytes();
        let named = format!("\"tenant\":\"{}\"", self.name);
        let all = self.world.kv.dump().into_iter();
        all.filter(|(key, value)| {
            key.starts_with(&own)
                || key.starts_with(b"scim/token/")
                    && String::from_utf8_lossy(value).contains(&named)
        })
        .collect()
    }
}

fn user() -> Value {
    json!({"userName": "alice", "externalId": "x", "password": "canary",
        "emails": [{"value": "alice@example.com"}]})
}

/// Every write that there is, of one tenant, with the ids of both.
fn writes(ours: (&str, &str), theirs: (&str, &str)) -> Vec<(&'static str, String, Value)> {
    let mut writes = Vec::new();
    let rename = json!([{"op": "replace", "path": "userName", "value": "bob"}]);
    let take = json!([{"op": "add", "path": "members", "value": [{"value": theirs.0},
        {"value": theirs.1}]}]);
    let drop = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", theirs.0)}]);
    let patch = |operations: &Value| {
        json!({"Operations": operations,
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]})
    };
    for (user, group) in [theirs, ours] {
        let user = format!("/Users/{user}");
        let group = format!("/Groups/{group}");
        writes.extend([
            ("PATCH", user.clone(), patch(&rename)),
            (
                "PUT",
                user.clone(),
                json!({"userName": "alice", "title": "x"}),
            ),
            ("PATCH", group.clone(), patch(&take)),
            ("PATCH", group.clone(), patch(&drop)),
            (
                "PUT",
                group.clone(),
                json!({"displayName": "staff", "members": [{"value": theirs.0}]}),
            ),
            ("DELETE", group, Value::Null),
            ("DELETE", user, Value::Null),
        ]);
    }
    let bulk = writes
        .iter()
        .map(|(method, path, data)| json!({"method": method, "path": path, "data": data}));
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": bulk.collect::<Vec<_>>()});
    writes.insert(0, ("POST", "/Users".to_owned(), user()));
    writes.push(("POST", "/Users".to_owned(), user()));
    writes.push(("POST", "/Bulk".to_owned(), bulk));
    writes
}

#[test]
fn a_write_in_one_tenant_leaves_the_keys_of_another_alone() {
    let world = World::new();
    for (first, second) in PAIRS {
        let (first, second) = (Tenant::new(&world, first), Tenant::new(&world, second));
        let (a, b) = (first.populate(), second.populate());
        let ids = |(user, group): &(String, String)| (user.clone(), group.clone());
        for (tenant, ours, theirs, other) in [(&first, &a, &b, &second), (&second, &b, &a, &first)]
        {
            let before = other.keys();
            assert!(before.len() > 10, "{} has keys", other.name);
            let (ours, theirs) = (ids(ours), ids(theirs));
            let mut done = 0;
            for (method, path, body) in writes((&ours.0, &ours.1), (&theirs.0, &theirs.1)) {
                let reply = tenant.send(method, &path, &body);
                done += usize::from(reply.status < 300);
                let foreign = path.contains(&theirs.0) || path.contains(&theirs.1);
                assert!(
                    !foreign || reply.status == 404,
                    "{method} {path}: {reply:?}"
                );
                assert!(
                    other.keys() == before,
                    "{method} {path} of {} changed {}",
                    tenant.name,
                    other.name
                );
            }
            assert!(done >= 8, "{done} writes of {} were done", tenant.name);
        }
    }
}

/// The same for what an administrator of one tenant does, and for its end: the tokens.
#[test]
fn tokens_of_one_tenant_are_nobodys_elses() {
    let world = World::new();
    for (first, second) in PAIRS {
        let (first, second) = (Tenant::new(&world, first), Tenant::new(&world, second));
        let before = second.keys();
        let administer = |method: &str, tenant: &str, id: &str, body: &Value| {
            let path = format!("/admin/v1/tenants/{tenant}/tokens{id}");
            let call = crate::support::call(&world.service, method, &path);
            call.bearer(&first.token).body(body).send()
        };
        let scopes = json!({"scopes": ["admin"]});
        let made = administer("POST", first.name, "", &scopes);
        assert_eq!(made.status, 201);
        let theirs = world.admin("GET", &format!("/tenants/{}/tokens", second.name));
        let theirs = theirs.send().body["tokens"][0]["id"].clone();
        let theirs = format!("/{}", theirs.as_str().unwrap());
        assert_eq!(
            administer("DELETE", first.name, &theirs, &Value::Null).status,
            404
        );
        for (method, id) in [("POST", ""), ("GET", ""), ("DELETE", theirs.as_str())] {
            assert_eq!(administer(method, second.name, id, &scopes).status, 403);
        }
        let own = format!("/{}", made.body["id"].as_str().unwrap());
        assert_eq!(
            administer("DELETE", first.name, &own, &Value::Null).status,
            204
        );
        assert_eq!(second.keys(), before);
    }
}
