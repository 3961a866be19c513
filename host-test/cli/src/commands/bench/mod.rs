//! `cargo edge bench`: decisions about the network a second, and what a member costs in groups of
//! different sizes, through Envoy; then filters and PATCH beside other implementations.

mod decisions;
mod membership;
mod service;

use crate::build::{cargo, verdict};
use crate::error::Error;
use crate::progress::Step;
use crate::{paths, tools};
use std::path::PathBuf;
use std::process::ExitCode;

/// The npm packages that are measured.
const PACKAGES: [&str; 3] = [
    "scim2-parse-filter@0.2.10",
    "scim-patch@0.8.3",
    "scimmy@1.3.5",
];

/// Builds and runs the benchmarks, each of which prints a table.
pub(crate) async fn run() -> Result<ExitCode, Error> {
    let node = tools::node()?;
    let packages = packages()?;
    println!("{}", decisions::measure().await?);
    println!("{}", membership::measure().await?);
    let mut bench = cargo();
    bench
        .args(["run", "--profile", "bench", "--package", "bench"])
        .args(["--features", "peers", "--"])
        .arg(node)
        .arg(packages);
    verdict(&mut bench)
}

/// The folder with the npm packages, installed into our cache when they are not there. Its
/// name says which versions are in it, and a file that all of them are: another list is
/// another folder, and an installation that was cut short is done again.
fn packages() -> Result<PathBuf, Error> {
    let home = paths::cache_dir()?.join("bench").join(PACKAGES.join("+"));
    let complete = home.join("complete");
    if complete.is_file() {
        return Ok(home);
    }
    let step = Step::begin("Installing the packages to measure with npm");
    let folder = home.display().to_string();
    let mut arguments = vec!["install", "--no-audit", "--no-fund", "--prefix", &folder];
    arguments.extend(PACKAGES);
    tools::run_quietly("npm", &arguments)?;
    std::fs::write(&complete, "").map_err(Error::file("write", &complete))?;
    step.done("Installed the packages to measure");
    Ok(home)
}
