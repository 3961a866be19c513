//! Replies of the plugin and of the host.

use crate::support::{ask, config, get, request, start};
use bytes::Bytes;
use host_test::{Fallback, Host, RequestError};
use hyper::Response;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reply_wins() {
    let host = start().await;
    assert_eq!(ask(&host, get("/twice")).await, (200, "first".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_goes_through_the_plugins_own_response_callbacks() {
    let host = start().await;
    let response = host.request(get("/local?hello")).await.unwrap();
    assert_eq!(
        response.headers()["x-seen"],
        "headers(true) response_headers(false)"
    );
    let response = host.request(get("/local")).await.unwrap();
    assert_eq!(
        response.headers()["x-seen"],
        "headers(true) response_headers(true)"
    );
    let rewritten = ask(&host, get("/local?rewrite")).await;
    assert_eq!(rewritten.1, "rewritten");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_during_the_response_replaces_it() {
    let mut config = config();
    config.fallback = Fallback::Upstream(Arc::new(|_| Response::new("original".into())));
    let host = Host::start(config).await.unwrap();
    assert_eq!(
        ask(&host, get("/pass?replace")).await,
        (418, "replaced".to_owned())
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_reply_has_length_zero_and_no_type() {
    let host = start().await;
    let response = host.request(get("/empty?200")).await.unwrap();
    assert_eq!(response.headers()["content-length"], "0");
    assert!(!response.headers().contains_key("content-type"));
    let response = host.request(get("/empty?204")).await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_keeps_the_length_and_loses_the_body() {
    let host = start().await;
    let response = host
        .request(request("HEAD", "/local?hello", ""))
        .await
        .unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert!(response.body().is_empty());
    assert_eq!(
        response.headers()["x-seen"],
        "headers(true) response_headers(true)"
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_of_the_plugin_is_the_plugins_reply() {
    let mut config = config();
    config.local_reply = Some(Arc::new(|_, _, _| ("a/b".to_owned(), "mapped".into())));
    let host = Host::start(config).await.unwrap();
    let own = host
        .request(request("POST", "/limit", "body"))
        .await
        .unwrap();
    assert_eq!(
        (own.status().as_u16(), &own.body()[..]),
        (413, &b"own limit"[..])
    );
    assert_eq!(own.headers()["x"], "own");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_of_the_host_are_mapped() {
    let mut config = config();
    config.local_reply = Some(Arc::new(|status, details, body| {
        (
            "application/x".to_owned(),
            Bytes::from(format!("{status} {details} {body}")),
        )
    }));
    let host = Host::start(config).await.unwrap();
    let route = host.request(get("/pass")).await.unwrap();
    assert_eq!(route.headers()["content-type"], "application/x");
    assert_eq!(route.body(), "404 direct_response not found");
    let trap = ask(&host, get("/trap")).await;
    assert_eq!(trap, (503, "503 wasm_fail_stream ".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_stream_has_no_response() {
    let host = start().await;
    let answer = host.request(get("/reset")).await;
    assert!(matches!(answer, Err(RequestError::Reset)), "{answer:?}");
    host.shutdown().await;
}
