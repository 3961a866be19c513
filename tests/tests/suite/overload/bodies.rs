//! Many bodies at once: what a worker holds of them is bounded, and who comes too much is told to
//! come back.

use super::{limited, unharmed};
use directory::simulation::join_all;
use serde_json::json;
use std::sync::Arc;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, raw, scim, within};

/// The largest body, the most values in it, and what all may take together.
const BODY: usize = 65_536;
const VALUES: usize = 1_000;
const MEMORY: usize = 2 * (2 * BODY + 48 * VALUES);
/// How large those are that come.
const LARGE: usize = 64_000;
/// How many of them find room on one worker: each leaves more than it takes, but the next.
const ROOM: usize = 4;
/// How often it is tried, each time as the first.
const ROUNDS: usize = 3;

/// How many send what is large when it is parsed: without a limit, more than the 1 GiB that Envoy
/// gives a VM.
const BRACKETS: usize = 50;

/// The largest body unless the configuration says otherwise, and how often one comes, from how many
/// clients.
const LARGEST: usize = 16 << 20;
const UPLOADS: usize = 160;
const CLIENTS: usize = 4;

/// A POST of a user, with white space up to a size.
fn post(endpoint: &Endpoint, user_name: &str, size: usize) -> String {
    post_of(
        endpoint,
        &format!("{:size$}", scim::user(user_name).to_string()),
    )
}

fn post_of(endpoint: &Endpoint, body: &str) -> String {
    format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
        endpoint.running().address(),
        endpoint.running().ready().token,
        scim::MEDIA_TYPE,
        body.len(),
    )
}

async fn too_much_at_once(proxy: Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let limits = json!({"max_body_bytes": BODY, "max_json_values": VALUES,
        "max_request_memory_bytes": MEMORY});
    let endpoint = limited(proxy, folder.path(), 1, &limits).await;
    let address = endpoint.running().address();
    let mut findings = Findings::default();
    for round in 0..ROUNDS {
        // All but the last byte of each.
        let mut held = Vec::new();
        for n in 0..ROOM {
            let post = post(&endpoint, &format!("held-{round}-{n}@example.com"), LARGE);
            let (sent, rest) = post.split_at(post.len() - 1);
            let mut connection = raw::Connection::open(address).await;
            connection.send(sent.as_bytes()).await;
            held.push((connection, rest.to_owned()));
        }
        // The workers take what is sent when they come to it: wait until it is refused.
        let mut tries = 0;
        let refused = loop {
            let name = format!("more-{round}-{tries}@example.com");
            let reply = raw::exchange(address, post(&endpoint, &name, LARGE).as_bytes()).await;
            let reply = reply.unwrap();
            tries += 1;
            if reply.status != 201 || tries == 50 {
                break reply;
            }
        };
        if let Err(wrong) = scim::expect_error(&refused, &[503]) {
            findings.add(wrong);
        }
        let detail = refused.text("/detail");
        findings.check(detail.contains("limits.max_request_memory_bytes"), || {
            detail
        });
        findings.check(refused.header("retry-after") == "1", || refused.to_string());
        // A small one finds room beside them.
        let small = scim::user(&format!("small-{round}@example.com"));
        let small = endpoint.client().post("/Users", &small).await;
        findings.check(small.status == 201, || small.to_string());

        for (n, (mut connection, rest)) in held.into_iter().enumerate() {
            // One goes away instead, and leaves its place all the same.
            if n > 0 {
                connection.send(rest.as_bytes()).await;
                let status = connection.answer().await.map(|reply| reply.status);
                findings.check(status == Ok(201), || format!("{round}, {n}: {status:?}"));
            }
        }
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn bodies_beyond_what_a_worker_holds_at_once_are_told_to_come_back_on_envoy() {
    within(90, &[Needs::Envoy], too_much_at_once(Proxy::Envoy));
}

#[test]
fn bodies_beyond_what_a_worker_holds_at_once_are_told_to_come_back_on_wasmtime() {
    within(90, &[], too_much_at_once(Proxy::Wasmtime));
}

/// Bodies of two bytes a value, as deep as they may be, which take twenty times that when they
/// are parsed.
async fn brackets(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let address = endpoint.running().address();
    let deep = format!("{}{}", "[".repeat(28), "]".repeat(28));
    let list = vec![deep; 35_000].join(",");
    let all: Vec<_> = (0..BRACKETS)
        .map(|n| {
            let body = format!(r#"{{"userName":"{n}@example.com","x":[{list}]}}"#);
            let post = post_of(&endpoint, &body);
            tokio::spawn(async move { raw::exchange(address, post.as_bytes()).await })
        })
        .collect();
    let (mut findings, mut made) = (Findings::default(), 0);
    for (n, answer) in all.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(reply) if reply.status == 201 => made += 1,
            Ok(reply) => {
                if let Err(wrong) = scim::expect_error(&reply, &[503]) {
                    findings.add(format!("{n}: {wrong}"));
                }
            }
            Err(wrong) => findings.add(format!("{n}: {wrong}")),
        }
    }
    findings.check(made > 0, || "all were refused".into());
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn bodies_that_are_large_when_parsed_take_no_worker_down_on_envoy() {
    within(120, &[Needs::Envoy], brackets(Proxy::Envoy));
}

#[test]
fn bodies_that_are_large_when_parsed_take_no_worker_down_on_wasmtime() {
    within(120, &[], brackets(Proxy::Wasmtime));
}

/// Whatever a read of the socket brings, it is the filter that judges a body, not the proxy.
async fn fast_uploads(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let address = endpoint.running().address();
    // Refused once it is there, without a look into it.
    let post = post_of(&endpoint, &" ".repeat(LARGEST)).replace("Bearer scim_", "Bearer no_");
    let post: Arc<[u8]> = post.into_bytes().into();
    let clients = (0..CLIENTS).map(|_| {
        let post = Arc::clone(&post);
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..UPLOADS / CLIENTS {
                let answer = raw::exchange(address, &post).await;
                answers.push(answer.map(|reply| reply.status));
            }
            answers
        })
    });
    let mut findings = Findings::default();
    for answers in join_all(clients.collect::<Vec<_>>()).await {
        for answer in answers.unwrap() {
            findings.check(answer == Ok(401), || format!("{answer:?}"));
        }
    }
    unharmed(&endpoint, proxy, &mut findings).await;
    findings.none();
}

#[test]
fn large_bodies_that_come_fast_reach_the_filter_on_envoy() {
    within(120, &[Needs::Envoy], fast_uploads(Proxy::Envoy));
}

#[test]
fn large_bodies_that_come_fast_reach_the_filter_on_wasmtime() {
    within(120, &[], fast_uploads(Proxy::Wasmtime));
}
