//! Methods, media types, tokens, lengths, and HTTP itself.

use super::{Requests, USERS, case, codec};
use crate::malformed::Sent::{Bytes, Pieces};
use crate::malformed::{Case, TOO_LONG};
use tests::scim;

impl Requests {
    pub(super) fn envelopes(&self) -> Vec<Case> {
        let Self { host, .. } = self;
        let ask = |headers: &str| Bytes(self.request("GET", USERS.as_bytes(), headers, b""));
        let method = |name: &str, target: &str| {
            Bytes(self.request(name, target.as_bytes(), "Content-Length: 0\r\n", b""))
        };
        let token = |line: &[u8]| {
            Bytes(
                [
                    format!("GET {USERS} HTTP/1.1\r\nHost: {host}\r\n").as_bytes(),
                    line,
                    b"\r\n\r\n",
                ]
                .concat(),
            )
        };
        let typed = |kind: &str| {
            let headers = format!("Content-Type: {kind}\r\nContent-Length: 2\r\n");
            Bytes(self.request("POST", USERS.as_bytes(), &headers, b"{}"))
        };
        let waiting = format!(
            "Content-Type: {}\r\nExpect: 100-continue\r\nContent-Length: {TOO_LONG}\r\n",
            scim::MEDIA_TYPE
        );
        let chunk = vec![b' '; 1 << 16];
        let chunks = vec![chunk.as_slice(); 17];
        vec![
            case("POST to a user", method("POST", &self.user), 405),
            case("PATCH to all users", method("PATCH", USERS), 405),
            case("DELETE of all users", method("DELETE", USERS), 405),
            case(
                "TRACE",
                Bytes(self.request("TRACE", USERS.as_bytes(), "", b"")),
                405,
            ),
            case("Accept: text/html", ask("Accept: text/html\r\n"), 406),
            case("text/plain", typed("text/plain"), 415),
            case(
                "a media type that is none",
                typed("\"application/json"),
                415,
            ),
            case("no token", token(b"X-None: 1"), 401),
            case("an empty token", token(b"Authorization: Bearer "), 401),
            case("another scheme", token(b"Authorization: Basic YTpi"), 401),
            case(
                "a token that is no text",
                token(b"Authorization: Bearer \xff\xfe"),
                401,
            ),
            case(
                "a token that is too long",
                token(format!("Authorization: Bearer scim_{}", "a".repeat(30_000)).as_bytes()),
                401,
            ),
            case(
                "an unknown token",
                token(format!("Authorization: Bearer scim_{}", "0".repeat(64)).as_bytes()),
                401,
            ),
            case(
                "unknown path without token",
                Bytes(
                    format!("GET /scim/v2/Nothing HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
                ),
                401,
            ),
            case("body over the limit", self.post(vec![b' '; TOO_LONG]), 413),
            case(
                "body far over the limit",
                self.post(vec![b' '; 20 << 20]),
                413,
            ),
            case(
                "chunked body over the limit",
                Pieces(self.chunked(&chunks)),
                413,
            ),
            case(
                "Expect: 100-continue and too long",
                Pieces(vec![
                    self.request("POST", USERS.as_bytes(), &waiting, b""),
                    vec![b' '; TOO_LONG],
                ]),
                413,
            ),
        ]
    }

    /// What Envoy's codec refuses before any filter runs. Our wasmtime host leaves HTTP to its
    /// library, which answers some of these by closing the connection.
    pub(super) fn codec(&self) -> Vec<Case> {
        let Self { host, token, .. } = self;
        let lines = |text: String| Bytes(text.into_bytes());
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let post = |headers: &str, body: &[u8]| {
            Bytes(self.request("POST", USERS.as_bytes(), headers, body))
        };
        let headers: String = (0..150).map(|n| format!("X-Header-{n}: 1\r\n")).collect();
        vec![
            codec(
                "HTTP/1.0",
                lines(format!(
                    "GET {USERS} HTTP/1.0\r\nHost: {host}\r\n{authorization}\r\n"
                )),
                &[426],
            ),
            codec(
                "no Host",
                lines(format!("GET {USERS} HTTP/1.1\r\n{authorization}\r\n")),
                &[400],
            ),
            codec(
                "unknown method",
                Bytes(self.request("FOO", USERS.as_bytes(), "", b"")),
                &[400, 405],
            ),
            codec(
                "no HTTP",
                lines("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".into()),
                &[400],
            ),
            codec(
                "header with a NUL",
                Bytes(self.request("GET", USERS.as_bytes(), "X-Bad: a\0b\r\n", b"")),
                &[400],
            ),
            codec(
                "header of 70 KB",
                Bytes(self.request(
                    "GET",
                    USERS.as_bytes(),
                    &format!("X-Long: {}\r\n", "a".repeat(70_000)),
                    b"",
                )),
                &[431],
            ),
            codec(
                "150 headers",
                Bytes(self.request("GET", USERS.as_bytes(), &headers, b"")),
                &[431],
            ),
            codec(
                "length no number",
                post("Content-Length: abc\r\n", b""),
                &[400],
            ),
            codec(
                "negative length",
                post("Content-Length: -1\r\n", b""),
                &[400],
            ),
            codec(
                "length and chunks",
                post(
                    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                    b"0\r\n\r\n",
                ),
                &[400],
            ),
            codec(
                "chunk size no number",
                post("Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n"),
                &[400],
            ),
        ]
    }
}
