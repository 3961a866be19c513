//! What the clients of a real service ask for: what those of the simulation do, of more users and
//! groups.

use super::Answer;
use crate::answer::Said;
use crate::dice::Dice;
use crate::operation::{Call, Op, Query};
use crate::tenants::{Caller, TENANTS};
use crate::workload::{self, Known, Scale};
use directory::http::{Request, Response};
use std::sync::{Arc, Mutex, PoisonError};

const SCALE: Scale = Scale {
    numbers: 12,
    members: 8,
};

/// A client with a token of its own, so that an event tells whose it is.
#[derive(Debug)]
pub struct Client {
    caller: Caller,
    dice: Dice,
    /// What all clients of its tenant know.
    known: Arc<Mutex<Known>>,
    walk: Option<Query>,
}

impl Client {
    /// So many clients, of all tenants.
    #[must_use]
    pub fn all(count: usize, seed: u64) -> Vec<Self> {
        let known = TENANTS.map(|_| {
            let known = Known {
                scale: SCALE,
                ..Known::default()
            };
            Arc::new(Mutex::new(known))
        });
        let clients = (0..count).map(|number| {
            let caller = caller(number);
            Self {
                caller,
                dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(number as u64)),
                known: Arc::clone(&known[caller.tenant]),
                walk: None,
            }
        });
        clients.collect()
    }

    /// Chooses a request.
    pub fn choose(&mut self) -> Call {
        let goes_on = self.dice.chance(600);
        if let Some(query) = self.walk.take_if(|_| goes_on) {
            return Call {
                caller: self.caller,
                op: Op::List(query),
                version: None,
            };
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let call = workload::choose(&self.dice, self.caller, &known);
            // Nobody's token goes, and proxies clean up by themselves.
            if !matches!(call.op, Op::Revoke(_) | Op::Sweep) {
                return call;
            }
        }
    }

    /// Learns from an answer.
    pub fn heard(&mut self, call: &Call, answer: &Answer) {
        let Ok(said) = Said::of(&answer.response()) else {
            return;
        };
        if let Op::List(query) = &call.op
            && call.op.walk().is_some()
        {
            self.walk = query.next_page(&said);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.learn(&said.body);
        if let (Some(id), 404) = (call.op.target(), said.status) {
            known.forget(id);
        }
    }

    /// Which of several proxies a request is to go through.
    #[must_use]
    pub fn pick(&self, among: usize) -> usize {
        self.dice.below(among)
    }
}

/// The caller that a client is.
pub(super) fn caller(client: usize) -> Caller {
    Caller {
        tenant: client % TENANTS.len(),
        token: client / TENANTS.len(),
    }
}

impl Call {
    /// The request, as it is to be sent.
    #[must_use]
    pub fn to_send(&self) -> Request {
        self.request()
    }

    /// Whether it is to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.op.writes()
    }
}

impl Answer {
    pub(super) fn response(&self) -> Response {
        let tag = self.tag.iter();
        Response {
            status: self.status,
            headers: tag.map(|tag| ("etag", tag.clone())).collect(),
            body: self.body.clone(),
        }
    }
}
