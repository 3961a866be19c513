//! The way to the receivers of webhooks: HTTP calls of the host to a cluster, and what is told of
//! them.

use crate::executor::Executor;
use crate::metrics::Metrics;
use directory::config::Webhook;
use directory::environment::{Courier, Progress};
use serde_json::{Map, Value};
use std::rc::Rc;

/// The longest name of a cluster or authority.
const LONGEST_NAME: usize = 255;

/// The longest path.
const LONGEST_PATH: usize = 2_048;

/// Where a webhook's requests go. Its path may hold what only the receiver should know: nothing
/// logs it.
pub(crate) struct Receiver {
    /// The Envoy cluster.
    cluster: String,
    /// `:authority` of the requests.
    authority: String,
    /// `:path` of the requests.
    path: String,
}

/// Carries the requests of one webhook.
#[derive(Debug)]
pub(crate) struct EnvoyCourier {
    pub(crate) executor: Rc<Executor>,
    pub(crate) metrics: Rc<Metrics>,
    pub(crate) receiver: Rc<Receiver>,
}

impl Receiver {
    /// Takes the receiver's keys out of a webhook of the configuration.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub(crate) fn take(webhook: &mut Map<String, Value>) -> Result<Self, String> {
        let receiver = Self {
            cluster: name(webhook, "cluster")?,
            authority: name(webhook, "authority")?,
            path: text(webhook, "path", LONGEST_PATH)?,
        };
        if !receiver.path.starts_with('/') {
            return Err("path: must begin with \"/\"".to_owned());
        }
        Ok(receiver)
    }
}

fn name(webhook: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    text(webhook, key, LONGEST_NAME)
}

fn text(webhook: &mut Map<String, Value>, key: &str, longest: usize) -> Result<String, String> {
    match webhook.remove(key) {
        Some(Value::String(text))
            if (1..=longest).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(text)
        }
        _ => Err(format!(
            "{key}: must be 1 to {longest} characters from \"!\" to \"~\""
        )),
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("cluster", &self.cluster)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

impl Courier for EnvoyCourier {
    async fn post(
        &self,
        webhook: &Webhook,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<u16, &'static str> {
        let Receiver {
            cluster,
            authority,
            path,
        } = &*self.receiver;
        let mut all = vec![
            (":method", "POST"),
            (":authority", authority.as_str()),
            (":path", path.as_str()),
            ("user-agent", "scim-edge"),
        ];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        self.executor
            .call_http(cluster, all, body, webhook.timeout)
            .await
    }

    fn note(&self, webhook: &Webhook, progress: &Progress) {
        let name = &webhook.name;
        match progress {
            Progress::Begun => log::info!("webhook {name}: this worker delivers it now"),
            Progress::Delivered => self.metrics.webhook(name, "delivered", 1),
            Progress::Failed {
                event,
                attempts,
                reason,
            } => {
                self.metrics.webhook(name, "failed", 1);
                log::warn!(
                    "webhook {name}: event {event} was not acknowledged: {reason} (attempt {attempts})"
                );
            }
            Progress::Behind(events) => self.metrics.webhook_behind(name, *events),
            Progress::Missing(events) => {
                self.metrics.webhook(name, "missing", *events);
                log::error!(
                    "webhook {name}: {events} events are no longer in the event log and were not delivered; its receiver should read the directory anew"
                );
            }
            Progress::Ended { reason } => {
                self.metrics.webhook_behind(name, 0);
                log::warn!("webhook {name}: this worker does not deliver it any more: {reason}");
            }
        }
    }
}
