//! `cargo edge faults`: for as long as one likes, what `cargo edge test` does for a minute:
//! real Envoys and etcd members under load, killed, frozen and cut off; or Envoy and its store
//! killed while the members of a large group are replaced.

use crate::build::{cargo, verdict};
use crate::envoy::binary;
use crate::error::Error;
use crate::tools;
use clap::Args;
use std::process::ExitCode;

/// What `faults` is told.
#[derive(Debug, Args)]
pub(crate) struct FaultsArgs {
    /// Go on for so many minutes
    #[arg(long, value_name = "N", default_value = "60")]
    minutes: u64,
    /// Begin the random choices here
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Instead: kill Envoy and its store so many times, each while all members of a group are replaced
    #[arg(long, value_name = "N", conflicts_with_all = ["minutes", "seed"])]
    kills: Option<u64>,
    /// With --kills: how many members the group has
    #[arg(long, value_name = "N", default_value = "100000", requires = "kills")]
    members: u64,
}

/// Runs the test, which says at its end what happened how often.
pub(crate) fn run(args: &FaultsArgs) -> Result<ExitCode, Error> {
    let mut test = cargo();
    test.args(["test", "--workspace", "--test", "suite", "--"])
        .arg("--nocapture")
        .env("ENVOY", binary::find()?)
        .env("ETCD", tools::etcd()?);
    match args.kills {
        Some(kills) => test
            .args(["large::killed::", "--test-threads=1"])
            .env("SCIM_EDGE_KILLS", kills.to_string())
            .env("SCIM_EDGE_KILLED_MEMBERS", args.members.to_string()),
        None => test
            .arg("faults::")
            .env("SCIM_EDGE_FAULT_MINUTES", args.minutes.to_string())
            .env("SCIM_EDGE_FAULT_SEED", args.seed.to_string()),
    };
    verdict(&mut test)
}
