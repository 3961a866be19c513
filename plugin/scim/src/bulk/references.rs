//! References to resources that the same request creates (RFC 7644 §3.7.2).
//!
//! ```text
//! reference = "bulkId:" bulkId
//! ```
//!
//! The prefix is reserved (RFC 7643 §3.1), so it is a reference wherever in the
//! data it is all of a string: in members, managers, attributes of extensions,
//! values of a PATCH. It also stands for the last segment of a path or of a
//! `$ref`, and as a string in the filter of a PATCH operation's path.

use super::{Method, Operation, REFERENCE};
use crate::json::Json;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What a reference stands for where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The id of the resource.
    Id,
    /// Its URL.
    Url,
}

/// Told the bulkId of a reference and its place; what it returns is put there
/// instead.
type Visit<'v> = dyn FnMut(&str, Place) -> Option<String> + 'v;

impl Operation<'_> {
    /// Goes through all references of the operation. What `visit` returns for a
    /// bulkId takes the reference's place.
    pub fn visit_references(&mut self, visit: &mut Visit<'_>) {
        if let Some(path) = in_segment(&self.path, visit) {
            self.path = Cow::Owned(path);
        }
        let is_patch = self.method == Method::Patch;
        if let Some(data) = &mut self.data {
            in_json(data, Place::Id, is_patch, visit);
        }
    }
}

/// Recursion ends where the parser's limit of depth does.
fn in_json(json: &mut Json<'_>, place: Place, is_patch: bool, visit: &mut Visit<'_>) {
    match json {
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) => {}
        Json::String(text) => {
            let replaced = match (text.strip_prefix(REFERENCE), place) {
                (Some(bulk_id), _) if !bulk_id.is_empty() => visit(bulk_id, place),
                (_, Place::Url) => in_segment(text, visit),
                (_, Place::Id) => None,
            };
            if let Some(replaced) = replaced {
                *text = Cow::Owned(replaced);
            }
        }
        Json::Array(elements) => {
            for element in elements {
                in_json(element, place, is_patch, visit);
            }
        }
        Json::Object(members) => {
            for (key, value) in members {
                if is_patch && let Some(replaced) = in_filter(key, visit) {
                    *key = Cow::Owned(replaced);
                }
                match value {
                    Json::String(path) if is_patch && key.eq_ignore_ascii_case("path") => {
                        if let Some(replaced) = in_filter(path, visit) {
                            *path = Cow::Owned(replaced);
                        }
                    }
                    value if key.eq_ignore_ascii_case("$ref") => {
                        in_json(value, Place::Url, is_patch, visit);
                    }
                    value => in_json(value, Place::Id, is_patch, visit),
                }
            }
        }
    }
}

/// A path or URL whose last segment is a reference.
fn in_segment(path: &str, visit: &mut Visit<'_>) -> Option<String> {
    let (head, segment) = path.trim_end_matches('/').rsplit_once('/')?;
    let segment = percent_decode_str(segment).decode_utf8().ok()?;
    let bulk_id = segment.strip_prefix(REFERENCE)?;
    let id = visit(bulk_id, Place::Id)?;
    Some(format!("{head}/{id}"))
}

/// A PATCH path with references among the strings of its filter.
fn in_filter(path: &str, visit: &mut Visit<'_>) -> Option<String> {
    let mut replaced = None;
    let mut done = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("\"bulkId:") {
        let (bulk_id, after) = after.split_once('"')?;
        let id = visit(bulk_id, Place::Id);
        let shown = match &id {
            Some(id) => id.clone(),
            None => format!("{REFERENCE}{bulk_id}"),
        };
        replaced = id.or(replaced);
        done.push_str(before);
        done.push('"');
        done.push_str(&shown);
        done.push('"');
        rest = after;
    }
    replaced.map(|_| done + rest)
}
