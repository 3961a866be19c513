//! HTTP calls to a cluster: HTTP/1.1 on a connection of their own. What fails before an answer has
//! begun is an answer in Envoy's words, as its router gives one.

use crate::cluster::connect;
use crate::config::Address;
use crate::headers::Headers;
use crate::state::{HttpAnswer, HttpCall};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

/// Makes the call and waits for the answer, at most for its timeout. Nothing when the answer ended
/// early.
pub(crate) async fn exchange(address: &Address, call: HttpCall) -> Option<HttpAnswer> {
    let timeout = call.timeout;
    let answer = answer(address, call);
    if timeout.is_zero() {
        return answer.await;
    }
    let late = |_| {
        Some(local(
            StatusCode::GATEWAY_TIMEOUT,
            "upstream request timeout",
        ))
    };
    tokio::time::timeout(timeout, answer)
        .await
        .unwrap_or_else(late)
}

async fn answer(address: &Address, call: HttpCall) -> Option<HttpAnswer> {
    match send(address, call).await {
        Ok(response) => read(response).await,
        Err(reason) => {
            let text = format!(
                "upstream connect error or disconnect/reset before headers. reset reason: {reason}"
            );
            Some(local(StatusCode::SERVICE_UNAVAILABLE, &text))
        }
    }
}

async fn send(address: &Address, call: HttpCall) -> Result<Response<Incoming>, String> {
    let stream = connect(address).await.map_err(|error| error.to_string())?;
    let text = |error: hyper::Error| error.to_string();
    let request = request(&call).map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection of an HTTP call ended");
        }
    });
    sender.send_request(request).await.map_err(text)
}

fn request(call: &HttpCall) -> hyper::http::Result<Request<Full<Bytes>>> {
    let pseudo = |name: &str| call.headers.first(name.as_bytes()).unwrap_or_default();
    let mut request = Request::builder()
        .method(pseudo(":method"))
        .uri(pseudo(":path"))
        .header("host", pseudo(":authority"))
        .body(Full::new(call.body.clone()))?;
    for (name, value) in call.headers.pairs() {
        if name.starts_with(b":") {
            continue;
        }
        request.headers_mut().append(
            HeaderName::from_bytes(name)?,
            HeaderValue::from_bytes(value)?,
        );
    }
    Ok(request)
}

async fn read(response: Response<Incoming>) -> Option<HttpAnswer> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.ok()?;
    let trailers = body.trailers().map(|map| with(Headers::default(), map));
    Some(HttpAnswer {
        headers: with(status(head.status), &head.headers),
        trailers: trailers.unwrap_or_default(),
        body: body.to_bytes(),
    })
}

fn local(code: StatusCode, text: &str) -> HttpAnswer {
    HttpAnswer {
        headers: status(code),
        body: Bytes::copy_from_slice(text.as_bytes()),
        trailers: Headers::default(),
    }
}

fn status(code: StatusCode) -> Headers {
    let mut headers = Headers::default();
    headers.add(b":status", code.as_str().as_bytes());
    headers
}

fn with(mut headers: Headers, map: &HeaderMap) -> Headers {
    for (name, value) in map {
        headers.add(name.as_str().as_bytes(), value.as_bytes());
    }
    headers
}
