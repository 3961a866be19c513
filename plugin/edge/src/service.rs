//! What all streams of a configuration share: the directory, what it does in the background, and
//! the way of an answer back to the client.

use crate::bodies::{Bodies, Share};
use crate::config::Config;
use crate::courier::{EnvoyCourier, Receiver};
use crate::environment::{HostClock, HostEntropy, now_millis};
use crate::etcd::Cluster;
use crate::executor::{Executor, TaskId};
use crate::memory::VmMemory;
use crate::metrics::Metrics;
use crate::shared::SharedData;
use directory::environment::{Clock, Entropy};
use directory::http::{Request, Response};
use directory::{Answer, ConfigError, Directory};
use etcd_kv::{EtcdKv, Reply};
use proxy_wasm::hostcalls;
use scim::json::tree_bytes;
use std::rc::Rc;
use std::time::Duration;

/// How long to wait between two generations that are cleaned up.
const BETWEEN: Duration = Duration::from_secs(1);

/// How long to wait, at least, before looking again for what is to be cleaned up.
const IDLE: Duration = Duration::from_secs(15);

/// The service of one configuration.
#[derive(Debug)]
pub(crate) struct Service {
    directory: Rc<Directory<EtcdKv<Cluster>, HostClock, HostEntropy>>,
    executor: Rc<Executor>,
    metrics: Rc<Metrics>,
    bodies: Rc<Bodies>,
    receivers: Vec<Rc<Receiver>>,
}

impl Service {
    /// Compiles everything that requests need.
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        let executor = Rc::<Executor>::default();
        let metrics = Rc::<Metrics>::default();
        let kv = EtcdKv(Cluster {
            executor: Rc::clone(&executor),
            metrics: Rc::clone(&metrics),
            upstream: config.store.grpc_service(),
            timeout: config.store.timeout(),
        });
        let clock = HostClock(Rc::clone(&executor));
        let bodies = Bodies::new(config.directory.limits.max_request_memory_bytes);
        let directory = Directory::new(
            config.directory.registry()?,
            config.directory,
            kv,
            clock,
            HostEntropy,
        )
        .sharing(SharedData)
        .within(VmMemory);
        Ok(Self {
            directory: Rc::new(directory),
            executor,
            metrics,
            bodies: Rc::new(bodies),
            receivers: config.receivers.into_iter().map(Rc::new).collect(),
        })
    }

    /// Begins to clean up, for as long as the VM lives, what large changes leave, to keep what
    /// is remembered of decisions up to date, and to note which tokens were used.
    /// Every worker does, each in a rhythm of its own: most find nothing to do.
    pub(crate) fn keep_clean(&self, root: TaskId) {
        let directory = Rc::clone(&self.directory);
        let clock = HostClock(Rc::clone(&self.executor));
        // It has no answer, as it has no end.
        let _ = self.executor.start(root, async move {
            loop {
                clock.sleep(IDLE + IDLE.mul_f32(random())).await;
                // When it is away, that shows in its own stats and log lines.
                let _ = directory.keep_remembered().await;
                let _ = directory.note_token_uses().await;
                while let Ok(true) = directory.sweep().await {
                    clock.sleep(BETWEEN).await;
                }
            }
        });
    }

    /// Begins to deliver the webhooks, each for itself, for as long as the VM lives. Every worker
    /// does; which of them sends is settled in the store.
    pub(crate) fn deliver_webhooks(&self, root: TaskId) {
        let webhooks = self.config().webhooks.iter().cloned();
        for (at, (webhook, receiver)) in webhooks.zip(&self.receivers).enumerate() {
            let directory = Rc::clone(&self.directory);
            let courier = EnvoyCourier {
                executor: Rc::clone(&self.executor),
                metrics: Rc::clone(&self.metrics),
                receiver: Rc::clone(receiver),
            };
            // It has no answer, as it has no end.
            let _ = self.executor.start(root.beside(at + 1), async move {
                match directory.deliver(&webhook, &courier).await {}
            });
        }
    }

    /// The directory's configuration.
    pub(crate) fn config(&self) -> &directory::Config {
        self.directory.config()
    }

    /// The share of a body that begins to come.
    pub(crate) fn share(&self) -> Share {
        self.bodies.begin()
    }

    /// Begins to serve a request that was read whole, whose body has this share.
    pub(crate) fn serve(&self, stream: TaskId, request: Request, mut share: Share) {
        let most = self.config().limits.max_json_values;
        if let Err(error) = share.grow(tree_bytes(&request.body, most)) {
            return self.refuse(&error);
        }
        let directory = Rc::clone(&self.directory);
        let metrics = Rc::clone(&self.metrics);
        let executor = Rc::clone(&self.executor);
        let answer = self.executor.start(stream, async move {
            let started = executor.polled_at();
            let answer = directory.handle(&request).await;
            let elapsed = now_millis().saturating_sub(started);
            metrics.request(answer.trace.operation, answer.response.status, elapsed);
            if let Some(source) = answer.trace.decided {
                metrics.decision(source.name());
            }
            drop((request, share));
            answer
        });
        if let Some(answer) = answer {
            send(&answer);
        }
    }

    /// Answers without asking the directory.
    pub(crate) fn refuse(&self, error: &scim::Error) {
        self.metrics.request("refused", error.status(), 0);
        send_response(&directory::error_response(error));
    }

    /// The stream ended; whatever was done for it is not needed any more.
    pub(crate) fn cancel(&self, stream: TaskId) {
        self.executor.cancel(stream);
    }

    /// The reply to a call of the store has come.
    pub(crate) fn complete(&self, token: u32, reply: Reply) {
        if let Some((stream, answer)) = self.executor.complete(token, reply) {
            send_to(stream, &answer);
        }
    }

    /// The answer to an HTTP call has come; its status, if there was one.
    pub(crate) fn complete_http(&self, token: u32, status: Option<u16>) {
        if let Some((stream, answer)) = self.executor.complete_http(token, status) {
            send_to(stream, &answer);
        }
    }

    /// Lets tasks go on that paused.
    pub(crate) fn tick(&self) {
        for (stream, answer) in self.executor.tick() {
            send_to(stream, &answer);
        }
    }
}

fn send_to(stream: TaskId, answer: &Answer) {
    if hostcalls::set_effective_context(stream.context()).is_ok() {
        send(answer);
    }
}

fn send(answer: &Answer) {
    if let Some(line) = answer.trace.log_line(answer.response.status) {
        log::info!("{line}");
    }
    send_response(&answer.response);
}

fn send_response(response: &Response) {
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let body = (!response.body.is_empty()).then_some(response.body.as_slice());
    if hostcalls::send_http_response(response.status.into(), headers, body).is_err() {
        log::error!("the host did not take the response");
    }
}

/// Something from 0 to 1; 1 when there is no randomness.
fn random() -> f32 {
    let mut byte = [u8::MAX];
    let _ = HostEntropy.fill(&mut byte);
    let [byte] = byte;
    f32::from(byte) / f32::from(u8::MAX)
}
