//! Many requests at once: on many connections, one behind the other on one, and side by
//! side on one.

use super::unharmed;
use hyper::client::conn::http2;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::fmt::Write as _;
use tests::client::{empty, full};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, raw, scim, within};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 1_000;
const PIPELINED: usize = 60;
/// Fewer than Envoy's default of concurrent streams, 100 in the shipped bootstrap.
const STREAMS: usize = 90;

fn request(endpoint: &Endpoint, method: &str, path: &str, body: &str) -> String {
    let mut text = format!(
        "{method} /scim/v2{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n",
        endpoint.running().address(),
        endpoint.running().ready().token,
    );
    if !body.is_empty() {
        let length = body.len();
        write!(
            text,
            "Content-Type: {}\r\nContent-Length: {length}\r\n",
            scim::MEDIA_TYPE
        )
        .unwrap();
    }
    format!("{text}\r\n{body}")
}

async fn many(proxy: Proxy) {
    let endpoint = Endpoint::start_with(proxy, Store::Embedded, |o| o.workers = 2).await;
    let address = endpoint.running().address();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(raw::Connection::open(address).await);
    }
    // All are open before the first asks, and none is closed before all have asked.
    let get = request(&endpoint, "GET", "/Users/none", "");
    for connection in &mut connections {
        connection.send(get.as_bytes()).await;
    }
    let mut findings = Findings::default();
    for (n, connection) in connections.iter_mut().enumerate() {
        let answer = connection.answer().await.map(|reply| reply.status);
        findings.check(answer == Ok(404), || format!("connection {n}: {answer:?}"));
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn a_thousand_connections_at_once_are_answered_on_envoy() {
    within(120, &[Needs::Envoy], many(Proxy::Envoy));
}

#[test]
fn a_thousand_connections_at_once_are_answered_on_wasmtime() {
    within(120, &[], many(Proxy::Wasmtime));
}

async fn pipelined(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let mut all = String::new();
    for n in 0..PIPELINED {
        let user = scim::user(&format!("{n}@example.com")).to_string();
        all += &request(&endpoint, "POST", "/Users", &user);
        all += &request(&endpoint, "GET", &format!("/Users/none-{n}"), "");
    }
    let mut connection = raw::Connection::open(endpoint.running().address()).await;
    connection.send(all.as_bytes()).await;
    let mut findings = Findings::default();
    for n in 0..PIPELINED {
        let made = connection.answer().await.map(|r| r.text("/userName"));
        findings.check(made == Ok(format!("{n}@example.com")), || {
            format!("{n}: {made:?}")
        });
        let detail = connection.answer().await.map(|r| r.text("/detail"));
        let named = detail
            .as_ref()
            .is_ok_and(|d| d.contains(&format!("\"none-{n}\"")));
        findings.check(named, || format!("{n}: {detail:?}"));
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn pipelined_requests_are_answered_in_their_order_on_envoy() {
    within(60, &[Needs::Envoy], pipelined(Proxy::Envoy));
}

#[test]
fn pipelined_requests_are_answered_in_their_order_on_wasmtime() {
    within(60, &[], pipelined(Proxy::Wasmtime));
}

async fn multiplexed(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let address = endpoint.running().address();
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let token = &endpoint.running().ready().token;
    let of = |method: Method, path: String| {
        Request::builder()
            .method(method)
            .uri(format!("http://{address}/scim/v2{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", scim::MEDIA_TYPE)
    };
    let mut findings = Findings::default();
    for round in 0..5 {
        let mut streams = tokio::task::JoinSet::new();
        for n in 0..STREAMS {
            let user = scim::user(&format!("{round}-{n}@example.com")).to_string();
            let (request, due) = match n % 3 {
                0 => (of(Method::POST, "/Users".into()).body(full(user)), 201),
                1 => (of(Method::GET, format!("/Users/{n}")).body(empty()), 404),
                _ => (of(Method::GET, "/Users?count=1".into()).body(empty()), 200),
            };
            let mut sender = sender.clone();
            streams.spawn(async move {
                let answer = sender.send_request(request.unwrap()).await;
                (n, due, answer.map(|answer| answer.status().as_u16()))
            });
        }
        while let Some(stream) = streams.join_next().await {
            let (n, due, answer) = stream.unwrap();
            findings.check(answer.as_ref().is_ok_and(|status| *status == due), || {
                format!("{round}-{n}: {answer:?} instead of {due}")
            });
        }
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn requests_side_by_side_on_one_connection_are_answered_on_envoy() {
    within(60, &[Needs::Envoy], multiplexed(Proxy::Envoy));
}

#[test]
fn requests_side_by_side_on_one_connection_are_answered_on_wasmtime() {
    within(60, &[], multiplexed(Proxy::Wasmtime));
}
