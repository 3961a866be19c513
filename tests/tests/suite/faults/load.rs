//! A client that asks what those of the simulation ask, through all proxies in turn, and has every
//! request and answer recorded.

use hyper::{Method, Request};
use simulation::recorded::{Answer, Call, Client, Recorder};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::client::{self, Body, Reply};
use tests::{Findings, scim};

/// How long it waits after an answer that says to come again.
const PAUSE: Duration = Duration::from_millis(40);

/// One client.
pub(super) struct Load {
    number: usize,
    client: Client,
    /// One for each proxy.
    connections: Vec<client::Client>,
    recorder: Recorder,
    pub(super) tally: Tally,
    pub(super) findings: Findings,
}

/// How the requests of a client ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: usize,
    pub(super) reads: usize,
    pub(super) refused: usize,
    pub(super) open: usize,
}

impl Load {
    /// A client with connections of its own.
    pub(super) fn new(
        number: usize,
        client: Client,
        connections: Vec<client::Client>,
        recorder: &Recorder,
    ) -> Self {
        Self {
            number,
            client,
            connections,
            recorder: recorder.clone(),
            tally: Tally::default(),
            findings: Findings::default(),
        }
    }

    /// Works until told to stop.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            self.ask().await;
        }
        self
    }

    async fn ask(&mut self) {
        let call = self.client.choose();
        let edge = self.client.pick(self.connections.len());
        let through = &mut self.connections[edge];
        let request = request(through, &call);
        self.recorder.begins(self.number, edge, &call);
        let reply = through.try_send(request).await;
        // What a proxy says for want of an answer is none.
        let answer = reply.as_ref().ok().filter(|reply| reply.status != 504);
        let answer = answer.map(answer_of);
        self.recorder.ends(self.number, answer.clone());
        if let Some(answer) = &answer {
            self.client.heard(&call, answer);
        }
        match reply {
            Ok(reply) => self.count(&call, &reply),
            Err(_) => self.tally.open += 1,
        }
        if answer.is_none_or(|answer| answer.status == 503) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn count(&mut self, call: &Call, reply: &Reply) {
        let tally = &mut self.tally;
        match reply.status {
            200..400 if call.is_write() => tally.acknowledged += 1,
            200..400 => tally.reads += 1,
            503 | 504 => tally.open += 1,
            _ => tally.refused += 1,
        }
        if reply.status >= 400
            && let Err(wrong) = scim::expect_error(reply, &[reply.status])
        {
            self.findings.add(format!("{call:?}: {wrong}"));
        }
    }
}

fn request(client: &client::Client, call: &Call) -> Request<Body> {
    let wanted = call.to_send();
    let method = Method::from_bytes(wanted.method.as_bytes()).expect("a method");
    let mut builder = client.plain_request(method, &wanted.target);
    for (name, value) in wanted.headers {
        builder = builder.header(name, value);
    }
    let body = match wanted.body {
        body if body.is_empty() => client::empty(),
        body => client::full(body),
    };
    builder.body(body).expect("a valid request")
}

fn answer_of(reply: &Reply) -> Answer {
    let tag = reply.header("etag");
    Answer {
        status: reply.status,
        tag: (!tag.is_empty()).then(|| tag.to_owned()),
        body: reply.body.to_vec(),
    }
}
