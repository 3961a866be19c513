//! The HTTP side: connections, and what Envoy's connection manager does before any filter runs.

use crate::cluster::LocalExecutor;
use crate::filter;
use crate::headers::Headers;
use crate::reply::{LocalReply, to_response};
use crate::stream::Downstream;
use crate::target::{Between, LenientTargets};
use crate::worker::Worker;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;

/// Envoy's default `max_request_headers_kb`.
const MAX_HEADER_BYTES: usize = 60 * 1024;
/// Room for hyper to read headers that are then refused with a proper 431.
const READ_HEADER_BYTES: u32 = 1 << 20;
/// Envoy's default `delayed_close_timeout`: how long the rest of a request is still read after an
/// early response, so that the client sees the response and not a reset.
const DELAYED_CLOSE: Duration = Duration::from_secs(1);

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) connection_id: u64,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// Why a request does not come to the filters.
#[derive(Debug)]
struct Refused(LocalReply);

/// Serves one connection, HTTP/1.1 or HTTP/2 by its first bytes.
pub(crate) async fn serve_connection(worker: Rc<Worker>, stream: TcpStream) {
    let (Ok(source), Ok(destination)) = (stream.peer_addr(), stream.local_addr()) else {
        return;
    };
    let connection_id = worker
        .shared()
        .connections
        .fetch_add(1, Relaxed)
        .wrapping_add(1);
    let ends = Ends {
        connection_id,
        source,
        destination,
    };
    // Responses are written whole: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let between = Between::default();
    let stream = LenientTargets::new(stream, between.clone());
    let service = service_fn(move |request| {
        let (worker, between) = (Rc::clone(&worker), between.clone());
        async move { answer(&worker, ends, &between, request).await }
    });
    let mut server = auto::Builder::new(LocalExecutor);
    server.http1().timer(TokioTimer::new());
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(READ_HEADER_BYTES);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error, "connection ended");
    }
}

/// The response without an answer: hyper then breaks the connection, or the HTTP/2 stream, off.
#[derive(Debug, thiserror::Error)]
#[error("the stream was reset")]
struct StreamReset;

async fn answer(
    worker: &Rc<Worker>,
    ends: Ends,
    between: &Between,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, StreamReset> {
    let is_http1 = request.version() < Version::HTTP_2;
    let (parts, mut body) = request.into_parts();
    if is_http1 && body.is_end_stream() {
        between.request_ended();
    }
    let (mut response, close) = match respond(worker, ends, &parts, &mut body).await {
        Ok((response, early)) => (response, early && is_http1),
        Err(filter::Reset) => return Err(StreamReset),
    };
    if close {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        tokio::task::spawn_local(tokio::time::timeout(DELAYED_CLOSE, async move {
            while let Some(Ok(_)) = body.frame().await {}
        }));
    } else if is_http1 {
        between.request_ended();
    }
    Ok(response.map(Full::new))
}

/// One request from its head to its response; true with it when the body was not read to its end
/// and the connection cannot be used again.
pub(crate) async fn respond<B>(
    worker: &Rc<Worker>,
    ends: Ends,
    parts: &Parts,
    body: &mut B,
) -> Result<(Response<Bytes>, bool), filter::Reset>
where
    B: Body<Data = Bytes> + Unpin,
{
    let headers = match admit(parts) {
        Ok(headers) => headers,
        Err(Refused(reply)) => {
            let (headers, body) = reply.encode(worker.shared().config.local_reply.as_ref());
            let is_head = parts.method == "HEAD";
            return Ok((to_response(&headers, body, is_head), true));
        }
    };
    let downstream = Downstream {
        connection_id: ends.connection_id,
        source: ends.source,
        destination: ends.destination,
        protocol: if parts.version == Version::HTTP_2 {
            "HTTP/2"
        } else {
            "HTTP/1.1"
        },
        started: SystemTime::now(),
    };
    let served = filter::serve(worker, downstream, headers, body).await?;
    Ok((served.response, served.early))
}

/// Methods that Envoy's HTTP/1 parser takes; it answers 400 to any other.
const METHODS: [&str; 34] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// Headers about one connection, which the connection manager takes out.
const HOP_BY_HOP: [&str; 6] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Checks a request as the connection manager does, and makes its headers what filters see.
fn admit(parts: &Parts) -> Result<Headers, Refused> {
    let refuse = |status, details, body| Err(Refused(LocalReply::by_host(status, details, body)));
    if parts.version < Version::HTTP_11 {
        return refuse(426, "low_version", "");
    }
    if parts.version == Version::HTTP_11 && !METHODS.contains(&parts.method.as_str()) {
        return refuse(400, "http1.codec_error", "Bad Request");
    }
    let authority = parts
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let host = parts.headers.get("host").map(HeaderValue::as_bytes);
    let Some(authority) = authority.or(host) else {
        return refuse(400, "missing_host_header", "");
    };

    let mut headers = Headers::default();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    headers.add(b":authority", authority);
    headers.add(b":path", path.as_bytes());
    headers.add(b":method", parts.method.as_str().as_bytes());
    headers.add(b":scheme", b"http");
    for (name, value) in &parts.headers {
        if !HOP_BY_HOP.contains(&name.as_str()) {
            headers.add(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    if headers.byte_size() > MAX_HEADER_BYTES {
        return refuse(
            431,
            "request_headers_too_large",
            "Request Header Fields Too Large",
        );
    }
    if headers.first(b"x-forwarded-proto").is_none() {
        headers.add(b"x-forwarded-proto", b"http");
    }
    if headers.first(b"x-request-id").is_none() {
        headers.add(b"x-request-id", request_id().as_bytes());
    }
    Ok(headers)
}

fn request_id() -> String {
    let mut random = [0; 16];
    // Ids are for reading logs: should the system have no randomness, they just repeat.
    let _ = getrandom::fill(&mut random);
    uuid::Builder::from_random_bytes(random)
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: hyper::http::request::Builder) -> Result<Headers, u16> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        admit(&parts).map_err(|Refused(reply)| reply.status)
    }

    #[test]
    fn host_becomes_authority_and_the_path_stays_raw() {
        let request = Request::get("/a%00/../b?q=%zz")
            .header("host", "h:1")
            .header("X-A", "1");
        let headers = status(request).unwrap();
        assert_eq!(headers.first(b":authority"), Some(&b"h:1"[..]));
        assert_eq!(headers.first(b":path"), Some(&b"/a%00/../b?q=%zz"[..]));
        assert_eq!(headers.first(b":scheme"), Some(&b"http"[..]));
        assert_eq!(headers.first(b"host"), None);
        assert_eq!(headers.first(b"x-a"), Some(&b"1"[..]));
        assert_eq!(headers.first(b"x-forwarded-proto"), Some(&b"http"[..]));
        assert_eq!(headers.first(b"x-request-id").map(<[u8]>::len), Some(36));
    }

    #[test]
    fn request_id_of_the_client_is_kept() {
        let request = Request::get("/")
            .header("host", "h")
            .header("x-request-id", "mine");
        assert_eq!(
            status(request).unwrap().first(b"x-request-id"),
            Some(&b"mine"[..])
        );
    }

    #[test]
    fn what_envoy_refuses_before_its_filters_is_refused() {
        assert_eq!(status(Request::get("/")).unwrap_err(), 400);
        let http_10 = Request::get("/")
            .header("host", "h")
            .version(Version::HTTP_10);
        assert_eq!(status(http_10).unwrap_err(), 426);
        let unknown = Request::builder()
            .method("FOO")
            .uri("/")
            .header("host", "h");
        assert_eq!(status(unknown).unwrap_err(), 400);
        let large = Request::get("/")
            .header("host", "h")
            .header("x", "a".repeat(60 << 10));
        assert_eq!(status(large).unwrap_err(), 431);
    }
}
