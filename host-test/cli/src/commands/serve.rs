//! `cargo edge serve`: the same as `up`, on the wasmtime host instead of Envoy.

use crate::build;
use crate::cli::ServerArgs;
use crate::commands::present;
use crate::commands::up::built;
use crate::config::PluginConfig;
use crate::envoy::bootstrap::Bootstrap;
use crate::envoy::failure::refusal;
use crate::envoy::local_reply::LocalReplies;
use crate::error::Error;
use crate::paths::DataDir;
use crate::progress::Step;
use crate::secret;
use crate::server::{Front, Options, Parts, Running, Served, first_contact};
use crate::store::{Endpoint, Store};
use crate::upstream;
use host_test::{Address, Host, HostConfig, PluginConfig as HostPlugin, StartError};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The command.
pub(crate) async fn run(args: &ServerArgs) -> Result<ExitCode, Error> {
    present::run(args, start).await
}

/// Starts everything and returns when SCIM answers. What was started ends again when this fails or
/// its future is dropped.
///
/// # Errors
/// Whatever is wrong with the options or the machine; what to do stands in the error.
pub async fn start(options: Options) -> Result<Running, Error> {
    let data = DataDir::open(&options.data)?;
    options.check_address()?;
    let admin_key = secret::new_key()?;
    let config = PluginConfig::load(options.config.as_deref(), &secret::sha256_hex(&admin_key))?;
    upstream::check(&options.clusters, &config)?;
    let module = built(options.plugin.clone(), build::plugin).await?;
    let launcher = built(options.launcher.clone(), build::launcher).await?;

    let step = Step::begin("Starting the store and the host");
    let store = Store::open(&data, &options.etcd, &launcher).await?;
    let host_config = configure(&options, &config, &store, &module)?;
    let host = Host::start(host_config).await.map_err(explain)?;
    let address = host.listen(options.listen).await.map_err(explain)?;
    step.say("Waiting for the endpoint");
    let served = Served {
        address,
        config,
        admin_key,
        log: data.store_log(),
    };
    let ready = first_contact(&served, || Ok(())).await?;
    Ok(Running::from(Parts {
        front: Front::Host(host),
        store,
        data,
        ready,
        address,
    }))
}

/// The host, set up as `envoy/envoy.yaml` sets up Envoy.
fn configure(
    options: &Options,
    config: &PluginConfig,
    store: &Store,
    module: &Path,
) -> Result<HostConfig, Error> {
    let mut plugin = HostPlugin::new(std::fs::read(module).map_err(Error::file("read", module))?);
    for name in [&mut plugin.name, &mut plugin.root_id, &mut plugin.vm_id] {
        *name = "scim".into();
    }
    plugin.configuration = config.to_value().to_string().into_bytes();
    plugin.allow_on_headers_stop_iteration = true;
    plugin.reload_backoff = Duration::from_millis(100);

    let mut host = HostConfig::new(plugin);
    // The host knows one endpoint to a cluster; the first answers for all of an etcd cluster.
    if let Some(endpoint) = store.endpoints().first() {
        host.clusters
            .insert(config.cluster().to_owned(), address(endpoint));
    }
    for cluster in &options.clusters {
        host.clusters
            .insert(cluster.name.clone(), address(&cluster.endpoint));
    }
    host.workers = options.workers;
    host.stream_idle_timeout = Duration::from_secs(60);
    let replies = LocalReplies::of(&Bootstrap::production()?)?;
    host.local_reply = Some(Arc::new(move |status, details, body| {
        let (content_type, body) = replies.shape(status, details, body);
        (content_type, body.into())
    }));
    Ok(host)
}

fn address(endpoint: &Endpoint) -> Address {
    match endpoint {
        Endpoint::Unix(path) => Address::Unix(path.clone()),
        Endpoint::Tcp(..) => Address::Tcp(endpoint.to_string()),
    }
}

fn explain(error: StartError) -> Error {
    match error {
        StartError::ConfigureRefused { cause, .. } => Error::Configuration(refusal(&cause)),
        StartError::AddressInUse { address } => Error::AddressTaken(address),
        StartError::Listen { address, source } => Error::AddressRefused(address, source),
        other => Error::Host(other.to_string()),
    }
}
