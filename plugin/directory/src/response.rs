//! Responses: what each outcome is in HTTP.

use crate::auth::{MISSING, SCHEME};
use crate::http::Response;
use crate::negotiation::{JSON, SCIM_JSON};
use crate::stored::encode;
use scim::Error;
use serde::Serialize;

/// Seconds after which a client may try again.
const RETRY_AFTER: &str = "1";

/// An error as a SCIM message (RFC 7644 §3.12) with the headers that HTTP wants
/// for its status.
#[must_use]
pub fn error_response(error: &Error) -> Response {
    let response = message(error.status(), scim::message::error(error));
    match error {
        // Whoever shows no token, or speaks of another scheme, need not hear of errors
        // (RFC 6750 §3.1).
        Error::Unauthorized { reason } if [MISSING, SCHEME].contains(reason) => {
            response.with("www-authenticate", "Bearer realm=\"scim\"")
        }
        Error::Unauthorized { .. } => response.with(
            "www-authenticate",
            "Bearer realm=\"scim\", error=\"invalid_token\"",
        ),
        Error::Forbidden { .. } => response.with(
            "www-authenticate",
            "Bearer realm=\"scim\", error=\"insufficient_scope\"",
        ),
        Error::UnsupportedEncoding => response.with("accept-encoding", "identity"),
        Error::MethodNotAllowed { allow, .. } => response.with("allow", *allow),
        Error::Unavailable { .. } => response.with("retry-after", RETRY_AFTER),
        Error::TooManyRequests { retry_after, .. } => {
            response.with("retry-after", retry_after.to_string())
        }
        _ => response,
    }
}

/// Who may keep an answer: nobody but the client itself, which asks each time
/// whether it is still so (RFC 9111 §5.2.2). What a token sees is nobody else's.
const PRIVATE: &str = "private, no-cache";

/// A SCIM message. Whichever of the two media types the client asks for, it is
/// `application/scim+json`, without parameters: clients compare it with that text.
pub(crate) fn message(status: u16, body: Vec<u8>) -> Response {
    let response = Response {
        status,
        body,
        headers: Vec::new(),
    };
    response
        .with("content-type", SCIM_JSON)
        .with("cache-control", PRIVATE)
}

/// That the client has the answer already (RFC 9110 §15.4.5).
pub(crate) fn not_modified() -> Response {
    empty(304).with("cache-control", PRIVATE)
}

/// An answer of the interfaces of the administrator and of the network.
///
/// # Errors
/// [`Error::Internal`] for what is no JSON.
pub(crate) fn answer(status: u16, body: &impl Serialize) -> Result<Response, Error> {
    let response = Response {
        status,
        body: encode(body)?,
        headers: Vec::new(),
    };
    Ok(response
        .with("content-type", JSON)
        .with("cache-control", "no-store"))
}

/// The methods that there are at a path (RFC 9110 §9.3.7). Asking for them needs a
/// token like everything else: which paths there are is nobody else's. The preflight
/// requests of browsers, which bear none, are for Envoy's CORS filter in front.
pub(crate) fn options(allow: &'static str) -> Response {
    empty(204).with("allow", allow)
}

/// No message.
pub(crate) fn empty(status: u16) -> Response {
    Response {
        status,
        ..Response::default()
    }
}

impl Response {
    /// The response with one header more.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response with links (RFC 8288) to what it leaves out.
    #[must_use]
    pub(crate) fn linked(mut self, links: impl IntoIterator<Item = String>) -> Self {
        let links = links.into_iter();
        self.headers.extend(links.map(|link| ("link", link)));
        self
    }

    /// The response with the URL of what it is about: RFC 7644 shows `Location` in
    /// answers to GET (§3.4.1), PUT and PATCH (§3.5) too. RFC 7643 §3.1 has
    /// `meta.location` equal `Content-Location`, which is of answers with a resource.
    #[must_use]
    pub(crate) fn located(mut self, location: String) -> Self {
        if self.headers.iter().all(|(name, _)| *name != "location") {
            self.headers.push(("location", location));
        }
        self
    }
}
