//! The service on a store in memory, with two tenants and a token of each sort.

use crate::answer;
use crate::fixture::SECRET;
use directory::http::{Request, Response, Source};
use directory::kv::memory::MemoryKv;
use directory::simulation::{ManualClock, SeededEntropy, block_on};
use directory::{Config, Directory};
use serde_json::{Value, json};

const ADMIN_KEY: &str = "correct horse battery staple";
/// The key above through `sha256sum`.
const ADMIN_KEY_SHA256: &str = "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a";

/// Names for tokens in scripts, and what each is made with.
const TOKENS: [(&str, &str, &[&str]); 3] = [
    ("write", "acme", &["scim"]),
    ("read", "acme", &["scim:read"]),
    ("other", "other", &["scim"]),
];

pub(crate) struct World {
    kv: MemoryKv,
    directory: Directory<MemoryKv, ManualClock, SeededEntropy>,
    base: String,
    tokens: Vec<(&'static str, String)>,
}

impl World {
    /// The service as it is without configuration.
    pub(crate) fn new() -> Self {
        Self::configured(json!({})).unwrap()
    }

    /// The service as a configuration has it, but for the administrator's key; nothing
    /// where the configuration is refused.
    pub(crate) fn configured(mut config: Value) -> Option<Self> {
        config["admin_key_sha256"] = json!([ADMIN_KEY_SHA256]);
        let config = Config::from_value(config).ok()?;
        let (base, admin) = (config.base_path.as_str(), config.admin_path.as_str());
        let (base, admin) = (base.to_owned(), admin.to_owned());
        let kv = MemoryKv::new();
        let clock = ManualClock::at(1_795_000_000_000);
        let entropy = SeededEntropy::new(1);
        let registry = config.registry().ok()?;
        let mut world = Self {
            directory: Directory::new(registry, config, kv.clone(), clock, entropy),
            kv,
            base,
            tokens: vec![("admin", ADMIN_KEY.to_owned())],
        };
        for (name, tenant, scopes) in TOKENS {
            let target = format!("{admin}/tenants");
            world.send(&request(
                "POST",
                &target,
                ADMIN_KEY,
                &json!({"id": tenant, "name": "A tenant"}),
            ));
            let target = format!("{admin}/tenants/{tenant}/tokens");
            let made = world.send(&request(
                "POST",
                &target,
                ADMIN_KEY,
                &json!({"label": name, "scopes": scopes}),
            ));
            let made: Value = serde_json::from_slice(&made.body).unwrap();
            world
                .tokens
                .push((name, made["token"].as_str().unwrap().to_owned()));
        }
        Some(world)
    }

    /// The service with some users and groups.
    pub(crate) fn populated() -> Self {
        let world = Self::new();
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

    /// The token of a name.
    pub(crate) fn token(&self, name: &str) -> Option<&str> {
        let mut tokens = self.tokens.iter();
        tokens
            .find(|(known, _)| *known == name)
            .map(|(_, token)| token.as_str())
    }

    /// Whether the service would be asked at all.
    pub(crate) fn handles(&self, target: &str) -> bool {
        self.directory.config().handles(target.as_bytes())
    }

    /// Sends a request, and checks what must hold of every answer: it is well-formed, and
    /// what reads, and what fails, changes nothing in the store.
    pub(crate) fn send(&self, request: &Request) -> Response {
        let before = self.content();
        let response = block_on(self.directory.handle(request)).response;
        answer::check(request, &response);
        let reads = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS")
            || request
                .target
                .split('?')
                .next()
                .is_some_and(|path| path.ends_with(".search"));
        if reads || response.status >= 400 {
            assert!(self.content() == before, "{request:?} {response:?}");
        }
        response
    }

    /// All that the store holds, but for what the first cursor leaves there.
    fn content(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut content = self.kv.dump();
        content.retain(|(key, _)| !key.ends_with(b"cursor-key"));
        content
    }

    /// Sends a request with a token that may write, to a path below the base path, and
    /// reads the answer.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let token = self.token("write").unwrap();
        let target = format!("{}{path}", self.base);
        let response = self.send(&request(method, &target, token, body));
        let body = match response.body.as_slice() {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        (response.status, body)
    }
}

fn request(method: &str, target: &str, token: &str, body: &Value) -> Request {
    let headers = [
        ("authorization", format!("Bearer {token}")),
        ("content-type", "application/scim+json".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    Request {
        method: method.to_owned(),
        target: target.to_owned(),
        scheme: "https".to_owned(),
        authority: "scim.example.com".to_owned(),
        headers: headers.into(),
        source: Source::default(),
        body: if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        },
    }
}
