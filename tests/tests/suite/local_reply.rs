//! What Envoy says itself: SCIM errors below the base path, its own words elsewhere; and what
//! clients see while the store is away.

use hyper::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::client::{Client, empty};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Needs, raw, scim, within};

/// Without a deadline of its own, a call of a store that hangs takes 5 s.
const STORE_TIMEOUT_MS: u64 = 700;

#[test]
fn envoy_speaks_scim_below_the_base_path_only() {
    within(60, &[Needs::Envoy], async {
        let endpoint = Endpoint::start(Proxy::Envoy, Store::Embedded).await;
        let address = endpoint.running().address();
        let ask = async |target: &str, headers: &str| {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
            raw::exchange(address, request.as_bytes()).await.unwrap()
        };
        for outside in [
            "/",
            "/other",
            "/scimx",
            "/scimv2",
            "/Scim/v2",
            "/scim%2Fv2",
            "/admin",
            "/admin/v1x",
            "//scim/v2/Users",
        ] {
            let reply = ask(outside, "").await;
            assert_eq!(
                (reply.status, &*reply.body),
                (404, b"not found\n".as_slice()),
                "{outside}"
            );
            assert_eq!(reply.header("content-type"), "text/plain", "{outside}");
        }
        for inside in [
            "/scim/v2",
            "/scim/v2/",
            "/scim/v2?x=1",
            "/scim/v2/Users",
            "/scim",
            "/scim/",
            "/scim/Users",
            "/scim/v1/Users",
            "/%73cim/v2/Users",
            "/admin/v1",
            "/admin/v1/tenants",
        ] {
            scim::expect_error(&ask(inside, "").await, &[401]).unwrap();
        }
        let long = format!("X-Long: {}\r\n", "a".repeat(70_000));
        for target in ["/scim/v2/Users", "/scim/Users"] {
            scim::expect_error(&ask(target, &long).await, &[431]).unwrap();
        }
        let http10 = raw::exchange(address, b"GET /scim/v2/Users HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        scim::expect_error(&http10, &[426]).unwrap();
        let no_host = raw::exchange(address, b"GET /scim/v2/Users HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        scim::expect_error(&no_host, &[400]).unwrap();
    });
}

#[test]
fn configured_base_path_is_the_only_one_on_envoy() {
    within(60, &[Needs::Envoy], async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, r#"{"base_path": "/identity/v2.0"}"#).unwrap();
        let endpoint = Endpoint::start_with(Proxy::Envoy, Store::Embedded, |options| {
            options.config = Some(file);
        })
        .await;
        let mut client = endpoint.client();
        let created = client.post("/Users", &scim::user("ada@example.com")).await;
        assert_eq!(created.status, 201, "{created}");
        let location = created.text("/meta/location");
        assert_eq!(created.header("location"), location);
        assert!(location.contains("/identity/v2.0/Users/"), "{location}");
        let mut elsewhere = Client::new(endpoint.running().address(), "/scim/v2", "");
        assert_eq!(&*elsewhere.get("/Users").await.body, b"not found\n");
    });
}

/// A store that refuses connections, on both proxies.
#[test]
fn store_that_is_away_is_503_until_it_is_back_on_envoy_with_etcd() {
    within(
        90,
        &[Needs::Envoy, Needs::Etcd],
        store_that_is_away(Proxy::Envoy),
    );
}

#[test]
fn store_that_is_away_is_503_until_it_is_back_on_wasmtime_with_etcd() {
    within(90, &[Needs::Etcd], store_that_is_away(Proxy::Wasmtime));
}

async fn store_that_is_away(proxy: Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let mut endpoint = with_short_timeout(proxy, folder.path()).await;
    let mut client = endpoint.client();
    let id = client
        .post("/Users", &scim::user("ada@example.com"))
        .await
        .text("/id");
    let path = format!("/Users/{id}");
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Ada"}]);

    endpoint.etcd().kill();
    for _ in 0..3 {
        scim::expect_error(&client.get(&path).await, &[503]).unwrap();
        scim::expect_error(&client.get("/Users").await, &[503]).unwrap();
        scim::expect_error(&client.patch(&path, &rename).await, &[503]).unwrap();
        let head = client.request(Method::HEAD, &path).body(empty()).unwrap();
        assert_eq!(client.try_send(head).await.unwrap().status, 503);
    }
    endpoint.etcd().start_again().await;
    comes_back(&mut client, &path).await;
    assert_eq!(client.patch(&path, &rename).await.status, 200);

    // One that hangs, which is worse than one that refuses.
    endpoint.etcd().freeze();
    let (reply, took) = loop {
        let begun = Instant::now();
        let reply = client.get(&path).await;
        // The signal takes effect a moment after it was sent.
        if reply.status != 200 {
            break (reply, begun.elapsed());
        }
    };
    scim::expect_error(&reply, &[503]).unwrap();
    assert!(
        took < Duration::from_secs(5),
        "a hanging store was waited for {took:?}"
    );
    endpoint.etcd().thaw();
    comes_back(&mut client, &path).await;
}

async fn with_short_timeout(proxy: Proxy, folder: &std::path::Path) -> Endpoint {
    let file = folder.join("config.json");
    let store = json!({"cluster": "etcd", "authority": "etcd", "timeout_ms": STORE_TIMEOUT_MS});
    std::fs::write(&file, json!({"store": store}).to_string()).unwrap();
    Endpoint::start_with(proxy, Store::Etcd, |options| options.config = Some(file)).await
}

async fn comes_back(client: &mut Client, path: &str) {
    let begun = Instant::now();
    loop {
        let reply = client.get(path).await;
        if reply.status == 200 {
            return;
        }
        scim::expect_error(&reply, &[503]).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "service does not resume: {reply}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
