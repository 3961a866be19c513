//! What it costs to add one member to a group, by the size of the group: through Envoy and the
//! embedded store, over and over, the sizes in turn so that whatever else the machine does meets
//! all of them alike.

use crate::admin::bearer;
use crate::commands::up;
use crate::error::Error;
use crate::http::{Client, Url};
use crate::progress::Step;
use crate::server::Options;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many members the groups have, the one to compare with first.
const SIZES: [usize; 3] = [1, 1_000, 100_000];
/// How often a member is added to each.
const ROUNDS: usize = 500;
/// Users are made by so many connections at once.
const WRITERS: usize = 16;
/// Members that a request adds while a group grows to its size.
const MEMBERS_AT_ONCE: usize = 2_000;

/// Starts an endpoint of its own, measures and gives the table.
pub(super) async fn measure() -> Result<String, Error> {
    let folder =
        tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
    let running = up::start(Options::new(folder.path())).await?;
    let service = Arc::new(Service::of(
        &running.ready().base_url,
        &running.ready().token,
    )?);
    let measured = async {
        let users = SIZES.into_iter().max().unwrap_or_default();
        let users = make_users(&service, users + 1).await?;
        let Some((newcomer, members)) = users.split_first() else {
            return Ok(String::new());
        };
        let mut groups = Vec::new();
        for size in SIZES {
            groups.push(make_group(&service, size, members).await?);
        }
        let step = Step::begin("Adding one member, over and over");
        let mut times = vec![Vec::with_capacity(ROUNDS); groups.len()];
        let mut floor = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            floor.push(service.refusal().await?);
            for (group, times) in groups.iter().zip(&mut times) {
                times.push(service.patch(group, &add(&[newcomer])).await?);
                service.patch(group, &remove(newcomer)).await?;
            }
        }
        step.done("Added one member, over and over");
        Ok(render(
            median(floor),
            &times.into_iter().map(median).collect::<Vec<_>>(),
        ))
    };
    let table = measured.await;
    running.stop().await;
    table
}

/// The endpoint, and what every request to it bears.
struct Service {
    client: Client,
    base_url: String,
    headers: HeaderMap,
}

impl Service {
    fn of(base_url: &str, token: &str) -> Result<Self, Error> {
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
    async fn create(&self, path: &str, body: &Value) -> Result<String, Error> {
        let (_, created) = self
            .send(&Method::POST, path, body, StatusCode::CREATED)
            .await?;
        let id = created.get("id").and_then(Value::as_str);
        Ok(id.unwrap_or_default().to_owned())
    }

    /// How long a PATCH takes, from connecting to the last byte of the answer.
    async fn patch(&self, path: &str, body: &Value) -> Result<Duration, Error> {
        let begun = Instant::now();
        self.send(&Method::PATCH, path, body, StatusCode::OK)
            .await?;
        Ok(begun.elapsed())
    }

    /// How long it takes to be refused for want of a token: what a connection and the filter
    /// cost when no store is asked.
    async fn refusal(&self) -> Result<Duration, Error> {
        let url = Url::parse(&format!("{}/Users", self.base_url))?;
        let begun = Instant::now();
        self.client
            .send(&Method::GET, &url, &HeaderMap::new(), None)
            .await?;
        Ok(begun.elapsed())
    }

    async fn send(
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
async fn make_users(service: &Arc<Service>, count: usize) -> Result<Vec<String>, Error> {
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

/// Makes a group of the first of these members and gives its path.
async fn make_group(service: &Service, size: usize, members: &[String]) -> Result<String, Error> {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": format!("Group of {size}"),
    });
    let id = service.create("/Groups", &group).await?;
    let path = format!("/Groups/{id}");
    let members: Vec<&String> = members.iter().take(size).collect();
    for some in members.chunks(MEMBERS_AT_ONCE) {
        service.patch(&path, &add(some)).await?;
    }
    Ok(path)
}

fn add(members: &[&String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    operation(&json!({"op": "add", "path": "members", "value": members}))
}

fn remove(member: &str) -> Value {
    let path = format!("members[value eq \"{member}\"]");
    operation(&json!({"op": "remove", "path": path}))
}

fn operation(operation: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The sizes, what an addition took, and how that compares with the first size: as it is, and
/// without what any request costs.
fn render(floor: Duration, times: &[Duration]) -> String {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let ratio = |time: Duration, less: Duration| {
        let first = times.first().copied().unwrap_or_default();
        micros(time.saturating_sub(less)) / micros(first.saturating_sub(less))
    };
    let mut table = format!(
        "One member added to a group by PATCH, through Envoy and the embedded store; median of {ROUNDS}\n\
         \x20 {:<36} {:>9.0} µs\n",
        "a request that is refused (401)",
        micros(floor)
    );
    for (size, time) in SIZES.iter().zip(times) {
        let _ = writeln!(
            table,
            "  {:<36} {:>9.0} µs {:>6.2} x, {:.2} x beyond a refusal",
            format!("a group of {size}"),
            micros(*time),
            ratio(*time, Duration::ZERO),
            ratio(*time, floor)
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_with_the_first_with_and_without_the_floor() {
        let times = [400, 800, 1_200].map(Duration::from_micros);
        let table = render(Duration::from_micros(200), &times);
        assert!(table.contains("a group of 1000"), "{table}");
        assert!(table.contains("2.00 x, 3.00 x"), "{table}");
        assert!(table.contains("3.00 x, 5.00 x"), "{table}");
    }

    #[test]
    fn the_median_is_no_outlier() {
        let times = [3, 900, 2].map(Duration::from_micros).to_vec();
        assert_eq!(median(times), Duration::from_micros(3));
    }
}
