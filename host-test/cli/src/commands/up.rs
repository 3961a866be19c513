//! `cargo edge up`: the plugin in Envoy, on the embedded store or an etcd.

use crate::build;
use crate::cli::ServerArgs;
use crate::commands::present;
use crate::config::PluginConfig;
use crate::envoy::binary;
use crate::envoy::bootstrap::Bootstrap;
use crate::envoy::process::Envoy;
use crate::error::Error;
use crate::paths::DataDir;
use crate::progress::Step;
use crate::secret;
use crate::server::{Front, Options, Parts, Running, Served, first_contact};
use crate::store::Store;
use crate::upstream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Starts everything and returns when SCIM answers. What was started ends again when this fails or
/// its future is dropped.
///
/// # Errors
/// Whatever is wrong with the options or the machine; what to do stands in the error.
pub async fn start(options: Options) -> Result<Running, Error> {
    // What is quickly known comes before what takes minutes.
    let data = DataDir::open(&options.data)?;
    options.check_address()?;
    let admin_key = secret::new_key()?;
    let config = PluginConfig::load(options.config.as_deref(), &secret::sha256_hex(&admin_key))?;
    upstream::check(&options.clusters, &config)?;
    let module = built(options.plugin.clone(), build::plugin).await?;
    let program = built(options.envoy.clone(), binary::find).await?;
    let launcher = built(options.launcher.clone(), build::launcher).await?;
    let module = keep_copy(&module, &data)?;

    let step = Step::begin("Starting the store and Envoy");
    let store = Store::open(&data, &options.etcd, &launcher).await?;
    let bootstrap = Bootstrap::production()?
        .without_tls()?
        .listen(options.listen)?
        .plugin(&module, &config.to_value())?
        .store(store.endpoints())?
        .clusters(&options.clusters)?;
    let envoy = Envoy::start(
        &program,
        &launcher,
        &data,
        options.workers,
        bootstrap,
        options.listen,
    )
    .await?;
    step.say("Waiting for the endpoint");
    let served = Served {
        address: envoy.address(),
        config,
        admin_key,
        log: data.envoy_log(),
    };
    let ready = first_contact(&served, || envoy.alive()).await?;
    envoy.keep();
    Ok(Running::from(Parts {
        address: served.address,
        front: Front::Envoy(envoy),
        store,
        data,
        ready,
    }))
}

/// The command.
pub(crate) async fn run(args: &ServerArgs) -> Result<ExitCode, Error> {
    present::run(args, start).await
}

/// What is given, or else what `make` makes, on a thread that may block.
pub(crate) async fn built(
    given: Option<PathBuf>,
    make: impl FnOnce() -> Result<PathBuf, Error> + Send + 'static,
) -> Result<PathBuf, Error> {
    match given {
        Some(path) => Ok(path),
        None => tokio::task::spawn_blocking(make)
            .await
            .map_err(|e| Error::Build(e.to_string()))?,
    }
}

/// Copies the module into the data folder: a restart of Envoy must find the same code, whatever is
/// built meanwhile.
pub(crate) fn keep_copy(module: &Path, data: &DataDir) -> Result<PathBuf, Error> {
    let copy = data.path().join("scim_edge.wasm");
    match std::fs::copy(module, &copy) {
        Ok(_) => Ok(copy),
        Err(_) if !module.is_file() => Err(Error::PluginMissing(module.into())),
        Err(e) => Err(Error::file("write", copy)(e)),
    }
}
