//! One HTTP stream as the plugin sees it: Envoy's stream context.

use crate::headers::Headers;
use crate::reply::LocalReply;
use bytes::BytesMut;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::SystemTime;
use tokio::sync::Notify;

/// The client's side of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Downstream {
    /// Number of the connection, unique in the host.
    pub(crate) connection_id: u64,
    /// The client's address.
    pub(crate) source: SocketAddr,
    /// The listener's address.
    pub(crate) destination: SocketAddr,
    /// `HTTP/1.1` or `HTTP/2`.
    pub(crate) protocol: &'static str,
    /// When the request's headers were complete.
    pub(crate) started: SystemTime,
}

/// Request or response: what of it the plugin can reach now.
///
/// Envoy gives a plugin pointers and takes them back when the plugin lets the part pass; the
/// `*_open` flags say which of them are set.
#[derive(Debug, Default)]
pub(crate) struct Direction {
    pub(crate) headers: Headers,
    pub(crate) headers_open: bool,
    pub(crate) body: BytesMut,
    pub(crate) trailers: Headers,
    pub(crate) trailers_open: bool,
    /// `proxy_continue_stream` was called and the filter chain has not acted on it yet.
    pub(crate) resumed: bool,
}

/// State of one stream context.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) downstream: Downstream,
    pub(crate) request: Direction,
    pub(crate) response: Direction,
    /// `proxy_set_property` values.
    pub(crate) properties: HashMap<Vec<u8>, Vec<u8>>,
    /// Reply to be sent once the callback has returned.
    pub(crate) local_reply: Option<LocalReply>,
    /// A reply was given already: Envoy ignores any further one.
    pub(crate) replied: bool,
    /// `proxy_close_stream` was called.
    pub(crate) reset: bool,
    /// Response code details for `on_log`.
    pub(crate) details: String,
    /// `on_log` is running: all headers can be read, none changed.
    pub(crate) logging: bool,
    /// Wakes the task that drives this stream.
    pub(crate) wake: Rc<Notify>,
}

impl Stream {
    pub(crate) fn new(downstream: Downstream, headers: Headers) -> Self {
        Self {
            downstream,
            request: Direction {
                headers,
                ..Direction::default()
            },
            response: Direction::default(),
            properties: HashMap::new(),
            local_reply: None,
            replied: false,
            reset: false,
            details: String::new(),
            logging: false,
            wake: Rc::default(),
        }
    }

    /// The map of an ABI number for reading, if it is there now.
    pub(crate) fn map(&self, kind: u32) -> Option<&Headers> {
        let (map, open) = match kind {
            0 => (
                &self.request.headers,
                self.request.headers_open || self.logging,
            ),
            1 => (&self.request.trailers, self.request.trailers_open),
            2 => (
                &self.response.headers,
                self.response.headers_open || self.logging,
            ),
            3 => (
                &self.response.trailers,
                self.response.trailers_open || self.logging,
            ),
            _ => return None,
        };
        open.then_some(map)
    }

    /// The map of an ABI number for changing, if it is there now.
    pub(crate) fn map_mut(&mut self, kind: u32) -> Option<&mut Headers> {
        let (map, open) = match kind {
            0 => (&mut self.request.headers, self.request.headers_open),
            1 => (&mut self.request.trailers, self.request.trailers_open),
            2 => (&mut self.response.headers, self.response.headers_open),
            3 => (&mut self.response.trailers, self.response.trailers_open),
            _ => return None,
        };
        open.then_some(map)
    }

    /// `proxy_continue_stream`: Envoy takes the request's pointers back in either direction.
    pub(crate) fn resume(&mut self, response: bool) {
        self.request.headers_open = false;
        self.request.trailers_open = false;
        if response {
            self.response.resumed = true;
        } else {
            self.request.resumed = true;
        }
        self.wake.notify_one();
    }

    /// Takes the first reply; later ones do nothing.
    pub(crate) fn reply(&mut self, reply: LocalReply) {
        if !self.replied {
            self.replied = true;
            self.local_reply = Some(reply);
            self.wake.notify_one();
        }
    }
}
