//! Webhooks: each event of a tenant, told to a receiver in the order of the store's revisions, at
//! least once.
//!
//! ```text
//! every instance   looks now and then whether somebody holds the webhook, and takes it if nobody does
//! the holder       reads the next events ──▶ POST ──▶ 2xx ──▶ cursor = that event ──▶ the next one
//!                                              └── anything else: the same again, later
//! ```
//!
//! The cursor is in the store and is only ever written by a transaction that compares that the
//! holder's key is the one the writer has put. So whoever dies, at whatever moment, another goes on
//! behind the last event that was acknowledged and noted: one event may be told twice, and none is
//! left out.
//!
//! - [`message`]: the request, and its signature
//! - [`holder`]: who delivers, and how far it has come
//! - [`due`]: what is to be delivered

mod due;
mod holder;
mod message;

use crate::Directory;
use crate::config::Webhook;
use crate::environment::{Clock, Courier, Entropy, Progress};
use crate::keys::last_segment;
use crate::kv::{KeyValue, Kv};
use crate::trace::Trace;
use holder::Held;
use scim::Error;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// How often whoever does not deliver looks whether anybody does, at least; at most twice as often.
const LOOK: Duration = Duration::from_secs(4);

/// How often the holder looks for events.
const POLL: Duration = Duration::from_millis(250);

/// How long to wait after the first failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why a holder is none any more.
const TAKEN: &str = "another instance has taken it";

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Delivers a webhook of the configuration, or waits until nobody else does, for as long as it
    /// is polled. It may be dropped anywhere: another instance goes on.
    pub async fn deliver(&self, webhook: &Webhook, courier: &impl Courier) -> Infallible {
        let mut said = String::new();
        let mut id = String::new();
        loop {
            let jitter = LOOK.div_f32(2.0).mul_f32(self.random());
            self.clock.sleep(LOOK.div_f32(2.0) + jitter).await;
            let taken = match id.is_empty() {
                true => self.new_id().map(|new| id = new),
                false => Ok(()),
            };
            let held = match taken {
                Ok(()) => self.take(webhook, &id).await,
                Err(error) => Err(error),
            };
            let ended = match held {
                Ok(None) => continue,
                Ok(Some(held)) => {
                    said.clear();
                    courier.note(webhook, &Progress::Begun);
                    self.hold(held, webhook, courier).await
                }
                Err(error) => Err(error),
            };
            let reason = ended.map_or_else(|error| error.to_string(), |()| TAKEN.to_owned());
            // Once is enough, however long it lasts.
            if reason != said {
                said.clone_from(&reason);
                courier.note(webhook, &Progress::Ended { reason });
            }
        }
    }

    /// Delivers until somebody else does. After an error nobody knows what the store holds: it is
    /// to be asked anew.
    async fn hold(
        &self,
        mut held: Held,
        webhook: &Webhook,
        courier: &impl Courier,
    ) -> Result<(), Error> {
        let mut trace = Trace::default();
        let mut session = self.own_session(webhook.tenant.clone(), &mut trace);
        let mut events = VecDeque::new();
        let (mut attempts, mut not_before) = (0, 0);
        loop {
            let now = self.clock.now_millis();
            if held.is_due(now) && !self.stay_holder(&mut held).await? {
                return Ok(());
            }
            let Some(event) = events.front() else {
                let due = self.due(&mut session, &mut held, webhook, courier);
                match due.await? {
                    None => return Ok(()),
                    Some(due) => events = due,
                }
                if events.is_empty() {
                    self.clock.sleep(POLL).await;
                }
                continue;
            };
            if now < not_before {
                let left = Duration::from_millis(not_before - now);
                self.clock.sleep(left.min(LOOK)).await;
                continue;
            }
            match self.post(webhook, courier, event).await? {
                Ok(()) => {
                    if !self.advance(&mut held, event).await? {
                        return Ok(());
                    }
                    events.pop_front();
                    (attempts, not_before) = (0, 0);
                    courier.note(webhook, &Progress::Delivered);
                    courier.note(webhook, &Progress::Behind(held.behind()));
                }
                Err(reason) => {
                    attempts += 1;
                    let failed = Progress::Failed {
                        event: last_segment(&event.key).unwrap_or_default(),
                        attempts,
                        reason,
                    };
                    courier.note(webhook, &failed);
                    not_before = self.clock.now_millis() + self.backoff(attempts);
                    self.look(&mut held).await?;
                    courier.note(webhook, &Progress::Behind(held.behind()));
                }
            }
        }
    }

    /// Tells the receiver of an event; what it did instead of acknowledging it.
    async fn post(
        &self,
        webhook: &Webhook,
        courier: &impl Courier,
        event: &KeyValue,
    ) -> Result<Result<(), String>, Error> {
        let message = message::of(webhook, event, self.clock.now_millis())?;
        let answer = courier.post(webhook, &message.headers, &message.body).await;
        Ok(match answer {
            Ok(200..=299) => Ok(()),
            Ok(503) => {
                Err("503 came back, maybe from the proxy that cannot reach the receiver".to_owned())
            }
            Ok(status) => Err(format!("the receiver answered {status}")),
            Err(reason) => Err(reason.to_owned()),
        })
    }

    /// For how many milliseconds to wait after so many failures.
    fn backoff(&self, attempts: u32) -> u64 {
        let (first, most) = BACKOFF;
        let factor = 1 << attempts.saturating_sub(1).min(10);
        let whole = (first * factor).min(most);
        let wait = whole.mul_f32(0.5 + 0.5 * self.random());
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
    }

    /// Something from 0 to 1; 1 when there is no randomness.
    fn random(&self) -> f32 {
        let mut byte = [u8::MAX];
        let _ = self.entropy.fill(&mut byte);
        let [byte] = byte;
        f32::from(byte) / f32::from(u8::MAX)
    }
}
