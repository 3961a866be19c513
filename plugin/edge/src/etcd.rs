//! etcd behind an Envoy cluster: its calls are gRPC calls of the host, and each is counted
//! and timed.

use crate::environment::now_millis;
use crate::executor::Executor;
use crate::metrics::Metrics;
use etcd_kv::{NotSent, Reply, Transport};
use std::rc::Rc;
use std::time::Duration;

/// An Envoy cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) executor: Rc<Executor>,
    pub(crate) metrics: Rc<Metrics>,
    /// See [`Store::grpc_service`](crate::config::Store::grpc_service).
    pub(crate) upstream: String,
    pub(crate) timeout: Duration,
}

impl Transport for Cluster {
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        message: &[u8],
    ) -> Result<Reply, NotSent> {
        let started = now_millis();
        let reply = self
            .executor
            .call(&self.upstream, service, method, message, self.timeout)
            .await;
        let elapsed = self.executor.polled_at().saturating_sub(started);
        let failure = match &reply {
            Ok(Ok(_)) => None,
            Ok(Err((code, message))) => Some((*code, message.as_str())),
            Err(NotSent(status)) => Some((*status, "the proxy did not send it")),
        };
        self.metrics.store_call(method, failure.is_none(), elapsed);
        if let Some((status, reason)) = failure {
            log::warn!("store: {method} failed: {reason} (status {status})");
        }
        reply
    }
}
