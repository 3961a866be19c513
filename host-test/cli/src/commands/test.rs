//! `cargo edge test`: everything the project can check of itself, on a machine that has only Rust.

use crate::build::{self, cargo, ensure_target};
use crate::commands::{fuzz, simulate};
use crate::envoy::binary;
use crate::error::Error;
use crate::suites;
use crate::tools;
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// What is built for wasm beside the package for browsers and Node, and for which target.
const WASM_BUILDS: [(&str, &str); 2] = [
    ("wasm32-wasip1", "scim-edge"),
    ("wasm32-wasip1", "directory"),
];
/// Tells the tests which parts they have to do without.
const WITHOUT: &str = "SCIM_EDGE_WITHOUT";

/// What `test` is told.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Leave out this part; may be repeated
    #[arg(long, value_name = "PART")]
    without: Vec<Part>,
    /// Passed on to `cargo test`, such as the name of a test
    #[arg(last = true, value_name = "ARGUMENTS")]
    rest: Vec<OsString>,
}

/// A part of the tests that needs what is not part of Rust, or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Envoy 1.40
    Envoy,
    /// etcd
    Etcd,
    /// Node 18 or newer
    Node,
    /// FreeRADIUS 3.2 with rlm_rest, and eapol_test
    #[value(name = "freeradius")]
    FreeRadius,
    /// The fuzz targets, which need a C++ compiler
    Fuzz,
    /// Simulated histories, which take some minutes
    Simulation,
    /// Conformance suites of others, which need Python
    Suites,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Envoy,
        Self::Etcd,
        Self::Node,
        Self::FreeRadius,
        Self::Fuzz,
        Self::Simulation,
        Self::Suites,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Etcd => "etcd",
            Self::Node => "node",
            Self::FreeRadius => "freeradius",
            Self::Fuzz => "fuzz",
            Self::Simulation => "simulation",
            Self::Suites => "suites",
        }
    }

    /// The program, found or installed, and the variable that tells the tests of it.
    fn program(self) -> Result<Option<(&'static str, PathBuf)>, Error> {
        Ok(match self {
            Self::Envoy => Some(("ENVOY", binary::find()?)),
            Self::Etcd => Some(("ETCD", tools::etcd()?)),
            Self::Node => Some(("NODE", tools::node()?)),
            Self::FreeRadius => Some(("FREERADIUS", tools::freeradius()?)),
            Self::Fuzz | Self::Simulation => None,
            Self::Suites => {
                suites::programs()?;
                None
            }
        })
    }
}

/// Installs, builds, tests, and sums up. The exit code is that of the worst part.
pub(crate) fn run(args: &TestArgs) -> Result<ExitCode, Error> {
    let mut summary = Summary::default();
    let mut test = cargo();
    test.args(["test", "--workspace", "--no-fail-fast"])
        .args(&args.rest);
    let mut left_out = Vec::new();
    for part in Part::ALL {
        if args.without.contains(&part) {
            left_out.push(part.name());
            summary.note(format!("left out  tests that need {}", part.name()));
            continue;
        }
        if let Some((variable, program)) = part.program()? {
            summary.note(format!("used      {}", program.display()));
            test.env(variable, program);
        }
    }
    if !left_out.is_empty() {
        test.env(WITHOUT, left_out.join(","));
    }
    for (target, package) in WASM_BUILDS {
        ensure_target(target)?;
        let mut build = cargo();
        build.args([
            "build",
            "--release",
            "--target",
            target,
            "--package",
            package,
        ]);
        let built = status(&mut build)?;
        summary.part(built, &format!("build {package} for {target}"));
    }
    let packaged = build::web_package(None);
    if let Err(error) = &packaged {
        eprintln!("error: {error}");
    }
    summary.part(packaged.is_ok(), "build the package scim-web");
    let (passed, results) = run_tests(test)?;
    summary.part(passed, "cargo test --workspace");
    // Who names a test wants that one.
    if args.rest.is_empty() && !args.without.contains(&Part::Fuzz) {
        let found = fuzz::all_shortly()?;
        summary.part(found.is_empty(), "fuzz targets");
        found.into_iter().for_each(|line| summary.note(line));
    }
    if args.rest.is_empty() && !args.without.contains(&Part::Simulation) {
        let simulated = simulate::test()?;
        summary.part(simulated.passed, "simulated histories");
        simulated
            .lines
            .into_iter()
            .for_each(|line| summary.note(line));
    }
    summary.show(&results);
    Ok(if summary.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn status(command: &mut Command) -> Result<bool, Error> {
    command
        .status()
        .map(|status| status.success())
        .map_err(|source| Error::Spawn {
            program: "cargo".into(),
            source,
        })
}

/// Runs cargo, passing on what it says, and returns its verdict and its result lines.
fn run_tests(mut test: Command) -> Result<(bool, Vec<String>), Error> {
    let failed = |source| Error::Spawn {
        program: "cargo test".into(),
        source,
    };
    let mut child = test.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut results = Vec::new();
    if let Some(output) = child.stdout.take() {
        let mut out = std::io::stdout();
        // Tests may print what is not UTF-8.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(failed)?;
            out.write_all(&line)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(failed)?;
            let text = String::from_utf8_lossy(&line);
            if text.starts_with("test result:") {
                results.push(text.into_owned());
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok((status.success(), results))
}

/// What was done, for the end.
#[derive(Debug, Default)]
struct Summary {
    lines: Vec<String>,
    failed: bool,
}

impl Summary {
    fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    fn part(&mut self, passed: bool, what: &str) {
        self.failed |= !passed;
        self.lines.push(format!(
            "{}  {what}",
            if passed { "passed  " } else { "FAILED  " }
        ));
    }

    fn show(&self, results: &[String]) {
        println!("\nSummary");
        for line in &self.lines {
            println!("  {line}");
        }
        for line in results {
            println!("{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_part_fails_all() {
        let mut summary = Summary::default();
        summary.part(true, "a");
        assert!(!summary.failed);
        summary.part(false, "b");
        summary.part(true, "c");
        assert!(summary.failed);
        assert_eq!(summary.lines, ["passed    a", "FAILED    b", "passed    c"]);
    }

    #[test]
    fn result_lines_and_verdict_are_cargos_own() {
        let mut script = Command::new("sh");
        script.args([
            "-c",
            "echo noise; printf '\\377\\n'; echo 'test result: ok. 1 passed'; exit 3",
        ]);
        let (passed, results) = run_tests(script).unwrap();
        assert!(!passed);
        assert_eq!(results, ["test result: ok. 1 passed"]);
    }
}
