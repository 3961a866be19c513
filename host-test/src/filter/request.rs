//! The request side: headers, body and trailers through the plugin, as Envoy's filter manager does.

use super::{Asked, Chain, Outcome, Reset};
use crate::headers::{Headers, saturate};
use crate::reply::LocalReply;
use crate::vm::{Decided, Event};
use crate::worker::Dead;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::time::Instant;

/// Why a request does not go on.
enum End {
    /// The VM is gone.
    Dead,
    Reply(LocalReply),
    /// The plugin reset the stream, or the client broke the request off.
    Reset,
}

impl From<Dead> for End {
    fn from(_: Dead) -> Self {
        Self::Dead
    }
}

/// How far a request has come.
pub(super) struct Request<'a> {
    chain: &'a Chain,
    /// The client has sent everything.
    ended: bool,
    /// The plugin let the headers go on to the route.
    headers_passed: bool,
    /// Paused so that not even body callbacks come (`StopAllIteration`).
    stopped_all: bool,
    /// The last body callback paused: what the stream holds is shown again with what comes.
    buffering: bool,
    /// Body and trailers that came while all was stopped.
    unseen: BytesMut,
    unseen_trailers: Option<Headers>,
    /// Body that the plugin let go on to the route.
    passed: BytesMut,
    /// Everything has gone on to the route.
    complete: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(chain: &'a Chain, ended: bool) -> Self {
        Self {
            chain,
            ended,
            headers_passed: false,
            stopped_all: false,
            buffering: false,
            unseen: BytesMut::new(),
            unseen_trailers: None,
            passed: BytesMut::new(),
            complete: false,
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Runs until there is a reply, or all of the request has passed.
    pub(super) async fn run<B>(&mut self, body: &mut B) -> Result<Outcome, Reset>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        match self.pass(body).await {
            Ok(body) => Ok(Outcome::Passed(body)),
            Err(End::Dead) => Ok(Outcome::Reply(LocalReply::dead_vm())),
            Err(End::Reply(reply)) => Ok(Outcome::Reply(reply)),
            Err(End::Reset) => Err(Reset),
        }
    }

    async fn pass<B>(&mut self, body: &mut B) -> Result<Bytes, End>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        self.on_headers()?;
        loop {
            while let Some(asked) = self.chain.asked() {
                match asked {
                    Asked::Reset => return Err(End::Reset),
                    Asked::Reply(reply) => return Err(End::Reply(reply)),
                    Asked::ResumeRequest => self.on_resume()?,
                    // Nothing to resume yet.
                    Asked::ResumeResponse => {}
                }
            }
            if self.headers_passed && self.chain.answers_at_once() {
                let reply = LocalReply::by_host(404, "direct_response", "not found");
                return Err(End::Reply(reply));
            }
            if self.complete {
                return Ok(self.passed.split().freeze());
            }
            // What the plugin may not see is not read without end: Envoy stops reading as well.
            let full = self.stopped_all && self.unseen.len() > self.chain.buffer_limit();
            let idle = Instant::now() + self.chain.idle_timeout();
            tokio::select! {
                frame = body.frame(), if !self.ended && !full => self.on_frame(frame, body)?,
                () = self.chain.wake.notified() => {}
                () = tokio::time::sleep_until(idle) => return Err(End::Reply(self.idle_reply())),
            }
        }
    }

    fn idle_reply(&self) -> LocalReply {
        let status = if self.ended { 504 } else { 408 };
        LocalReply::by_host(status, "stream_idle_timeout", "stream timeout")
    }

    fn on_headers(&mut self) -> Result<(), Dead> {
        let count = self.chain.with(|stream| {
            stream.request.headers_open = true;
            stream.request.headers.count()
        })?;
        match self.chain.event(Event::RequestHeaders {
            count,
            end: self.ended,
        })? {
            Decided::Continue => {
                self.chain
                    .with(|stream| stream.request.headers_open = false)?;
                self.headers_passed = true;
                self.complete = self.ended;
            }
            Decided::Pause => self.stopped_all = !self.chain.can_pause_headers(),
            Decided::Stop => self.stopped_all = true,
        }
        Ok(())
    }

    /// One frame from the client, or the end of its request.
    fn on_frame<B>(
        &mut self,
        frame: Option<Result<Frame<Bytes>, B::Error>>,
        body: &B,
    ) -> Result<(), End>
    where
        B: Body<Data = Bytes>,
    {
        let Some(frame) = frame else {
            return self.on_data(&Bytes::new(), true);
        };
        let Ok(frame) = frame else {
            return Err(End::Reset);
        };
        let is_http2 = self
            .chain
            .with(|stream| stream.downstream.protocol == "HTTP/2")?;
        match frame.into_data() {
            // HTTP/1 learns of the end only after the last data, so that comes as a callback of
            // its own; HTTP/2 marks the last frame.
            Ok(data) => self.on_data(&data, is_http2 && body.is_end_stream()),
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) if is_http2 => {
                    let mut map = Headers::default();
                    for (name, value) in &trailers {
                        map.add(name.as_str().as_bytes(), value.as_bytes());
                    }
                    self.on_trailers(map)
                }
                // Envoy drops HTTP/1 trailers unless told otherwise.
                _ => Ok(()),
            },
        }
    }

    fn on_data(&mut self, data: &Bytes, end: bool) -> Result<(), End> {
        self.ended |= end;
        if self.stopped_all {
            self.unseen.extend_from_slice(data);
            return Ok(());
        }
        let size = self.chain.with(|stream| {
            stream.request.body.extend_from_slice(data);
            stream.request.body.len()
        })?;
        if self.buffering && size > self.chain.buffer_limit() {
            return Err(End::Reply(too_large()));
        }
        match self.chain.event(Event::RequestBody {
            size: saturate(size),
            end,
        })? {
            Decided::Continue => {
                self.pass_body()?;
                self.complete = self.ended;
            }
            Decided::Pause => {
                self.buffering = true;
                let size = self.chain.with(|stream| stream.request.body.len())?;
                if size > self.chain.buffer_limit() {
                    return Err(End::Reply(too_large()));
                }
            }
            // The reply comes next; nobody needs this data any more.
            Decided::Stop => self.chain.with(|stream| stream.request.body.clear())?,
        }
        Ok(())
    }

    fn on_trailers(&mut self, trailers: Headers) -> Result<(), End> {
        self.ended = true;
        if self.stopped_all {
            self.unseen_trailers = Some(trailers);
            return Ok(());
        }
        let count = trailers.count();
        self.chain.with(|stream| {
            stream.request.trailers = trailers;
            stream.request.trailers_open = true;
        })?;
        if self.chain.event(Event::RequestTrailers { count })? == Decided::Continue {
            self.chain
                .with(|stream| stream.request.trailers_open = false)?;
            self.pass_body()?;
            self.complete = true;
        }
        Ok(())
    }

    /// `proxy_continue_stream`. What was held in sight of the plugin goes on to the route; what
    /// came while all was stopped is shown to the plugin first.
    fn on_resume(&mut self) -> Result<(), End> {
        self.headers_passed = true;
        if !self.stopped_all {
            self.pass_body()?;
            self.complete = self.ended;
            return Ok(());
        }
        self.stopped_all = false;
        let (data, trailers) = (self.unseen.split().freeze(), self.unseen_trailers.take());
        let body_came = !data.is_empty();
        match trailers {
            Some(trailers) => {
                if body_came {
                    self.on_data(&data, false)?;
                }
                self.on_trailers(trailers)
            }
            None if body_came => self.on_data(&data, self.ended),
            None => {
                self.complete = self.ended;
                Ok(())
            }
        }
    }

    fn pass_body(&mut self) -> Result<(), Dead> {
        let body = self.chain.with(|stream| stream.request.body.split())?;
        self.passed.unsplit(body);
        self.headers_passed = true;
        self.buffering = false;
        Ok(())
    }
}

fn too_large() -> LocalReply {
    LocalReply::by_host(413, "request_payload_too_large", "Payload Too Large")
}
