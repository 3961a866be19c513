//! Nothing that names a person, and no secret, is in any log of a whole run: all
//! transcripts of identity providers, with the plugin's log as verbose as it gets. (What
//! Envoy itself writes at its own debug level holds whole requests; see
//! `docs/operations.md`.)

use edge_cli::replay;
use hyper::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store, log};
use tests::{Findings, Needs, within};

use crate::transcripts::transcripts;

/// Attributes whose values are of a person, or secret.
const PERSONAL: [&str; 9] = [
    "displayName",
    "externalId",
    "familyName",
    "formatted",
    "givenName",
    "nickName",
    "password",
    "streetAddress",
    "userName",
];

/// Shorter texts than that are parts of words.
const SHORTEST: usize = 5;

/// What of a value is the same in each run.
fn fixed(value: &str, found: &mut BTreeSet<String>) {
    let parts = value.split("${").enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('}').map_or("", |(_, rest)| rest),
    });
    found.extend(parts.filter(|p| p.len() >= SHORTEST).map(str::to_owned));
}

/// The personal texts in a JSON document.
fn personal(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if PERSONAL.contains(&name.as_str()) => fixed(text, found),
                    Value::Array(elements)
                        if matches!(name.as_str(), "phoneNumbers" | "emails") =>
                    {
                        for element in elements {
                            fixed(element["value"].as_str().unwrap_or_default(), found);
                        }
                    }
                    _ => personal(value, found),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|e| personal(e, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn no_log_names_anybody(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let running = endpoint.running();
    if let Some(admin) = running.envoy_admin() {
        let set = Client::new(admin, "", "")
            .call(Method::POST, "/logging?wasm=debug", None)
            .await;
        assert_eq!(set.status, 200, "{set}");
    }
    let ready = running.ready();
    let mut secrets = BTreeSet::from([ready.token.clone(), ready.admin_key.clone()]);
    secrets.insert(ready.access_token.clone());
    for file in transcripts() {
        let text = std::fs::read_to_string(&file).unwrap();
        personal(&serde_json::from_str(&text).unwrap(), &mut secrets);
        replay::play(&ready.base_url, &ready.token, &file)
            .await
            .unwrap();
        // And by somebody who has no token.
        let stranger = format!("scim_{}", "7".repeat(64));
        replay::play(&ready.base_url, &stranger, &file)
            .await
            .unwrap();
        secrets.insert(stranger);
    }
    assert!(secrets.len() > 100, "{secrets:?}");
    let log = log(running);
    let writes = log.lines().filter(|line| line.contains("\"user.")).count();
    assert!(writes > 50, "{writes} lines about users");
    let mut findings = Findings::default();
    for line in log.lines() {
        // Every mail address has it, and nothing else that is logged.
        findings.check(!line.contains('@'), || format!("an address: {line}"));
        for secret in secrets.iter().filter(|secret| line.contains(*secret)) {
            findings.add(format!("{secret}: {line}"));
        }
    }
    findings.none();
}

#[test]
fn no_log_of_a_whole_run_names_anybody_on_envoy() {
    within(180, &[Needs::Envoy], no_log_names_anybody(Proxy::Envoy));
}

#[test]
fn no_log_of_a_whole_run_names_anybody_on_wasmtime() {
    within(180, &[], no_log_names_anybody(Proxy::Wasmtime));
}
