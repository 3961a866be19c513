//! Responses: what each outcome is in HTTP.

use crate::auth::MISSING;
use crate::http::Response;
use crate::negotiation::{JSON, SCIM_JSON};
use scim::Error;

/// Seconds after which a client may try again.
const RETRY_AFTER: &str = "1";

/// An error as a SCIM message (RFC 7644 §3.12) with the headers that HTTP wants
/// for its status.
#[must_use]
pub fn error_response(error: &Error) -> Response {
    let response = message(error.status(), scim::message::error(error));
    match error {
        Error::Unauthorized { reason } if *reason == MISSING => {
            response.with("www-authenticate", "Bearer realm=\"scim\"")
        }
        // RFC 6750 §3.1
        Error::Unauthorized { .. } => response.with(
            "www-authenticate",
            "Bearer realm=\"scim\", error=\"invalid_token\"",
        ),
        Error::MethodNotAllowed { allow, .. } => response.with("allow", *allow),
        Error::Unavailable { .. } => response.with("retry-after", RETRY_AFTER),
        _ => response,
    }
}

/// A SCIM message.
pub(crate) fn message(status: u16, body: Vec<u8>) -> Response {
    let response = Response {
        status,
        body,
        headers: Vec::new(),
    };
    response.with("content-type", SCIM_JSON)
}

/// An answer of the administrator's interface.
pub(crate) fn json(status: u16, body: Vec<u8>) -> Response {
    let response = Response {
        status,
        body,
        headers: Vec::new(),
    };
    response.with("content-type", JSON)
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
}
