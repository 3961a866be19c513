//! kill -9 of everything that can be killed, while clients write: what was acknowledged is there
//! (P4), nothing is there by halves (P1), service resumes by itself (P8).

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store, client, options, start};
use tests::{Findings, Needs, scim, store, within};
use tokio::task::JoinHandle;

const WRITERS: usize = 4;
const CRASHES: usize = 3;
/// How long writers write between crashes.
const BETWEEN: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn killing_envoy_loses_nothing() {
    within(120, &[Needs::Envoy], async {
        let endpoint = Endpoint::start(Proxy::Envoy, Store::Embedded).await;
        let writers = Writers::start(&endpoint).await;
        for _ in 0..CRASHES {
            tokio::time::sleep(BETWEEN).await;
            endpoint.running().crash_envoy(PATIENCE).await.unwrap();
        }
        writers.verify(&endpoint).await;
    });
}

#[test]
fn killing_the_embedded_store_under_envoy_loses_nothing() {
    within(
        120,
        &[Needs::Envoy],
        killing_the_embedded_store_loses_nothing(Proxy::Envoy),
    );
}

#[test]
fn killing_the_embedded_store_under_wasmtime_loses_nothing() {
    within(
        120,
        &[],
        killing_the_embedded_store_loses_nothing(Proxy::Wasmtime),
    );
}

async fn killing_the_embedded_store_loses_nothing(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let writers = Writers::start(&endpoint).await;
    for _ in 0..CRASHES {
        tokio::time::sleep(BETWEEN).await;
        endpoint.running().crash_store(PATIENCE).await.unwrap();
    }
    writers.verify(&endpoint).await;
}

#[test]
fn killing_etcd_under_envoy_loses_nothing() {
    within(120, &[Needs::Envoy, Needs::Etcd], async {
        let mut endpoint = Endpoint::start(Proxy::Envoy, Store::Etcd).await;
        let writers = Writers::start(&endpoint).await;
        for _ in 0..CRASHES {
            tokio::time::sleep(BETWEEN).await;
            endpoint.etcd().kill();
            tokio::time::sleep(BETWEEN / 2).await;
            endpoint.etcd().start_again().await;
            endpoint.running().answers(PATIENCE).await.unwrap();
        }
        writers.verify(&endpoint).await;
    });
}

#[test]
fn stopping_envoy_and_starting_wasmtime_keeps_everything() {
    within(120, &[Needs::Envoy], async {
        let data = tempfile::tempdir().unwrap();
        let first = start(Proxy::Envoy, options(data.path())).await;
        let token = first.ready().token.clone();
        let mut before = client(&first);
        let user = before.post("/Users", &scim::user("kept@example.com")).await;
        let id = user.text("/id");
        let group = before.post("/Groups", &scim::group("Kept", &[&id])).await;
        let group_path = format!("/Groups/{}", group.text("/id"));
        let user_before = before.get(&format!("/Users/{id}")).await;
        let group_before = before.get(&group_path).await;
        first.stop().await;

        // On the other proxy: what is stored is the same for both.
        let second = start(Proxy::Wasmtime, options(data.path())).await;
        let mut after = Client::new(second.address(), "/scim/v2", &token);
        let normal = |reply: &tests::client::Reply, address: std::net::SocketAddr| {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            (
                reply.status,
                reply.header("etag").to_owned(),
                text.replace(&address.to_string(), "A"),
            )
        };
        let first_address = user_before.text("/meta/location");
        let first_address = first_address.split('/').nth(2).unwrap().parse().unwrap();
        for (path, reply) in [
            (format!("/Users/{id}"), user_before),
            (group_path, group_before),
        ] {
            let again = after.get(&path).await;
            assert_eq!(
                normal(&again, second.address()),
                normal(&reply, first_address)
            );
        }
        let taken = after.post("/Users", &scim::user("KEPT@example.com")).await;
        scim::expect_error(&taken, &[409]).unwrap();
        second.stop().await;
    });
}

/// Clients that create users and put them into a group until told to stop, and remember what was
/// acknowledged.
struct Writers {
    group: String,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Written>>,
}

#[derive(Default)]
struct Written {
    /// userName -> id, of each 201.
    users: BTreeMap<String, String>,
    /// userNames whose POST had no answer, or 503.
    unknown: Vec<String>,
    /// Ids whose PATCH into the group was answered 2xx.
    members: Vec<String>,
    /// Answers that no client should get.
    odd: Vec<String>,
}

impl Writers {
    async fn start(endpoint: &Endpoint) -> Self {
        let group = endpoint
            .client()
            .post("/Groups", &scim::group("All", &[]))
            .await;
        let group = format!("/Groups/{}", group.text("/id"));
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..WRITERS)
            .map(|n| {
                let (client, group, stop) = (endpoint.client(), group.clone(), Arc::clone(&stop));
                tokio::spawn(write(n, client, group, stop))
            })
            .collect();
        Self { group, stop, tasks }
    }

    /// Stops writing and looks what is there.
    async fn verify(self, endpoint: &Endpoint) {
        tokio::time::sleep(BETWEEN).await;
        self.stop.store(true, Ordering::Relaxed);
        let mut findings = Findings::default();
        let mut client = endpoint.client();
        let (mut acknowledged, mut unanswered, mut added) = (0, 0, Vec::new());
        for task in self.tasks {
            let written = task.await.unwrap();
            acknowledged += written.users.len();
            unanswered += written.unknown.len();
            added.extend(written.members);
            written.odd.into_iter().for_each(|odd| findings.add(odd));
            for (name, id) in written.users {
                let read = client.get(&format!("/Users/{id}")).await;
                findings.check(read.text("/userName") == name, || {
                    format!("{name} by id: {read}")
                });
                let found = by_name(&mut client, &name).await;
                findings.check(found.as_deref() == Ok(&[id]), || {
                    format!("{name}: {found:?}")
                });
            }
            for name in written.unknown {
                // There whole or not at all.
                match by_name(&mut client, &name).await.as_deref() {
                    Ok([]) => {}
                    Ok([id]) => {
                        let read = client.get(&format!("/Users/{id}")).await;
                        findings
                            .check(read.text("/userName") == name, || format!("{name}: {read}"));
                    }
                    other => findings.add(format!("{name}: {other:?}")),
                }
            }
        }
        let group = client.get(&self.group).await.json();
        let members: BTreeSet<&str> = group["members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| member["value"].as_str())
            .collect();
        for id in added.iter().filter(|id| !members.contains(id.as_str())) {
            findings.add(format!("member {id} was acknowledged and is not there"));
        }
        let at = &endpoint.running().store_endpoints()[0];
        store::check(&store::keys(at, store::TENANT).await, &mut findings);
        findings.none();
        assert!(
            acknowledged > 10 * CRASHES,
            "only {acknowledged} writes were acknowledged"
        );
        eprintln!("{acknowledged} users acknowledged, {unanswered} not");
    }
}

/// The ids that a look-up by userName finds.
async fn by_name(client: &mut Client, name: &str) -> Result<Vec<String>, String> {
    let reply = client
        .get(&scim::query("/Users", &format!("userName eq \"{name}\"")))
        .await;
    let list = reply.json();
    let resources = list["Resources"].as_array().cloned().unwrap_or_default();
    if reply.status != 200 || list["totalResults"] != resources.len() {
        return Err(reply.to_string());
    }
    let ids = resources
        .iter()
        .filter_map(|user| Some(user["id"].as_str()?.to_owned()));
    Ok(ids.collect())
}

async fn write(n: usize, mut client: Client, group: String, stop: Arc<AtomicBool>) -> Written {
    let mut written = Written::default();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        let name = format!("writer-{n}-{count}@example.com");
        let created = client
            .try_call(hyper::Method::POST, "/Users", Some(&scim::user(&name)))
            .await;
        match created {
            Ok(reply) if reply.status == 201 => {
                let id = reply.text("/id");
                written.users.insert(name, id.clone());
                let add = scim::patch(
                    &json!([{"op": "add", "path": "members", "value": [{"value": id}]}]),
                );
                let added = client
                    .try_call(hyper::Method::PATCH, &group, Some(&add))
                    .await;
                match added {
                    Ok(reply) if matches!(reply.status, 200 | 204) => written.members.push(id),
                    Ok(reply) if reply.status != 503 => written.odd.push(format!("PATCH: {reply}")),
                    Ok(_) | Err(_) => {}
                }
            }
            Ok(reply) if reply.status == 503 || reply.status == 504 => {
                if let Err(wrong) = scim::expect_error(&reply, &[503, 504]) {
                    written.odd.push(wrong);
                }
                written.unknown.push(name);
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            Ok(reply) => written.odd.push(format!("POST: {reply}")),
            Err(_) => {
                written.unknown.push(name);
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }
    written
}
