//! gRPC calls of the plugin, over real connections.

use crate::support::{Upstream, ask, config, get, log_lines, logged};
use host_test::{Address, Host, LogLevel};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn answer_of_a_call_is_replied_from_its_callback() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let (status, text) = ask(&host, get("/call?store/echo")).await;
    assert_eq!(status, 200);
    assert!(text.starts_with("status=0 body=http://store/probe.Probe/echo te=Some(\"trailers\")"));
    assert!(text.contains("asked=b\"ask\""), "{text}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_count_in_fours_from_five() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    ask(&host, get("/call?store/echo")).await;
    ask(&host, get("/call?store/echo")).await;
    let lines = log_lines(&host);
    assert!(lines.contains(&"token 5".to_owned()) && lines.contains(&"token 9".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_share_one_connection_and_it_is_made_anew_when_lost() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    for _ in 0..3 {
        ask(&host, get("/call?store/echo")).await;
    }
    assert_eq!(upstream.connections.load(SeqCst), 1);
    let address = upstream.address;
    upstream.stop().await;
    let lost = ask(&host, get("/call?store/echo")).await.1;
    assert!(lost.starts_with("status=14 "), "{lost}");
    let again = Upstream::start_at(address).await;
    let found = ask(&host, get("/call?store/echo")).await.1;
    assert!(found.starts_with("status=0 "), "{found}");
    assert_eq!(again.connections.load(SeqCst), 1);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_of_the_server_comes_with_its_message() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let text = ask(&host, get("/call?store/fail")).await.1;
    assert_eq!(text, "status=5 body= message=as asked");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeout_is_status_14() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let text = ask(&host, get("/call?store/never")).await.1;
    let wanted = "status=14 body= message=upstream request timeout{response_timeout}";
    assert_eq!(text, wanted);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_connection_is_status_14() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut config = config();
    config
        .clusters
        .insert("store".to_owned(), Address::Tcp(address));
    let host = Host::start(config).await.unwrap();
    let text = ask(&host, get("/call?store/echo")).await.1;
    assert!(
        text.starts_with("status=14 body= message=upstream connect error"),
        "{text}"
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answer_arrives_whole() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let text = ask(&host, get("/call?store/big")).await.1;
    assert!(text.len() > 6 << 20, "{} bytes", text.len());
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_cluster_is_an_internal_failure() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let text = ask(&host, get("/call?other/echo")).await.1;
    assert_eq!(text, "refused InternalFailure");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_name_that_would_crash_envoy_is_refused_with_a_reason() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let text = ask(&host, get("/call?bare:etcd2/echo")).await.1;
    assert_eq!(text, "refused ParseFailure");
    let reason = host
        .logs()
        .into_iter()
        .find(|line| line.level == LogLevel::Critical)
        .unwrap();
    assert!(
        reason.message.contains("would crash Envoy"),
        "{}",
        reason.message
    );
    // "store" is no valid message, so Envoy takes it as the name of a cluster.
    let text = ask(&host, get("/call?bare:store/echo")).await.1;
    assert!(text.starts_with("status=0 "), "{text}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_goes_on_when_the_client_goes_away() {
    let upstream = Upstream::start().await;
    let host = upstream.host().await;
    let gone = host.request(get("/call?store/slow"));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), gone)
            .await
            .is_err()
    );
    logged(&host, "call delete").await;
    for _ in 0..100 {
        if upstream.answered.load(SeqCst) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        (upstream.calls.load(SeqCst), upstream.answered.load(SeqCst)),
        (1, 1)
    );
    // The answer has been dropped and nothing trapped: the same VM answers on.
    assert_eq!(ask(&host, get("/local?alive")).await.1, "alive");
    assert!(!log_lines(&host).iter().any(|line| line.contains("trapped")));
    host.shutdown().await;
}
