//! `cargo edge kv`: the embedded store alone.

use crate::commands::present::End;
use crate::error::Error;
use crate::paths;
use clap::Args;
use edge_kv::{Config, Listen, Server};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `kv` is told.
#[derive(Debug, Args)]
pub(crate) struct KvArgs {
    /// Keep the database in this folder [default: scim-edge/store in the user's data directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Listen on HOST:PORT, or on the Unix socket unix:PATH [default: kv.sock in the folder]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    listen: Vec<Listen>,
}

fn listen(text: &str) -> Result<Listen, String> {
    match text.strip_prefix("unix:") {
        Some(path) => Ok(Listen::Unix(path.trim_start_matches("//").into())),
        None => crate::cli::address(text).map(Listen::Tcp),
    }
}

/// Serves until interrupted.
pub(crate) async fn run(args: &KvArgs) -> Result<ExitCode, Error> {
    let mut end = End::new()?;
    let data = match &args.data {
        Some(data) => data.clone(),
        None => paths::default_data_dir()?.join("store"),
    };
    let mut config = Config::new(data);
    if !args.listen.is_empty() {
        config.listen.clone_from(&args.listen);
    }
    let failed = |e: edge_kv::Error| Error::Kv(e.to_string());
    let mut server = Server::start(config).await.map_err(failed)?;
    for address in server.addresses() {
        println!("Listening on {address}");
    }
    if let Some(Listen::Tcp(address)) = server
        .addresses()
        .iter()
        .find(|a| matches!(a, Listen::Tcp(_)))
    {
        println!("Look inside with: ETCDCTL_API=3 etcdctl --endpoints {address} get --prefix ''");
    } else if let Some(Listen::Unix(path)) = server.addresses().first() {
        println!(
            "Look inside with: ETCDCTL_API=3 etcdctl --endpoints unix://{} get --prefix ''",
            path.display()
        );
    }
    tokio::select! {
        () = end.signalled() => {}
        error = server.failed() => return Err(failed(error)),
    }
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
