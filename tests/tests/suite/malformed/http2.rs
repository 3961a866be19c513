//! The same over HTTP/2, where bodies may end in trailers.

use super::TOO_LONG;
use super::requests::Requests;
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Method;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::convert::Infallible;
use tests::client::{Client, Protocol, Reply, full};
use tests::endpoint::Endpoint;
use tests::{Findings, scim};

/// Requests that must be refused, on one connection.
pub(crate) async fn refused(endpoint: &Endpoint, requests: &Requests, findings: &mut Findings) {
    let mut client = endpoint.client().speaking(Protocol::Http2);
    let user = requests.user.trim_start_matches("/scim/v2").to_owned();
    let cut_off = with_trailers(&mut client, "{\"userName\":\"cut".into()).await;
    expect("cut off before trailers", &cut_off, &[400], findings);
    let long = with_trailers(&mut client, " ".repeat(TOO_LONG)).await;
    expect("over the limit before trailers", &long, &[413], findings);
    let request = client
        .request(Method::POST, "/Users")
        .header(CONTENT_TYPE, scim::MEDIA_TYPE)
        .body(full(vec![b'['; 10_000]))
        .unwrap();
    let nested = client.try_send(request).await;
    expect("nested arrays", &nested, &[400], findings);
    let request = client
        .request(Method::GET, &user)
        .header("x-bad", HeaderValue::from_bytes(b"\xff\xfe").unwrap())
        .body(tests::client::empty())
        .unwrap();
    let odd = client.try_send(request).await;
    findings.check(odd.as_ref().is_ok_and(|reply| reply.status == 200), || {
        format!("HTTP/2, bytes in a header: {odd:?}")
    });
}

fn expect(name: &str, reply: &Result<Reply, String>, statuses: &[u16], findings: &mut Findings) {
    let wrong = match reply {
        Ok(reply) => scim::expect_error(reply, statuses),
        Err(e) => Err(e.clone()),
    };
    if let Err(wrong) = wrong {
        findings.add(format!("HTTP/2, {name}: {wrong}"));
    }
}

/// POSTs a body to `/Users` in small pieces, with trailers at its end.
pub(crate) async fn with_trailers(client: &mut Client, body: String) -> Result<Reply, String> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("none"));
    let mut frames: Vec<Result<Frame<Bytes>, Infallible>> = body
        .into_bytes()
        .chunks(1_000)
        .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))))
        .collect();
    frames.push(Ok(Frame::trailers(trailers)));
    let request = client
        .request(Method::POST, "/Users")
        .header(CONTENT_TYPE, scim::MEDIA_TYPE)
        .body(StreamBody::new(tokio_stream::iter(frames)).boxed_unsync())
        .unwrap();
    client.try_send(request).await
}
