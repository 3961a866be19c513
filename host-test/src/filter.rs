//! One request's way through the filter chain: plugin, then fallback, then the plugin again.

mod request;
mod response;

use crate::config::Fallback;
use crate::headers::Headers;
use crate::reply::{LocalReply, to_response};
use crate::stream::{Downstream, Stream};
use crate::vm::{Decided, Event};
use crate::worker::{Dead, Generation, Worker};
use bytes::Bytes;
use hyper::Response;
use hyper::body::Body;
use request::Request;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// The stream ended without a response: the plugin reset it, or the client broke it off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reset;

/// A response and what it means for the connection.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) response: Response<Bytes>,
    /// The request's body had not been read to its end.
    pub(crate) early: bool,
}

/// What the request side came to.
#[derive(Debug)]
enum Outcome {
    /// A reply made in the chain.
    Reply(LocalReply),
    /// The plugin let the whole request pass.
    Passed(Bytes),
}

/// Handles one request. `body` stays with the caller, who may have to read its rest.
pub(crate) async fn serve<B>(
    worker: &Rc<Worker>,
    downstream: Downstream,
    headers: Headers,
    body: &mut B,
) -> Result<Served, Reset>
where
    B: Body<Data = Bytes> + Unpin,
{
    let is_head = headers.first(b":method") == Some(b"HEAD");
    let end = body.is_end_stream();
    let Ok(chain) = Chain::open(worker, downstream, headers) else {
        let mapper = worker.shared().config.local_reply.as_ref();
        let (headers, body) = LocalReply::dead_vm().encode(mapper);
        return Ok(Served {
            response: to_response(&headers, body, is_head),
            early: !end,
        });
    };
    let mut request = Request::new(&chain, end);
    let outcome = request.run(body).await?;
    let early = !request.ended();
    let (headers, body) = response::run(&chain, outcome, is_head).await?;
    Ok(Served {
        response: to_response(&headers, body, is_head),
        early,
    })
}

/// The plugin's context for this stream. Its end, whether by a response or because the client has
/// gone and this future was dropped, is the end of the context.
struct Chain {
    worker: Rc<Worker>,
    generation: Generation,
    id: u32,
    wake: Rc<Notify>,
}

/// Something the plugin asked for, maybe from another stream's callback.
#[derive(Debug)]
enum Asked {
    Reply(LocalReply),
    Reset,
    ResumeRequest,
    ResumeResponse,
}

impl Chain {
    fn open(worker: &Rc<Worker>, downstream: Downstream, headers: Headers) -> Result<Self, Dead> {
        let generation = worker.live()?;
        let stream = Stream::new(downstream, headers);
        let wake = Rc::clone(&stream.wake);
        let id = worker.enter(generation, |vm| {
            let id = vm.state_mut().next_context();
            vm.state_mut().streams.insert(id, stream);
            vm.create_stream(id)?;
            Ok(id)
        })?;
        Ok(Self {
            worker: Rc::clone(worker),
            generation,
            id,
            wake,
        })
    }

    /// Looks at or changes the stream's state, without calling the plugin.
    fn with<R>(&self, read: impl FnOnce(&mut Stream) -> R) -> Result<R, Dead> {
        let read = |vm: &mut crate::vm::Vm| Ok(vm.state_mut().streams.get_mut(&self.id).map(read));
        self.worker.enter(self.generation, read)?.ok_or(Dead)
    }

    fn event(&self, event: Event) -> Result<Decided, Dead> {
        self.worker
            .enter(self.generation, |vm| vm.event(self.id, event))
    }

    /// What the plugin asked for since the last look, most final first. A dead VM asks nothing.
    fn asked(&self) -> Option<Asked> {
        let asked = self.with(|stream| {
            if stream.reset {
                Some(Asked::Reset)
            } else if let Some(reply) = stream.local_reply.take() {
                Some(Asked::Reply(reply))
            } else if std::mem::take(&mut stream.request.resumed) {
                Some(Asked::ResumeRequest)
            } else if std::mem::take(&mut stream.response.resumed) {
                Some(Asked::ResumeResponse)
            } else {
                None
            }
        });
        asked.ok().flatten()
    }

    fn idle_timeout(&self) -> Duration {
        self.worker.shared().config.stream_idle_timeout
    }

    fn buffer_limit(&self) -> usize {
        self.worker.shared().config.buffer_limit
    }

    fn answers_at_once(&self) -> bool {
        matches!(self.worker.shared().config.fallback, Fallback::NotFound)
    }

    fn can_pause_headers(&self) -> bool {
        self.worker
            .shared()
            .config
            .plugin
            .allow_on_headers_stop_iteration
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // A trap in the last callbacks ends the VM as any other; the response is made already.
        let _ = self
            .worker
            .enter(self.generation, |vm| vm.end_stream(self.id));
    }
}
