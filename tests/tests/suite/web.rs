//! The protocol under Node: the package as `cargo edge web` makes it, imported by its name.

use scim_web::{Protocol, to_json};
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use tests::{Findings, Needs, tools};

/// A folder in which Node finds the package and the scripts of `tests/web`.
fn project() -> &'static Path {
    static PROJECT: OnceLock<TempDir> = OnceLock::new();
    let folder = PROJECT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("node_modules/scim-web");
        edge_cli::build::web_package(Some(&package)).unwrap();
        for script in files("tests/web", "mjs") {
            fs::copy(&script, folder.path().join(script.file_name().unwrap())).unwrap();
        }
        folder
    });
    folder.path()
}

/// The files of a folder of the workspace, by name.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == extension));
    files.sort();
    files
}

/// Runs a script with this on its standard input and gives what it printed.
fn node(script: &str, input: &str) -> String {
    let mut child = Command::new(tools::node())
        .arg(script)
        .current_dir(project())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{script}: {printed}");
    printed
}

fn is_left_out() -> bool {
    let left_out = Needs::Node.left_out();
    if left_out {
        eprintln!("left out: needs Node (--without)");
    }
    left_out
}

/// A call of the package: a method and its arguments.
struct Call {
    method: &'static str,
    arguments: Vec<Value>,
}

impl Call {
    fn new(method: &'static str, arguments: impl IntoIterator<Item = Value>) -> Self {
        Self {
            method,
            arguments: arguments.into_iter().collect(),
        }
    }

    fn to_json(&self) -> Value {
        let arguments = self.arguments.iter().cloned();
        std::iter::once(json!(self.method))
            .chain(arguments)
            .collect()
    }

    /// The same, natively.
    fn outcome(&self, protocol: &Protocol) -> String {
        let text = |at: usize| self.arguments[at].as_str().unwrap();
        let body = |at: usize| self.arguments[at].to_string();
        let names = |name: &str| self.arguments[2].get(name).and_then(Value::as_str);
        match self.method {
            "validate" => {
                let first_only = self.arguments[2]["firstOnly"] == true;
                to_json(protocol.validate(text(0), &body(1), first_only))
            }
            "evaluateFilter" => to_json(protocol.evaluate_filter(text(0), text(1), &body(2))),
            "explainFilter" => to_json(protocol.explain_filter(text(0), text(1))),
            "applyPatch" => to_json(protocol.apply_patch(text(0), &body(1), &body(2))),
            "project" => to_json(protocol.project(
                text(0),
                &body(1),
                names("attributes"),
                names("excludedAttributes"),
            )),
            "schemas" => to_json(protocol.schemas()),
            "resourceTypes" => to_json(protocol.resource_types()),
            other => panic!("{other} is no method"),
        }
    }
}

/// The calls that a case of an example file means.
fn calls(example: &Value, case: &Value) -> Vec<Call> {
    let resource_type = || example["resourceType"].clone();
    match example["kind"].as_str().unwrap() {
        "resource" => {
            let call = |options| {
                Call::new(
                    "validate",
                    [resource_type(), case["resource"].clone(), options],
                )
            };
            vec![call(json!({ "firstOnly": true })), call(json!({}))]
        }
        "filter" => {
            let resources = example["resources"].as_array().unwrap();
            let evaluate = resources.iter().map(|resource| {
                let filter = case["filter"].clone();
                Call::new(
                    "evaluateFilter",
                    [resource_type(), filter, resource.clone()],
                )
            });
            let explain = Call::new("explainFilter", [resource_type(), case["filter"].clone()]);
            evaluate.chain([explain]).collect()
        }
        "patch" => {
            let (resource, request) = (example["resource"].clone(), case["request"].clone());
            vec![Call::new(
                "applyPatch",
                [resource_type(), resource, request],
            )]
        }
        "projection" => {
            let names = ["attributes", "excludedAttributes"];
            let given = names
                .into_iter()
                .filter_map(|name| Some((name, case.get(name)?)));
            let projection = given.map(|(name, list)| (name.to_owned(), list.clone()));
            let projection = Value::Object(projection.collect());
            vec![Call::new(
                "project",
                [resource_type(), example["resource"].clone(), projection],
            )]
        }
        other => panic!("examples of kind {other} are not known"),
    }
}

/// The outcomes in the form that the example file expects.
fn as_expected(kind: &str, outcomes: &[Value]) -> Value {
    let refusal = |error: &Value| {
        let (status, scim_type) = (&error["status"], &error["scimType"]);
        json!({ "error": { "status": status, "scimType": scim_type } })
    };
    let first = &outcomes[0];
    if first["ok"] == false {
        return refusal(&first["error"]);
    }
    let value = &first["value"];
    match kind {
        "resource" => match value["problems"].get(0) {
            Some(problem) => refusal(problem),
            None => json!({ "resource": value["resource"] }),
        },
        "filter" => {
            let matches = outcomes.iter().enumerate();
            let matches = matches.filter(|(_, outcome)| outcome["value"] == true);
            json!({ "matches": matches.map(|(at, _)| at).collect::<Vec<_>>() })
        }
        "patch" => json!({ "resource": value["after"], "changed": value["changed"] }),
        _ => json!({ "resource": value }),
    }
}

/// Makes the calls under Node and finds those whose outcome is not the native one, byte for byte.
fn play(calls: &[Call], findings: &mut Findings) -> Vec<Value> {
    let protocol = Protocol::standard().unwrap();
    let input: Value = calls.iter().map(Call::to_json).collect();
    let printed = node("calls.mjs", &input.to_string());
    let outcomes: Vec<String> = serde_json::from_str(&printed).unwrap();
    assert_eq!(outcomes.len(), calls.len());
    for (call, outcome) in calls.iter().zip(&outcomes) {
        let native = call.outcome(&protocol);
        findings.check(*outcome == native, || {
            format!(
                "{}: Node gives {outcome}, natively it is {native}",
                call.to_json()
            )
        });
    }
    outcomes
        .iter()
        .map(|o| serde_json::from_str(o).unwrap())
        .collect()
}

#[test]
fn examples_come_out_under_node_as_natively_and_as_their_section_says() {
    if is_left_out() {
        return;
    }
    let mut all = Vec::new();
    let mut cases = Vec::new();
    for file in files("plugin/scim/tests/examples", "json") {
        let example: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for case in example["cases"].as_array().unwrap() {
            let begin = all.len();
            all.extend(calls(&example, case));
            let kind = example["kind"].as_str().unwrap().to_owned();
            cases.push((file.clone(), kind, begin..all.len(), case["expect"].clone()));
        }
    }
    assert!(cases.len() > 20, "{} cases: are these all?", cases.len());
    let mut findings = Findings::default();
    let outcomes = play(&all, &mut findings);
    for (file, kind, range, expected) in cases {
        let got = as_expected(&kind, &outcomes[range]);
        findings.check(got == expected, || {
            format!("{}: wanted {expected}, got {got}", file.display())
        });
    }
    findings.none();
}

#[test]
fn schemas_and_resource_types_are_the_same_under_node() {
    if is_left_out() {
        return;
    }
    let mut findings = Findings::default();
    play(
        &[Call::new("schemas", []), Call::new("resourceTypes", [])],
        &mut findings,
    );
    findings.none();
}

#[test]
fn hostile_values_are_harmless_under_node() {
    if is_left_out() {
        return;
    }
    let printed = node("hostile.mjs", "");
    assert!(printed.contains("# fail 0"), "{printed}");
}

#[test]
fn types_are_those_that_were_reviewed() {
    if is_left_out() {
        return;
    }
    let package = project().join("node_modules/scim-web");
    let types = fs::read_to_string(package.join("node/scim_web.d.ts")).unwrap();
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/scim_web.d.ts");
    let reviewed = fs::read_to_string(reviewed).unwrap();
    assert_eq!(
        types, reviewed,
        "the types have changed; review them, then tests/web/scim_web.d.ts"
    );
}

#[test]
fn package_for_browsers_holds_what_its_manifest_names() {
    if is_left_out() {
        return;
    }
    let package = project().join("node_modules/scim-web");
    let manifest = fs::read(package.join("package.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for entry in ["node", "default"] {
        for kind in ["types", "default"] {
            let name = manifest["exports"]["."][entry][kind].as_str().unwrap();
            assert!(package.join(name).is_file(), "{name}");
        }
    }
    let script = fs::read_to_string(package.join("web/scim_web.js")).unwrap();
    assert!(script.contains("new URL('scim_web_bg.wasm', import.meta.url)"));
    assert!(package.join("web/scim_web_bg.wasm").is_file());
}
