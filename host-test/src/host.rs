//! The host: worker threads around one compiled plugin, and what an embedder does with them.

use crate::abi;
use crate::config::HostConfig;
use crate::error::{RequestError, StartError};
use crate::log::{LogBook, LogLine};
use crate::metrics::{Metric, Stats};
use crate::server::{self, Ends};
use crate::shared_data::SharedData;
use crate::state::Shared;
use crate::vm::{self, EPOCH_MILLISECONDS};
use crate::worker::{Plant, Worker};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use wasmtime::{Config, Engine, Module};

/// Stack of a plugin, as large as V8's.
const WASM_STACK: usize = 1 << 20;
/// Stack of a worker thread: the plugin's, twice over, as a host function calls its allocator.
const THREAD_STACK: usize = 8 << 20;

/// A running host. It stands for one Envoy process: workers share metrics, logs and shared data,
/// two hosts share nothing.
#[derive(Debug)]
pub struct Host {
    shared: Arc<Shared>,
    workers: Arc<[Inbox]>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
}

/// The way to a worker.
type Inbox = mpsc::UnboundedSender<Command>;
/// The way back to who asked.
type Answer = oneshot::Sender<Result<Response<Bytes>, RequestError>>;

#[derive(Debug)]
enum Command {
    /// Take connections and hand them to the workers in turn.
    Accept(TcpListener, Arc<[Inbox]>),
    Connection(TcpStream),
    Request(Box<Request<Bytes>>, Answer),
    MemorySize(oneshot::Sender<Option<usize>>),
    Stop,
}

impl Host {
    /// Compiles the plugin, starts the workers and configures the plugin in each.
    ///
    /// # Errors
    /// [`StartError`] when the module is not a proxy-wasm 0.2.1 plugin, or traps, or refuses its
    /// configuration.
    pub async fn start(config: HostConfig) -> Result<Self, StartError> {
        let (done, result) = oneshot::channel();
        // Compiling takes seconds of CPU: not on the embedder's event loop.
        std::thread::spawn(move || done.send(plant(config)));
        let stopped = |_| StartError::Worker("the compiler thread ended early".to_owned());
        let plant = result.await.map_err(stopped)??;
        watch_epochs(&plant.engine);

        let count = plant.shared.config.workers.max(1);
        let mut host = Self {
            shared: Arc::clone(&plant.shared),
            workers: Arc::new([]),
            threads: Vec::with_capacity(count),
            next: AtomicUsize::new(0),
        };
        let mut workers = Vec::with_capacity(count);
        for index in 0..count {
            let (commands, inbox) = mpsc::unbounded_channel();
            let (ready, started) = oneshot::channel();
            let plant = plant.clone();
            let thread = std::thread::Builder::new()
                .name(format!("worker-{index}"))
                .stack_size(THREAD_STACK)
                .spawn(move || run_worker(plant, index, inbox, ready))
                .map_err(|error| StartError::Worker(error.to_string()))?;
            host.threads.push(thread);
            workers.push(commands);
            // One after the other: a bad configuration is reported once.
            let stopped = |_| StartError::Worker(format!("worker {index} ended early"));
            started.await.map_err(stopped)??;
        }
        host.workers = workers.into();
        Ok(host)
    }

    /// Opens an HTTP/1.1 and HTTP/2 (prior knowledge) listener and returns its address, which tells
    /// the port when `address` has port 0. It stays open until the host is shut down.
    ///
    /// # Errors
    /// [`StartError::AddressInUse`] or [`StartError::Listen`].
    pub async fn listen(&self, address: SocketAddr) -> Result<SocketAddr, StartError> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
            _ => StartError::Listen { address, source },
        };
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(failed)?;
        let listener = listener.into_std().map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let accept = Command::Accept(listener, Arc::clone(&self.workers));
        let sent = self.workers.first().map(|worker| worker.send(accept));
        match sent {
            Some(Ok(())) => Ok(bound),
            _ => Err(StartError::Worker("the first worker has ended".to_owned())),
        }
    }

    /// Answers one request without a connection, as HTTP/1.1; workers take turns. The request needs
    /// a host, in its URI or its headers. Dropping the future is a client that goes away.
    ///
    /// # Errors
    /// [`RequestError`] when the plugin resets the stream or the host is shut down meanwhile.
    pub async fn request(&self, request: Request<Bytes>) -> Result<Response<Bytes>, RequestError> {
        let turn = self.next.fetch_add(1, Relaxed) % self.workers.len().max(1);
        let worker = self.workers.get(turn).ok_or(RequestError::Stopped)?;
        let (answer, response) = oneshot::channel();
        let sent = worker.send(Command::Request(Box::new(request), answer));
        sent.map_err(|_| RequestError::Stopped)?;
        response.await.map_err(|_| RequestError::Stopped)?
    }

    /// The metrics that the plugin defined, with their values over all workers.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        self.shared.stats.snapshot()
    }

    /// What the plugin, and the host about the plugin, logged: the last 10,000 lines.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.shared.logs.lines()
    }

    /// Bytes of linear memory of each worker's VM; `None` for a VM that trapped and was not
    /// reloaded yet.
    pub async fn memory_sizes(&self) -> Vec<Option<usize>> {
        let mut sizes = Vec::with_capacity(self.workers.len());
        for worker in self.workers.iter() {
            let (answer, size) = oneshot::channel();
            // A worker that has ended has no VM either.
            let _ = worker.send(Command::MemorySize(answer));
            sizes.push(size.await.ok().flatten());
        }
        sizes
    }

    /// Closes listeners and connections, ends the plugin's contexts and waits for the workers.
    pub async fn shutdown(mut self) {
        self.stop();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a worker thread panicked");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("the host's workers could not be waited for");
        }
    }

    fn stop(&self) {
        for worker in self.workers.iter() {
            // One that has ended is stopped already.
            let _ = worker.send(Command::Stop);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
    }
}

fn plant(config: HostConfig) -> Result<Plant, StartError> {
    let mut settings = Config::new();
    settings.epoch_interruption(true).max_wasm_stack(WASM_STACK);
    let bad = |error: wasmtime::Error| StartError::BadModule(format!("{error:#}"));
    let link = |error: wasmtime::Error| StartError::Link(format!("{error:#}"));
    let engine = Engine::new(&settings).map_err(bad)?;
    let module = Module::from_binary(&engine, &config.plugin.wasm).map_err(bad)?;
    vm::check(&module)?;
    let linker = abi::linker(&engine).map_err(link)?;
    let plugin = linker.instantiate_pre(&module).map_err(link)?;
    let shared = Arc::new(Shared {
        logs: LogBook::new(config.log_level),
        stats: Stats::default(),
        data: SharedData::default(),
        started: Instant::now(),
        connections: AtomicU64::new(0),
        config,
    });
    Ok(Plant {
        shared,
        engine,
        plugin,
    })
}

/// Moves the engine's clock, by which callbacks that run too long are ended. Ends with the engine.
fn watch_epochs(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(Duration::from_millis(EPOCH_MILLISECONDS));
        }
    });
}

fn run_worker(
    plant: Plant,
    index: usize,
    mut inbox: mpsc::UnboundedReceiver<Command>,
    ready: oneshot::Sender<Result<(), StartError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(StartError::Worker(error.to_string())));
            return;
        }
    };
    let tasks = LocalSet::new();
    let worker = tasks.block_on(&runtime, async {
        let worker = match Worker::start(plant, index) {
            Ok(worker) => worker,
            Err(error) => {
                let _ = ready.send(Err(error));
                return None;
            }
        };
        if ready.send(Ok(())).is_ok() {
            while let Some(command) = inbox.recv().await {
                if matches!(command, Command::Stop) {
                    break;
                }
                obey(&worker, command);
            }
        }
        Some(worker)
    });
    let Some(worker) = worker else { return };
    worker.stop();
    // Dropping the tasks drops the connections, which ends the plugin's stream contexts.
    drop(tasks);
    worker.end();
}

fn obey(worker: &Rc<Worker>, command: Command) {
    let worker = Rc::clone(worker);
    match command {
        Command::Accept(listener, workers) => {
            tokio::task::spawn_local(accept(listener, workers));
        }
        Command::Connection(stream) => match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => {
                tokio::task::spawn_local(server::serve_connection(worker, stream));
            }
            Err(error) => tracing::warn!(%error, "a connection was lost"),
        },
        Command::Request(request, answer) => {
            tokio::task::spawn_local(serve_request(worker, *request, answer));
        }
        Command::MemorySize(answer) => {
            let _ = answer.send(worker.memory_size());
        }
        Command::Stop => {}
    }
}

async fn accept(listener: TcpListener, workers: Arc<[Inbox]>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the listener was lost"),
    };
    for worker in workers.iter().cycle() {
        let accepted = listener
            .accept()
            .await
            .and_then(|(stream, _)| stream.into_std());
        match accepted {
            Ok(stream) => {
                // A worker that has ended: the host is shutting down.
                let _ = worker.send(Command::Connection(stream));
            }
            Err(error) => {
                // Out of file descriptors, most likely: do not spin until some are free.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_request(worker: Rc<Worker>, request: Request<Bytes>, mut answer: Answer) {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let connection_id = worker
        .shared()
        .connections
        .fetch_add(1, Relaxed)
        .wrapping_add(1);
    let ends = Ends {
        connection_id,
        source: nowhere,
        destination: nowhere,
    };
    let (parts, body) = request.into_parts();
    let mut body = Full::new(body);
    let served = tokio::select! {
        served = server::respond(&worker, ends, &parts, &mut body) => served,
        () = answer.closed() => return,
    };
    // Nobody waits any more: then it was answered for nothing.
    let _ = answer.send(
        served
            .map(|(response, _)| response)
            .map_err(|_| RequestError::Reset),
    );
}
