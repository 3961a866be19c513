//! A group of very many members through the whole system: seen whole or not at all, in bearable
//! time, and nothing left of it in the end.
//!
//! `SCIM_EDGE_MEMBERS=100000 cargo test -p tests large -- --nocapture` tells how long each step
//! takes at another size.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Needs, scim, store, within};

mod killed;

const MEMBERS: usize = 20_000;

#[test]
fn a_large_group_lives_its_life_on_envoy_and_etcd() {
    within(120, &[Needs::Envoy, Needs::Etcd], async {
        a_large_group_lives_its_life(Proxy::Envoy, Store::Etcd).await;
    });
}

#[test]
fn a_large_group_lives_its_life_on_wasmtime_and_the_embedded_store() {
    within(120, &[], async {
        a_large_group_lives_its_life(Proxy::Wasmtime, Store::Embedded).await;
    });
}

async fn a_large_group_lives_its_life(proxy: Proxy, store: Store) {
    let endpoint = Endpoint::start(proxy, store).await;
    let at = &endpoint.running().store_endpoints()[0];
    let count = std::env::var("SCIM_EDGE_MEMBERS").map_or(MEMBERS, |n| n.parse().unwrap());
    let ids = users(at, count).await;
    let (half, all) = (&ids[..ids.len() / 2], &ids[..]);
    let mut client = endpoint.client();
    client.post("/Users", &scim::user("one@example.com")).await;

    let created = {
        let _timed = Timed::new("create");
        client
            .post("/Groups", &scim::group("Large", &refs(half)))
            .await
    };
    assert_eq!(created.status, 201, "{}", created.text("/detail"));
    let path = format!("/Groups/{}", created.text("/id"));
    assert!(members(&mut client, &path).await == set(half));

    // While the list is replaced, a reader sees one or the other.
    let mut reader = endpoint.client();
    let (watched, possible) = (path.clone(), [set(half), set(all)]);
    let replaced = {
        let _timed = Timed::new("replace");
        let body = scim::group("Large", &refs(all));
        let replacing = client.put(&path, &body);
        tokio::pin!(replacing);
        loop {
            tokio::select! {
                reply = &mut replacing => break reply,
                () = tokio::time::sleep(Duration::from_millis(200)) => {
                    let seen = members(&mut reader, &watched).await;
                    assert!(possible.contains(&seen), "{} members", seen.len());
                }
            }
        }
    };
    assert_eq!(replaced.status, 200, "{}", replaced.text("/detail"));
    assert!(members(&mut client, &path).await == set(all));

    let list = |ids: &[String]| ids.iter().map(|id| json!({"value": id})).collect::<Value>();
    for (what, operation, left) in [
        (
            "remove half",
            json!({"op": "remove", "path": "members", "value": list(half)}),
            &all[half.len()..],
        ),
        (
            "add half",
            json!({"op": "add", "path": "members", "value": list(half)}),
            all,
        ),
        (
            "remove all",
            json!({"op": "remove", "path": "members"}),
            &[],
        ),
        (
            "add all",
            json!({"op": "add", "path": "members", "value": list(all)}),
            all,
        ),
    ] {
        let patched = {
            let _timed = Timed::new(what);
            client.patch(&path, &json!([operation])).await
        };
        assert_eq!(patched.status, 204, "{what}: {}", patched.text("/detail"));
        assert!(members(&mut client, &path).await == set(left), "{what}");
    }
    let one = format!("/Users/{}", all[0]);
    assert_eq!(client.get(&one).await.text("/groups/0/display"), "Large");
    {
        let _timed = Timed::new("delete");
        assert_eq!(client.delete(&path).await.status, 204);
    }
    assert_eq!(client.get(&one).await.json().get("groups"), None);

    if let Some(host) = endpoint.running().host() {
        eprintln!("the VMs have {:?} bytes", host.memory_sizes().await);
    }
    // The workers clean up by themselves.
    let _timed = Timed::new("clean up");
    while store::keys(at, "scim/unused/").await != store::Keys::new() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(
        store::keys(at, "scim/default/member").await,
        store::Keys::new()
    );
}

/// Users of whom the store has nothing but a record, which is enough to be a member.
pub(crate) async fn users(at: &edge_cli::Endpoint, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count)
        .map(|n| format!("0199aa00-0000-7000-8000-{n:012}"))
        .collect();
    let records: Vec<_> = ids
        .iter()
        .map(|id| {
            let record = json!({"id": id, "userName": id,
                "meta": {"created": "2026-11-24T05:00:00.000Z", "lastModified": "2026-11-24T05:00:00.000Z"}});
            (format!("user/{id}"), record.to_string())
        })
        .collect();
    store::put(at, store::TENANT, &records).await;
    ids
}

/// All members of a group, page by page.
async fn members(client: &mut Client, path: &str) -> BTreeSet<String> {
    let _timed = Timed::new("  read");
    let mut next = Some(format!("{path}?attributes=members.value"));
    let mut found = BTreeSet::new();
    while let Some(path) = next {
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text("/detail"));
        let body = page.json();
        let values = body["members"].as_array().into_iter().flatten();
        found.extend(values.map(|member| member["value"].as_str().unwrap().to_owned()));
        let link = page.header("link");
        next = link.split_once("/scim/v2").map(|(_, rest)| {
            let (path, _) = rest.split_once('>').unwrap();
            path.to_owned()
        });
    }
    found
}

pub(crate) fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

fn set(ids: &[String]) -> BTreeSet<String> {
    ids.iter().cloned().collect()
}

/// Tells how long something took, when it ends.
struct Timed(&'static str, Instant);

impl Timed {
    fn new(what: &'static str) -> Self {
        Self(what, Instant::now())
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        eprintln!("{}: {:.2?}", self.0, self.1.elapsed());
    }
}
