//! One script, played on three combinations of proxy and store: the same bytes come back from all
//! of them (P10), but for ids, times, revisions and addresses.

use fancy_regex::{Captures, Regex};
use hyper::header::CONTENT_TYPE;
use std::collections::HashMap;
use std::sync::LazyLock;
use tests::client::{Client, empty, full};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, scim, within};

mod script;

/// What a proxy adds or words by itself.
const PROXYS_OWN: &[&str] = &[
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    // The compressor's, which the wasmtime host does not have.
    "vary",
    "x-envoy-upstream-service-time",
];

/// Ids, times and ETags, wherever they stand.
static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)|(?P<etag>W/\\?"[0-9a-f]+\\?")"#,
    )
    .expect("a valid pattern")
});

#[test]
fn etcd_and_embedded_store_and_both_proxies_envoy_and_wasmtime_answer_alike() {
    within(180, &[Needs::Envoy, Needs::Etcd], async {
        let reference = transcript(Proxy::Envoy, Store::Etcd).await;
        let mut findings = Findings::default();
        for (proxy, store) in [
            (Proxy::Envoy, Store::Embedded),
            (Proxy::Wasmtime, Store::Embedded),
        ] {
            let other = transcript(proxy, store).await;
            assert_eq!(reference.len(), other.len());
            for (here, there) in reference.iter().zip(&other) {
                findings.check(here == there, || {
                    format!("Envoy on etcd:\n{here}\n{proxy:?} on {store:?}:\n{there}\n")
                });
            }
        }
        findings.none();
    });
}

/// Each request of the script with its answer, normalised.
async fn transcript(proxy: Proxy, store: Store) -> Vec<String> {
    let endpoint = Endpoint::start(proxy, store).await;
    let address = endpoint.running().address().to_string();
    let mut client = endpoint.client();
    let mut saved: HashMap<&str, String> = HashMap::new();
    let mut names = Names::default();
    let mut transcript = Vec::new();
    for step in script::steps() {
        let fill = |text: &str| {
            saved.iter().fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
        };
        let reply = play(&mut client, &step, &fill).await;
        if let Some((name, pointer)) = step.save {
            let value = match pointer.strip_prefix("header:") {
                Some(header) => reply.header(header).to_owned(),
                None => reply.text(pointer),
            };
            assert!(
                !value.is_empty(),
                "{} {} gives no {name}: {reply}",
                step.method,
                step.path
            );
            saved.insert(name, value);
        }
        let mut headers: Vec<String> = reply
            .headers
            .iter()
            .filter(|(name, _)| !PROXYS_OWN.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        headers.sort();
        let text = format!(
            "{} {}\n{}\n{}\n{}",
            step.method,
            step.path,
            reply.status,
            headers.join("\n"),
            String::from_utf8_lossy(&reply.body)
        );
        transcript.push(names.normalise(&text.replace(&address, "ADDRESS")));
    }
    transcript
}

async fn play(
    client: &mut Client,
    step: &script::Step,
    fill: &impl Fn(&str) -> String,
) -> tests::client::Reply {
    let mut request = client.request(step.method.clone(), &fill(step.path));
    for (name, value) in step.headers {
        request = request.header(*name, fill(value));
    }
    let body = match &step.body {
        Some(body) => {
            if step.headers.iter().all(|(name, _)| *name != "content-type") {
                request = request.header(CONTENT_TYPE, scim::MEDIA_TYPE);
            }
            full(fill(body))
        }
        None => empty(),
    };
    let name = format!("{} {}", step.method, step.path);
    client
        .try_send(request.body(body).expect("a valid request"))
        .await
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Gives each id and each ETag a number in the order of appearance, so that it still shows which
/// are the same.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn normalise(&mut self, text: &str) -> String {
        let replaced = VARYING.replace_all(text, |found: &Captures<'_, str>| {
            if found.name("time").is_some() {
                return "TIME".to_owned();
            }
            let kind = if found.name("id").is_some() {
                "ID"
            } else {
                "ETAG"
            };
            // In a JSON text the quotes of an ETag are escaped.
            let value = found
                .get(0)
                .map_or("", |all| all.as_str())
                .replace('\\', "");
            let next = format!("{kind}-{}", self.0.len());
            self.0.entry(value).or_insert(next).clone()
        });
        replaced.into_owned()
    }
}

#[test]
fn normalising_keeps_what_is_the_same_apart_from_what_is_not() {
    let mut names = Names::default();
    let text = r#"{"version":"W/\"12\"","at":"2026-01-02T03:04:05.678Z"} W/"12" W/"13""#;
    assert_eq!(
        names.normalise(text),
        r#"{"version":"ETAG-0","at":"TIME"} ETAG-0 ETAG-1"#
    );
}
