//! How many decisions about the network one Envoy worker gives in a second, by where they come from,
//! beside what that worker answers without our plugin having anything to say.

use super::service::{Service, make_users, median};
use crate::admin::bearer;
use crate::commands::up;
use crate::error::Error;
use crate::http::{Connection, HttpError, Url, encode};
use crate::progress::Step;
use crate::server::{Options, Running};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Users who ask, all in one group.
const USERS: usize = 1_000;
/// Connections that ask, each for one answer after the other.
const CONNECTIONS: usize = 32;
/// Each asks about so many users before they are those of the next one. So no two connections ask
/// about the same user at the same time, which neither would find remembered.
const USERS_EACH: usize = USERS.div_ceil(CONNECTIONS);
/// How long each kind is asked for at a time.
const ROUND: Duration = Duration::from_secs(2);
/// How often; the kinds in turn, so that whatever else the machine does meets all alike.
const ROUNDS: usize = 5;

/// Something to ask for, over and over.
struct Kind {
    what: &'static str,
    load: Arc<Load>,
    /// Answers a second, of each round.
    rates: Vec<f64>,
}

/// Requests, in turn, and what must come back.
struct Load {
    address: SocketAddr,
    method: Method,
    requests: Vec<Vec<u8>>,
    status: StatusCode,
}

impl Kind {
    /// The median of the rounds.
    fn rate(&self) -> f64 {
        median(self.rates.clone())
    }
}

/// Starts endpoints of its own, measures and gives the table.
pub(super) async fn measure() -> Result<String, Error> {
    let recent = start(&json!({"max_staleness_ms": 1_000})).await?;
    let confirmed = start(&json!({})).await?;
    let store = start(&json!({"max_remembered": 0})).await?;
    let measured = async {
        let mut kinds = vec![
            passed_on(&recent.0)?,
            refused(&recent.0)?,
            asked("remembered, the store seen within a second", &recent.0)?,
            asked("remembered, the store says so", &confirmed.0)?,
            asked("from the store", &store.0)?,
        ];
        for (running, _) in [&recent, &confirmed, &store] {
            populate(running).await?;
        }
        let step = Step::begin("Asking for decisions");
        for kind in &kinds {
            // What can be remembered of each user, is; and the code has run for a while.
            rate(kind)?;
        }
        for _ in 0..ROUNDS {
            for kind in &mut kinds {
                let rate = rate(kind)?;
                kind.rates.push(rate);
            }
        }
        step.done("Asked for decisions");
        Ok(render(&kinds))
    };
    let table = measured.await;
    for (running, _) in [recent, confirmed, store] {
        running.stop().await;
    }
    table
}

/// An endpoint with one worker and this configuration of decisions, and its folder.
async fn start(decisions: &Value) -> Result<(Running, tempfile::TempDir), Error> {
    let folder =
        tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
    let config = folder.path().join("config.json");
    let text = json!({"decisions": decisions}).to_string();
    std::fs::write(&config, text).map_err(Error::file("write", &config))?;
    let mut options = Options::new(folder.path());
    options.workers = 1;
    options.config = Some(config);
    Ok((up::start(options).await?, folder))
}

/// Users, all in a group that has a policy.
async fn populate(running: &Running) -> Result<(), Error> {
    let ready = running.ready();
    let service = Arc::new(Service::of(&ready.base_url, &ready.token)?);
    let users = make_users(&service, USERS).await?;
    let members: Vec<Value> = users.iter().map(|id| json!({"value": id})).collect();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Employees",
        "members": members,
    });
    service.create("/Groups", &group).await?;
    let admin = Service::of(&ready.admin_url, &ready.admin_key)?;
    let policy = json!({"name": "Corporate-WiFi", "vlan": 100, "bandwidthUp": 100_000_000,
        "bandwidthDown": 100_000_000, "sessionTimeout": 43_200});
    let path = "/tenants/default/policies/Employees";
    admin
        .send(&Method::PUT, path, &policy, StatusCode::CREATED)
        .await?;
    Ok(())
}

/// What the filter lets pass, and Envoy answers by itself: the ceiling.
fn passed_on(running: &Running) -> Result<Kind, Error> {
    let url = Url::parse(&format!("http://{}/elsewhere", running.address()))?;
    Ok(Kind {
        what: "Envoy's own answer, past the filter",
        load: Arc::new(Load {
            address: running.address(),
            method: Method::GET,
            requests: vec![encode(&Method::GET, &url, &HeaderMap::new(), None)],
            status: StatusCode::NOT_FOUND,
        }),
        rates: Vec::new(),
    })
}

/// What is asked for, without a token: what a request and its answer cost by themselves.
fn refused(running: &Running) -> Result<Kind, Error> {
    let what = "refused for want of a token";
    authorize(what, running, HeaderMap::new(), StatusCode::UNAUTHORIZED)
}

/// What is asked for, with a token.
fn asked(what: &'static str, running: &Running) -> Result<Kind, Error> {
    let headers = bearer(&running.ready().access_token)?;
    authorize(what, running, headers, StatusCode::OK)
}

/// `POST /access/v1/authorize` as FreeRADIUS asks it, for one user after the other.
fn authorize(
    what: &'static str,
    running: &Running,
    mut headers: HeaderMap,
    status: StatusCode,
) -> Result<Kind, Error> {
    let url = format!("http://{}/access/v1/authorize", running.address());
    let url = Url::parse(&url)?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let requests = (0..USERS).map(|number| {
        let body = json!({
            "User-Name": {"type": "string", "value": [format!("user-{number}@example.com")]},
            "Calling-Station-Id": {"type": "string", "value": ["02-00-5E-10-00-77"]},
        });
        let body = body.to_string();
        encode(&Method::POST, &url, &headers, Some(body.as_bytes()))
    });
    Ok(Kind {
        what,
        load: Arc::new(Load {
            address: running.address(),
            method: Method::POST,
            requests: requests.collect(),
            status,
        }),
        rates: Vec::new(),
    })
}

/// Answers a second in one round. One thread asks, so that the worker has a core of its own.
fn rate(kind: &Kind) -> Result<f64, Error> {
    let asking = || -> Result<f64, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let begun = Instant::now();
            let mut connections = tokio::task::JoinSet::new();
            for connection in 0..CONNECTIONS {
                let first = connection * USERS_EACH;
                connections.spawn(ask(Arc::clone(&kind.load), first, begun));
            }
            let mut answers = 0;
            for counted in connections.join_all().await {
                answers += counted?;
            }
            Ok(f64::from(answers) / begun.elapsed().as_secs_f64())
        })
    };
    let rate = std::thread::scope(|scope| scope.spawn(asking).join());
    Ok(rate.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
}

/// Asks on one connection until the round is over and its users were asked about, and counts the
/// answers.
async fn ask(load: Arc<Load>, first: usize, begun: Instant) -> Result<u32, HttpError> {
    let mut connection = Connection::open(load.address).await?;
    let mut answers = 0;
    let requests = load.requests.iter().cycle().skip(first);
    for (asked, request) in (1..).zip(requests) {
        let answer = connection.exchange(&load.method, request).await?;
        if answer.status() != load.status {
            let status = answer.status();
            return Err(HttpError::Answer(format!(
                "{status} is not {}",
                load.status
            )));
        }
        answers += 1;
        if begun.elapsed() >= ROUND && asked >= USERS_EACH {
            break;
        }
    }
    Ok(answers)
}

/// The kinds, the answers of a worker in a second, and how that compares with the first kind.
fn render(kinds: &[Kind]) -> String {
    let ceiling = kinds.first().map_or(0.0, Kind::rate);
    let mut table = format!(
        "Decisions about {USERS} users, POST /access/v1/authorize, one worker, {CONNECTIONS} connections; \
         median of {ROUNDS} rounds\n"
    );
    for kind in kinds {
        let (what, rate) = (kind.what, kind.rate());
        let _ = writeln!(
            table,
            "  {what:<44} {rate:>9.0} /s {:>6.2} x",
            rate / ceiling
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_compared_with_the_first_by_their_median() {
        let kind = |what, rates: &[f64]| Kind {
            what,
            load: Arc::new(Load {
                address: ([127, 0, 0, 1], 1).into(),
                method: Method::GET,
                requests: Vec::new(),
                status: StatusCode::OK,
            }),
            rates: rates.to_vec(),
        };
        let table = render(&[
            kind("the ceiling", &[100.0, 20_000.0, 30_000.0]),
            kind("ours", &[5_000.0, 6_000.0, 1.0]),
        ]);
        assert!(table.contains("20000 /s   1.00 x"), "{table}");
        assert!(table.contains("5000 /s   0.25 x"), "{table}");
    }
}
