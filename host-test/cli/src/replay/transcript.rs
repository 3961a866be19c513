//! The file format of transcripts, and what makes a file one.

use crate::error::Error;
use crate::replay::matcher::{MATCHERS, as_matcher};
use crate::replay::variables::names_in;
use fancy_regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// The format, for `cargo edge replay --help`.
pub(crate) const FORMAT: &str = r#"A transcript is {"name", "source", "steps": [...]}; a step is
    {"name",
     "tag"?:  rfc | idp | quirk | policy (default idp),
     "note"?: free text,
     "request": {"method", "path", "headers"?, "body"?},
     "expect":  {"status": [int...], "json"?: {pointer: value}, "absent"?: [pointer...],
                 "headers"?: {name: value}},
     "save"?:   {"var": "/json/pointer" | "header:Name"}}

* path is appended to URL byte for byte (it is already percent-encoded).
* body: an object or array is sent as JSON; a string is sent raw.
* request headers override the defaults (Authorization: Bearer TOKEN, Accept and, with a body,
  Content-Type: application/scim+json); null removes one.
* "${var}" is replaced in path, headers, body and every expected value. A string that is exactly
  "${var}" takes the variable's JSON type. Built in: ${run} (8 hex digits, new for each file),
  ${base} (URL without a slash at its end), ${token}.
* an expected value is compared for JSON equality, unless it is an object with one "$" key:
  {"$re": regex}  {"$type": string|number|boolean|array|object|null}  {"$len": n}
  {"$contains": x or [x, ...]}  {"$lacks": x or [x, ...]}  (elements; objects match as subsets)
  {"$in": [v, ...]}  {"$ne": v}  {"$gte": n}  {"$empty": true} (missing, null, "", [] or {})
* header values are compared exactly unless a matcher is given; header names ignore case."#;

/// A recorded conversation of an identity provider with a SCIM server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transcript {
    pub(crate) name: String,
    /// Where the recording comes from.
    #[serde(rename = "source")]
    _source: String,
    pub(crate) steps: Vec<Step>,
}

/// A request and what must come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) tag: Tag,
    #[serde(rename = "note")]
    _note: Option<Value>,
    pub(crate) request: Request,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

/// Whose rule a step checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tag {
    /// The RFCs say so.
    Rfc,
    /// Identity providers rely on it.
    #[default]
    Idp,
    /// Identity providers deviate, and it must work.
    Quirk,
    /// A choice of the server's operator.
    Policy,
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rfc => "rfc",
            Self::Idp => "idp",
            Self::Quirk => "quirk",
            Self::Policy => "policy",
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Null removes a default header.
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) headers: BTreeMap<String, Value>,
    pub(crate) body: Option<Box<RawValue>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) status: Vec<u16>,
    /// By JSON pointer.
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) json: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) absent: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(crate) headers: BTreeMap<String, Value>,
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Transcript {
    /// Reads and checks a file, so that a fault in it is not taken for one of the server.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
        Self::parse(&text).map_err(|reason| Error::Transcript {
            path: path.into(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let transcript: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if transcript.steps.is_empty() {
            return Err("it has no steps".into());
        }
        let mut known: HashSet<&str> = HashSet::from(["run", "base", "token"]);
        for (step, number) in transcript.steps.iter().zip(1..) {
            step.check(&known)
                .map_err(|fault| format!("step {number} ({}): {fault}", step.name))?;
            known.extend(step.save.keys().map(String::as_str));
        }
        Ok(transcript)
    }
}

impl Step {
    fn check(&self, known: &HashSet<&str>) -> Result<(), String> {
        let Self {
            request, expect, ..
        } = self;
        let on_the_wire = request.path.bytes().all(|b| b.is_ascii_graphic());
        if !request.path.starts_with('/') || !on_the_wire {
            return Err(format!("the path {:?} is not in wire form", request.path));
        }
        if expect.status.is_empty() {
            return Err("expect.status is empty".into());
        }
        let mut pointers = expect.json.keys().chain(&expect.absent);
        if let Some(pointer) = pointers.find(|p| !p.is_empty() && !p.starts_with('/')) {
            return Err(format!("{pointer:?} is not a JSON pointer"));
        }
        for want in expect.json.values().chain(expect.headers.values()) {
            check_matcher(want)?;
        }
        for text in self.texts() {
            if let Some(name) = names_in(&text)
                .into_iter()
                .find(|name| !known.contains(name))
            {
                return Err(format!(
                    "variable ${{{name}}} is not saved by an earlier step"
                ));
            }
        }
        Ok(())
    }

    /// Every text in which variables are replaced.
    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        let Self {
            request, expect, ..
        } = self;
        let json = [&request.headers, &expect.json, &expect.headers]
            .into_iter()
            .flatten()
            .flat_map(|(name, value)| [name.clone(), value.to_string()]);
        let body = request.body.iter().map(|body| body.get().to_owned());
        std::iter::once(request.path.clone())
            .chain(body)
            .chain(json)
            .chain(expect.absent.iter().cloned())
    }
}

fn check_matcher(want: &Value) -> Result<(), String> {
    match as_matcher(want) {
        Some(("$re", pattern)) => {
            let pattern = pattern.as_str().ok_or("$re takes a string")?;
            Regex::new(pattern)
                .map(drop)
                .map_err(|e| format!("/{pattern}/: {e}"))
        }
        Some(_) => Ok(()),
        None => {
            // "$ref" is an attribute of SCIM.
            let unknown = want.as_object().and_then(|members| {
                members
                    .keys()
                    .find(|k| k.starts_with('$') && *k != "$ref" && !MATCHERS.contains(&k.as_str()))
            });
            unknown.map_or(Ok(()), |name| Err(format!("unknown matcher {name}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(step: &str) -> Result<Transcript, String> {
        Transcript::parse(&format!(
            r#"{{"name": "n", "source": "s", "steps": [{step}]}}"#
        ))
    }

    fn fault(step: &str) -> String {
        parse(step).unwrap_err()
    }

    #[test]
    fn every_transcript_of_ours_is_one() {
        let folder = crate::paths::workspace().join("tests/idp");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "json") {
                Transcript::read(&path).unwrap();
                count += 1;
            }
        }
        assert!(count >= 11, "{count}");
    }

    #[test]
    fn step_without_tag_is_the_providers() {
        let step = r#"{"name": "a", "request": {"method": "GET", "path": "/Users"}, "expect": {"status": [200]}}"#;
        assert_eq!(parse(step).unwrap().steps[0].tag, Tag::Idp);
    }

    #[test]
    fn faults_are_named_with_the_step() {
        let step = |request: &str, expect: &str| {
            fault(&format!(
                r#"{{"name": "a", "request": {request}, "expect": {expect}}}"#
            ))
        };
        let get = r#"{"method": "GET", "path": "/Users"}"#;
        for (fault, part) in [
            (
                step(
                    r#"{"method": "GET", "path": "/a b"}"#,
                    r#"{"status": [200]}"#,
                ),
                "wire form",
            ),
            (
                step(
                    r#"{"method": "FETCH", "path": "/"}"#,
                    r#"{"status": [200]}"#,
                ),
                "FETCH",
            ),
            (step(get, r#"{"status": []}"#), "expect.status"),
            (
                step(get, r#"{"status": [200], "json": {"id": 1}}"#),
                "JSON pointer",
            ),
            (
                step(get, r#"{"status": [200], "json": {"/id": {"$is": 1}}}"#),
                "unknown matcher $is",
            ),
            (
                step(get, r#"{"status": [200], "json": {"/id": {"$re": "("}}}"#),
                "/(/",
            ),
            (
                step(get, r#"{"status": [200], "json": {"/id": "${uid}"}}"#),
                "${uid}",
            ),
            (step(get, r#"{"status": [200], "jsn": {}}"#), "jsn"),
        ] {
            assert!(fault.contains(part), "{fault}");
        }
    }
}
