//! `cargo edge web`: the protocol as a package for browsers and Node.

use crate::build;
use crate::error::Error;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `web` is told.
#[derive(Debug, Args)]
pub(crate) struct WebArgs {
    /// Put the package into this folder [default: scim-web in cargo's target directory]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Builds the package and says where it is.
pub(crate) fn run(args: &WebArgs) -> Result<ExitCode, Error> {
    let package = build::web_package(args.out.as_deref())?;
    println!("The package scim-web is in {}", package.display());
    Ok(ExitCode::SUCCESS)
}
