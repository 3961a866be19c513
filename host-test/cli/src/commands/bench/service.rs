//! What the benchmarks do at an endpoint besides measuring.

use crate::admin::bearer;
use crate::error::Error;
use crate::http::{Client, Url};
use crate::progress::Step;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Users are made by so many connections at once.
const WRITERS: usize = 16;

/// The endpoint, and what every request to it bears.
pub(super) struct Service {
    client: Client,
    base_url: String,
    headers: HeaderMap,
}

impl Service {
    pub(super) fn of(base_url: &str, token: &str) -> Result<Self, Error> {
        let mut headers = bearer(token)?;
        let json = HeaderValue::from_static("application/scim+json");
        headers.insert(CONTENT_TYPE, json);
        Ok(Self {
            client: Client::new(Duration::from_secs(60)),
            base_url: base_url.to_owned(),
            headers,
        })
    }

    /// The id of a new resource.
    pub(super) async fn create(&self, path: &str, body: &Value) -> Result<String, Error> {
        let (_, created) = self
            .send(&Method::POST, path, body, StatusCode::CREATED)
            .await?;
        let id = created.get("id").and_then(Value::as_str);
        Ok(id.unwrap_or_default().to_owned())
    }

    /// How long a PATCH takes, from connecting to the last byte of the answer.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Duration, Error> {
        let begun = Instant::now();
        self.send(&Method::PATCH, path, body, StatusCode::OK)
            .await?;
        Ok(begun.elapsed())
    }

    /// How long it takes to be refused for want of a token: what a connection and the filter
    /// cost when no store is asked.
    pub(super) async fn refusal(&self) -> Result<Duration, Error> {
        let url = Url::parse(&format!("{}/Users", self.base_url))?;
        let begun = Instant::now();
        self.client
            .send(&Method::GET, &url, &HeaderMap::new(), None)
            .await?;
        Ok(begun.elapsed())
    }

    pub(super) async fn send(
        &self,
        method: &Method,
        path: &str,
        body: &Value,
        wanted: StatusCode,
    ) -> Result<(StatusCode, Value), Error> {
        let url = Url::parse(&format!("{}{path}", self.base_url))?;
        let body = body.to_string();
        let answer = self
            .client
            .send(method, &url, &self.headers, Some(body.as_bytes()))
            .await?;
        let status = answer.status();
        if status != wanted && status != StatusCode::NO_CONTENT {
            return Err(Error::Answer {
                request: format!("{method} {path}"),
                status: status.as_u16(),
                body: String::from_utf8_lossy(answer.body()).trim().to_owned(),
            });
        }
        let body = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok((status, body))
    }
}

/// Makes users and gives their ids.
pub(super) async fn make_users(service: &Arc<Service>, count: usize) -> Result<Vec<String>, Error> {
    let step = Step::begin(format!("Making {count} users"));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let service = Arc::clone(service);
        writers.spawn(async move {
            let mut ids = Vec::new();
            for number in (writer..count).step_by(WRITERS) {
                let user = json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": format!("user-{number}@example.com"),
                });
                ids.push(service.create("/Users", &user).await?);
            }
            Ok::<_, Error>(ids)
        });
    }
    let mut users = Vec::with_capacity(count);
    for ids in writers.join_all().await {
        users.extend(ids?);
    }
    step.done(format!("Made {count} users"));
    Ok(users)
}

/// The one in the middle.
pub(super) fn median<T: Copy + Default + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_no_outlier() {
        let times = [3, 900, 2].map(Duration::from_micros).to_vec();
        assert_eq!(median(times), Duration::from_micros(3));
    }
}
