//! Conformance suites that are not ours, whole. `tests/suites/exclusions.json` gives each
//! case that fails the reason why that is the suite's fault; a case that is listed and does
//! not fail is a finding too, so that the list stays true.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Findings, Needs, tools, within};
use tokio::process::Command;

/// A suite: what it is called in the list of exclusions, and how it is run.
struct Suite {
    name: &'static str,
    command: fn(programs: &Path, base_url: &str, token: &str) -> Command,
    /// Reads the results out of what it prints.
    results: fn(output: &str) -> Vec<Case>,
    /// How many cases pass at least: a suite that stops early has no failures either.
    at_least: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

#[derive(Debug)]
struct Case {
    name: String,
    outcome: Outcome,
    detail: String,
}

const SCIM_SANITY: Suite = Suite {
    name: "scim-sanity",
    command: |programs, base_url, token| {
        let mut command = Command::new(programs.join("scim-sanity"));
        command.args(["probe", base_url, "--token", token]);
        command.args(["--strict", "--i-accept-side-effects", "--json-output"]);
        command
    },
    results: |output| {
        let report: Value = serde_json::from_str(output).expect("the report is JSON");
        let results = report["results"].as_array().expect("results");
        let text = |result: &Value, name: &str| result[name].as_str().unwrap_or("").to_owned();
        let case = |result: &Value| Case {
            name: format!("{}: {}", text(result, "phase"), text(result, "name")),
            outcome: match result["status"].as_str() {
                Some("pass") => Outcome::Passed,
                Some("skip") => Outcome::Skipped,
                _ => Outcome::Failed,
            },
            detail: text(result, "message"),
        };
        results.iter().map(case).collect()
    },
    at_least: 28,
};

const SCIM2_TESTER: Suite = Suite {
    name: "scim2-tester",
    command: |programs, base_url, token| {
        let mut command = Command::new(programs.join("scim2"));
        command.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}"));
        command.args(["--url", base_url, "test"]);
        command
    },
    // A line with the outcome and the name, and perhaps one with the reason.
    results: |output| {
        let mut cases: Vec<Case> = Vec::new();
        for line in output.lines() {
            let outcome = match line.split(' ').next() {
                Some("SUCCESS" | "COMPLIANT" | "ACCEPTABLE") => Outcome::Passed,
                Some("ERROR" | "CRITICAL" | "DEVIATION") => Outcome::Failed,
                Some("SKIPPED") => Outcome::Skipped,
                _ => {
                    if let Some(case) = cases.last_mut() {
                        case.detail.push_str(line.trim());
                    }
                    continue;
                }
            };
            let name = line.split_once(' ').map_or("", |(_, name)| name);
            cases.push(Case {
                name: name.to_owned(),
                outcome,
                detail: String::new(),
            });
        }
        cases
    },
    at_least: 134,
};

#[test]
fn scim_sanity_finds_no_fault_of_ours() {
    run(&SCIM_SANITY);
}

#[test]
fn scim2_tester_finds_no_fault_of_ours() {
    run(&SCIM2_TESTER);
}

/// Plays a suite against both proxies.
fn run(suite: &'static Suite) {
    within(240, &[Needs::Suites, Needs::Envoy], async {
        let mut findings = Findings::default();
        for proxy in [Proxy::Envoy, Proxy::Wasmtime] {
            let endpoint = Endpoint::start(proxy, Store::Embedded).await;
            let ready = endpoint.running().ready();
            let mut command = (suite.command)(tools::suites(), &ready.base_url, &ready.token);
            let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
            let output = output.await.expect("the suite starts");
            let cases = (suite.results)(&String::from_utf8_lossy(&output.stdout));
            judge(suite, &cases, &mut findings);
            let errors = String::from_utf8_lossy(&output.stderr);
            findings.check(!cases.is_empty(), || format!("no results: {errors}"));
        }
        findings.none();
    });
}

/// Holds the results against the list of exclusions.
fn judge(suite: &Suite, cases: &[Case], findings: &mut Findings) {
    let excluded = exclusions().remove(suite.name).unwrap_or_default();
    let count = |outcome| cases.iter().filter(|case| case.outcome == outcome).count();
    let (passed, failed) = (count(Outcome::Passed), count(Outcome::Failed));
    let name = suite.name;
    println!(
        "{name}: {passed} passed, {failed} failed, {} skipped",
        count(Outcome::Skipped)
    );
    findings.check(passed >= suite.at_least, || {
        format!("{name}: only {passed} passed")
    });
    let mut met = BTreeSet::new();
    for case in cases.iter().filter(|case| case.outcome == Outcome::Failed) {
        let reason = excluded
            .keys()
            .find(|key| case.name == **key || case.detail.contains(key.as_str()));
        match reason {
            Some(key) => {
                met.insert(key);
            }
            None => findings.add(format!("{name}: {}: {}", case.name, case.detail)),
        }
    }
    for key in excluded.keys() {
        findings.check(met.contains(key), || {
            format!("{name}: {key} is excluded and does not fail")
        });
    }
}

/// For each suite, the cases that fail, or what they fail for, each with the reason.
fn exclusions() -> BTreeMap<String, Map<String, Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/exclusions.json");
    let text = std::fs::read(path).expect("the list of exclusions");
    serde_json::from_slice(&text).expect("the list is JSON")
}

#[test]
fn every_exclusion_names_the_section_that_it_goes_by() {
    for (suite, cases) in exclusions() {
        assert!([SCIM_SANITY.name, SCIM2_TESTER.name].contains(&suite.as_str()));
        for (case, reason) in cases {
            let reason = reason.as_str().unwrap_or_default();
            assert!(
                ["RFC 76", "RFC 9944"]
                    .iter()
                    .any(|rfc| reason.contains(rfc)),
                "{suite}: {case}: {reason}"
            );
        }
    }
}
