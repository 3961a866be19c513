//! Webhooks: each change is told to a receiver, over the death of the receiver, of Envoy and of the
//! store; nothing is lost, and what is told for the first time is told in its order.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Needs, ports, scim, store, within};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

const EVENTS: &str = "scim/default/event/";
const USERS: usize = 4;
/// How long a replacement of a dead holder may take, and the longest pause between two attempts.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn killing_the_receiver_envoy_and_the_store_loses_no_event_and_no_order() {
    within(400, &[Needs::Envoy], async {
        let mut site = Site::start(Proxy::Envoy).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for number in 0..USERS {
            let client = site.endpoint.client().waiting(Duration::from_secs(5));
            writers.push(tokio::spawn(write(client, number, Arc::clone(&stop))));
        }
        for _ in 0..2 {
            site.some_are_heard().await;
            site.receiver.kill().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            site.receiver.start().await;
            site.some_are_heard().await;
            let running = site.endpoint.running();
            running.crash_envoy(PATIENCE).await.unwrap();
            site.some_are_heard().await;
            let running = site.endpoint.running();
            running.crash_store(PATIENCE).await.unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        site.all_are_heard().await;
    });
}

#[test]
fn a_webhook_is_delivered_on_wasmtime_too() {
    within(200, &[], async {
        let site = Site::start(Proxy::Wasmtime).await;
        let mut client = site.endpoint.client();
        for number in 0..USERS {
            let user = scim::user(&format!("user{number}@example.com"));
            assert_eq!(client.post("/Users", &user).await.status, 201);
        }
        site.all_are_heard().await;
        assert_eq!(site.receiver.heard().len(), USERS);
    });
}

/// Changes one user again and again.
async fn write(mut client: Client, number: usize, stop: Arc<AtomicBool>) {
    let user = scim::user(&format!("user{number}@example.com"));
    let created = client.post("/Users", &user).await;
    assert_eq!(created.status, 201, "{created}");
    let path = format!("/Users/{}", created.text("/id"));
    for count in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let change = json!([{"op": "replace", "path": "title", "value": count.to_string()}]);
        let body = scim::patch(&change);
        // Whatever comes of it: what is in the store counts.
        let _ = client
            .try_call(hyper::Method::PATCH, &path, Some(&body))
            .await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// An endpoint whose only tenant has a webhook, and its receiver.
struct Site {
    endpoint: Endpoint,
    receiver: Receiver,
    /// The events before the webhook began.
    before: BTreeSet<String>,
}

impl Site {
    async fn start(proxy: Proxy) -> Self {
        let mut receiver = Receiver::new();
        receiver.start().await;
        let webhook = json!({
            "name": "hr", "tenant": "default", "cluster": "hooks", "authority": "hooks.example.com",
            "path": "/scim?from=edge", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "timeout_ms": 2000,
        });
        let cluster = format!("hooks=127.0.0.1:{}", receiver.port);
        let endpoint = Endpoint::start_with(proxy, Store::Embedded, |options| {
            let config = options.data.join("webhooks.json");
            std::fs::write(&config, json!({"webhooks": [webhook]}).to_string()).unwrap();
            options.config = Some(config);
            options.clusters = vec![cluster.parse().unwrap()];
        })
        .await;
        let at = &endpoint.running().store_endpoints()[0];
        let begun = Instant::now();
        let keys = async || store::keys(at, "scim/default/webhook/hr/").await;
        while !keys().await.contains_key("cursor") {
            assert!(begun.elapsed() < PATIENCE, "nobody takes the webhook");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let before = store::keys(at, EVENTS).await.into_keys().collect();
        Self {
            endpoint,
            receiver,
            before,
        }
    }

    /// Waits until some more events are told.
    async fn some_are_heard(&self) {
        let (begun, known) = (Instant::now(), self.receiver.first_heard().len());
        while self.receiver.first_heard().len() < known + 5 {
            assert!(begun.elapsed() < PATIENCE, "no events are told any more");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until each event is told, and checks the order.
    async fn all_are_heard(&self) {
        let at = &self.endpoint.running().store_endpoints()[0];
        let events = store::keys(at, EVENTS).await.into_keys();
        let due: BTreeSet<String> = events.filter(|id| !self.before.contains(id)).collect();
        let begun = Instant::now();
        loop {
            let first = self.receiver.first_heard();
            let told: BTreeSet<String> = first.iter().map(|(id, _)| id.clone()).collect();
            if told == due {
                let revisions: Vec<i64> = first.into_iter().map(|(_, revision)| revision).collect();
                assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
                break;
            }
            let missing = due.difference(&told).count();
            assert!(begun.elapsed() < PATIENCE, "{missing} events are not told");
            assert!(told.is_subset(&due), "{told:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let repeated = self.receiver.heard().len() - due.len();
        eprintln!("{} events, {repeated} of them again", due.len());
    }
}

/// A receiver that can die: what it was told it knows for good, as if in a database.
struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<(String, i64)>>>,
    running: Option<JoinHandle<()>>,
}

impl Receiver {
    fn new() -> Self {
        Self {
            port: ports::free(),
            heard: Arc::default(),
            running: None,
        }
    }

    async fn start(&mut self) {
        let address = (Ipv4Addr::LOCALHOST, self.port);
        let listener = TcpListener::bind(address).await.unwrap();
        let heard = Arc::clone(&self.heard);
        self.running = Some(tokio::spawn(async move {
            // The connections end with this task.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                let service = service_fn(move |request| hear(request, Arc::clone(&heard)));
                connections
                    .spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        }));
    }

    /// Closes everything at whatever moment: to its clients that is `kill -9`.
    async fn kill(&mut self) {
        let running = self.running.take().unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }

    /// The id and the revision of each request's event.
    fn heard(&self) -> Vec<(String, i64)> {
        self.heard.lock().unwrap().clone()
    }

    /// The same, without what was told again.
    fn first_heard(&self) -> Vec<(String, i64)> {
        let mut seen = BTreeSet::new();
        let heard = self.heard().into_iter();
        heard.filter(|(id, _)| seen.insert(id.clone())).collect()
    }
}

async fn hear(
    request: Request<Incoming>,
    heard: Arc<Mutex<Vec<(String, i64)>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri(), "/scim?from=edge");
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("host"), "hooks.example.com");
    assert!(header("webhook-signature").starts_with("v1,"));
    let id = header("webhook-id");
    let body = request.into_body().collect().await;
    // Whoever sent it died meanwhile.
    let Ok(body) = body else {
        return Ok(Response::default());
    };
    let event: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(event["data"]["event"], json!(id));
    let revision = event["data"]["revision"].as_i64().unwrap();
    heard.lock().unwrap().push((id, revision));
    // Time to die between the two.
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(Response::default())
}
