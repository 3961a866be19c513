//! What one VM knows: its contexts, tokens and the buffers of the callback that is running.

use crate::config::HostConfig;
use crate::headers::Headers;
use crate::log::{LogBook, LogLevel};
use crate::metrics::{MetricIds, Stats};
use crate::pairs::Pair;
use crate::shared_data::SharedData;
use crate::stream::Stream;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use wasmtime::{Memory, StoreLimits, StoreLimitsBuilder, TypedFunc};

/// What all workers of a host share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HostConfig,
    pub(crate) logs: LogBook,
    pub(crate) stats: Stats,
    pub(crate) data: SharedData,
    /// Zero of the monotonic clock.
    pub(crate) started: Instant,
    /// The last connection id given out.
    pub(crate) connections: AtomicU64,
}

/// A unary gRPC call that the plugin asked for.
#[derive(Debug)]
pub(crate) struct UnaryCall {
    pub(crate) token: u32,
    pub(crate) cluster: String,
    /// `:authority`; the cluster's name when the plugin gives none.
    pub(crate) authority: String,
    /// `/service/method`.
    pub(crate) path: String,
    pub(crate) metadata: Vec<Pair>,
    pub(crate) message: Bytes,
    /// Zero is no limit.
    pub(crate) timeout: Duration,
}

/// An HTTP call that the plugin asked for.
#[derive(Debug)]
pub(crate) struct HttpCall {
    pub(crate) token: u32,
    pub(crate) cluster: String,
    /// `:method`, `:authority` and `:path` among them.
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    /// Zero is no limit.
    pub(crate) timeout: Duration,
}

/// The answer to an HTTP call.
#[derive(Debug, Default)]
pub(crate) struct HttpAnswer {
    /// `:status` first.
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    pub(crate) trailers: Headers,
}

/// Work that has to wait until the callback has returned.
#[derive(Debug)]
pub(crate) enum Action {
    /// Stop waiting for a call's answer.
    CancelCall(u32),
    /// Start a gRPC call.
    Call(UnaryCall),
    /// Start an HTTP call.
    HttpCall(HttpCall),
    /// Call `on_tick` with this period; zero stops it.
    Tick(Duration),
}

/// Token numbers: steps of four, the low two bits say what they stand for (0 HTTP call, 1 gRPC
/// call, 2 gRPC stream).
#[derive(Debug)]
pub(crate) struct CallTokens(u32);

impl CallTokens {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(4);
        self.0
    }
}

/// The store's data of one VM.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    pub(crate) worker: usize,
    pub(crate) memory: Option<Memory>,
    /// `proxy_on_memory_allocate` or `malloc`.
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
    pub(crate) limits: StoreLimits,
    /// `_initialize` is running: only logging and WASI work.
    pub(crate) restricted: bool,
    /// Context of the running callback.
    pub(crate) current: u32,
    /// Context set by `proxy_set_effective_context`, 0 when none.
    pub(crate) effective: u32,
    /// The root context's id; 0 before it exists.
    pub(crate) root: u32,
    last_context: u32,
    /// `on_context_create` or `on_configure` of the root runs: its configuration can be read.
    pub(crate) configuring: bool,
    /// A local reply was given in this callback, so its returned action is ignored.
    pub(crate) stop_iteration: bool,
    pub(crate) streams: HashMap<u32, Stream>,
    pub(crate) call_tokens: CallTokens,
    pub(crate) http_call_tokens: CallTokens,
    /// Calls of either kind that are not answered.
    pub(crate) calls: HashSet<u32>,
    /// The message of the running `on_grpc_receive`.
    pub(crate) grpc_message: Bytes,
    /// The answer of the running `on_http_call_response`.
    pub(crate) http_answer: Option<HttpAnswer>,
    /// What `proxy_get_status` answers: code and message of the last failed call.
    pub(crate) grpc_status: (u32, String),
    pub(crate) metrics: MetricIds,
    pub(crate) actions: Vec<Action>,
    /// Errors logged while the VM starts: the cause of a refused configuration.
    pub(crate) start_errors: Option<Vec<String>>,
}

impl State {
    pub(crate) fn new(shared: Arc<Shared>, worker: usize) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(shared.config.memory_limit)
            .build();
        Self {
            shared,
            worker,
            memory: None,
            allocate: None,
            limits,
            restricted: true,
            current: 0,
            effective: 0,
            root: 0,
            last_context: 0,
            configuring: false,
            stop_iteration: false,
            streams: HashMap::new(),
            call_tokens: CallTokens(1),
            http_call_tokens: CallTokens(0),
            calls: HashSet::new(),
            grpc_message: Bytes::new(),
            http_answer: None,
            grpc_status: (0, String::new()),
            metrics: MetricIds::default(),
            actions: Vec::new(),
            start_errors: Some(Vec::new()),
        }
    }

    /// A context id that no living context has.
    pub(crate) fn next_context(&mut self) -> u32 {
        loop {
            self.last_context = self.last_context.wrapping_add(1);
            let id = self.last_context;
            if id != 0 && id != self.root && !self.streams.contains_key(&id) {
                return id;
            }
        }
    }

    /// Whether `id` is the root or a living stream.
    pub(crate) fn has_context(&self, id: u32) -> bool {
        id == 0 || id == self.root || self.streams.contains_key(&id)
    }

    /// The context that a host function acts on.
    fn acting(&self) -> u32 {
        if self.effective != 0 && self.has_context(self.effective) {
            self.effective
        } else {
            self.current
        }
    }

    /// The stream that a host function acts on; none when that is the root context.
    pub(crate) fn stream(&self) -> Option<&Stream> {
        self.streams.get(&self.acting())
    }

    /// As [`Self::stream`], for changing.
    pub(crate) fn stream_mut(&mut self) -> Option<&mut Stream> {
        let id = self.acting();
        self.streams.get_mut(&id)
    }

    /// The header map of an ABI number, for reading.
    pub(crate) fn map(&self, kind: u32) -> Option<&Headers> {
        match kind {
            6 => self.http_answer.as_ref().map(|answer| &answer.headers),
            7 => self.http_answer.as_ref().map(|answer| &answer.trailers),
            _ => self.stream()?.map(kind),
        }
    }

    /// Logs a line of this VM.
    pub(crate) fn log(&mut self, level: LogLevel, message: String) {
        if level >= LogLevel::Error
            && let Some(errors) = &mut self.start_errors
        {
            errors.push(message.clone());
        }
        self.shared.logs.write(self.worker, level, message);
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("worker", &self.worker)
            .field("streams", &self.streams.len())
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}
