//! `cargo edge simulate`: simulated histories of the service under faults; and, for
//! `cargo edge test`, as many as it takes to believe them.

use crate::build;
use crate::error::Error;
use crate::progress::Step;
use clap::Args;
use std::process::{Command, ExitCode, Stdio};

/// How many histories `cargo edge test` runs.
const TEST_HISTORIES: u64 = 100_000;

/// What `simulate` is told.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Run so many histories
    #[arg(long, value_name = "N", default_value = "100000")]
    histories: u64,
    /// Begin with this seed
    #[arg(long, value_name = "N", default_value = "1")]
    first: u64,
    /// Run the history of this seed alone, and print it
    #[arg(long, value_name = "N", conflicts_with_all = ["histories", "first"])]
    seed: Option<u64>,
}

/// Runs histories until one shows something wrong, or one alone.
pub(crate) fn run(args: &SimulateArgs) -> Result<ExitCode, Error> {
    let mut command = Command::new(build::simulation()?);
    match args.seed {
        Some(seed) => command.arg(format!("--seed={seed}")),
        None => command
            .arg(format!("--histories={}", args.histories))
            .arg(format!("--first={}", args.first)),
    };
    let status = command.stdin(Stdio::null()).status().map_err(spawn)?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What [`test`] came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether nothing is wrong.
    pub(crate) passed: bool,
    /// What is to be said of it.
    pub(crate) lines: Vec<String>,
}

/// Runs the histories of `cargo edge test`, on all processors.
pub(crate) fn test() -> Result<Outcome, Error> {
    let program = build::simulation()?;
    let step = Step::begin(format!("Simulating {TEST_HISTORIES} histories"));
    let output = Command::new(program)
        .arg(format!("--histories={TEST_HISTORIES}"))
        .stdin(Stdio::null())
        .output()
        .map_err(spawn)?;
    step.done(format!("Simulated {TEST_HISTORIES} histories"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    Ok(Outcome {
        passed: output.status.success(),
        lines: said.lines().map(str::to_owned).collect(),
    })
}

fn spawn(source: std::io::Error) -> Error {
    Error::Spawn {
        program: "the simulation".into(),
        source,
    }
}
