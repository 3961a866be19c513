//! Unary gRPC over HTTP/2 to a cluster, with the failures in Envoy's words.

use crate::cluster::Cluster;
use crate::state::UnaryCall;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use prost::Message;

/// gRPC status codes that the host itself produces.
const UNKNOWN: u32 = 2;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;

/// Where a call goes: `GrpcService.envoy_grpc`.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Upstream {
    pub(crate) cluster: String,
    pub(crate) authority: String,
}

/// Why an upstream cannot be called.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum UpstreamError {
    /// A bare name that parses as an empty message: Envoy 1.40 segfaults.
    CrashesEnvoy(String),
    /// A `GrpcService` for Google's client library, which Envoy may lack and this host does.
    NoEnvoyGrpc,
    /// Neither a message nor the name of a cluster.
    Unknown,
}

/// `envoy.config.core.v3.GrpcService`, as far as it says where to go.
#[derive(Clone, PartialEq, Message)]
struct GrpcService {
    #[prost(message, optional, tag = "1")]
    envoy_grpc: Option<EnvoyGrpc>,
    #[prost(message, optional, tag = "2")]
    google_grpc: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
struct EnvoyGrpc {
    #[prost(string, tag = "1")]
    cluster_name: String,
    #[prost(string, tag = "2")]
    authority: String,
}

impl Upstream {
    /// Reads the upstream as Envoy does: first as a message, then as the bare name of a cluster.
    pub(crate) fn parse(
        bytes: &[u8],
        is_cluster: impl Fn(&str) -> bool,
    ) -> Result<Self, UpstreamError> {
        let name = String::from_utf8_lossy(bytes).into_owned();
        match GrpcService::decode(bytes) {
            Ok(GrpcService {
                envoy_grpc: Some(to),
                ..
            }) => Ok(Self {
                authority: if to.authority.is_empty() {
                    to.cluster_name.clone()
                } else {
                    to.authority
                },
                cluster: to.cluster_name,
            }),
            Ok(GrpcService {
                google_grpc: Some(()),
                ..
            }) => Err(UpstreamError::NoEnvoyGrpc),
            Ok(_) => Err(UpstreamError::CrashesEnvoy(name)),
            Err(_) if is_cluster(&name) => Ok(Self {
                cluster: name.clone(),
                authority: name,
            }),
            Err(_) => Err(UpstreamError::Unknown),
        }
    }
}

/// A call that brought no message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    /// gRPC status code.
    pub(crate) status: u32,
    /// `grpc-message`, or Envoy's sentence.
    pub(crate) message: String,
}

impl Failure {
    fn new(status: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// Makes the call and waits for the answer, at most for its timeout.
pub(crate) async fn unary(cluster: &Cluster, call: UnaryCall) -> Result<Bytes, Failure> {
    let timeout = call.timeout;
    let exchange = exchange(cluster, call);
    if timeout.is_zero() {
        return exchange.await;
    }
    // Envoy's router ends the stream itself, so it is "unavailable", not "deadline exceeded".
    let late = |_| Failure::new(UNAVAILABLE, "upstream request timeout{response_timeout}");
    tokio::time::timeout(timeout, exchange)
        .await
        .map_err(late)?
}

async fn exchange(cluster: &Cluster, call: UnaryCall) -> Result<Bytes, Failure> {
    let request = request(call)?;
    let mut sender = cluster.sender().await.map_err(|reason| {
        let reason = format!("remote connection failure, transport failure reason: {reason}");
        Failure::new(UNAVAILABLE, reset_before_headers(&reason))
    })?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|_| Failure::new(UNAVAILABLE, reset_before_headers("connection termination")))?;
    answer(response).await
}

fn reset_before_headers(reason: &str) -> String {
    format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}")
}

fn request(call: UnaryCall) -> Result<Request<Full<Bytes>>, Failure> {
    let length = u32::try_from(call.message.len())
        .map_err(|_| Failure::new(INTERNAL, "message is larger than 4 GiB"))?;
    let mut frame = BytesMut::with_capacity(call.message.len().saturating_add(5));
    frame.put_u8(0); // not compressed
    frame.put_u32(length);
    frame.put_slice(&call.message);

    let mut request = Request::post(format!("http://{}{}", call.authority, call.path))
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    if !call.timeout.is_zero() {
        request = request.header("grpc-timeout", format!("{}m", call.timeout.as_millis()));
    }
    let mut request = request
        .body(Full::new(frame.freeze()))
        .map_err(|error| Failure::new(INTERNAL, format!("invalid request: {error}")))?;
    for (name, value) in call.metadata {
        let pair = (
            HeaderName::from_bytes(&name).ok(),
            HeaderValue::from_bytes(&value).ok(),
        );
        if let (Some(name), Some(value)) = pair {
            request.headers_mut().append(name, value);
        }
    }
    Ok(request)
}

async fn answer(response: Response<Incoming>) -> Result<Bytes, Failure> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(Failure::new(
            http_to_grpc(head.status),
            grpc_message(&head.headers),
        ));
    }
    // A response without messages bears its status in the headers ("trailers only").
    if head.headers.contains_key("grpc-status") {
        return status(&head.headers).and(Err(Failure::new(INTERNAL, "")));
    }
    let body = body.collect().await.map_err(|_| {
        let details = "upstream_reset_after_response_started{connection_termination}";
        Failure::new(INTERNAL, details)
    })?;
    match body.trailers() {
        Some(trailers) => status(trailers)?,
        None => return Err(Failure::new(UNKNOWN, "")),
    }
    // Status 0 without a message is an error to a unary call.
    last_message(body.to_bytes()).ok_or_else(|| Failure::new(INTERNAL, ""))
}

fn status(headers: &HeaderMap) -> Result<(), Failure> {
    let code = headers
        .get("grpc-status")
        .and_then(|code| code.to_str().ok()?.parse().ok());
    match code.unwrap_or(UNKNOWN) {
        0 => Ok(()),
        code => Err(Failure::new(code, grpc_message(headers))),
    }
}

fn grpc_message(headers: &HeaderMap) -> String {
    let message = headers
        .get("grpc-message")
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    String::from_utf8_lossy(message).into_owned()
}

fn last_message(mut frames: Bytes) -> Option<Bytes> {
    let mut last = None;
    while let Some((head, _)) = frames.split_first_chunk::<5>() {
        let [compressed, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize;
        let mut rest = frames.split_off(head.len());
        if compressed != 0 || rest.len() < length {
            return None;
        }
        last = Some(rest.split_to(length));
        frames = rest;
    }
    last
}

/// Envoy's mapping of an HTTP status to a gRPC one.
fn http_to_grpc(status: StatusCode) -> u32 {
    match status.as_u16() {
        400 => INTERNAL,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(upstream: &[u8]) -> Result<Upstream, UpstreamError> {
        Upstream::parse(upstream, |name| name == "etcd")
    }

    #[test]
    fn serialized_service_names_cluster_and_authority() {
        let upstream = parse(b"\x0a\x0e\x0a\x05etcd2\x12\x05store").unwrap();
        assert_eq!(
            (&*upstream.cluster, &*upstream.authority),
            ("etcd2", "store")
        );
        let upstream = parse(b"\x0a\x07\x0a\x05etcd2").unwrap();
        assert_eq!(upstream.authority, "etcd2");
    }

    #[test]
    fn bare_name_that_parses_would_crash_envoy() {
        for name in ["etcd2", "etcds", "etcd-main1", ""] {
            let crash = UpstreamError::CrashesEnvoy(name.to_owned());
            assert_eq!(parse(name.as_bytes()), Err(crash));
        }
    }

    #[test]
    fn bare_name_that_does_not_parse_is_a_cluster() {
        assert_eq!(parse(b"etcd").unwrap().cluster, "etcd");
        assert_eq!(parse(b"scim-etcd"), Err(UpstreamError::Unknown));
    }

    #[test]
    fn the_last_message_counts_and_a_cut_one_is_none() {
        let frames = Bytes::from_static(b"\0\0\0\0\x01a\0\0\0\0\x02bc");
        assert_eq!(last_message(frames.clone()).unwrap(), "bc");
        assert_eq!(last_message(frames.slice(..frames.len() - 1)), None);
        assert_eq!(last_message(Bytes::new()), None);
    }
}
