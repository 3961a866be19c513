//! Instances of the service on one store, and requests to them.

use directory::http::{Request, Response};
use directory::kv::memory::MemoryKv;
use directory::simulation::{ManualClock, SeededEntropy, block_on};
use directory::{Answer, Config, Directory};
use serde_json::{Value, json};

pub(crate) const ADMIN_KEY: &str = "correct horse battery staple";
/// The key above through `sha256sum`.
const ADMIN_KEY_SHA256: &str = "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a";

pub(crate) type Service = Directory<MemoryKv, ManualClock, SeededEntropy>;

/// The service with two tenants, `acme` and `other`.
pub(crate) struct World {
    pub(crate) kv: MemoryKv,
    pub(crate) clock: ManualClock,
    pub(crate) service: Service,
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Call<'w> {
    service: &'w Service,
    pub(crate) request: Request,
}

/// A response, and its body as JSON; `null` where there is none.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) response: Response,
}

impl World {
    pub(crate) fn new() -> Self {
        let kv = MemoryKv::new();
        let clock = ManualClock::at(1_795_000_000_000);
        let service = service(&kv, &clock, 1);
        let world = Self { kv, clock, service };
        for tenant in ["acme", "other"] {
            let made = world
                .admin("POST", "/tenants")
                .body(&json!({"id": tenant, "name": "A tenant"}))
                .send();
            assert_eq!(made.status, 201, "{made:?}");
        }
        world
    }

    /// One more instance on the same store, as another worker has it.
    pub(crate) fn another_instance(&self) -> Service {
        service(&self.kv, &self.clock, 2)
    }

    /// A new token, and its id.
    pub(crate) fn token(&self, tenant: &str, scopes: &[&str]) -> (String, String) {
        let made = self
            .admin("POST", &format!("/tenants/{tenant}/tokens"))
            .body(&json!({"label": "test", "scopes": scopes}))
            .send();
        assert_eq!(made.status, 201, "{made:?}");
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        (text("token"), text("id"))
    }

    pub(crate) fn revoke(&self, tenant: &str, id: &str) {
        let path = format!("/tenants/{tenant}/tokens/{id}");
        assert_eq!(self.admin("DELETE", &path).send().status, 204);
    }

    /// A call of the administrator, at a path below `/admin/v1`.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Call<'_> {
        call(&self.service, method, &format!("/admin/v1{path}")).bearer(ADMIN_KEY)
    }

    /// A call without a token, at a path below `/scim/v2`.
    pub(crate) fn scim(&self, method: &str, path: &str) -> Call<'_> {
        call(&self.service, method, &format!("/scim/v2{path}"))
    }

    /// A call of whatever guards the network, at a path below `/access/v1`.
    pub(crate) fn access(&self, method: &str, path: &str) -> Call<'_> {
        call(&self.service, method, &format!("/access/v1{path}"))
    }

    /// Asks whether somebody may be on the network.
    pub(crate) fn ask(&self, guard: &str, name: &str) -> Reply {
        let path = format!("/users/{name}");
        self.access("GET", &path).bearer(guard).send()
    }

    /// Tells of a session, with some attributes more.
    pub(crate) fn tell(&self, guard: &str, mut session: Value, more: &Value) -> Reply {
        session
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let call = self.access("POST", "/accounting").bearer(guard);
        let reply = call.body(&session).send();
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    }

    /// The sessions of the tenant `acme`.
    pub(crate) fn sessions(&self) -> Vec<Value> {
        let list = self.admin("GET", "/tenants/acme/sessions").send();
        assert_eq!(list.status, 200, "{list:?}");
        list.body["sessions"].as_array().unwrap().clone()
    }

    /// Creates a group and returns its id.
    pub(crate) fn group(&self, token: &str, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let made = self
            .scim("POST", "/Groups")
            .bearer(token)
            .body(&json!({"displayName": name, "members": members}))
            .send();
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// Makes or replaces the policy of a group of the tenant `acme`.
    pub(crate) fn policy(&self, group: &str, policy: &Value) {
        let path = format!("/tenants/acme/policies/{group}");
        let made = self.admin("PUT", &path).body(policy).send();
        assert!(matches!(made.status, 200 | 201), "{made:?}");
    }

    /// Sends a PATCH of one operation.
    pub(crate) fn patch(&self, token: &str, path: &str, operation: &Value) -> Reply {
        let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
        self.scim("PATCH", path).bearer(token).body(&patch).send()
    }

    /// Deletes a resource.
    pub(crate) fn delete(&self, token: &str, path: &str) {
        let reply = self.scim("DELETE", path).bearer(token).send();
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// Creates a user and returns its id.
    pub(crate) fn user(&self, token: &str, name: &str) -> String {
        let made = self
            .scim("POST", "/Users")
            .bearer(token)
            .body(&json!({"userName": name}))
            .send();
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn service(kv: &MemoryKv, clock: &ManualClock, seed: u64) -> Service {
    configured(kv, clock, seed, json!({}))
}

/// The service with a configuration of the test's own.
pub(crate) fn configured(
    kv: &MemoryKv,
    clock: &ManualClock,
    seed: u64,
    mut config: Value,
) -> Service {
    config["admin_key_sha256"] = json!([ADMIN_KEY_SHA256]);
    let config = Config::from_value(config).unwrap();
    Directory::new(
        config.registry().unwrap(),
        config,
        kv.clone(),
        clock.clone(),
        SeededEntropy::new(seed),
    )
}

pub(crate) fn call<'w>(service: &'w Service, method: &str, target: &str) -> Call<'w> {
    Call {
        service,
        request: Request {
            method: method.to_owned(),
            target: target.to_owned(),
            scheme: "https".to_owned(),
            authority: "eu.example.com".to_owned(),
            ..Request::default()
        },
    }
}

impl Call<'_> {
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        self.request.headers.push((name.to_owned(), value));
        self
    }

    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.request.body = serde_json::to_vec(body).unwrap();
        self
    }

    pub(crate) fn answer(&self) -> Answer {
        block_on(self.service.handle(&self.request))
    }

    /// Sends it, and checks what holds of every answer.
    pub(crate) fn send(&self) -> Reply {
        let response = self.answer().response;
        let reply = Reply {
            status: response.status,
            body: match response.body.as_slice() {
                [] => Value::Null,
                body => serde_json::from_slice(body).unwrap(),
            },
            response,
        };
        reply.check();
        reply
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.response.headers.iter();
        headers.find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    fn check(&self) {
        if self.body.is_null() {
            assert!(matches!(self.status, 204 | 304), "{self:?}");
            assert_eq!(self.header("content-type"), None);
            return;
        }
        let kept = self.header("cache-control").unwrap();
        assert!(matches!(kept, "private, no-cache" | "no-store"), "{self:?}");
        // That somebody may not be on the network is an answer, and no error.
        let denies = self.status == 403 && self.header("content-type") == Some("application/json");
        if self.status < 400 || denies {
            return;
        }
        assert_eq!(self.header("content-type"), Some("application/scim+json"));
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
        assert_eq!(self.body["schemas"], schemas);
        assert_eq!(self.body["status"], self.status.to_string());
        assert!(!self.detail().is_empty());
        let needed = match self.status {
            401 => "www-authenticate",
            405 => "allow",
            429 | 503 => "retry-after",
            _ => return,
        };
        assert!(self.header(needed).is_some(), "{needed}: {self:?}");
    }
}
