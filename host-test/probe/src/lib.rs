//! A plugin that does what its request's path says, and tells what was called.
//!
//! Written against the raw host functions where the SDK's wrappers would panic on a status.

#![allow(
    missing_docs,
    reason = "proxy_wasm::main! exports a function without documentation"
)]

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{
    Action, BufferType, Bytes, ContextType, LogLevel, MapType, MetricType, Status,
};
use std::cell::RefCell;
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

thread_local! {
    /// Stream contexts that wait for a tick, and whether it resumes or answers them.
    static WAITING: RefCell<Vec<(u32, bool)>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Root {
    configuration: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, size: usize) -> bool {
        let stored = buffer(BufferType::VmConfiguration, size);
        log(&format!("vm_start {}", String::from_utf8_lossy(&stored)));
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        let bytes = buffer(BufferType::PluginConfiguration, size);
        self.configuration = String::from_utf8_lossy(&bytes).into_owned();
        log(&format!(
            "configure {} env={:?}",
            self.configuration,
            std::env::var("PROBE")
        ));
        match self.configuration.as_str() {
            "refuse" => {
                let _ = hostcalls::log(LogLevel::Error, "key \"refuse\" is not allowed");
                false
            }
            "trap" => std::process::abort(),
            "tick" => hostcalls::set_tick_period(Duration::from_millis(20)).is_ok(),
            _ => true,
        }
    }

    fn on_tick(&mut self) {
        for (id, resumes) in WAITING.take() {
            if hostcalls::set_effective_context(id).is_err() {
                continue;
            }
            if resumes {
                let _ = hostcalls::resume_http_request();
            } else {
                reply(200, "from tick");
            }
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(id)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request. `path` is the command, `seen` the callbacks so far.
struct Stream {
    id: u32,
    path: String,
    seen: Vec<String>,
    body: Vec<u8>,
    drained: usize,
}

impl Stream {
    fn new(id: u32) -> Self {
        Self {
            id,
            path: String::new(),
            seen: Vec::new(),
            body: Vec::new(),
            drained: 0,
        }
    }

    fn command(&self) -> &str {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('?').next().unwrap_or_default()
    }

    fn argument(&self) -> &str {
        self.path.split_once('?').map_or("", |(_, query)| query)
    }

    fn tell(&self) {
        reply(200, &self.seen.join(" "));
    }

    /// Everything of the request is there.
    fn finish(&self) {
        match self.command() {
            "callbacks" => self.tell(),
            "drain" => {
                reply(
                    200,
                    &format!("drained {} {}", self.drained, checksum(&self.body)),
                );
            }
            "buffer" => {
                let all = buffer(BufferType::HttpRequestBody, usize::MAX >> 1);
                reply(200, &format!("buffered {} {}", all.len(), checksum(&all)));
            }
            _ => {}
        }
    }

    fn at_headers(&mut self, end: bool) -> Action {
        match self.command() {
            "pass" => return Action::Continue,
            "local" => reply(200, self.argument()),
            "twice" => {
                reply(200, "first");
                reply(500, "second");
            }
            "empty" => {
                let status = self.argument().parse().unwrap_or(200);
                let headers = vec![("content-type", "a/b")];
                let _ = hostcalls::send_http_response(status, headers, None);
            }
            "limit" => {
                let _ = hostcalls::send_http_response(413, vec![("x", "own")], Some(b"own limit"));
            }
            "trap" => std::process::abort(),
            "spin" => loop {
                std::hint::black_box(());
            },
            "call" => match call(self.argument()) {
                Ok(token) => log(&format!("token {token}")),
                Err(status) => reply(200, &format!("refused {status:?}")),
            },
            "http" => match http(self.argument()) {
                Ok(token) => log(&format!("token {token}")),
                Err(status) => reply(200, &format!("refused {status:?}")),
            },
            command @ ("tick" | "resume") => {
                let wait = (self.id, command == "resume");
                WAITING.with_borrow_mut(|waiting| waiting.push(wait));
            }
            "cas" => reply(200, &cas()),
            "metrics" => reply(200, &metrics()),
            "property" => {
                let path = self.argument().split('.').collect();
                let value = hostcalls::get_property(path);
                reply(200, &format!("{value:?}"));
            }
            "memory" => {
                let size = self.argument().parse().unwrap_or(0);
                let bytes: Vec<u8> = vec![1; size];
                reply(200, &format!("took {}", std::hint::black_box(bytes).len()));
            }
            "reset" => {
                let _ = hostcalls::reset_http_request();
            }
            "wait" => {}
            _ if end => self.finish(),
            _ => {}
        }
        Action::Pause
    }
}

impl Context for Stream {
    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        let body = buffer(BufferType::GrpcReceiveBuffer, size);
        let (_, message) = hostcalls::get_grpc_status().unwrap_or_default();
        let message = message.unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        log(&format!("answer {token} {status} {body}"));
        reply(
            200,
            &format!("status={status} body={body} message={message}"),
        );
    }

    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, trailers: usize) {
        // Of a call that failed there is no header, and to ask for one is a panic of the SDK.
        let status = (headers > 0)
            .then(|| header(MapType::HttpCallResponseHeaders, ":status"))
            .flatten()
            .unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let body = buffer(BufferType::HttpCallResponseBody, size);
        let body = String::from_utf8_lossy(&body);
        let some = headers > 0;
        let text = format!("headers={some} status={status} trailers={trailers} body={body}");
        reply(200, &text);
    }

    fn on_done(&mut self) -> bool {
        log(&format!("{} done", self.command()));
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count: usize, end: bool) -> Action {
        let path = header(MapType::HttpRequestHeaders, ":path").unwrap_or_default();
        self.path = String::from_utf8_lossy(&path).into_owned();
        self.seen.push(format!("headers({end})"));
        if count == 0 {
            log("no headers");
        }
        self.at_headers(end)
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.seen.push(format!("body({size},{end})"));
        match self.command() {
            "pass" | "resume" => return Action::Continue,
            "drain" => {
                self.body.extend(buffer(BufferType::HttpRequestBody, size));
                self.drained = self.drained.saturating_add(size);
                let _ = hostcalls::set_buffer(BufferType::HttpRequestBody, 0, size, b"");
            }
            "rewrite" if end => {
                let _ = hostcalls::set_buffer(BufferType::HttpRequestBody, 0, size, b"rewritten");
                return Action::Continue;
            }
            _ => {}
        }
        if end {
            self.finish();
        }
        Action::Pause
    }

    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        self.seen.push(format!("trailers({count})"));
        self.finish();
        Action::Pause
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.seen.push(format!("response_headers({end})"));
        let value = self.seen.join(" ");
        let _ = hostcalls::add_map_value(MapType::HttpResponseHeaders, "x-seen", &value);
        if self.argument() == "replace" {
            reply(418, "replaced");
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.seen.push(format!("response_body({size},{end})"));
        if self.argument() == "rewrite" {
            let _ = hostcalls::set_buffer(BufferType::HttpResponseBody, 0, size, b"rewritten");
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        log(&format!("{} log {}", self.command(), self.seen.join(" ")));
    }
}

impl Drop for Stream {
    /// The SDK drops a context in `on_delete`.
    fn drop(&mut self) {
        log(&format!("{} delete", self.command()));
    }
}

fn log(text: &str) {
    let _ = hostcalls::log(LogLevel::Info, text);
}

fn reply(status: u32, body: &str) {
    let _ = hostcalls::send_http_response(status, vec![], Some(body.as_bytes()));
}

fn header(map: MapType, name: &str) -> Option<Bytes> {
    hostcalls::get_map_value_bytes(map, name).ok().flatten()
}

fn buffer(kind: BufferType, size: usize) -> Bytes {
    hostcalls::get_buffer(kind, 0, size)
        .ok()
        .flatten()
        .unwrap_or_default()
}

/// Shows that a body came through whole, without sending it back.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum: u32, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
    })
}

/// Calls `cluster/method`, with a time limit of 300 ms. A cluster in `<>` is passed as a bare name.
fn call(argument: &str) -> Result<u32, Status> {
    let (cluster, method) = argument.split_once('/').unwrap_or((argument, ""));
    let bare = cluster.strip_prefix("bare:");
    let upstream = bare.map_or_else(|| grpc_service(cluster), str::to_owned);
    let timeout = Duration::from_millis(300);
    hostcalls::dispatch_grpc_call(
        &upstream,
        "probe.Probe",
        method,
        vec![],
        Some(b"ask"),
        timeout,
    )
}

/// Posts to `cluster/path`, with a time limit of 300 ms; to `cluster` alone, without a path.
fn http(argument: &str) -> Result<u32, Status> {
    let (cluster, path) = argument.split_once('/').unwrap_or((argument, ""));
    let path = format!("/{path}");
    let mut headers = vec![
        (":method", "POST"),
        (":authority", "asked"),
        ("x-probe", "1"),
    ];
    if argument.contains('/') {
        headers.push((":path", &path));
    }
    let timeout = Duration::from_millis(300);
    hostcalls::dispatch_http_call(cluster, headers, Some(b"ask"), vec![], timeout)
}

/// A serialized `GrpcService{envoy_grpc{cluster_name}}`. Lengths are below 128, so one byte each.
fn grpc_service(cluster: &str) -> String {
    let size = |length: usize| char::from(u8::try_from(length).unwrap_or(0));
    let length = cluster.len();
    format!(
        "\n{}\n{}{cluster}",
        size(length.wrapping_add(2)),
        size(length)
    )
}

/// Compare-and-swap: what each set answers.
fn cas() -> String {
    let set = |value: &str, cas| match hostcalls::set_shared_data("k", Some(value.as_bytes()), cas)
    {
        Ok(()) => "ok".to_owned(),
        Err(status) => format!("{status:?}"),
    };
    let before = hostcalls::get_shared_data("k").unwrap_or((None, None));
    let absent = set("1", Some(4711));
    let stale = set("2", Some(4711));
    let (_, current) = hostcalls::get_shared_data("k").unwrap_or((None, None));
    let swapped = set("3", current);
    let value = hostcalls::get_shared_data("k")
        .unwrap_or((None, None))
        .0
        .unwrap_or_default();
    let value = String::from_utf8_lossy(&value).into_owned();
    format!("before={before:?} absent={absent} stale={stale} current={swapped} value={value}")
}

fn metrics() -> String {
    let define = |kind, name| hostcalls::define_metric(kind, name).unwrap_or(0);
    let counter = define(MetricType::Counter, "probe_counter");
    let again = define(MetricType::Counter, "probe_counter");
    let gauge = define(MetricType::Gauge, "probe_gauge");
    let histogram = define(MetricType::Histogram, "probe_histogram");
    let _ = hostcalls::increment_metric(counter, 2);
    let _ = hostcalls::record_metric(gauge, 7);
    let _ = hostcalls::record_metric(histogram, 5);
    let value = hostcalls::get_metric(again);
    format!("{counter} {again} {gauge} {histogram} {value:?}")
}
