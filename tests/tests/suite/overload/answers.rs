//! Large answers at once: what a worker holds of them is bounded, and who comes too much is told
//! to come back.

use super::{limited, unharmed};
use crate::large::{refs, users};
use serde_json::json;
use std::time::Duration;
use tests::endpoint::Proxy;
use tests::{Findings, Needs, scim, within};

/// What a worker may have for everything: the least that can be configured.
const MEMORY: usize = 67_108_864;
/// Members of the group that all read, as many as one answer shows.
const MEMBERS: usize = 20_000;
/// How many read it at once, unless `SCIM_EDGE_READERS` says otherwise: several times more than
/// find room.
const READERS: usize = 60;
/// How long one may wait for so many others.
const PATIENCE: Duration = Duration::from_secs(100);

async fn read_at_once(proxy: Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let memory = std::env::var("SCIM_EDGE_MEMORY").map_or(MEMORY, |bytes| bytes.parse().unwrap());
    let readers = std::env::var("SCIM_EDGE_READERS").map_or(READERS, |n| n.parse().unwrap());
    let limits = json!({"max_memory_bytes": memory, "max_request_memory_bytes": 33_554_432,
        "max_body_bytes": 2_097_152, "max_json_values": 100_000});
    let endpoint = limited(proxy, folder.path(), 1, &limits).await;
    let ids = users(&endpoint.running().store_endpoints()[0], MEMBERS).await;
    let group = scim::group("Large", &refs(&ids));
    let made = endpoint.client().post("/Groups", &group).await;
    assert_eq!(made.status, 201, "{}", made.text("/detail"));
    let path = format!("/Groups/{}", made.text("/id"));

    let reading: Vec<_> = (0..readers)
        .map(|_| {
            let (mut client, path) = (endpoint.client().waiting(PATIENCE), path.clone());
            tokio::spawn(async move { client.get(&path).await })
        })
        .collect();
    let mut findings = Findings::default();
    let (mut read, mut refused) = (0, 0);
    for reader in reading {
        let reply = reader.await.unwrap();
        if reply.status == 200 {
            read += 1;
            let members = reply.json()["members"].as_array().map_or(0, Vec::len);
            findings.check(members == MEMBERS, || format!("{members} members"));
            continue;
        }
        refused += 1;
        if let Err(wrong) = scim::expect_error(&reply, &[503]) {
            findings.add(wrong);
        }
        let detail = reply.text("/detail");
        findings.check(detail.contains("limits.max_memory_bytes"), || detail);
        findings.check(reply.header("retry-after") == "1", || reply.to_string());
    }
    println!("{read} read it, {refused} were told to come back");
    findings.check(read > 0, || "all were refused".into());
    findings.check(refused > 0, || "all found room: nothing was tried".into());
    // What was held is free again.
    let alone = endpoint.client().get(&path).await;
    findings.check(alone.status == 200, || format!("alone: {}", alone.status));
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn answers_beyond_what_a_worker_holds_at_once_are_told_to_come_back_on_envoy() {
    within(150, &[Needs::Envoy], read_at_once(Proxy::Envoy));
}

#[test]
fn answers_beyond_what_a_worker_holds_at_once_are_told_to_come_back_on_wasmtime() {
    within(150, &[], read_at_once(Proxy::Wasmtime));
}
