//! A directory on a store in memory, and requests to it.

use crate::derived::{below, derived};
use crate::steps::Steps;
use directory::environment::{Clock, Entropy};
use directory::http::{Request, Response, Source};
use directory::kv::memory::MemoryKv;
use directory::kv::{KeyValue, Op, OpReply, Range, Txn};
use directory::simulation::{ManualClock, SeededEntropy, block_on};
use directory::{Config, Directory};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Random numbers for the tests' own choices.
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    pub(crate) fn below(&self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        assert!(self.0.fill(&mut bytes));
        (u64::from_le_bytes(bytes) % limit as u64) as usize
    }
}

pub(crate) type Service = Directory<Steps, ManualClock, SeededEntropy>;

/// A directory with two tenants.
pub(crate) struct World {
    pub(crate) kv: MemoryKv,
    pub(crate) clock: ManualClock,
    pub(crate) directory: Service,
    traffic: Rc<Cell<usize>>,
}

/// A response, its body read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    response: Response,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::configured(json!({}))
    }

    pub(crate) fn configured(config: Value) -> Self {
        let kv = MemoryKv::new();
        for tenant in ["acme", "other"] {
            let hash = Sha256::digest(token(tenant).as_bytes());
            let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
            let grant = json!({"tenant": tenant, "id": format!("token-of-{tenant}"),
                "scopes": ["scim"], "label": "", "created": "2026-11-24T05:00:00.000Z",
                "lastFour": "0000"});
            let put = Op::put(format!("scim/token/{hash}"), grant.to_string());
            let txn = Txn {
                then: vec![put],
                ..Txn::default()
            };
            kv.apply(&txn).unwrap();
        }
        Self::over(kv, config, 1)
    }

    /// One more instance over a store, as another worker has it.
    pub(crate) fn over(kv: MemoryKv, config: Value, seed: u64) -> Self {
        let clock = ManualClock::at(1_795_000_000_000);
        let config = Config::from_value(config).unwrap();
        let traffic = Rc::<Cell<usize>>::default();
        let steps = Steps {
            kv: kv.clone(),
            traffic: Rc::clone(&traffic),
        };
        let directory = Directory::new(
            config.registry().unwrap(),
            config,
            steps,
            clock.clone(),
            SeededEntropy::new(seed),
        );
        Self {
            kv,
            clock,
            directory,
            traffic,
        }
    }

    pub(crate) fn send(&self, request: &Request) -> Reply {
        Reply::from(block_on(self.directory.handle(request)).response)
    }

    /// How many calls of the store, and how many bytes to and from it, something
    /// takes.
    pub(crate) fn cost(&self, action: impl FnOnce()) -> (usize, usize) {
        let before = (self.kv.calls(), self.traffic.get());
        action();
        (self.kv.calls() - before.0, self.traffic.get() - before.1)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(&request("GET", path, None))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(&request("POST", path, Some(body)))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(&request("PUT", path, Some(body)))
    }

    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Reply {
        self.send(&request("PATCH", path, Some(&patch(operations))))
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send(&request("DELETE", path, None))
    }

    /// Creates a user and returns its id.
    pub(crate) fn user(&self, name: &str) -> String {
        let reply = self.post("/Users", &json!({"userName": name}));
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }

    /// Creates a group and returns its id.
    pub(crate) fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"displayName": name, "members": members});
        let reply = self.post("/Groups", &body);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }

    /// The ids of a group's members.
    pub(crate) fn members(&self, group: &str) -> BTreeSet<String> {
        let reply = self.get(&format!("/Groups/{group}"));
        assert_eq!(reply.status, 200, "{reply:?}");
        values(&reply.body["members"])
    }

    /// The event log of a tenant, in the order of the commits.
    pub(crate) fn log(&self, tenant: &str) -> Vec<KeyValue> {
        let txn = Txn {
            then: vec![Op::Range(Range::prefix(format!("scim/{tenant}/event/")))],
            ..Txn::default()
        };
        let reply = self.kv.apply(&txn).unwrap().replies.pop();
        let Some(OpReply::Range(mut range)) = reply else {
            panic!("a range was asked for");
        };
        range.kvs.sort_by_key(|event| event.mod_revision);
        range.kvs
    }

    /// What the event log of a tenant says.
    pub(crate) fn events(&self, tenant: &str) -> Vec<Value> {
        let log = self.log(tenant).into_iter();
        log.map(|event| serde_json::from_slice(&event.value).unwrap())
            .collect()
    }

    /// Cleans up until nothing is left to be cleaned up, waiting for what somebody may
    /// still be at.
    pub(crate) fn sweep(&self) {
        self.clock.advance(Duration::from_mins(10));
        while block_on(self.directory.sweep()).unwrap() {}
        assert_eq!(below(&self.kv, "scim/unused/"), BTreeMap::new());
    }

    /// Whether the tenant has a key whose first segment begins so.
    pub(crate) fn holds(&self, segment: &str) -> bool {
        let prefix = format!("scim/acme/{segment}");
        let mut keys = self.kv.dump().into_iter();
        keys.any(|(key, _)| key.starts_with(prefix.as_bytes()))
    }

    /// Checks that the store holds the keys that follow from its records, and no
    /// others.
    #[track_caller]
    pub(crate) fn check(&self) {
        for tenant in ["acme", "other"] {
            let stored = below(&self.kv, &format!("scim/{tenant}/"));
            let derived = derived(&stored);
            for (key, value) in &derived {
                let found = stored.get(key);
                let same = found.is_some_and(|found| value.as_ref().is_none_or(|v| v == found));
                assert!(same, "{key} should be {value:?}, is {found:?}");
            }
            for key in stored.keys() {
                assert!(derived.contains_key(key), "{key} follows from no record");
            }
        }
    }
}

impl Reply {
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = &self.response.headers;
        let found = headers.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }

    /// The `id` of each result of a query.
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let resources = self.body["Resources"].as_array().unwrap().iter();
        resources
            .map(|r| r["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        let body = if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&response.body).unwrap()
        };
        Self {
            status: response.status,
            body,
            response,
        }
    }
}

/// The `value` of each element.
pub(crate) fn values(list: &Value) -> BTreeSet<String> {
    let elements = list.as_array().into_iter().flatten();
    elements
        .map(|element| element["value"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn token(tenant: &str) -> String {
    let digit = if tenant == "acme" { "a" } else { "0" };
    format!("scim_{}", digit.repeat(64))
}

pub(crate) fn request(method: &str, path: &str, body: Option<&Value>) -> Request {
    request_of("acme", method, path, body)
}

pub(crate) fn request_of(tenant: &str, method: &str, path: &str, body: Option<&Value>) -> Request {
    let authorization = format!("Bearer {}", token(tenant));
    let mut headers = vec![("authorization".to_owned(), authorization.into_bytes())];
    if body.is_some() {
        headers.push(("content-type".to_owned(), b"application/scim+json".to_vec()));
    }
    Request {
        method: method.to_owned(),
        target: format!("/scim/v2{path}"),
        scheme: "https".to_owned(),
        authority: "scim.example.com".to_owned(),
        headers,
        source: Source::default(),
        body: body.map(Value::to_string).unwrap_or_default().into_bytes(),
    }
}

pub(crate) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// A filter as it stands in a URL.
pub(crate) fn filter(collection: &str, filter: &str) -> String {
    let escaped: String = filter
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' => char::from(b).to_string(),
            b' ' => "+".to_owned(),
            b => format!("%{b:02X}"),
        })
        .collect();
    format!("{collection}?filter={escaped}")
}

type Running<'s> = Pin<Box<dyn Future<Output = Response> + 's>>;

/// Runs requests side by side, each time polling one at random.
pub(crate) fn interleave(seed: u64, services: &[&Service], requests: &[Request]) -> Vec<Reply> {
    let dice = Dice::new(seed);
    let mut context = Context::from_waker(Waker::noop());
    let mut running: Vec<(usize, Running<'_>)> = Vec::new();
    for (i, request) in requests.iter().enumerate() {
        let service = services[i % services.len()];
        let future = async { service.handle(request).await.response };
        running.push((i, Box::pin(future)));
    }
    let mut replies: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
    while !running.is_empty() {
        let at = dice.below(running.len());
        if let Poll::Ready(response) = running[at].1.as_mut().poll(&mut context) {
            let (i, _) = running.swap_remove(at);
            replies[i] = Some(Reply::from(response));
        }
    }
    replies.into_iter().flatten().collect()
}

/// Polls a request at most so often, then drops it; whether it was done by then.
pub(crate) fn drop_after(service: &Service, request: &Request, polls: usize) -> Option<Reply> {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = Box::pin(service.handle(request));
    for _ in 0..polls {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Some(Reply::from(answer.response));
        }
    }
    None
}

/// Keeps the trait in scope for [`World::clock`].
pub(crate) fn now(world: &World) -> u64 {
    world.clock.now_millis()
}
