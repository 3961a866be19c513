//! The requests that must be refused, byte by byte.

use super::Sent::{self, Bytes, Pieces};
use super::{Case, Layer};
use serde_json::json;
use tests::endpoint::Endpoint;
use tests::scim;

mod bodies;
mod envelopes;
mod targets;

/// Writes requests for one endpoint.
pub(crate) struct Requests {
    pub(crate) host: String,
    pub(crate) token: String,
    /// The path of a user.
    pub(crate) user: String,
    /// The path of a group.
    pub(crate) group: String,
}

pub(crate) const USERS: &str = "/scim/v2/Users";

impl Requests {
    /// For an endpoint whose resources do not matter.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        Self {
            host: endpoint.running().address().to_string(),
            token: endpoint.running().ready().token.clone(),
            user: format!("{USERS}/none"),
            group: "/scim/v2/Groups/none".into(),
        }
    }

    /// The whole table.
    pub(crate) fn all(&self) -> Vec<Case> {
        let mut cases = self.bodies();
        cases.extend(self.patches());
        cases.extend(self.targets());
        cases.extend(self.filters());
        cases.extend(self.envelopes());
        cases.extend(self.codec());
        cases
    }

    /// A request with the token, these further header lines and this body.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &[u8],
        headers: &str,
        body: &[u8],
    ) -> Vec<u8> {
        let Self { host, token, .. } = self;
        let head =
            format!(" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{headers}\r\n");
        [method.as_bytes(), b" ", target, head.as_bytes(), body].concat()
    }

    pub(crate) fn get(&self, target: impl AsRef<[u8]>) -> Sent {
        Bytes(self.request("GET", target.as_ref(), "", b""))
    }

    /// A request with a SCIM body of known length.
    pub(crate) fn write(&self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Sent {
        let body = body.as_ref();
        let headers = format!(
            "Content-Type: {}\r\nContent-Length: {}\r\n",
            scim::MEDIA_TYPE,
            body.len()
        );
        Bytes(self.request(method, target.as_bytes(), &headers, body))
    }

    pub(crate) fn post(&self, body: impl AsRef<[u8]>) -> Sent {
        self.write("POST", USERS, body)
    }

    /// A POST of a user in chunks.
    pub(crate) fn chunked(&self, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let headers = format!(
            "Content-Type: {}\r\nTransfer-Encoding: chunked\r\n",
            scim::MEDIA_TYPE
        );
        let mut pieces = vec![self.request("POST", USERS.as_bytes(), &headers, b"")];
        for chunk in chunks {
            pieces.push([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        }
        pieces.push(b"0\r\n\r\n".to_vec());
        pieces
    }

    /// Bodies that come oddly and are right.
    pub(crate) fn slow_but_right(&self) -> Vec<(&'static str, Sent)> {
        let user = scim::user("slow@example.com").to_string();
        let bytes: Vec<&[u8]> = user.as_bytes().chunks(1).collect();
        let waiting = scim::user("waiting@example.com").to_string();
        let headers = format!(
            "Content-Type: {}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n",
            scim::MEDIA_TYPE,
            waiting.len()
        );
        let padded = format!(
            "{}{}",
            scim::user("padded@example.com"),
            " ".repeat(1_000_000)
        );
        vec![
            ("one byte a chunk", Pieces(self.chunked(&bytes))),
            (
                "Expect: 100-continue",
                Pieces(vec![
                    self.request("POST", USERS.as_bytes(), &headers, b""),
                    waiting.into_bytes(),
                ]),
            ),
            ("a body just below the limit", self.post(padded)),
            (
                "unknown attributes",
                self.post(
                    json!({
                        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                        "userName": "unknown@example.com",
                        "favouriteColour": {"deep": [1, 2.5e300, null, true]},
                    })
                    .to_string(),
                ),
            ),
        ]
    }

    pub(crate) fn header_that_is_no_text(&self) -> Vec<u8> {
        let Self { host, token, .. } = self;
        [
            format!(
                "GET {USERS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nX-Bad: "
            )
            .as_bytes(),
            b"\xff\xfe\r\nUser-Agent: \x80\r\nAccept-Language: \xc3\x28\r\n\r\n",
        ]
        .concat()
    }
}

/// A case that the plugin decides.
pub(crate) fn case(name: &'static str, sent: Sent, status: u16) -> Case {
    let statuses: &[u16] = match status {
        400 => &[400],
        401 => &[401],
        404 => &[404],
        405 => &[405],
        406 => &[406],
        413 => &[413],
        415 => &[415],
        501 => &[501],
        other => panic!("{other} is no status of the plugin's table"),
    };
    Case {
        name,
        sent,
        statuses,
        layer: Layer::Plugin,
    }
}

/// A case that the proxy decides before the plugin sees it.
pub(crate) fn codec(name: &'static str, sent: Sent, statuses: &'static [u16]) -> Case {
    Case {
        name,
        sent,
        statuses,
        layer: Layer::Codec,
    }
}
