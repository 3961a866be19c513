//! Too much, too slow, too often: whatever clients do, the others are served, what was
//! written is whole, and no worker is lost (P7, P8).

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tests::client::{Client, Reply};
use tests::endpoint::{Endpoint, Proxy, Store, no_vm_was_lost};
use tests::{Findings, Needs, scim, within};

mod answers;
mod bodies;
mod clients;
mod connections;
mod update;

/// An endpoint with so many workers and these limits.
async fn limited(proxy: Proxy, folder: &Path, workers: usize, limits: &Value) -> Endpoint {
    let file = folder.join("config.json");
    std::fs::write(&file, json!({"limits": limits}).to_string()).unwrap();
    Endpoint::start_with(proxy, Store::Embedded, |options| {
        options.workers = workers;
        options.config = Some(file);
    })
    .await
}

/// A client with a token of its own.
async fn with_token(endpoint: &Endpoint) -> Client {
    let ready = endpoint.running().ready();
    let address = endpoint.running().address();
    let mut admin = Client::new(address, "/admin/v1", &ready.admin_key);
    let made = admin
        .post(
            "/tenants/default/tokens",
            &json!({"label": "overload", "scopes": ["scim"]}),
        )
        .await;
    assert_eq!(made.status, 201, "{made}");
    Client::new(address, "/scim/v2", &made.text("/token"))
}

/// Sends requests for a user that there is not, on so many connections in turn, so that
/// both workers get some; the replies.
async fn ask(address: std::net::SocketAddr, token: &str, number: usize) -> Vec<Reply> {
    let mut clients: Vec<Client> = (0..10)
        .map(|_| Client::new(address, "/scim/v2", token))
        .collect();
    let mut replies = Vec::new();
    for n in 0..number {
        let client = n % clients.len();
        replies.push(clients[client].get("/Users/none").await);
    }
    replies
}

/// That so many at least, and at most, were answered by `status` and all others by 429.
fn expect(replies: &[Reply], status: u16, allowed: std::ops::RangeInclusive<usize>) {
    let passed = replies.iter().filter(|r| r.status == status).count();
    assert!(allowed.contains(&passed), "{passed} instead of {allowed:?}");
    for reply in replies.iter().filter(|reply| reply.status != status) {
        scim::expect_error(reply, &[429]).unwrap();
        assert!(
            reply
                .header("retry-after")
                .parse::<u32>()
                .is_ok_and(|s| s > 0)
        );
    }
}

async fn quotas(proxy: Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let limits = json!({
        "requests_per_second": 1, "request_burst": 30,
        "auth_failures_per_minute": 1, "auth_failure_burst": 12,
    });
    let endpoint = limited(proxy, folder.path(), 2, &limits).await;
    let address = endpoint.running().address();
    let mut good = with_token(&endpoint).await;
    assert_eq!(good.get("/Schemas").await.status, 200);

    let wrong = format!("scim_{}", "0".repeat(64));
    expect(&ask(address, &wrong, 60).await, 401, 12..=13);
    // Behind the same address, on new connections: with any worker.
    for _ in 0..10 {
        assert_eq!(good.again().get("/Schemas").await.status, 200);
    }
    let other = &endpoint.running().ready().token;
    // Each worker lets the burst pass together with the other; a slow machine takes a
    // second or more for it.
    expect(&ask(address, other, 60).await, 404, 20..=40);
    assert_eq!(good.get("/Schemas").await.status, 200);
}

#[test]
fn a_token_and_a_source_have_their_quota_over_all_workers_on_envoy() {
    within(60, &[Needs::Envoy], quotas(Proxy::Envoy));
}

#[test]
fn a_token_and_a_source_have_their_quota_over_all_workers_on_wasmtime() {
    within(60, &[], quotas(Proxy::Wasmtime));
}

/// That no worker lost its VM, and that the endpoint serves.
async fn unharmed(endpoint: &Endpoint, proxy: Proxy, findings: &mut Findings) {
    no_vm_was_lost(endpoint, proxy, findings).await;
    let list = endpoint.client().get("/Users?count=0").await;
    findings.check(list.status == 200, || format!("afterwards: {list}"));
}

/// How long an ordinary request may take beside all this.
const PATIENCE: Duration = Duration::from_secs(10);
