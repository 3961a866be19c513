//! The RFCs' examples, in our own words and data: one transcript in `tests/examples/` for each,
//! named by section, played against the service itself and through both proxies.

use edge_cli::replay;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::native::Native;
use tests::{Findings, Needs, within};

#[test]
fn examples_pass_on_the_service_itself() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // Each on a directory of its own, so that none lives on what another left.
        let mut findings = Findings::default();
        for file in examples() {
            let native = Native::start(json!({}));
            play(&native.base_url, &native.token, &file, &mut findings).await;
        }
        findings.none();
    });
}

#[test]
fn examples_pass_on_envoy() {
    within(180, &[Needs::Envoy], all_pass(Proxy::Envoy));
}

#[test]
fn examples_pass_on_wasmtime() {
    within(180, &[], all_pass(Proxy::Wasmtime));
}

#[test]
fn examples_are_named_by_their_section() {
    for file in examples() {
        let text = std::fs::read_to_string(&file).unwrap();
        let example: Value = serde_json::from_str(&text).unwrap();
        let source = example["source"].as_str().unwrap();
        let section = source.to_lowercase().replacen("rfc ", "rfc", 1);
        let section = section.replacen(' ', "-", 1);
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("{section}-")), "{name}: {source}");
    }
}

async fn all_pass(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let ready = endpoint.running().ready();
    let mut findings = Findings::default();
    for file in examples() {
        play(&ready.base_url, &ready.token, &file, &mut findings).await;
    }
    findings.none();
}

async fn play(base: &str, token: &str, file: &Path, findings: &mut Findings) {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    match replay::play(base, token, file).await {
        Ok(report) => {
            for failure in &report.failures {
                findings.add(format!("{name}: {failure}"));
            }
            findings.check(report.passed > 0, || format!("{name}: no step passed"));
        }
        Err(e) => findings.add(format!("{name}: {e}")),
    }
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("tests/examples is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "tests/examples has examples");
    files
}
