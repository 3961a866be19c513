//! What an answer says of a commit that its request would explain.

use crate::answer::{Said, version};
use crate::history::Entry;
use crate::layout::Event;
use crate::operation::Op;

/// Whether a request may take place after its answer: all of it, or something of a bulk request.
pub(super) fn is_open(entry: &Entry, said: &Said) -> bool {
    let parts = said.body["Operations"].as_array().into_iter().flatten();
    let parts = parts.filter(|part| part["status"] == "503");
    said.status == 503 || (matches!(entry.call.op, Op::Bulk(_)) && parts.count() > 0)
}

/// How well an answer goes with a commit that the request explains: it tells of this very commit,
/// it leaves open what happened, or it tells of something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    Told,
    Open,
    Other,
}

pub(super) fn claim(
    op: &Op,
    said: &Said,
    place: Option<usize>,
    event: &Event,
    revision: i64,
) -> Claim {
    let bulk = matches!(op, Op::Bulk(_)) && said.status == 200;
    let (status, id, tag) = if bulk {
        let part = &said.body["Operations"][place.unwrap_or_default()];
        let status = part["status"].as_str().and_then(|text| text.parse().ok());
        let id = part["location"].as_str();
        let id = id.and_then(|location| location.rsplit('/').next());
        (status, id, part["version"].as_str().and_then(version))
    } else {
        (Some(said.status), said.body["id"].as_str(), said.version())
    };
    match status {
        Some(200..300)
            if id.is_none_or(|id| *id == *event.id) && tag.is_none_or(|tag| tag == revision) =>
        {
            Claim::Told
        }
        None | Some(503) => Claim::Open,
        Some(_) => Claim::Other,
    }
}
