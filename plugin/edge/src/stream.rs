//! One HTTP stream: collects the request, hands it on, ends with the stream.
//!
//! The body is taken out of the host's buffer chunk by chunk, so that the limit
//! that holds is ours and its refusal is a SCIM error. Needs
//! `allow_on_headers_stop_iteration: true` in the plugin's configuration:
//! without it, Envoy keeps the body back while the headers are paused.

use crate::bodies::Share;
use crate::executor::TaskId;
use crate::service::Service;
use directory::http::{Request, Source};
use etcd_kv::Reply;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};
use scim::Error;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// The context of a stream.
#[derive(Debug)]
pub(crate) struct Stream {
    id: TaskId,
    service: Option<Rc<Service>>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not ours: everything passes.
    Passing,
    /// The body is coming, and has its share of the memory for bodies.
    Receiving(Request, Share),
    /// The request is refused for its body, which is read to its end all the same,
    /// without keeping it: a client that is still sending does not look for an
    /// answer. So many bytes have come.
    Draining(usize, Error),
    /// The request was handed on.
    Serving,
}

impl Stream {
    /// A body so many times larger than the limit is not even drained.
    const DRAINED: usize = 16;

    pub(crate) fn new(id: u32, service: Option<Rc<Service>>) -> Self {
        Self {
            id: TaskId::of(id),
            service,
            state: State::Passing,
        }
    }

    fn receive(&mut self, service: &Service, chunk: Vec<u8>) {
        let limit = service.config().limits.max_body_bytes;
        match &mut self.state {
            State::Receiving(request, share) => {
                let size = request.body.len() + chunk.len();
                let taken = match size > limit {
                    true => Err(Error::BodyTooLarge { limit }),
                    false => share.grow(chunk.len()),
                };
                match taken {
                    Err(refusal) => self.state = State::Draining(size, refusal),
                    Ok(()) if request.body.is_empty() => request.body = chunk,
                    Ok(()) => request.body.extend(chunk),
                }
            }
            State::Draining(size, _) => {
                *size += chunk.len();
                if *size / Self::DRAINED > limit {
                    self.serve(service);
                }
            }
            State::Passing | State::Serving => {}
        }
    }

    /// The request is whole.
    fn serve(&mut self, service: &Service) {
        match std::mem::replace(&mut self.state, State::Serving) {
            State::Receiving(request, share) => service.serve(self.id, request, share),
            State::Draining(_, refusal) => service.refuse(&refusal),
            State::Passing => self.state = State::Passing,
            State::Serving => {}
        }
    }
}

impl Context for Stream {
    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        if let Some(service) = &self.service {
            service.complete(token, grpc_reply(status, size));
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let Some(service) = self.service.clone() else {
            return Action::Continue;
        };
        let path = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, ":path")
            .ok()
            .flatten()
            .unwrap_or_default();
        if !service.config().handles(&path) {
            return Action::Continue;
        }
        self.state = State::Receiving(request(&path), service.share());
        if end_of_stream {
            self.serve(&service);
        }
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let Some(service) = self.service.clone() else {
            return Action::Continue;
        };
        if matches!(self.state, State::Passing) {
            return Action::Continue;
        }
        if size > 0 {
            let chunk = buffer(BufferType::HttpRequestBody, size);
            // Leave the host's buffer empty, so that its own limit is not met.
            let _ = hostcalls::set_buffer(BufferType::HttpRequestBody, 0, size, b"");
            self.receive(&service, chunk);
        }
        if end_of_stream {
            self.serve(&service);
        }
        Action::Pause
    }

    /// The end of a body that has trailers comes without an end-of-stream chunk.
    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        match self.service.clone() {
            Some(service) if !matches!(self.state, State::Passing) => {
                self.serve(&service);
                Action::Pause
            }
            _ => Action::Continue,
        }
    }

    /// The stream is over, answered or not.
    fn on_log(&mut self) {
        if let Some(service) = &self.service {
            service.cancel(self.id);
        }
    }
}

/// The request as far as its headers tell.
fn request(path: &[u8]) -> Request {
    let mut request = Request {
        // A path that is no text matches no endpoint, and says so.
        target: String::from_utf8_lossy(path).into_owned(),
        source: Source::Asked(source),
        ..Request::default()
    };
    let headers = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_default();
    for (name, value) in headers {
        match name.as_str() {
            ":method" => request.method = String::from_utf8_lossy(&value).into_owned(),
            ":authority" => request.authority = String::from_utf8_lossy(&value).into_owned(),
            ":scheme" => request.scheme = String::from_utf8_lossy(&value).into_owned(),
            ":path" => {}
            _ => request.headers.push((name, value)),
        }
    }
    request
}

/// Where the request comes from, as far as Envoy trusts `x-forwarded-for`.
fn source() -> Option<IpAddr> {
    let address = hostcalls::get_property(vec!["source", "address"]).ok()??;
    let address: SocketAddr = std::str::from_utf8(&address).ok()?.parse().ok()?;
    Some(address.ip())
}

/// The reply to a gRPC call, out of the host's buffer. Call it in the callback
/// that announces the reply, nowhere else.
pub(crate) fn grpc_reply(status: u32, size: usize) -> Reply {
    if status == 0 {
        return Ok(buffer(BufferType::GrpcReceiveBuffer, size));
    }
    let message = hostcalls::get_grpc_status()
        .ok()
        .and_then(|(_, message)| message)
        .unwrap_or_default();
    Err((status, message))
}

/// The status of the answer to an HTTP call. Call it in the callback that announces the answer,
/// nowhere else.
pub(crate) fn http_status() -> Option<u16> {
    let status =
        hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status").ok()?;
    std::str::from_utf8(&status?).ok()?.parse().ok()
}

/// What the host holds in a buffer; nothing where it has none.
pub(crate) fn buffer(kind: BufferType, size: usize) -> Vec<u8> {
    hostcalls::get_buffer(kind, 0, size)
        .ok()
        .flatten()
        .unwrap_or_default()
}
