//! Replies made in the filter chain, by the plugin or by the host, and Envoy's rules for them.

use crate::config::LocalReplyMapper;
use crate::headers::Headers;
use crate::pairs::Pair;
use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// A response that no upstream made.
#[derive(Clone, Debug)]
pub(crate) struct LocalReply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Pair>,
    pub(crate) body: Bytes,
    /// Envoy's response code details.
    pub(crate) details: String,
    /// Replies of the plugin are not shown to the mapper.
    pub(crate) from_plugin: bool,
}

impl LocalReply {
    /// A reply of the host itself, as Envoy words it.
    pub(crate) fn by_host(status: u16, details: &str, body: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::from_static(body.as_bytes()),
            details: details.to_owned(),
            from_plugin: false,
        }
    }

    /// What Envoy answers on a stream whose VM is dead.
    pub(crate) fn dead_vm() -> Self {
        Self::by_host(503, "wasm_fail_stream", "")
    }

    /// Headers and body as they enter the response side of the filter chain: the content length
    /// is the body's, a body without content type is plain text, no body has neither.
    pub(crate) fn encode(self, mapper: Option<&LocalReplyMapper>) -> (Headers, Bytes) {
        let mut headers = Headers::default();
        headers.add(b":status", self.status.to_string().as_bytes());
        for (name, value) in &self.headers {
            headers.add(name, value);
        }
        let mut body = self.body;
        if let Some(mapper) = mapper.filter(|_| !self.from_plugin) {
            let (content_type, mapped) =
                mapper(self.status, &self.details, &String::from_utf8_lossy(&body));
            headers.set(b"content-type", content_type.as_bytes());
            body = mapped;
        }
        if body.is_empty() {
            headers.remove(b"content-length");
            headers.remove(b"content-type");
        } else {
            headers.set(b"content-length", body.len().to_string().as_bytes());
            if headers.first(b"content-type").is_none() {
                headers.add(b"content-type", b"text/plain");
            }
        }
        (headers, body)
    }
}

/// Headers that belong to one connection: Envoy removes them from any response.
const HOP_BY_HOP: [&[u8]; 5] = [
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"transfer-encoding",
    b"upgrade",
];

/// The response as it leaves the filter chain. What is not valid HTTP is left out.
pub(crate) fn to_response(headers: &Headers, body: Bytes, is_head: bool) -> Response<Bytes> {
    let status = headers
        .first(b":status")
        .and_then(|status| StatusCode::from_bytes(status).ok());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let keeps_length = is_head && headers.first(b"content-length").is_some();
    let body = if bodiless || is_head {
        Bytes::new()
    } else {
        body
    };

    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers.pairs() {
        if name.starts_with(b":") || HOP_BY_HOP.contains(&name.as_slice()) {
            continue;
        }
        let pair = (
            HeaderName::from_bytes(name).ok(),
            HeaderValue::from_bytes(value).ok(),
        );
        if let (Some(name), Some(value)) = pair {
            response.headers_mut().append(name, value);
        }
    }
    // The codec's part: a plugin may have changed the body without its length.
    if bodiless {
        response.headers_mut().remove(CONTENT_LENGTH);
    } else if !keeps_length {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn by_plugin(status: u16, headers: &[(&str, &str)], body: &'static str) -> LocalReply {
        let pair = |(name, value): &(&str, &str)| (name.as_bytes().into(), value.as_bytes().into());
        LocalReply {
            headers: headers.iter().map(pair).collect(),
            from_plugin: true,
            ..LocalReply::by_host(status, "", body)
        }
    }

    #[test]
    fn content_length_of_the_plugin_is_overwritten() {
        let (headers, _) = by_plugin(200, &[("content-length", "99")], "four").encode(None);
        assert_eq!(headers.first(b"content-length"), Some(&b"4"[..]));
        assert_eq!(headers.first(b"content-type"), Some(&b"text/plain"[..]));
    }

    #[test]
    fn empty_body_has_no_content_type() {
        let (headers, body) = by_plugin(200, &[("content-type", "a/b")], "").encode(None);
        let response = to_response(&headers, body, false);
        assert_eq!(response.headers().get("content-type"), None);
        assert_eq!(response.headers()["content-length"], "0");
    }

    #[test]
    fn head_keeps_the_length_and_loses_the_body() {
        let (headers, body) = by_plugin(200, &[], "four").encode(None);
        let response = to_response(&headers, body, true);
        assert_eq!(response.headers()["content-length"], "4");
        assert!(response.body().is_empty());
    }

    #[test]
    fn no_content_has_no_length() {
        let (headers, body) = by_plugin(204, &[], "ignored").encode(None);
        let response = to_response(&headers, body, false);
        assert_eq!(response.headers().get("content-length"), None);
        assert!(response.body().is_empty());
    }

    #[test]
    fn mapper_shapes_the_hosts_replies_only() {
        let mapper: LocalReplyMapper = Arc::new(|status, details, body| {
            (
                "a/b".to_owned(),
                format!("{status} {details} {body}").into(),
            )
        });
        let (headers, body) = LocalReply::by_host(413, "too_large", "Big").encode(Some(&mapper));
        assert_eq!(body, "413 too_large Big");
        assert_eq!(headers.first(b"content-type"), Some(&b"a/b"[..]));
        assert_eq!(by_plugin(400, &[], "own").encode(Some(&mapper)).1, "own");
    }

    #[test]
    fn repeated_names_stay_and_hop_by_hop_headers_go() {
        let headers = [("x-a", "1"), ("x-a", "2"), ("connection", "close")];
        let (headers, body) = by_plugin(200, &headers, "").encode(None);
        let response = to_response(&headers, body, false);
        assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
        assert_eq!(response.headers().get("connection"), None);
    }
}
