//! The probe, hosts that run it, and a gRPC server for it to call.

use bytes::Bytes;
use host_test::{Address, Host, HostConfig, PluginConfig};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The probe's module, built once for all tests.
pub(crate) fn probe() -> Vec<u8> {
    static PROBE: OnceLock<Vec<u8>> = OnceLock::new();
    let build = || {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--package", "host-test-probe"])
            .args(["--target", "wasm32-wasip1", "--target-dir"])
            .arg(&target)
            .status()
            .unwrap();
        assert!(
            built.success(),
            "the probe does not build: rustup target add wasm32-wasip1"
        );
        std::fs::read(target.join("wasm32-wasip1/release/host_test_probe.wasm")).unwrap()
    };
    PROBE.get_or_init(build).clone()
}

/// The probe as it is shipped: pausing in headers lets body callbacks come.
pub(crate) fn config() -> HostConfig {
    let mut plugin = PluginConfig::new(probe());
    plugin.name = "probe".to_owned();
    plugin.root_id = "root".to_owned();
    plugin.vm_id = "vm".to_owned();
    plugin.allow_on_headers_stop_iteration = true;
    plugin.reload_backoff = Duration::from_millis(100);
    let mut config = HostConfig::new(plugin);
    // A test that hangs ends soon.
    config.stream_idle_timeout = Duration::from_secs(20);
    config
}

pub(crate) async fn start() -> Host {
    Host::start(config()).await.unwrap()
}

pub(crate) fn get(path: &str) -> Request<Bytes> {
    request("GET", path, "")
}

pub(crate) fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let uri = format!("http://test{path}");
    Request::builder()
        .method(method)
        .uri(uri)
        .body(body.into())
        .unwrap()
}

/// Status and body of the answer to `request`.
pub(crate) async fn ask(host: &Host, request: Request<Bytes>) -> (u16, String) {
    let response = host.request(request).await.unwrap();
    let body = String::from_utf8_lossy(response.body()).into_owned();
    (response.status().as_u16(), body)
}

/// Waits until a log line of the plugin is `wanted`.
pub(crate) async fn logged(host: &Host, wanted: &str) {
    for _ in 0..500 {
        if log_lines(host).iter().any(|line| line == wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{wanted:?} was not logged; there is {:#?}", log_lines(host));
}

pub(crate) fn log_lines(host: &Host) -> Vec<String> {
    host.logs().into_iter().map(|line| line.message).collect()
}

/// Sends `request` on a connection of its own and reads what comes until the host closes it.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(answer).unwrap()
}

/// Any free port of the loopback interface.
pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A gRPC server; it ends with its handle.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    /// Calls that came.
    pub(crate) calls: Arc<AtomicU32>,
    /// Calls that were answered.
    pub(crate) answered: Arc<AtomicU32>,
    /// Connections that were made.
    pub(crate) connections: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        Self::start_at(loopback()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (calls, answered, connections) = <(Arc<AtomicU32>, Arc<_>, Arc<_>)>::default();
        let counters = (
            Arc::clone(&calls),
            Arc::clone(&answered),
            Arc::clone(&connections),
        );
        let task = tokio::spawn(serve(listener, counters));
        Self {
            address,
            calls,
            answered,
            connections,
            task,
        }
    }

    /// Closes listener and connections, and returns when that is done.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }

    /// A host whose probe can call this server as `store`.
    pub(crate) async fn host(&self) -> Host {
        let mut config = config();
        let address = Address::Tcp(self.address.to_string());
        config.clusters.insert("store".to_owned(), address);
        Host::start(config).await.unwrap()
    }
}

type Counters = (Arc<AtomicU32>, Arc<AtomicU32>, Arc<AtomicU32>);

async fn serve(listener: TcpListener, (calls, answered, connections): Counters) {
    // The connections end with this task.
    let mut tasks = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, SeqCst);
        let (calls, answered) = (Arc::clone(&calls), Arc::clone(&answered));
        let service = service_fn(move |request: Request<Incoming>| {
            let (calls, answered) = (Arc::clone(&calls), Arc::clone(&answered));
            async move {
                calls.fetch_add(1, SeqCst);
                let response = answer(request).await;
                answered.fetch_add(1, SeqCst);
                Ok::<_, Infallible>(response)
            }
        });
        tasks.spawn(
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// Answers by the method's name.
async fn answer(
    request: Request<Incoming>,
) -> Response<impl hyper::body::Body<Data = Bytes, Error = Infallible> + use<>> {
    let head = format!("{} te={:?}", request.uri(), request.headers().get("te"));
    let method = request
        .uri()
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let frame = request.into_body().collect().await.unwrap().to_bytes();
    let (message, status) = match method.as_str() {
        "slow" => {
            tokio::time::sleep(Duration::from_millis(150)).await;
            ("late".to_owned(), 0)
        }
        "never" => std::future::pending().await,
        "fail" => (String::new(), 5),
        "big" => ("x".repeat(6 << 20), 0),
        _ => (format!("{head} asked={:?}", frame.slice(5..)), 0),
    };
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message.as_bytes());
    let body = if status == 0 {
        Bytes::from(body)
    } else {
        Bytes::new()
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(status));
    trailers.insert("grpc-message", HeaderValue::from_static("as asked"));
    let body = Full::new(body).with_trailers(std::future::ready(Some(Ok(trailers))));
    Response::builder()
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap()
}
