//! Fuzzing: the targets of `tests/fuzz` under libFuzzer, which mutates inputs towards new
//! coverage. Rust's stable compiler writes the coverage counters; libFuzzer comes as source
//! in a crate, so that nothing is needed but a C++ compiler.

use crate::build;
use crate::error::Error;
use crate::paths;
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What makes the compiler count coverage, and tell libFuzzer of comparisons.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";
/// One input may take so many seconds: they are small, and all loops are bounded.
const TIMEOUT_SECONDS: u32 = 10;
const MEMORY_LIMIT_MIB: u32 = 2048;

/// The folder of the targets, their saved inputs and the dictionary.
fn folder() -> PathBuf {
    paths::workspace().join("tests/fuzz")
}

/// The names of all targets: each has a folder in the corpus.
pub(crate) fn targets() -> Result<Vec<String>, Error> {
    let corpus = folder().join("corpus");
    let failed = || Error::file("read", &corpus);
    let mut names = Vec::new();
    for entry in fs::read_dir(&corpus).map_err(failed())? {
        names.extend(entry.map_err(failed())?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The targets, built with coverage.
#[derive(Debug)]
pub(crate) struct Fuzzer {
    program: PathBuf,
}

/// How long a target is run, and from where.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// The target.
    pub(crate) target: &'a str,
    /// For how long.
    pub(crate) time: Duration,
    /// Where the random choices begin; 0 takes another one each time.
    pub(crate) seed: u32,
    /// Where inputs that reach new code are kept; they are read there first.
    pub(crate) learnt: &'a Path,
}

impl Fuzzer {
    /// Builds the targets.
    ///
    /// # Errors
    /// [`Error::CxxMissing`], and when the code does not compile.
    pub(crate) fn build() -> Result<Self, Error> {
        let cxx = tools::cxx()?;
        let host = build::host()?;
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        let program = build::fuzz_targets(&host, |cargo| {
            cargo
                .env("CXX", &cxx)
                .env("RUSTFLAGS", format!("{flags} {COVERAGE}"))
                .env_remove("CARGO_ENCODED_RUSTFLAGS");
        })?;
        Ok(Self { program })
    }

    /// The command that runs a target. An input that breaks it is written to the target's
    /// folder in `regressions`.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub(crate) fn command(&self, run: &Run<'_>) -> Result<Command, Error> {
        let regressions = folder().join("regressions").join(run.target);
        for made in [run.learnt, &regressions] {
            fs::create_dir_all(made).map_err(Error::file("create", made))?;
        }
        let mut command = Command::new(&self.program);
        command
            .env("FUZZ_TARGET", run.target)
            .arg(format!("-max_total_time={}", run.time.as_secs()))
            .arg(format!("-seed={}", run.seed))
            .arg(format!("-timeout={TIMEOUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEMORY_LIMIT_MIB}"))
            .arg(format!("-artifact_prefix={}/", regressions.display()))
            .arg(format!("-dict={}", folder().join("dictionary").display()))
            .arg("-print_final_stats=1")
            // New inputs go to the first folder; the others are read.
            .arg(run.learnt)
            .arg(folder().join("corpus").join(run.target))
            .arg(regressions)
            .stdin(Stdio::null());
        Ok(command)
    }
}
