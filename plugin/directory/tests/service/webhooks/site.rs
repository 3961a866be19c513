//! A directory with a webhook, a receiver that verifies what it gets and behaves as it is told, and
//! instances that deliver and can be killed between any two steps.

use crate::steps::stop;
use crate::support::{Dice, World, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use directory::config::Webhook;
use directory::environment::{Clock as _, Courier, Progress};
use directory::kv::memory::MemoryKv;
use directory::kv::{Kv, KvError, LeaseId, Op, Range, RangeReply, Txn, TxnReply};
use directory::simulation::{ManualClock, SeededEntropy, block_on};
use directory::{Config, Directory};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

/// The bytes of the secret, in base64.
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The store, whose leases end by the clock, with a stop before and after each call.
#[derive(Clone)]
pub(super) struct Leased {
    kv: MemoryKv,
    clock: ManualClock,
    ends: Rc<RefCell<Vec<(LeaseId, u64)>>>,
}

impl Leased {
    fn expire(&self) {
        let now = self.clock.now_millis();
        self.ends.borrow_mut().retain(|(lease, end)| {
            let lasts = *end > now;
            if !lasts {
                self.kv.revoke_lease(*lease);
            }
            lasts
        });
    }
}

impl Kv for Leased {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        stop().await;
        self.expire();
        let reply = self.kv.range(range).await;
        stop().await;
        reply
    }

    async fn txn(&self, txn: Txn) -> Result<TxnReply, KvError> {
        stop().await;
        self.expire();
        let reply = self.kv.txn(txn).await;
        stop().await;
        reply
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        stop().await;
        let lease = self.kv.grant_lease(ttl_seconds).await?;
        let end = self.clock.now_millis() + 1_000 * u64::try_from(ttl_seconds).unwrap();
        self.ends.borrow_mut().push((lease, end));
        stop().await;
        Ok(lease)
    }
}

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Acknowledge,
    /// It has the event, and answers with an error.
    Refuse(u16),
    /// It has the event, and dies before it answers.
    Die,
    /// Nobody is there.
    Away,
    /// It has the event, and takes its time to acknowledge it.
    Slow(Duration),
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) id: String,
    pub(super) body: Value,
    pub(super) at: u64,
}

/// The receiver.
#[derive(Clone)]
pub(super) struct Receiver {
    clock: ManualClock,
    pub(super) heard: Rc<RefCell<Vec<Heard>>>,
    pub(super) told: Rc<RefCell<Vec<Progress>>>,
    /// What it does first; then it acknowledges.
    pub(super) answers: Rc<RefCell<VecDeque<Answer>>>,
}

impl Receiver {
    /// The events by the first time that each came.
    pub(super) fn events(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for heard in self.heard.borrow().iter() {
            if !seen.contains(&heard.id) {
                seen.push(heard.id.clone());
            }
        }
        seen
    }

    pub(super) fn was_told(&self, progress: &Progress) -> bool {
        self.told.borrow().contains(progress)
    }

    fn take(&self, headers: &[(&'static str, String)], body: &[u8]) {
        let header = |name| {
            let found = headers.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        assert_eq!(header("content-type"), "application/json");
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        assert_eq!(timestamp, (self.clock.now_millis() / 1_000).to_string());
        let key = STANDARD.decode(SECRET).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
        let body = serde_json::from_slice(body).unwrap();
        let at = self.clock.now_millis();
        self.heard.borrow_mut().push(Heard { id, body, at });
    }
}

impl Courier for Receiver {
    async fn post(
        &self,
        webhook: &Webhook,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<u16, &'static str> {
        let answer = self.answers.borrow_mut().pop_front();
        let answer = answer.unwrap_or(Answer::Acknowledge);
        if !matches!(answer, Answer::Away) {
            self.take(headers, body);
        }
        stop().await;
        match answer {
            Answer::Acknowledge => Ok(204),
            Answer::Refuse(status) => Ok(status),
            Answer::Die | Answer::Away => Err("the connection failed"),
            Answer::Slow(time) => {
                self.clock.advance(time.min(webhook.timeout));
                stop().await;
                match time > webhook.timeout {
                    true => Ok(504),
                    false => Ok(200),
                }
            }
        }
    }

    fn note(&self, _: &Webhook, progress: &Progress) {
        self.told.borrow_mut().push(progress.clone());
    }
}

/// An instance that delivers.
pub(super) type Running = Pin<Box<dyn Future<Output = Infallible>>>;

pub(super) struct Site {
    pub(super) world: World,
    pub(super) receiver: Receiver,
    store: Leased,
    instances: Cell<u64>,
}

impl Site {
    pub(super) fn new() -> Self {
        let world = World::new();
        let clock = world.clock.clone();
        Self {
            store: Leased {
                kv: world.kv.clone(),
                clock: clock.clone(),
                ends: Rc::default(),
            },
            receiver: Receiver {
                clock,
                heard: Rc::default(),
                told: Rc::default(),
                answers: Rc::default(),
            },
            world,
            instances: Cell::new(100),
        }
    }

    /// One more instance. Dropping it is `kill -9`.
    pub(super) fn start(&self) -> Running {
        self.instances.set(self.instances.get() + 1);
        let webhook = json!({"name": "hr", "tenant": "acme", "secret": format!("whsec_{SECRET}")});
        let config = Config::from_value(json!({"webhooks": [webhook]})).unwrap();
        let directory = Directory::new(
            config.registry().unwrap(),
            config,
            self.store.clone(),
            self.world.clock.clone(),
            SeededEntropy::new(self.instances.get()),
        );
        let receiver = self.receiver.clone();
        Box::pin(async move {
            let webhook = directory.config().webhooks[0].clone();
            directory.deliver(&webhook, &receiver).await
        })
    }

    /// One more instance, which has begun to deliver, so that the webhook has a cursor.
    pub(super) fn begun(&self) -> Running {
        let mut running = self.start();
        run(&mut running, || self.holds("cursor"));
        running
    }

    /// Whether a key of the webhook is there.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.world.holds(&format!("webhook/hr/{key}"))
    }

    /// The ids of all events after a revision, in their order.
    pub(super) fn events_after(&self, revision: i64) -> Vec<String> {
        let log = self.world.log("acme").into_iter();
        let new = log.filter(|kv| kv.mod_revision > revision);
        new.map(|kv| String::from_utf8(kv.key[16..].to_vec()).unwrap())
            .collect()
    }

    /// Creates users, so that there are events.
    pub(super) fn users(&self, names: impl IntoIterator<Item = String>) -> Vec<String> {
        names
            .into_iter()
            .map(|name| self.world.user(&name))
            .collect()
    }

    /// Deletes the record of an event, as somebody who makes room.
    pub(super) fn forget(&self, event: &str) {
        let txn = Txn {
            then: vec![Op::delete(format!("scim/acme/event/{event}"))],
            ..Txn::default()
        };
        self.world.kv.apply(&txn).unwrap();
    }

    /// Creates a user through an instance whose clock is late.
    pub(super) fn late_user(&self, name: &str, late: Duration) {
        let millis = u64::try_from(late.as_millis()).unwrap();
        let clock = ManualClock::at(self.world.clock.now_millis() - millis);
        let config = Config::from_value(json!({})).unwrap();
        let registry = config.registry().unwrap();
        let kv = self.world.kv.clone();
        let other = Directory::new(registry, config, kv, clock, SeededEntropy::new(9));
        let create = request("POST", "/Users", Some(&json!({"userName": name})));
        let status = block_on(other.handle(&create)).response.status;
        assert_eq!(status, 201);
    }
}

/// Polls an instance once.
pub(super) fn step(running: &mut Running) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(running.as_mut().poll(&mut context).is_pending());
}

/// Runs an instance until something is so.
#[track_caller]
pub(super) fn run(running: &mut Running, is_so: impl Fn() -> bool) {
    run_any(&mut [running], &Dice::new(1), is_so);
}

/// Runs instances, in an order by chance, until something is so.
#[track_caller]
pub(super) fn run_any(running: &mut [&mut Running], dice: &Dice, is_so: impl Fn() -> bool) {
    for _ in 0..200_000 {
        if is_so() {
            return;
        }
        let one = dice.below(running.len());
        step(running[one]);
    }
    panic!("it never comes so far");
}
