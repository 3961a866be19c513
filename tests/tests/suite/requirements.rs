//! The table of the RFCs' requirements is whole: every row says how, and every test that it names
//! is there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "docs/requirements.md";
/// Where a row's names may be those of example files.
const EXAMPLES: [&str; 2] = ["plugin/scim/tests/examples", "tests/examples"];
/// Where tests are.
const SOURCES: [&str; 3] = ["plugin", "host-test", "tests"];
const LEVELS: [&str; 7] = [
    "MUST",
    "MUST NOT",
    "SHALL",
    "SHALL NOT",
    "REQUIRED",
    "SHOULD",
    "SHOULD NOT",
];
/// How a row without a test begins to say why.
const REASONS: [&str; 4] = [
    "Not followed: ",
    "Does not apply: ",
    "By construction: ",
    "The operator's: ",
];

struct Row {
    /// The RFC's number.
    rfc: String,
    section: String,
    level: String,
    requirement: String,
    how: String,
    tests: Vec<String>,
    line: String,
}

#[test]
fn every_requirement_says_how_it_is_met_and_names_a_test_or_a_reason() {
    for row in rows() {
        let line = &row.line;
        assert!(LEVELS.contains(&row.level.as_str()), "level: {line}");
        assert!(
            row.section.starts_with(|c: char| c.is_ascii_digit()),
            "section: {line}"
        );
        assert!(row.requirement.len() > 10, "requirement: {line}");
        assert!(row.how.len() > 5, "how: {line}");
        let excused = REASONS.iter().any(|reason| row.how.starts_with(reason));
        assert!(!row.tests.is_empty() || excused, "no test: {line}");
    }
}

#[test]
fn no_requirement_is_listed_twice() {
    let mut seen = HashSet::new();
    for row in rows() {
        let key = (row.rfc, row.section, row.requirement);
        assert!(seen.insert(key), "{}", row.line);
    }
    assert!(seen.len() > 100, "the table was not found");
}

#[test]
fn every_test_that_a_requirement_names_is_there() {
    let there = tests_and_examples();
    let missing: Vec<String> = rows()
        .iter()
        .flat_map(|row| &row.tests)
        .filter(|name| !there.contains(*name))
        .cloned()
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_example_of_the_rfcs_belongs_to_a_requirement() {
    let named: HashSet<String> = rows().into_iter().flat_map(|row| row.tests).collect();
    let unnamed: Vec<String> = examples()
        .into_iter()
        .filter(|name| !named.contains(name))
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join(TABLE)).unwrap();
    let mut rows = Vec::new();
    let mut rfc = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## RFC ") {
            rfc = heading.split(':').next().unwrap().to_owned();
        }
        let Some(cells) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<&str> = cells.split(" | ").collect();
        let [section, level, requirement, how, tests] = cells.as_slice() else {
            panic!("not five cells: {line}");
        };
        if *section == "Section" {
            continue;
        }
        rows.push(Row {
            rfc: rfc.clone(),
            section: (*section).to_owned(),
            level: (*level).to_owned(),
            requirement: (*requirement).to_owned(),
            how: (*how).to_owned(),
            tests: names(tests, line),
            line: line.to_owned(),
        });
    }
    rows
}

/// The names in a cell, each in backticks; a dash is none.
fn names(cell: &str, line: &str) -> Vec<String> {
    if cell == "–" {
        return Vec::new();
    }
    let name = |text: &str| {
        let inner = text.strip_prefix('`').and_then(|t| t.strip_suffix('`'));
        inner.unwrap_or_else(|| panic!("{text}: {line}")).to_owned()
    };
    cell.split(", ").map(name).collect()
}

fn tests_and_examples() -> HashSet<String> {
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(&root().join(folder), &mut files);
    }
    let mut names = examples();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            let function = line.strip_prefix("async ").unwrap_or(line);
            match function.strip_prefix("fn ") {
                Some(rest) if is_test => {
                    names.insert(rest.split('(').next().unwrap().to_owned());
                    is_test = false;
                }
                Some(_) => {}
                None => is_test |= line == "#[test]" || line.starts_with("#[tokio::test"),
            }
        }
    }
    names
}

/// The names of the example files, without their ending.
fn examples() -> HashSet<String> {
    let entries = EXAMPLES
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect()
}

/// All Rust files below a folder, but for what was built.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}
