//! Decisions about the network when the store goes away and comes back.

use serde_json::{Value, json};
use tests::client::{Client, Reply};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Needs, envoy, scim, within};

/// Somebody who may be on the network, and somebody who no longer may.
async fn populate(endpoint: &Endpoint) {
    let ready = endpoint.running().ready();
    let (mut client, address) = (endpoint.client(), endpoint.running().address());
    let mut members = Vec::new();
    for name in ["ada@example.com", "tim@example.com"] {
        members.push(client.post("/Users", &scim::user(name)).await.text("/id"));
    }
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let group = client
        .post("/Groups", &scim::group("Staff", &members))
        .await;
    assert_eq!(group.status, 201, "{group}");
    let mut admin = Client::new(address, "/admin/v1/tenants/default", &ready.admin_key);
    let policy = json!({"name": "Corporate-WiFi", "vlan": 100});
    let made = admin.put("/policies/Staff", &policy).await;
    assert_eq!(made.status, 201, "{made}");
    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let path = format!("/Users/{}", members[1]);
    assert_eq!(client.patch(&path, &off).await.status, 200);
}

async fn ask(guard: &mut Client, name: &str) -> Reply {
    let body = json!({"User-Name": {"type": "string", "value": [name]}});
    guard.post("/authorize", &body).await
}

fn vlan(reply: &Reply) -> Value {
    reply.json()["reply:Tunnel-Private-Group-Id"]["value"][0].clone()
}

async fn go_on_without_the_store(proxy: Proxy) {
    let mut endpoint =
        Endpoint::start_with(proxy, Store::Etcd, |options| options.workers = 1).await;
    populate(&endpoint).await;
    let token = endpoint.running().ready().access_token.clone();
    let mut guard = Client::new(endpoint.running().address(), "/access/v1", &token);
    assert_eq!(vlan(&ask(&mut guard, "ada@example.com").await), "100");
    assert_eq!(ask(&mut guard, "tim@example.com").await.status, 403);
    endpoint.etcd().kill();
    for _ in 0..3 {
        assert_eq!(vlan(&ask(&mut guard, "ADA@example.com").await), "100");
        assert_eq!(ask(&mut guard, "tim@example.com").await.status, 403);
        // Of whom nothing is known.
        assert_eq!(ask(&mut guard, "eve@example.com").await.status, 503);
    }
    let refused = endpoint.client().get("/Users?count=0").await;
    assert_eq!(refused.status, 503, "SCIM is not answered from memory");
    if proxy == Proxy::Envoy {
        let stats = envoy::stats(endpoint.running(), "wasmcustom.scim.decision").await;
        let away = stats.get("wasmcustom.scim.decision.store_away").copied();
        assert_eq!(away, Some(6), "{stats:?}");
    }
    endpoint.etcd().start_again().await;
    endpoint
        .running()
        .answers(std::time::Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(vlan(&ask(&mut guard, "ada@example.com").await), "100");
    assert_eq!(ask(&mut guard, "eve@example.com").await.status, 403);
}

#[test]
fn decisions_go_on_without_the_store_on_envoy() {
    within(
        90,
        &[Needs::Envoy, Needs::Etcd],
        go_on_without_the_store(Proxy::Envoy),
    );
}

#[test]
fn decisions_go_on_without_the_store_on_wasmtime() {
    within(90, &[Needs::Etcd], go_on_without_the_store(Proxy::Wasmtime));
}
