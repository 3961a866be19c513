//! Requests that a fuzzer would send, through the real plugin in the wasmtime host: none
//! traps, and the VM does not grow. In the tests for some seconds; longer by hand:
//!
//! ```text
//! SCIM_EDGE_HOSTILE_SECONDS=3600 cargo test -p tests --test suite hostile -- --nocapture
//! ```
//!
//! The requests are those of the fuzz target `service`, with parts of them broken. That
//! target checks the answers; here only the sandbox is at stake.

use bytes::Bytes;
use directory::environment::Entropy as _;
use directory::simulation::{SeededEntropy, join_all};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Uri};
use std::path::Path;
use std::time::{Duration, Instant};
use tests::endpoint::{Endpoint, Proxy, Store, log};
use tests::{scim, within};

const SECONDS: &str = "SCIM_EDGE_HOSTILE_SECONDS";

/// How many requests are under way at a time.
const AT_ONCE: usize = 16;

/// What the VM may grow by once it has seen every kind of request.
const GROWTH: usize = 2 << 20;

/// A request of the corpus, with names in braces for what only a running endpoint knows.
struct Template {
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// What stands for the names in braces.
struct Names {
    user: String,
    token: String,
}

impl Names {
    fn put_in(&self, text: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(text);
        let ids = ["{id0}", "{id1}", "{id2}"].iter();
        let text = ids.fold(text.into_owned(), |text, id| text.replace(id, &self.user));
        text.replace("{write}", &self.token).into_bytes()
    }
}

fn corpus() -> Vec<Template> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/service");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|file| file.expect("a readable folder").path())
        .collect();
    files.sort();
    let mut templates = Vec::new();
    for file in files {
        let script = std::fs::read(file).expect("a readable file");
        let script = String::from_utf8_lossy(&script).into_owned();
        templates.extend(script.split("\n---\n").filter_map(template));
    }
    assert!(templates.len() > 50, "{} templates", templates.len());
    templates
}

fn template(text: &str) -> Option<Template> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Template {
        method: method.to_owned(),
        target: target.into(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
        body: body.into(),
    })
}

/// Breaks things, the same in each run.
struct Dice(SeededEntropy);

impl Dice {
    fn below(&self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        assert!(self.0.fill(&mut bytes));
        usize::try_from(u64::from_le_bytes(bytes) % limit.max(1) as u64).unwrap()
    }

    fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Breaks bytes in a few places.
    fn mutate(&self, bytes: &mut Vec<u8>, other: &[u8]) {
        const TOKENS: [&[u8]; 16] = [
            b"\"",
            b"{",
            b"}",
            b"[",
            b"]",
            b"(",
            b")",
            b"\\u0000",
            b"\xff\xfe",
            b"%00",
            b"null",
            b"not (",
            b" eq ",
            b"/",
            b"&filter=",
            b"\xf0\x9f\x92\xa9",
        ];
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => {
                    let token = self
                        .pick(&TOKENS)
                        .repeat(1 + self.below(3) * self.below(400));
                    bytes.splice(at..at, token);
                }
                2 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                3 => {
                    let end = (at + self.below(20)).min(bytes.len());
                    bytes.drain(at..end);
                }
                4 => {
                    let part = &other[..self.below(other.len() + 1)];
                    bytes.splice(at..at, part.iter().copied());
                }
                _ => {
                    let part = bytes[at..(at + self.below(40)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    }

    fn request(&self, templates: &[Template], names: &Names) -> Request<Bytes> {
        let (template, other) = (self.pick(templates), self.pick(templates));
        let method = match self.below(10) {
            0 => &other.method,
            _ => &template.method,
        };
        // The user stays, for the requests to come.
        let mut target = match method.as_str() {
            "DELETE" => template.target.clone(),
            _ => names.put_in(&template.target),
        };
        let mut body = names.put_in(&template.body);
        self.mutate(&mut target, &other.target);
        self.mutate(&mut body, &other.body);
        let mut request = Request::builder()
            .method(method.as_bytes())
            .uri(uri(&target))
            .header("host", "scim.example.com")
            .body(Bytes::from(body))
            .unwrap_or_default();
        let bearer = ("authorization".to_owned(), b"Bearer {write}".to_vec());
        for (name, value) in [bearer].iter().chain(&template.headers) {
            let mut value = names.put_in(value);
            if self.below(8) == 0 {
                self.mutate(&mut value, &other.body);
            }
            value.retain(|byte| !matches!(byte, 0..=31 | 127));
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

/// A target with what HTTP does not let through escaped.
fn uri(target: &[u8]) -> Uri {
    let mut text = String::new();
    for byte in target.iter().take(8_000) {
        match byte {
            0x21..=0x7E if !matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`') => {
                text.push(char::from(*byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    if !text.starts_with("/scim/v2") && !text.starts_with("/admin/v1") {
        text.insert_str(0, "/scim/v2/");
    }
    text.parse().unwrap_or_default()
}

#[test]
fn hostile_requests_neither_trap_nor_grow_the_vm_on_wasmtime() {
    let seconds = std::env::var(SECONDS)
        .ok()
        .and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(8));
    within(time.as_secs() * 2 + 60, &[], async {
        let endpoint = Endpoint::start(Proxy::Wasmtime, Store::Embedded).await;
        let host = endpoint.running().host().unwrap();
        let kept = scim::user("kept@example.com");
        let made = endpoint.client().post("/Users", &kept).await;
        let names = Names {
            user: made.text("/id"),
            token: endpoint.running().ready().token.clone(),
        };
        let memory = async || host.memory_sizes().await[0].expect("the VM lives");
        let (templates, dice) = (corpus(), Dice(SeededEntropy::new(1)));
        let (begun, mut sent, mut answered) = (Instant::now(), 0_u64, 0_u64);
        let (mut warm, mut done) = (0, 0);
        while begun.elapsed() < time {
            let requests: Vec<_> = (0..AT_ONCE)
                .map(|_| host.request(dice.request(&templates, &names)))
                .collect();
            for answer in join_all(requests).await {
                sent += 1;
                // What never comes to the plugin, and a stream that it resets, has none.
                answered += u64::from(answer.is_ok_and(|a| a.status() != 503));
            }
            if warm == 0 && begun.elapsed() > time / 4 {
                (warm, done) = (memory().await, sent);
            }
        }
        let after = memory().await;
        eprintln!("{sent} requests; the VM had {warm} bytes after {done} and has {after} now");
        let log = log(endpoint.running());
        assert!(!log.contains("trapped"), "{log}");
        assert!(after <= warm + GROWTH, "{warm} bytes became {after}");
        assert!(
            answered * 100 > sent * 99,
            "{answered} answers to {sent} requests"
        );
        let kept = endpoint.client().get("/ServiceProviderConfig").await;
        assert_eq!(kept.status, 200, "{kept}");
    });
}
