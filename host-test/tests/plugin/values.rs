//! Shared data, metrics and properties.

use crate::support::{ask, config, get, request, start};
use host_test::{Host, Metric, MetricValue};

#[tokio::test(flavor = "multi_thread")]
async fn compare_and_swap_follows_envoy() {
    let host = start().await;
    let text = ask(&host, get("/cas")).await.1;
    let wanted = "before=(None, None) absent=ok stale=CasMismatch current=ok value=3";
    assert_eq!(text, wanted);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_data_and_metrics_are_shared_by_the_workers() {
    let mut config = config();
    config.workers = 2;
    let host = Host::start(config).await.unwrap();
    ask(&host, get("/cas")).await;
    let second = ask(&host, get("/cas")).await.1;
    assert!(second.starts_with("before=(Some("), "{second}");
    ask(&host, get("/metrics")).await;
    ask(&host, get("/metrics")).await;
    let counter = host
        .metrics()
        .into_iter()
        .find(|metric| metric.name == "probe_counter");
    assert_eq!(counter.unwrap().value, MetricValue::Counter(4));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metric_ids_carry_their_kind_and_values_can_be_read() {
    let host = start().await;
    assert_eq!(ask(&host, get("/metrics")).await.1, "4 8 5 6 Ok(2)");
    let metric = |name: &str, value| Metric {
        name: name.to_owned(),
        value,
    };
    let wanted = [
        metric("probe_counter", MetricValue::Counter(2)),
        metric("probe_gauge", MetricValue::Gauge(7)),
        metric(
            "probe_histogram",
            MetricValue::Histogram { count: 1, sum: 5 },
        ),
    ];
    assert_eq!(host.metrics(), wanted);
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_are_raw_bytes() {
    let host = start().await;
    let property = async |path: &str| {
        let request = request("GET", &format!("/property?{path}"), "");
        ask(&host, request).await.1
    };
    let text = |text: &str| format!("{:?}", Ok::<_, ()>(Some(text.as_bytes().to_vec())));
    assert_eq!(property("plugin_name").await, text("probe"));
    assert_eq!(property("plugin_root_id").await, text("root"));
    assert_eq!(property("plugin_vm_id").await, text("vm"));
    assert_eq!(property("request.method").await, text("GET"));
    assert_eq!(property("request.host").await, text("test"));
    assert_eq!(property("request.url_path").await, text("/property"));
    assert_eq!(property("request.query").await, text("request.query"));
    assert_eq!(property("request.protocol").await, text("HTTP/1.1"));
    assert_eq!(property("connection.mtls").await, "Ok(Some([0]))");
    assert_eq!(
        property("source.port").await,
        "Ok(Some([0, 0, 0, 0, 0, 0, 0, 0]))"
    );
    assert_eq!(property("no.such").await, "Ok(None)");
    host.shutdown().await;
}
