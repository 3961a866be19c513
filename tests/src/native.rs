//! The service itself behind a plain HTTP server in this process, on a store in memory: no proxy,
//! no WebAssembly. What fails here too is the service's fault and no host's.

use bytes::Bytes;
use directory::http::{Request, Response, Source};
use directory::kv::memory::MemoryKv;
use directory::simulation::{ManualClock, SeededEntropy, block_on};
use directory::{Config, Directory};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const ADMIN_KEY: &str = "the native service's administrator";
/// When the clock starts, in milliseconds since the Unix epoch; each request takes a second.
const START: u64 = 1_795_000_000_000;

type Service = Directory<MemoryKv, ManualClock, SeededEntropy>;

/// A running service with one tenant, stopped when dropped.
#[derive(Debug)]
pub struct Native {
    /// What paths are appended to.
    pub base_url: String,
    /// A token with the scope `scim`.
    pub token: String,
    _stop: oneshot::Sender<()>,
}

impl Native {
    /// Starts one on a free port, with this plugin configuration.
    ///
    /// # Panics
    /// When the configuration is refused or no port is free.
    #[must_use]
    pub fn start(mut config: Value) -> Self {
        let hash = Sha256::digest(ADMIN_KEY);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        config["admin_key_sha256"] = json!([hash]);
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        // The service stays on one thread, as in a worker of the proxy.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            tokio::task::LocalSet::new().block_on(&runtime, async move {
                let service = Rc::new(service(config));
                let token = token(&service);
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let address = listener.local_addr().expect("an address");
                ready.send((address, token)).expect("somebody waits");
                tokio::select! {
                    () = accept(listener, service) => {}
                    _ = stopped => {}
                }
            });
        });
        let (address, token) = started.recv().expect("the service starts");
        Self {
            base_url: format!("http://{address}/scim/v2"),
            token,
            _stop: stop,
        }
    }
}

fn service(config: Value) -> (Service, ManualClock) {
    let config = Config::from_value(config).unwrap_or_else(|e| panic!("{e}"));
    let registry = config.registry().unwrap_or_else(|e| panic!("{e}"));
    let clock = ManualClock::at(START);
    let entropy = SeededEntropy::new(1);
    let directory = Directory::new(registry, config, MemoryKv::new(), clock.clone(), entropy);
    (directory, clock)
}

/// Makes a tenant and a token for it.
fn token((service, _): &(Service, ManualClock)) -> String {
    let post = |path: &str, body: &Value| -> Value {
        let request = Request {
            method: "POST".to_owned(),
            target: format!("/admin/v1{path}"),
            headers: vec![(
                "authorization".to_owned(),
                format!("Bearer {ADMIN_KEY}").into_bytes(),
            )],
            body: body.to_string().into_bytes(),
            ..Request::default()
        };
        let response = block_on(service.handle(&request)).response;
        serde_json::from_slice(&response.body).expect("JSON")
    };
    post("/tenants", &json!({"id": "acme", "name": "Acme"}));
    let made = post(
        "/tenants/acme/tokens",
        &json!({"label": "tests", "scopes": ["scim"]}),
    );
    made["token"].as_str().expect("a token").to_owned()
}

async fn accept(listener: TcpListener, service: Rc<(Service, ManualClock)>) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = Rc::clone(&service);
        tokio::task::spawn_local(async move {
            let answer = service_fn(|request| answer(&service, request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer);
            // A client that goes away is no fault.
            let _ = connection.await;
        });
    }
}

async fn answer(
    (service, clock): &(Service, ManualClock),
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), |b| b.to_bytes());
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter();
    let request = Request {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        scheme: "http".to_owned(),
        authority: head
            .headers
            .get(HOST)
            .map_or_else(String::new, |h| text(h.as_bytes())),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        source: Source::default(),
        body: body.to_vec(),
    };
    clock.advance(Duration::from_secs(1));
    let Response {
        status,
        headers,
        body,
    } = block_on(service.handle(&request)).response;
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response
        .body(Full::from(body))
        .expect("headers of the service's own"))
}
