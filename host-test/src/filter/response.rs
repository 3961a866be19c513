//! The response side: whatever was answered goes back through the plugin.

use super::{Asked, Chain, Outcome, Reset};
use crate::config::Fallback;
use crate::headers::{Headers, saturate};
use crate::reply::LocalReply;
use crate::vm::{Decided, Event};
use crate::worker::Dead;
use bytes::{Bytes, BytesMut};
use hyper::http::request;
use tokio::time::Instant;

/// Makes the response of a request that has come to `outcome`, and shows it to the plugin.
pub(super) async fn run(
    chain: &Chain,
    outcome: Outcome,
    is_head: bool,
) -> Result<(Headers, Bytes), Reset> {
    let mapper = chain.worker.shared().config.local_reply.as_ref();
    let (details, (headers, body)) = match outcome {
        Outcome::Reply(reply) => (reply.details.clone(), reply.encode(mapper)),
        Outcome::Passed(body) => ("via_upstream".to_owned(), upstream(chain, body)),
    };
    match encode(chain, details, headers, body, is_head).await {
        Ok(Encoded::Response(headers, body)) => Ok((headers, body)),
        // A reply made during the response replaces it and is not shown to the plugin again.
        Ok(Encoded::Replaced(reply)) => Ok(reply.encode(mapper)),
        Ok(Encoded::Reset) => Err(Reset),
        Err(Dead) => Ok(LocalReply::dead_vm().encode(mapper)),
    }
}

enum Encoded {
    Response(Headers, Bytes),
    Replaced(LocalReply),
    Reset,
}

async fn encode(
    chain: &Chain,
    details: String,
    headers: Headers,
    body: Bytes,
    is_head: bool,
) -> Result<Encoded, Dead> {
    let bodiless = body.is_empty() || is_head;
    let count = headers.count();
    chain.with(|stream| {
        stream.details = details;
        stream.response.headers = headers;
        stream.response.headers_open = true;
    })?;
    let decided = chain.event(Event::ResponseHeaders {
        count,
        end: bodiless,
    })?;
    let mut paused = decided != Decided::Continue;
    if let Some(end) = wait(chain, paused && (bodiless || !chain.can_pause_headers())).await? {
        return Ok(end);
    }
    if !bodiless {
        let size = saturate(body.len());
        chain.with(|stream| stream.response.body = BytesMut::from(body))?;
        paused = chain.event(Event::ResponseBody { size, end: true })? != Decided::Continue;
        if let Some(end) = wait(chain, paused).await? {
            return Ok(end);
        }
    }
    chain.with(|stream| {
        stream.response.headers_open = false;
        let body = stream.response.body.split().freeze();
        Encoded::Response(stream.response.headers.clone(), body)
    })
}

/// Waits for the plugin to resume the response, if it has `paused`. Anything else that it asks for
/// ends the response.
async fn wait(chain: &Chain, paused: bool) -> Result<Option<Encoded>, Dead> {
    let idle = Instant::now() + chain.idle_timeout();
    loop {
        match chain.asked() {
            Some(Asked::Reply(reply)) => return Ok(Some(Encoded::Replaced(reply))),
            Some(Asked::Reset) => return Ok(Some(Encoded::Reset)),
            Some(Asked::ResumeResponse) => return Ok(None),
            // The request has been answered, so there is nothing left of it to resume.
            Some(Asked::ResumeRequest) => continue,
            None if !paused => return Ok(None),
            None => {}
        }
        tokio::select! {
            () = chain.wake.notified() => {}
            () = tokio::time::sleep_until(idle) => {
                let reply = LocalReply::by_host(504, "stream_idle_timeout", "stream timeout");
                return Ok(Some(Encoded::Replaced(reply)));
            }
        }
    }
}

/// Asks the fallback. It is given the request as the plugin left it.
fn upstream(chain: &Chain, body: Bytes) -> (Headers, Bytes) {
    let request = chain
        .with(|stream| to_request(&stream.request.headers))
        .ok()
        .flatten();
    let (Some(head), Fallback::Upstream(answer)) =
        (request, &chain.worker.shared().config.fallback)
    else {
        // The plugin made of the request something that no upstream could be sent.
        return LocalReply::by_host(502, "upstream_codec_error", "").encode(None);
    };
    let mut parts = hyper::Request::new(body);
    *parts.method_mut() = head.method;
    *parts.uri_mut() = head.uri;
    *parts.headers_mut() = head.headers;
    let (head, body) = answer(parts).into_parts();
    let mut headers = Headers::default();
    headers.add(b":status", head.status.as_str().as_bytes());
    for (name, value) in &head.headers {
        headers.add(name.as_str().as_bytes(), value.as_bytes());
    }
    (headers, body)
}

fn to_request(headers: &Headers) -> Option<request::Parts> {
    let pseudo = |name: &[u8]| std::str::from_utf8(headers.first(name)?).ok();
    let uri = hyper::Uri::builder()
        .scheme(pseudo(b":scheme")?)
        .authority(pseudo(b":authority")?)
        .path_and_query(pseudo(b":path")?)
        .build()
        .ok()?;
    let mut request = hyper::Request::builder()
        .method(pseudo(b":method")?)
        .uri(uri);
    for (name, value) in headers
        .pairs()
        .iter()
        .filter(|(name, _)| !name.starts_with(b":"))
    {
        request = request.header(name.as_slice(), value.as_slice());
    }
    Some(request.body(()).ok()?.into_parts().0)
}
