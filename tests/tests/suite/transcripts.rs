//! What identity providers send, played from `tests/idp/` against every combination of proxy and
//! store.

use edge_cli::replay;
use std::path::{Path, PathBuf};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, within};

#[test]
fn transcripts_pass_on_envoy_with_the_embedded_store() {
    within(
        180,
        &[Needs::Envoy],
        all_pass(Proxy::Envoy, Store::Embedded),
    );
}

#[test]
fn transcripts_pass_on_envoy_with_etcd() {
    within(
        180,
        &[Needs::Envoy, Needs::Etcd],
        all_pass(Proxy::Envoy, Store::Etcd),
    );
}

#[test]
fn transcripts_pass_on_wasmtime_with_the_embedded_store() {
    within(180, &[], all_pass(Proxy::Wasmtime, Store::Embedded));
}

#[test]
fn transcripts_pass_on_wasmtime_with_etcd() {
    within(180, &[Needs::Etcd], all_pass(Proxy::Wasmtime, Store::Etcd));
}

async fn all_pass(proxy: Proxy, store: Store) {
    let endpoint = Endpoint::start(proxy, store).await;
    let ready = endpoint.running().ready();
    let mut findings = Findings::default();
    for file in transcripts() {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match replay::play(&ready.base_url, &ready.token, &file).await {
            Ok(report) => {
                for failure in &report.failures {
                    findings.add(format!("{name}: {failure}"));
                }
                findings.check(report.passed > 0, || format!("{name}: no step passed"));
            }
            Err(e) => findings.add(format!("{name}: {e}")),
        }
    }
    findings.none();
}

/// All transcripts.
pub(crate) fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("idp");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/idp is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "tests/idp has transcripts");
    files
}
