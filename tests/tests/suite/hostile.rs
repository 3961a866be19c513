//! Requests that a fuzzer would send, through the real plugin in the wasmtime host: none
//! traps, and the VM does not grow. In the tests for some seconds; by hand
//! `cargo edge fuzz --requests 1000000`.
//!
//! The requests are those of the fuzz target `service`, with parts of them broken. That
//! target checks the answers; here only the sandbox is at stake.

use bytes::Bytes;
use directory::environment::Entropy as _;
use directory::simulation::{SeededEntropy, join_all};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Uri};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tests::endpoint::{Endpoint, Proxy, Store, log};
use tests::{scim, within};

/// How many requests are sent; `cargo edge fuzz --requests` sets it.
const REQUESTS: &str = "SCIM_EDGE_HOSTILE_REQUESTS";
/// How long they are sent without it.
const TIME: Duration = Duration::from_secs(8);

/// How many VMs take turns.
const WORKERS: usize = 2;
/// How many requests are under way at a time.
const AT_ONCE: u64 = 32;

/// How often somebody looks for a VM that was lost.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(30);

/// What a VM may grow by once it has seen every kind of request.
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

/// What came of requests.
#[derive(Default)]
struct Tally {
    sent: Cell<u64>,
    /// How often which status; 0 where the stream was reset.
    statuses: RefCell<BTreeMap<u16, u64>>,
}

/// Sends one request after the other until enough were sent.
async fn send(
    endpoint: &Endpoint,
    dice: Dice,
    templates: &[Template],
    names: &Names,
    tally: &Tally,
    end: &End,
) {
    let host = endpoint.running().host().unwrap();
    while !end.is_there(tally) {
        let answer = host.request(dice.request(templates, names)).await;
        tally.sent.set(tally.sent.get() + 1);
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        *tally.statuses.borrow_mut().entry(status).or_default() += 1;
    }
}

/// When it is enough.
struct End {
    begun: Instant,
    requests: Option<u64>,
}

impl End {
    fn is_there(&self, tally: &Tally) -> bool {
        self.part_is_there(tally, 1)
    }

    fn part_is_there(&self, tally: &Tally, parts: u32) -> bool {
        match self.requests {
            Some(requests) => tally.sent.get() >= requests / u64::from(parts),
            None => self.begun.elapsed() >= TIME / parts,
        }
    }
}

/// Looks now and then for what must not be, as the host keeps the last lines of its log only.
/// Returns what the VMs had when all kinds of requests had been seen.
async fn watch(endpoint: &Endpoint, tally: &Tally, end: &End) -> Vec<usize> {
    let (mut warm, mut told) = (None, end.begun);
    while !end.is_there(tally) {
        tokio::time::sleep(LOOK).await;
        let log = log(endpoint.running());
        assert!(!log.contains("trapped"), "{log}");
        if warm.is_none() && end.part_is_there(tally, 4) {
            warm = Some(memory(endpoint).await);
        }
        if told.elapsed() > TELL {
            told = Instant::now();
            let (sent, memory) = (tally.sent.get(), memory(endpoint).await);
            eprintln!(
                "{:.0?}: {sent} requests, {memory:?} bytes",
                end.begun.elapsed()
            );
        }
    }
    warm.expect("it takes longer than one look")
}

async fn memory(endpoint: &Endpoint) -> Vec<usize> {
    let host = endpoint.running().host().unwrap();
    let sizes = host.memory_sizes().await.into_iter();
    sizes.map(|size| size.expect("the VM lives")).collect()
}

#[test]
fn hostile_requests_neither_trap_nor_grow_the_vm_on_wasmtime() {
    let requests: Option<u64> = std::env::var(REQUESTS)
        .ok()
        .map(|text| text.parse().unwrap());
    // At a hundred a second at least, on whatever machine.
    let seconds = TIME.as_secs() + requests.unwrap_or_default() / 100;
    within(seconds + 60, &[], async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        // What is refused for its number is tested elsewhere.
        let most = 1_000_000;
        let limits = json!({"limits": {"requests_per_second": most, "request_burst": most,
            "auth_failures_per_minute": most, "auth_failure_burst": most}});
        std::fs::write(&file, limits.to_string()).unwrap();
        let endpoint = Endpoint::start_with(Proxy::Wasmtime, Store::Embedded, |options| {
            options.workers = WORKERS;
            options.config = Some(file);
        })
        .await;
        let kept = scim::user("kept@example.com");
        let made = endpoint.client().post("/Users", &kept).await;
        let names = Names {
            user: made.text("/id"),
            token: endpoint.running().ready().token.clone(),
        };
        let (templates, tally) = (corpus(), Tally::default());
        let end = End {
            begun: Instant::now(),
            requests,
        };
        let streams = (0..AT_ONCE).map(|seed| {
            let dice = Dice(SeededEntropy::new(seed));
            send(&endpoint, dice, &templates, &names, &tally, &end)
        });
        let (_, warm) = tokio::join!(
            join_all(streams.collect::<Vec<_>>()),
            watch(&endpoint, &tally, &end)
        );
        let (after, sent, statuses) = (
            memory(&endpoint).await,
            tally.sent.get(),
            tally.statuses.take(),
        );
        eprintln!(
            "{sent} requests in {:.0?}: {statuses:?}; the VMs had {warm:?} bytes after a quarter \
             of them and have {after:?} now",
            end.begun.elapsed()
        );
        let log = log(endpoint.running());
        assert!(!log.contains("trapped"), "{log}");
        for (warm, after) in warm.iter().zip(&after) {
            assert!(*after <= warm + GROWTH, "{warm} bytes became {after}");
        }
        // What never comes to the plugin, and a stream that it resets, has no answer.
        let failed = [0, 500, 503].map(|status| statuses.get(&status).copied().unwrap_or(0));
        assert!(failed.iter().sum::<u64>() * 100 < sent, "{statuses:?}");
        assert!(statuses.len() > 5, "{statuses:?}");
        let kept = endpoint.client().get("/ServiceProviderConfig").await;
        assert_eq!(kept.status, 200, "{kept}");
    });
}
