//! Plays a transcript: sends each step, judges the answer, keeps what later steps need.

use crate::error::Error;
use crate::http::{Client, HttpError, Url};
use crate::replay::body::to_send;
use crate::replay::matcher::{mismatch, show};
use crate::replay::pointer::find;
use crate::replay::transcript::{Method, Step, Tag, Transcript};
use crate::replay::variables::{Unresolved, Variables};
use crate::secret::random_hex;
use bytes::Bytes;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

const SCIM: HeaderValue = HeaderValue::from_static("application/scim+json");
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How much of an answer `-v` shows, in bytes.
const SHOWN: usize = 2000;

/// Which steps count. All are sent, so that later ones find what earlier ones made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only these, when there are any.
    pub(crate) only: Vec<Tag>,
    /// Not these.
    pub(crate) skip: Vec<Tag>,
}

impl Selection {
    fn counts(&self, tag: Tag) -> bool {
        (self.only.is_empty() || self.only.contains(&tag)) && !self.skip.contains(&tag)
    }
}

/// How many steps passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

/// Plays transcripts against one server.
#[derive(Debug)]
pub(crate) struct Runner {
    client: Client,
    base: String,
    token: String,
    selection: Selection,
    /// Show every exchange.
    verbose: bool,
}

/// An answer, as far as steps look at it.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Runner {
    /// A player for the server at `base`.
    pub(crate) fn new(
        base: &str,
        token: &str,
        selection: Selection,
        verbose: bool,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(ANSWER),
            base: base.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            selection,
            verbose,
        })
    }

    /// Plays one file and tells `report` each line. After each step, `then` is waited for, which
    /// gets the step's name.
    pub(crate) async fn play(
        &self,
        transcript: &Transcript,
        report: &mut impl FnMut(&str),
        mut then: impl AsyncFnMut(&str),
    ) -> Result<Tally, Error> {
        let mut variables = Variables::default();
        variables.set("run", json!(random_hex(8)?));
        variables.set("base", json!(self.base));
        variables.set("token", json!(self.token));
        let mut tally = Tally::default();
        for (step, number) in transcript.steps.iter().zip(1..) {
            let faults = self.step(step, &mut variables, report).await;
            then(&step.name).await;
            if !self.selection.counts(step.tag) {
                continue;
            }
            let verdict = if faults.is_empty() { "pass" } else { "FAIL" };
            report(&format!(
                "{verdict} {number:3} [{}] {}",
                step.tag, step.name
            ));
            for fault in &faults {
                report(&format!("         {fault}"));
            }
            if faults.is_empty() {
                tally.passed += 1;
            } else {
                tally.failed += 1;
            }
        }
        Ok(tally)
    }

    /// What is wrong with the answer to a step.
    async fn step(
        &self,
        step: &Step,
        variables: &mut Variables,
        report: &mut impl FnMut(&str),
    ) -> Vec<String> {
        let prepared = match Prepared::new(step, variables) {
            Ok(prepared) => prepared,
            Err(unresolved) => return vec![unresolved.to_string()],
        };
        let answer = match self.exchange(step.request.method, &prepared).await {
            Ok(answer) => answer,
            Err(e) => return vec![format!("request failed: {e}")],
        };
        if self.verbose {
            show_exchange(step.request.method, &prepared, &answer, report);
        }
        judge(step, &prepared, &answer, variables)
    }

    async fn exchange(&self, method: Method, prepared: &Prepared) -> Result<Answer, HttpError> {
        let url = Url::parse(&format!("{}{}", self.base, prepared.path))?;
        let headers = self.headers(prepared)?;
        let body = prepared.body.as_deref().map(str::as_bytes);
        let answer = self
            .client
            .send(&verb(method), &url, &headers, body)
            .await?;
        let (head, body) = answer.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    fn headers(&self, prepared: &Prepared) -> Result<HeaderMap, hyper::http::Error> {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {}", self.token))?,
        );
        headers.insert(ACCEPT, SCIM);
        headers.insert(USER_AGENT, HeaderValue::from_static("scim-replay/1"));
        if prepared.body.is_some() {
            headers.insert(CONTENT_TYPE, SCIM);
        }
        for (name, value) in &prepared.headers {
            let name = HeaderName::try_from(name.as_str())?;
            match value {
                Value::Null => {
                    headers.remove(name);
                }
                Value::String(text) => {
                    headers.insert(name, HeaderValue::try_from(text.as_str())?);
                }
                other => {
                    headers.insert(name, HeaderValue::try_from(other.to_string())?);
                }
            }
        }
        Ok(headers)
    }
}

/// A step with its variables replaced.
struct Prepared {
    path: String,
    headers: BTreeMap<String, Value>,
    body: Option<String>,
    json: Vec<(String, Value)>,
    absent: Vec<String>,
    expected_headers: BTreeMap<String, Value>,
}

impl Prepared {
    fn new(step: &Step, variables: &Variables) -> Result<Self, Unresolved> {
        let Step {
            request, expect, ..
        } = step;
        let values =
            |map: &BTreeMap<String, Value>| -> Result<BTreeMap<String, Value>, Unresolved> {
                map.iter()
                    .map(|(k, v)| Ok((variables.apply_to_text(k)?, variables.apply(v)?)))
                    .collect()
            };
        Ok(Self {
            path: variables.apply_to_text(&request.path)?,
            headers: values(&request.headers)?,
            body: request
                .body
                .as_deref()
                .map(|body| to_send(body, variables))
                .transpose()?,
            json: values(&expect.json)?.into_iter().collect(),
            absent: expect
                .absent
                .iter()
                .map(|pointer| variables.apply_to_text(pointer))
                .collect::<Result<_, _>>()?,
            expected_headers: values(&expect.headers)?,
        })
    }
}

fn judge(
    step: &Step,
    prepared: &Prepared,
    answer: &Answer,
    variables: &mut Variables,
) -> Vec<String> {
    let mut faults = Vec::new();
    let looks_inside = !prepared.json.is_empty() || !prepared.absent.is_empty();
    let document = serde_json::from_slice::<Value>(&answer.body).ok();
    if looks_inside && document.is_none() && !answer.body.is_empty() {
        let start: String = String::from_utf8_lossy(&answer.body)
            .chars()
            .take(80)
            .collect();
        faults.push(format!("body is not JSON: {start:?}"));
    }
    let status_fits = step.expect.status.contains(&answer.status);
    if !status_fits {
        let mut fault = format!("status {}, wanted {:?}", answer.status, step.expect.status);
        if let Some(detail) = document.as_ref().and_then(|d| find(d, "/detail")) {
            // Writing to a String cannot fail.
            let _ = write!(fault, " ({})", show(Some(detail)));
        }
        faults.push(fault);
    }
    match &document {
        None if looks_inside && faults.is_empty() => faults.push("no body".into()),
        // With another status the body is another document: its members would only be noise.
        Some(document) if status_fits => {
            for (pointer, want) in &prepared.json {
                if let Some(fault) = mismatch(want, find(document, pointer)) {
                    let at = if pointer.is_empty() {
                        "(document)"
                    } else {
                        pointer
                    };
                    faults.push(format!("{at}: {fault}"));
                }
            }
            for pointer in &prepared.absent {
                if let Some(got) = find(document, pointer) {
                    faults.push(format!(
                        "{pointer}: should be absent, is {}",
                        show(Some(got))
                    ));
                }
            }
        }
        None | Some(_) => {}
    }
    for (name, want) in &prepared.expected_headers {
        if let Some(fault) = mismatch(want, header(&answer.headers, name).as_ref()) {
            faults.push(format!("header {name}: {fault}"));
        }
    }
    for (variable, source) in &step.save {
        let value = match source.strip_prefix("header:") {
            Some(name) => header(&answer.headers, name),
            None => document.as_ref().and_then(|d| find(d, source)).cloned(),
        };
        match value {
            None => faults.push(format!("nothing at {source} to save as {variable}")),
            Some(value) if status_fits => variables.set(variable, value),
            Some(_) => {}
        }
    }
    faults
}

/// The last value of a header, as text.
fn header(headers: &HeaderMap, name: &str) -> Option<Value> {
    let value = headers.get_all(name).iter().next_back()?;
    Some(Value::String(
        String::from_utf8_lossy(value.as_bytes()).into_owned(),
    ))
}

fn show_exchange(
    method: Method,
    prepared: &Prepared,
    answer: &Answer,
    report: &mut impl FnMut(&str),
) {
    report(&format!("    > {} {}", verb(method), prepared.path));
    if let Some(body) = &prepared.body {
        report(&format!("    > {body}"));
    }
    let start = answer.body.get(..SHOWN).unwrap_or(&answer.body);
    report(&format!(
        "    < {} {}",
        answer.status,
        String::from_utf8_lossy(start)
    ));
}

fn verb(method: Method) -> hyper::Method {
    match method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Put => hyper::Method::PUT,
        Method::Patch => hyper::Method::PATCH,
        Method::Delete => hyper::Method::DELETE,
        Method::Head => hyper::Method::HEAD,
        Method::Options => hyper::Method::OPTIONS,
    }
}
