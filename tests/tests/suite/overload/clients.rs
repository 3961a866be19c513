//! Clients that send slowly, and clients that go away at every stage of a request.

use super::{PATIENCE, unharmed};
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, raw, scim, store, within};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// How many clients there are of each kind.
const CLIENTS: usize = 50;

/// A POST of a user, in its parts.
struct Post {
    head: String,
    body: String,
}

impl Post {
    fn new(endpoint: &Endpoint, user_name: &str) -> Self {
        let body = scim::user(user_name).to_string();
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            endpoint.running().address(),
            endpoint.running().ready().token,
            body.len()
        );
        Self { head, body }
    }

    fn whole(&self) -> String {
        format!("{}{}", self.head, self.body)
    }
}

/// When a client goes away.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Connected,
    AmidHeaders,
    AfterHeaders,
    AmidBody,
    BeforeTheAnswer,
}

const STAGES: [Stage; 5] = [
    Stage::Connected,
    Stage::AmidHeaders,
    Stage::AfterHeaders,
    Stage::AmidBody,
    Stage::BeforeTheAnswer,
];

impl Stage {
    fn sent(self, post: &Post) -> String {
        let half = |text: &str| text[..text.len() / 2].to_owned();
        match self {
            Self::Connected => String::new(),
            Self::AmidHeaders => half(&post.head),
            Self::AfterHeaders => post.head.clone(),
            Self::AmidBody => format!("{}{}", post.head, half(&post.body)),
            Self::BeforeTheAnswer => post.whole(),
        }
    }
}

/// Goes away with a FIN or, every other one, with a RST.
async fn vanish(address: SocketAddr, sent: String, after: Duration, reset: bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    tokio::time::sleep(after).await;
    if reset {
        stream.set_zero_linger().unwrap();
    }
}

async fn vanishing(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let address = endpoint.running().address();
    let mut findings = Findings::default();
    for stage in STAGES {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let post = Post::new(&endpoint, &format!("{stage:?}-{n}@example.com"));
                // From at once to some time after the answer.
                let after = Duration::from_micros(u64::try_from(n * n * 10).unwrap());
                tokio::spawn(vanish(address, stage.sent(&post), after, n % 2 == 0))
            })
            .collect();
        let begun = Instant::now();
        let served = endpoint.client().get("/Users?count=0").await;
        findings.check(served.status == 200 && begun.elapsed() < PATIENCE, || {
            format!("beside {stage:?}, after {:?}: {served}", begun.elapsed())
        });
        for client in clients {
            client.await.unwrap();
        }
    }
    // Whoever sent half of a request has changed nothing; whoever sent all of it has
    // made a user or none, and a whole one.
    let at = &endpoint.running().store_endpoints()[0];
    let keys = store::keys(at, store::TENANT).await;
    store::check(&keys, &mut findings);
    for (key, record) in keys.iter().filter(|(key, _)| key.starts_with("user/")) {
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        let name = record["userName"].as_str().unwrap();
        findings.check(name.starts_with("BeforeTheAnswer"), || {
            format!("{key}: {name}")
        });
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn clients_that_vanish_leave_nothing_half_done_on_envoy() {
    within(90, &[Needs::Envoy], vanishing(Proxy::Envoy));
}

#[test]
fn clients_that_vanish_leave_nothing_half_done_on_wasmtime() {
    within(90, &[], vanishing(Proxy::Wasmtime));
}

/// Sends a request byte by byte, over about a second, and waits for the answer.
async fn dawdle(address: SocketAddr, post: Post) -> Result<u16, String> {
    let mut connection = raw::Connection::open(address).await;
    connection.send(post.head.as_bytes()).await;
    for byte in post.body.as_bytes() {
        connection.send(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    Ok(connection.answer().await?.status)
}

async fn dawdling(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let address = endpoint.running().address();
    let slow: Vec<_> = (0..4 * CLIENTS)
        .map(|n| {
            let post = Post::new(&endpoint, &format!("slow-{n}@example.com"));
            tokio::spawn(dawdle(address, post))
        })
        .collect();
    let mut findings = Findings::default();
    let mut client = endpoint.client();
    let mut others = 0;
    while slow.iter().any(|client| !client.is_finished()) {
        let begun = Instant::now();
        let user = scim::user(&format!("quick-{others}@example.com"));
        let reply = client.post("/Users", &user).await;
        findings.check(reply.status == 201 && begun.elapsed() < PATIENCE, || {
            format!("beside the slow, after {:?}: {reply}", begun.elapsed())
        });
        others += 1;
    }
    for (n, client) in slow.into_iter().enumerate() {
        let answer = client.await.unwrap();
        findings.check(answer == Ok(201), || format!("slow client {n}: {answer:?}"));
    }
    let total = client.get("/Users?count=0").await.json()["totalResults"].clone();
    let expected = json!(4 * CLIENTS + others);
    findings.check(total == expected, || {
        format!("{total} users, not {expected}")
    });
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn clients_that_send_byte_by_byte_keep_nobody_waiting_on_envoy() {
    within(120, &[Needs::Envoy], dawdling(Proxy::Envoy));
}

#[test]
fn clients_that_send_byte_by_byte_keep_nobody_waiting_on_wasmtime() {
    within(120, &[], dawdling(Proxy::Wasmtime));
}
