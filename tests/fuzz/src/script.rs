//! Requests as text, so that a saved input can be read and an engine can mutate it:
//!
//! ```text
//! POST /scim/v2/Users
//! content-type: application/scim+json
//!
//! {"userName": "a"}
//! ---
//! GET /scim/v2/Users/{id0}
//! if-none-match: {etag0}
//! ```
//!
//! `{id0}` and `{etag0}` stand for what the answer to the first request gave. A request
//! without `authorization` gets the token `{write}`; the names of other tokens stand in
//! braces too.

use crate::answer::header;
use crate::world::World;
use directory::http::{Request, Response, Source};
use serde_json::Value;

/// More requests than that are left out, so that one input stays fast.
const MAX_REQUESTS: usize = 12;

/// Sends the requests of a script one after the other.
pub(crate) fn play(world: &World, script: &[u8]) {
    let mut answers = Vec::new();
    for part in split(script, b"\n---\n").into_iter().take(MAX_REQUESTS) {
        let part = substituted(world, part, &answers);
        let answer = request(world, &part).map(|request| world.send(&request));
        answers.push(answer.unwrap_or_default());
    }
}

fn request(world: &World, text: &[u8]) -> Option<Request> {
    let (head, body) = halves(text, b"\n\n").unwrap_or((text, b""));
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, target) = halves(lines.next()?, b" ")?;
    let target = String::from_utf8_lossy(target).into_owned();
    let headers = lines.filter_map(|line| halves(line, b": "));
    let headers = headers.map(|(name, value)| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        (name, value.to_vec())
    });
    let mut headers: Vec<_> = headers.collect();
    if !headers.iter().any(|(name, _)| name == "authorization") {
        let bearer = format!("Bearer {}", world.token("write")?);
        headers.push(("authorization".to_owned(), bearer.into_bytes()));
    }
    world.handles(&target).then(|| Request {
        method: String::from_utf8_lossy(method).into_owned(),
        target,
        scheme: "https".to_owned(),
        authority: "scim.example.com".to_owned(),
        headers,
        source: Source::default(),
        body: body.to_vec(),
    })
}

/// The text with a value for each name in braces that stands for one.
fn substituted(world: &World, text: &[u8], answers: &[Response]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
        out.extend(&rest[..at]);
        rest = &rest[at..];
        let named = rest.iter().position(|byte| *byte == b'}').and_then(|end| {
            let name = std::str::from_utf8(&rest[1..end]).ok()?;
            Some((value(world, name, answers)?, end + 1))
        });
        let (value, length) = named.unwrap_or(("{".to_owned(), 1));
        out.extend(value.bytes());
        rest = &rest[length..];
    }
    out.extend(rest);
    out
}

fn value(world: &World, name: &str, answers: &[Response]) -> Option<String> {
    let answer = |digits: &str| answers.get(digits.parse::<usize>().ok()?);
    if let Some(digits) = name.strip_prefix("id") {
        let body: Value = serde_json::from_slice(&answer(digits)?.body).ok()?;
        return Some(body["id"].as_str()?.to_owned());
    }
    if let Some(digits) = name.strip_prefix("etag") {
        return header(answer(digits)?, "etag").map(str::to_owned);
    }
    world.token(name).map(str::to_owned)
}

fn halves<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = text
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

fn split<'t>(mut text: &'t [u8], separator: &[u8]) -> Vec<&'t [u8]> {
    let mut parts = Vec::new();
    while let Some((part, rest)) = halves(text, separator) {
        parts.push(part);
        text = rest;
    }
    parts.push(text);
    parts
}
