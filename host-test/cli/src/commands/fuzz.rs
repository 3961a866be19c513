//! `cargo edge fuzz`: one fuzz target for as long as one likes, or whole requests to the plugin
//! in its sandbox; and, for `cargo edge test`, all targets for a short time.

use crate::build::{cargo, verdict};
use crate::error::Error;
use crate::fuzz::{Fuzzer, Run, targets};
use crate::paths;
use crate::progress::Step;
use clap::Args;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// How long `cargo edge test` runs each target.
const TEST_TIME: Duration = Duration::from_secs(20);
/// Where `cargo edge test` begins its random choices, so that a finding is found again.
const TEST_SEED: u32 = 1;

/// What `fuzz` is told.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// The target, a folder of tests/fuzz/corpus; all of them one after the other without it
    target: Option<String>,
    /// Run each target so many minutes
    #[arg(long, value_name = "N", default_value = "10")]
    minutes: u64,
    /// Begin the random choices here; 0 takes another beginning each time
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u32,
    /// Instead: send so many broken requests to the plugin in the wasmtime host
    #[arg(long, value_name = "N", conflicts_with_all = ["target", "minutes", "seed"])]
    requests: Option<u64>,
}

/// Runs targets and shows what libFuzzer says. What they learn is kept in the cache.
pub(crate) fn run(args: &FuzzArgs) -> Result<ExitCode, Error> {
    if let Some(requests) = args.requests {
        return send(requests);
    }
    let known = targets()?;
    let chosen = match &args.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => return Err(Error::NoFuzzTarget(name.clone(), known.join(", "))),
    };
    let fuzzer = Fuzzer::build()?;
    let cache = paths::cache_dir()?.join("fuzz");
    let mut broken = Vec::new();
    for target in chosen {
        println!("Target {target}");
        let mut command = fuzzer.command(&Run {
            target: &target,
            time: Duration::from_secs(args.minutes.saturating_mul(60)),
            seed: args.seed,
            learnt: &cache.join(&target),
        })?;
        if !command.status().map_err(spawn)?.success() {
            broken.push(target);
        }
    }
    if broken.is_empty() {
        println!("Nothing found");
        return Ok(ExitCode::SUCCESS);
    }
    for target in broken {
        println!("{}", finding(&target));
    }
    Ok(ExitCode::FAILURE)
}

/// Sends requests as the test does that `cargo edge test` runs for some seconds.
fn send(requests: u64) -> Result<ExitCode, Error> {
    let mut test = cargo();
    test.args(["test", "--workspace", "--test", "suite", "--"])
        .args(["hostile::", "--nocapture"])
        .env("SCIM_EDGE_HOSTILE_REQUESTS", requests.to_string());
    verdict(&mut test)
}

/// Runs all targets for a short time, as many side by side as there are processors, and
/// returns what is to be said of each that broke, after its output.
pub(crate) fn all_shortly() -> Result<Vec<String>, Error> {
    let fuzzer = Fuzzer::build()?;
    let names = targets()?;
    let learnt = tempfile::tempdir().map_err(Error::file("create", std::env::temp_dir()))?;
    let seconds = TEST_TIME.as_secs();
    let step = Step::begin(format!(
        "Fuzzing {} targets for {seconds} seconds each, seed {TEST_SEED}",
        names.len()
    ));
    let waiting = Mutex::new(names.iter());
    let next = || waiting.lock().ok().and_then(|mut names| names.next());
    let work = || -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        while let Some(target) = next() {
            let mut command = fuzzer.command(&Run {
                target,
                time: TEST_TIME,
                seed: TEST_SEED,
                learnt: &learnt.path().join(target),
            })?;
            let output = command.output().map_err(spawn)?;
            if !output.status.success() {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
                found.push(finding(target));
            }
        }
        Ok(found)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let found = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut found = Vec::new();
        for worker in running {
            match worker.join() {
                Ok(result) => found.extend(result?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, Error>(found)
    })?;
    step.done(format!("Fuzzed {} targets", names.len()));
    Ok(found)
}

fn finding(target: &str) -> String {
    format!(
        "fuzzing broke {target}: the input is in tests/fuzz/regressions/{target}; give it a name that says what it breaks, and mend that"
    )
}

fn spawn(source: std::io::Error) -> Error {
    Error::Spawn {
        program: "the fuzz targets".into(),
        source,
    }
}
