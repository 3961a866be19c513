//! The message of a bulk response.

use super::Method;
use crate::json::write_string;
use crate::message::BULK_RESPONSE;
use std::borrow::Cow;

/// What came of an operation. A successful one is told without a body, as RFC
/// 7644 §3.7 allows: whoever wants it has the `location`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<'j> {
    /// The method, as the request has it.
    pub method: Method,
    /// The bulkId, as the request has it.
    pub bulk_id: Option<Cow<'j, str>>,
    /// The version of the resource, where there is one now.
    pub version: Option<String>,
    /// The URL of the resource; there unless a `POST` failed.
    pub location: Option<String>,
    /// The status code that the operation would have got alone.
    pub status: u16,
    /// The error, as [`message::error`](crate::message::error) writes it.
    pub error: Option<Vec<u8>>,
}

/// Writes a bulk response.
#[must_use]
pub fn bulk_response<'o, 'j: 'o>(outcomes: impl IntoIterator<Item = &'o Outcome<'j>>) -> Vec<u8> {
    let mut out = br#"{"schemas":["#.to_vec();
    write_string(&mut out, BULK_RESPONSE);
    out.extend(br#"],"Operations":["#);
    for (at, outcome) in outcomes.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(&mut out, outcome);
    }
    out.extend(b"]}");
    out
}

fn write(out: &mut Vec<u8>, outcome: &Outcome<'_>) {
    out.extend(br#"{"method":"#);
    write_string(out, outcome.method.as_str());
    for (name, text) in [
        (&br#","bulkId":"#[..], outcome.bulk_id.as_deref()),
        (br#","version":"#, outcome.version.as_deref()),
        (br#","location":"#, outcome.location.as_deref()),
    ] {
        if let Some(text) = text {
            out.extend(name);
            write_string(out, text);
        }
    }
    out.extend(br#","status":"#);
    write_string(out, &outcome.status.to_string());
    if let Some(error) = &outcome.error {
        out.extend(br#","response":"#);
        out.extend(error);
    }
    out.push(b'}');
}
