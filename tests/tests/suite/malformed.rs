//! Anything malformed gets a SCIM error within the limits, stores nothing, and the same worker goes
//! on serving (P7, P8). One table, played against both proxies.

use crate::malformed::Sent::{Bytes, Pieces};
use serde_json::json;
use tests::client::Protocol;
use tests::endpoint::{Endpoint, Proxy, Store, no_vm_was_lost};
use tests::{Findings, Needs, raw, scim, store, within};

mod http2;
mod requests;

/// A request that must be refused.
struct Case {
    name: &'static str,
    /// What is sent on a fresh connection.
    sent: Sent,
    /// The statuses that are right.
    statuses: &'static [u16],
    layer: Layer,
}

/// Who refuses.
#[derive(Clone, Copy, PartialEq)]
enum Layer {
    /// The plugin: the same in both proxies.
    Plugin,
    /// The proxy, before the plugin sees the request. Envoy's `local_reply_config` makes these SCIM
    /// errors; our wasmtime host leaves HTTP to its library, which says 400 or closes.
    Codec,
}

enum Sent {
    /// All at once.
    Bytes(Vec<u8>),
    /// One packet after the other.
    Pieces(Vec<Vec<u8>>),
}

#[test]
fn malformed_requests_get_scim_errors_and_store_nothing_on_envoy() {
    within(180, &[Needs::Envoy], all_are_refused(Proxy::Envoy));
}

#[test]
fn malformed_requests_get_scim_errors_and_store_nothing_on_wasmtime() {
    within(180, &[], all_are_refused(Proxy::Wasmtime));
}

/// One byte more than a body may have here: the default would make these requests slow.
const TOO_LONG: usize = (1 << 20) + 1;

async fn all_are_refused(proxy: Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let limits = json!({"limits": {"max_body_bytes": TOO_LONG - 1}});
    std::fs::write(&file, limits.to_string()).unwrap();
    let endpoint = Endpoint::start_with(proxy, Store::Embedded, |options| {
        options.config = Some(file);
    })
    .await;
    let mut client = endpoint.client();
    let id = client
        .post("/Users", &scim::user("kept@example.com"))
        .await
        .text("/id");
    let group = client
        .post("/Groups", &scim::group("Kept", &[&id]))
        .await
        .text("/id");
    let at = &endpoint.running().store_endpoints()[0];
    let before = store::keys(at, "scim/").await;
    let listed = scim::all(&mut client, "/Users").await;

    let mut findings = Findings::default();
    let requests = requests::Requests {
        host: endpoint.running().address().to_string(),
        token: endpoint.running().ready().token.clone(),
        user: format!("/scim/v2/Users/{id}"),
        group: format!("/scim/v2/Groups/{group}"),
    };
    for case in requests.all() {
        let host_decides = proxy == Proxy::Wasmtime && case.layer == Layer::Codec;
        let refused = match send(&endpoint, case.sent).await {
            Err(_) if host_decides => Ok(()),
            Ok(reply) if host_decides && (400..500).contains(&reply.status) => Ok(()),
            Err(e) => Err(e),
            Ok(reply) => scim::expect_error(&reply, case.statuses),
        };
        if let Err(wrong) = refused {
            findings.add(format!("{}: {wrong}", case.name));
        }
        let alive = client.get(&format!("/Users/{id}")).await;
        findings.check(alive.status == 200, || {
            format!("after {}: {alive}", case.name)
        });
    }
    http2::refused(&endpoint, &requests, &mut findings).await;

    let after = store::keys(at, "scim/").await;
    for (key, value) in &after {
        findings.check(before.get(key) == Some(value), || format!("stored: {key}"));
    }
    findings.check(after.len() == before.len(), || {
        "something was deleted".into()
    });
    findings.check(scim::all(&mut client, "/Users").await == listed, || {
        "the list changed".into()
    });
    no_vm_was_lost(&endpoint, proxy, &mut findings).await;
    findings.none();
}

async fn send(endpoint: &Endpoint, sent: Sent) -> Result<tests::client::Reply, String> {
    let mut connection = raw::Connection::open(endpoint.running().address()).await;
    match sent {
        Bytes(bytes) => connection.send(&bytes).await,
        Pieces(pieces) => {
            for piece in pieces {
                connection.send(&piece).await;
                tokio::task::yield_now().await;
            }
        }
    }
    connection.answer().await
}

#[test]
fn odd_but_valid_requests_are_served_on_envoy() {
    within(60, &[Needs::Envoy], odd_but_valid(Proxy::Envoy));
}

#[test]
fn odd_but_valid_requests_are_served_on_wasmtime() {
    within(60, &[], odd_but_valid(Proxy::Wasmtime));
}

/// What looks odd and is right all the same.
async fn odd_but_valid(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let mut client = endpoint.client();
    let mut findings = Findings::default();
    for n in 0..3 {
        client
            .post("/Users", &scim::user(&format!("{n}@example.com")))
            .await;
    }
    // RFC 7644, section 3.4.2.4: a startIndex below 1 is 1, a negative count is 0.
    for (query, start, items) in [
        ("startIndex=-5", 1, 3),
        ("startIndex=0", 1, 3),
        ("count=-1", 1, 0),
        ("count=0", 1, 0),
        ("count=99999999999999999999999999", 1, 3),
        ("count=1000000000", 1, 3),
        ("startIndex=2&count=1", 2, 1),
    ] {
        let list = client.get(&format!("/Users?{query}")).await.json();
        let right = list["totalResults"] == 3
            && list["startIndex"] == start
            && list["Resources"].as_array().map_or(0, Vec::len) == items;
        findings.check(right, || format!("{query}: {list}"));
    }
    let beyond = client.get("/Users?startIndex=1000000000").await.json();
    findings.check(
        beyond["totalResults"] == 3 && beyond["Resources"].as_array().is_none_or(Vec::is_empty),
        || beyond.to_string(),
    );

    // A body in one-byte chunks, and one of a client that waits to be told to go on.
    let requests = requests::Requests::of(&endpoint);
    for (name, request) in requests.slow_but_right() {
        match send(&endpoint, request).await {
            Ok(reply) => findings.check(reply.status == 201, || format!("{name}: {reply}")),
            Err(e) => findings.add(format!("{name}: {e}")),
        }
    }
    // HTTP/2, with a body that ends in trailers.
    let mut h2 = endpoint.client().speaking(Protocol::Http2);
    let created =
        http2::with_trailers(&mut h2, scim::user("trailers@example.com").to_string()).await;
    findings.check(created.as_ref().is_ok_and(|r| r.status == 201), || {
        format!("{created:?}")
    });
    findings.none();
}

/// A header whose value is no text must not stop a request.
#[test]
fn header_that_is_no_text_is_no_obstacle_on_envoy_and_wasmtime() {
    within(60, &[Needs::Envoy], async {
        for proxy in [Proxy::Envoy, Proxy::Wasmtime] {
            let endpoint = Endpoint::start(proxy, Store::Embedded).await;
            let requests = requests::Requests::of(&endpoint);
            let reply = send(&endpoint, Bytes(requests.header_that_is_no_text()))
                .await
                .unwrap();
            assert_eq!(reply.status, 200, "{proxy:?}: {reply}");
        }
    });
}
