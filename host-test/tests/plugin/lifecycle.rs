//! Contexts from their start to their end, ticks, traps and reloads.

use crate::support::{ask, config, get, log_lines, start};
use host_test::{Host, LogLevel};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_with_log_done_delete() {
    let host = start().await;
    ask(&host, get("/local?x")).await;
    let lines = log_lines(&host);
    let of_stream: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("local"))
        .collect();
    assert_eq!(
        of_stream,
        [
            "local log headers(true) response_headers(false) response_body(1,true)",
            "local done",
            "local delete"
        ]
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_and_environment_reach_the_plugin() {
    let mut config = config();
    config.plugin.configuration = b"{}".to_vec();
    config.plugin.vm_configuration = b"vm".to_vec();
    config.plugin.environment = vec![("PROBE".to_owned(), "set".to_owned())];
    let host = Host::start(config).await.unwrap();
    assert_eq!(
        log_lines(&host),
        ["vm_start vm", "configure {} env=Ok(\"set\")"]
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tick_may_answer_for_a_stream() {
    let mut config = config();
    config.plugin.configuration = b"tick".to_vec();
    let host = Host::start(config).await.unwrap();
    assert_eq!(
        ask(&host, get("/tick")).await,
        (200, "from tick".to_owned())
    );
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_is_503_until_the_backoff_has_passed_and_then_a_fresh_vm() {
    let host = start().await;
    assert_eq!(ask(&host, get("/metrics")).await.1, "4 8 5 6 Ok(2)");
    assert_eq!(ask(&host, get("/trap")).await, (503, String::new()));
    assert_eq!(ask(&host, get("/local?x")).await.0, 503);
    assert_eq!(host.memory_sizes().await, [None]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Ids start over; what the host keeps is still there.
    assert_eq!(ask(&host, get("/metrics")).await.1, "4 8 5 6 Ok(4)");
    let critical = host
        .logs()
        .into_iter()
        .find(|line| line.level == LogLevel::Critical);
    assert!(critical.unwrap().message.contains("trapped"));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_ends_one_worker_only() {
    let mut config = config();
    config.workers = 2;
    config.plugin.reload_backoff = Duration::from_secs(60);
    let host = Host::start(config).await.unwrap();
    assert_eq!(ask(&host, get("/trap")).await.0, 503);
    assert_eq!(ask(&host, get("/local?x")).await.0, 200);
    assert_eq!(ask(&host, get("/local?x")).await.0, 503);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_paused_in_a_dead_vm_is_answered_by_the_idle_timeout_only() {
    let mut config = config();
    config.stream_idle_timeout = Duration::from_millis(500);
    let host = Host::start(config).await.unwrap();
    let started = Instant::now();
    let waiting = ask(&host, get("/wait"));
    let trap = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ask(&host, get("/trap")).await.0
    };
    let (waited, trapped) = tokio::join!(waiting, trap);
    // The timeout's reply meets the dead VM on its way back, which makes it a 503.
    assert_eq!((waited, trapped), ((503, String::new()), 503));
    assert!(started.elapsed() >= Duration::from_millis(500));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_loop_is_ended() {
    let mut config = config();
    config.callback_timeout = Duration::from_millis(300);
    let host = Host::start(config).await.unwrap();
    let started = Instant::now();
    assert_eq!(ask(&host, get("/spin")).await.0, 503);
    assert!(started.elapsed() < Duration::from_secs(5));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_over_the_limit_traps_and_the_reload_frees_it() {
    let mut config = config();
    config.memory_limit = 32 << 20;
    let host = Host::start(config).await.unwrap();
    assert_eq!(ask(&host, get("/memory?1000000")).await.0, 200);
    assert_eq!(ask(&host, get("/memory?64000000")).await.0, 503);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ask(&host, get("/local?x")).await.0, 200);
    let size = host.memory_sizes().await[0].unwrap();
    assert!(size < 8 << 20, "{size} bytes");
    host.shutdown().await;
}
