//! The command line: what can be said, and who does it.

use crate::commands::{
    bench, disconnect, faults, fuzz, kv, replay, serve, simulate, test, up, web,
};
use crate::error::Error;
use crate::paths;
use crate::process::become_child;
use crate::server::Options;
use crate::store::Endpoint;
use crate::upstream::Upstream;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. On the wasmtime host the plugin tells each write.
const DEFAULT_LOG: &str = "info,plugin=warn";

/// SCIM 2.0 inside Envoy.
#[derive(Debug, Parser)]
#[command(name = "cargo edge", bin_name = "cargo edge", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the plugin, find or fetch Envoy, start both with the store, and print a token
    Up(ServerArgs),
    /// The same on the wasmtime host, without Envoy
    Serve(ServerArgs),
    /// Test everything the project can check of itself, installing what that needs
    Test(test::TestArgs),
    /// Measure group changes by size, and filters and PATCH beside other implementations
    Bench,
    /// Kill, freeze and cut off real Envoys and etcd members under load, and look what is lost
    Faults(faults::FaultsArgs),
    /// Run fuzz targets by hand; what breaks one is saved beside its test
    Fuzz(fuzz::FuzzArgs),
    /// Simulate the service under faults; a seed that shows something wrong gives it again
    Simulate(simulate::SimulateArgs),
    /// The embedded store alone: etcd's v3 API on one durable node
    Kv(kv::KvArgs),
    /// Play identity-provider transcripts against any SCIM server
    Replay(replay::ReplayArgs),
    /// End and change sessions at the network gear as the directory decides
    Disconnect(disconnect::DisconnectArgs),
    /// Build the protocol as a package for browsers and Node
    Web(web::WebArgs),
    /// Become a program that dies with the process PARENT
    #[command(hide = true)]
    Child {
        parent: u32,
        program: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// What `up` and `serve` share.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Serve on this address; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Worker threads [default: one per processor]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Keep everything in this folder [default: scim-edge in the user's data directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use this etcd instead of the embedded store; several members of one cluster with commas
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    etcd: Vec<Endpoint>,
    /// A cluster that webhooks of the configuration name; may be given several times
    #[arg(long, value_name = "NAME=HOST:PORT")]
    cluster: Vec<Upstream>,
    /// Plugin configuration, a JSON object; see README.md for its keys
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write URLs and credentials as JSON to this file once the endpoint answers
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

impl ServerArgs {
    /// The options that these arguments mean.
    pub(crate) fn options(&self) -> Result<Options, Error> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => paths::default_data_dir()?,
        };
        let mut options = Options::new(data);
        options.listen = self.listen;
        options.workers = self
            .workers
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        options.etcd.clone_from(&self.etcd);
        options.clusters.clone_from(&self.cluster);
        options.config.clone_from(&self.config);
        Ok(options)
    }
}

/// An address to listen on; a host name is resolved.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| "write HOST:PORT, for example 127.0.0.1:8080".into())
}

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let done = match cli.command {
        Command::Child {
            parent,
            program,
            arguments,
        } => Err(become_child(parent, &program, &arguments)),
        Command::Up(args) => on_runtime(up::run(&args)),
        Command::Serve(args) => on_runtime(serve::run(&args)),
        Command::Test(args) => test::run(&args),
        Command::Bench => on_runtime(bench::run()),
        Command::Faults(args) => faults::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Kv(args) => on_runtime(kv::run(&args)),
        Command::Replay(args) => on_runtime(replay::run(&args)),
        Command::Disconnect(args) => on_runtime(disconnect::run(&args)),
        Command::Web(args) => web::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command to its end. What it left running on blocking threads (a build, after an
/// interrupt) does not hold up the exit.
fn on_runtime(command: impl Future<Output = Result<ExitCode, Error>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Spawn {
            program: "the runtime".into(),
            source,
        })?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}
