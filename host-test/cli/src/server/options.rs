//! What `up` and `serve` are told.

use crate::error::Error;
use crate::store::Endpoint;
use crate::upstream::Upstream;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

/// How to run an endpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to serve; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Worker threads, each with a VM of its own.
    pub workers: usize,
    /// The data folder, made if missing.
    pub data: PathBuf,
    /// The members of one etcd cluster; none: the embedded store.
    pub etcd: Vec<Endpoint>,
    /// Clusters beside the store's, for webhooks.
    pub clusters: Vec<Upstream>,
    /// The operator's plugin configuration, a JSON object.
    pub config: Option<PathBuf>,
    /// A module that is built already; none: it is built from the workspace.
    pub plugin: Option<PathBuf>,
    /// The Envoy to run; none: found or fetched. `serve` needs none.
    pub envoy: Option<PathBuf>,
    /// Our own `cargo-edge` program, which children are started through; none: this process's
    /// own, or built from the workspace.
    pub launcher: Option<PathBuf>,
}

impl Options {
    /// One worker on a free loopback port, on the embedded store in `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            workers: 1,
            data: data.into(),
            etcd: Vec::new(),
            clusters: Vec::new(),
            config: None,
            plugin: None,
            envoy: None,
            launcher: None,
        }
    }

    /// Finds out early whether the address can be had. Envoy itself would share it with another
    /// Envoy (`SO_REUSEPORT`).
    pub(crate) fn check_address(&self) -> Result<(), Error> {
        match TcpListener::bind(self.listen) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::AddrInUse => Err(Error::AddressTaken(self.listen)),
            Err(e) => Err(Error::AddressRefused(self.listen, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_address_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut options = Options::new("unused");
        options.listen = taken.local_addr().unwrap();
        let error = options.check_address().unwrap_err().to_string();
        assert!(
            error.contains("is already taken") && error.contains("--listen"),
            "{error}"
        );
    }

    #[test]
    fn address_of_another_machine_is_refused() {
        let mut options = Options::new("unused");
        options.listen = "192.0.2.1:80".parse().unwrap();
        assert!(matches!(
            options.check_address(),
            Err(Error::AddressRefused(..))
        ));
    }
}
