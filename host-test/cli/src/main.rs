//! The `cargo edge` command.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    edge_cli::cli::run(edge_cli::cli::Cli::parse())
}
