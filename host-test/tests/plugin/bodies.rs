//! When which body callback comes, and what is buffered meanwhile.

use crate::support::{ask, config, exchange, get, loopback, request, start};
use bytes::Bytes;
use host_test::{Fallback, Host};
use hyper::Response;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn request_without_body_ends_with_its_headers() {
    let host = start().await;
    assert_eq!(ask(&host, get("/callbacks")).await.1, "headers(true)");
    let empty = request("POST", "/callbacks", "");
    assert_eq!(ask(&host, empty).await.1, "headers(true)");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_body_ends_with_an_extra_callback_of_all_that_is_buffered() {
    let host = start().await;
    let answer = ask(&host, request("POST", "/callbacks", "four")).await;
    assert_eq!(answer.1, "headers(false) body(4,false) body(4,true)");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_chunks_come_as_they_are_sent() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let answer = exchange(
        address,
        "POST /callbacks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n0\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("headers(false) body(0,true)"), "{answer}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drained_body_may_be_larger_than_the_buffer() {
    let host = start().await;
    let body = vec![7; 3 << 20];
    let (status, text) = ask(&host, request("POST", "/drain", body)).await;
    assert_eq!(status, 200);
    assert!(text.starts_with("drained 3145728 "), "{text}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drained_and_buffered_body_are_the_same() {
    let host = start().await;
    let body: Vec<u8> = (0..200_000_u32).map(|byte| byte as u8).collect();
    let drained = ask(&host, request("POST", "/drain", body.clone())).await.1;
    let buffered = ask(&host, request("POST", "/buffer", body)).await.1;
    assert_eq!(drained.replace("drained", "buffered"), buffered);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buffered_body_over_the_limit_is_413_by_the_host() {
    let host = start().await;
    let fits = ask(&host, request("POST", "/buffer", vec![1; 1 << 20])).await;
    assert_eq!(fits.0, 200);
    let over = ask(&host, request("POST", "/buffer", vec![1; (1 << 20) + 1])).await;
    assert_eq!(over, (413, "Payload Too Large".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_in_headers_stops_body_callbacks_unless_configured() {
    let mut config = config();
    config.plugin.allow_on_headers_stop_iteration = false;
    config.stream_idle_timeout = std::time::Duration::from_millis(200);
    let host = Host::start(config).await.unwrap();
    let answer = ask(&host, request("POST", "/callbacks", "four")).await;
    assert_eq!(answer, (504, "stream timeout".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_came_while_all_was_stopped_is_shown_after_the_resume() {
    let mut config = config();
    config.plugin.allow_on_headers_stop_iteration = false;
    config.plugin.configuration = b"tick".to_vec();
    config.fallback = Fallback::Upstream(Arc::new(|request| {
        let seen = format!("upstream got {:?}", request.body());
        Response::new(Bytes::from(seen))
    }));
    let host = Host::start(config).await.unwrap();
    // The probe resumes from a tick what it paused in its headers.
    let response = host
        .request(request("POST", "/resume", "four"))
        .await
        .unwrap();
    assert_eq!(response.body(), "upstream got b\"four\"");
    let seen = "headers(false) body(4,true) response_headers(false)";
    assert_eq!(response.headers()["x-seen"], seen);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passed_request_goes_to_the_upstream_as_the_plugin_left_it() {
    let mut config = config();
    config.fallback = Fallback::Upstream(Arc::new(|request| {
        let (head, body) = request.into_parts();
        Response::new(format!("{} {} {body:?}", head.method, head.uri).into())
    }));
    let host = Host::start(config).await.unwrap();
    let answer = ask(&host, request("PUT", "/pass?q=1", "body")).await;
    assert_eq!(
        answer,
        (200, "PUT http://test/pass?q=1 b\"body\"".to_owned())
    );
    let answer = ask(&host, request("POST", "/rewrite", "body")).await;
    assert_eq!(answer.1, "POST http://test/rewrite b\"rewritten\"");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_upstream_the_route_answers_404() {
    let host = start().await;
    let answer = ask(&host, request("POST", "/pass", "body")).await;
    assert_eq!(answer, (404, "not found".to_owned()));
    host.shutdown().await;
}
