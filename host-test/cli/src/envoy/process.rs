//! Envoy as a child of ours.

use crate::envoy::bootstrap::Bootstrap;
use crate::envoy::failure;
use crate::error::Error;
use crate::http::{Client, Url};
use crate::paths::DataDir;
use crate::process::{Service, Spec};
use hyper::{HeaderMap, Method};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long Envoy may take to open its listeners.
const START: Duration = Duration::from_secs(30);

/// A running Envoy.
#[derive(Debug)]
pub(crate) struct Envoy {
    service: Service,
    address: SocketAddr,
    admin_file: PathBuf,
    log: PathBuf,
}

impl Envoy {
    /// Starts Envoy and waits until it listens. It is not restarted before [`Envoy::keep`].
    pub(crate) async fn start(
        program: &Path,
        launcher: &Path,
        data: &DataDir,
        workers: usize,
        bootstrap: Bootstrap,
        listen: SocketAddr,
    ) -> Result<Self, Error> {
        let file = data.path().join("envoy.json");
        let admin_file = data.path().join("envoy-admin");
        // That of an earlier run must not be taken for this one's.
        let _ = std::fs::remove_file(&admin_file);
        let bootstrap = bootstrap.admin_on_loopback()?.log_failures_only()?;
        write(&file, &bootstrap)?;
        let service = Service::start(Spec {
            name: "Envoy",
            launcher: launcher.into(),
            program: program.into(),
            arguments: vec![
                "--config-path".into(),
                file.clone().into(),
                "--concurrency".into(),
                workers.to_string().into(),
                "--admin-address-path".into(),
                admin_file.clone().into(),
                // Several Envoys on one machine must not meet in shared memory.
                "--disable-hot-restart".into(),
                "--log-level".into(),
                "warning".into(),
                "--component-log-level".into(),
                "wasm:info".into(),
            ],
            log: data.envoy_log(),
        })?;
        let mut envoy = Self {
            service,
            address: listen,
            admin_file,
            log: data.envoy_log(),
        };
        envoy.address = envoy.listening().await?;
        if envoy.address != listen {
            // A restart must come back at the same place.
            write(&file, &bootstrap.listen(envoy.address)?)?;
        }
        Ok(envoy)
    }

    /// Waits until the listener is open, and returns its address.
    async fn listening(&self) -> Result<SocketAddr, Error> {
        let client = Client::new(Duration::from_secs(5));
        let begun = Instant::now();
        loop {
            self.alive()?;
            if let Some(admin) = self.admin()
                && let Some(address) = listener(&client, admin).await
            {
                return Ok(address);
            }
            if begun.elapsed() > START {
                return Err(Error::NotReady {
                    what: "Envoy",
                    seconds: START.as_secs(),
                    last: "no listener".into(),
                    log: self.log.clone(),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Why it ended, if it has.
    pub(crate) fn alive(&self) -> Result<(), Error> {
        match self.service.ended() {
            None => Ok(()),
            Some(_) => Err(failure::explain(&self.log, self.address)),
        }
    }

    /// From now on Envoy is started again whenever it ends.
    pub(crate) fn keep(&self) {
        self.service.keep();
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its admin interface.
    pub(crate) fn admin(&self) -> Option<SocketAddr> {
        std::fs::read_to_string(&self.admin_file)
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// The child.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }
}

fn write(file: &Path, bootstrap: &Bootstrap) -> Result<(), Error> {
    std::fs::write(file, bootstrap.to_json()).map_err(Error::file("write", file))
}

/// The address of the only listener, once it is open.
async fn listener(client: &Client, admin: SocketAddr) -> Option<SocketAddr> {
    let url = Url::parse(&format!("http://{admin}/listeners?format=json")).ok()?;
    let answer = client
        .send(&Method::GET, &url, &HeaderMap::new(), None)
        .await
        .ok()?;
    let answer: Value = serde_json::from_slice(answer.body()).ok()?;
    let address = answer.pointer("/listener_statuses/0/local_address/socket_address")?;
    let ip = address.get("address")?.as_str()?.parse().ok()?;
    let port = u16::try_from(address.get("port_value")?.as_u64()?).ok()?;
    Some(SocketAddr::new(ip, port))
}
