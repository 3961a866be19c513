//! The store behind the plugin: the embedded one as a child of ours, or an etcd of the operator.

use crate::error::Error;
use crate::paths::{DataDir, make_private};
use crate::process::{Service, Spec};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};

/// The longest path of a Unix socket, in bytes (`sun_path` on Linux, less its final NUL).
const LONGEST_SOCKET_PATH: usize = 107;
/// How long the embedded store may take to open its database.
const START: Duration = Duration::from_secs(20);
/// How long an etcd may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// Where a store listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// Host name or IP address, and port.
    Tcp(String, u16),
}

impl FromStr for Endpoint {
    type Err = Error;

    /// Reads `HOST:PORT`, with an IPv6 address in brackets; `http://` before it is tolerated.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadEndpoint(text.into());
        let bare = text
            .strip_prefix("http://")
            .unwrap_or(text)
            .trim_end_matches('/');
        let (host, port) = bare.rsplit_once(':').ok_or_else(bad)?;
        let unbracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match unbracketed {
            Some(address) => address,
            None if host.contains([':', '/']) => return Err(bad()),
            None => host,
        };
        match port.parse() {
            Ok(port) if port > 0 && !host.is_empty() => Ok(Self::Tcp(host.into(), port)),
            Ok(_) | Err(_) => Err(bad()),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// The store of a running endpoint.
#[derive(Debug)]
pub(crate) struct Store {
    endpoints: Vec<Endpoint>,
    service: Option<Service>,
    /// A folder for the socket, when its path in the data folder would be too long.
    _runtime: Option<TempDir>,
}

impl Store {
    /// An etcd when endpoints are given, else the embedded store.
    pub(crate) async fn open(
        data: &DataDir,
        etcd: &[Endpoint],
        launcher: &Path,
    ) -> Result<Self, Error> {
        if etcd.is_empty() {
            Self::embedded(data, launcher).await
        } else {
            Self::etcd(etcd.to_vec()).await
        }
    }

    /// Starts the embedded store in the data folder and waits until it accepts connections.
    async fn embedded(data: &DataDir, launcher: &Path) -> Result<Self, Error> {
        make_private(&data.store())?;
        let (socket, runtime) = socket_in(&data.store())?;
        let service = Service::start(Spec {
            name: "The embedded store",
            launcher: launcher.into(),
            program: launcher.into(),
            arguments: vec![
                "kv".into(),
                "--data".into(),
                data.store().into(),
                "--listen".into(),
                format!("unix:{}", socket.display()).into(),
            ],
            log: data.store_log(),
        })?;
        let begun = Instant::now();
        while UnixStream::connect(&socket).await.is_err() {
            if service.ended().is_some() || begun.elapsed() > START {
                return Err(Error::StoreFailed {
                    reason: crate::tools::last_line(
                        &std::fs::read(data.store_log()).unwrap_or_default(),
                    ),
                    log: data.store_log(),
                });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        service.keep();
        Ok(Self {
            endpoints: vec![Endpoint::Unix(socket)],
            service: Some(service),
            _runtime: runtime,
        })
    }

    /// Uses an etcd cluster, of which at least one member must answer now.
    async fn etcd(endpoints: Vec<Endpoint>) -> Result<Self, Error> {
        let mut failure = None;
        for endpoint in &endpoints {
            let Endpoint::Tcp(host, port) = endpoint else {
                continue;
            };
            let connected =
                tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), *port)));
            match connected.await {
                Ok(Ok(_)) => {
                    return Ok(Self {
                        endpoints,
                        service: None,
                        _runtime: None,
                    });
                }
                Ok(Err(e)) => failure = Some((endpoint.to_string(), e.to_string())),
                Err(_) => failure = Some((endpoint.to_string(), "no answer".into())),
            }
        }
        let (at, why) = failure.unwrap_or_else(|| ("--etcd".into(), "no endpoint given".into()));
        Err(Error::StoreUnreachable(at, why))
    }

    /// Where it listens.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The child, when the store is ours.
    pub(crate) fn service(&self) -> Option<&Service> {
        self.service.as_ref()
    }
}

/// The socket in the store's folder, or in a private one when that path would be too long.
fn socket_in(folder: &Path) -> Result<(PathBuf, Option<TempDir>), Error> {
    const NAME: &str = "kv.sock";
    let socket = folder.join(NAME);
    if socket.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return Ok((socket, None));
    }
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir())
        .unwrap_or_else(std::env::temp_dir);
    // Temporary folders are made with mode 0700.
    let runtime = tempfile::Builder::new()
        .prefix("scim-edge-")
        .tempdir_in(&base)
        .map_err(Error::file("create", base))?;
    let short = runtime.path().join(NAME);
    tracing::info!(
        "The path of {} is too long for a Unix socket; the store listens on {} instead.",
        socket.display(),
        short.display()
    );
    Ok((short, Some(runtime)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_host_and_port() {
        let parsed = |text: &str| text.parse::<Endpoint>().ok();
        let tcp = |host: &str, port| Some(Endpoint::Tcp(host.into(), port));
        assert_eq!(parsed("127.0.0.1:2379"), tcp("127.0.0.1", 2379));
        assert_eq!(parsed("http://etcd-0:2379/"), tcp("etcd-0", 2379));
        assert_eq!(parsed("[::1]:2379"), tcp("::1", 2379));
        for wrong in [
            "",
            "etcd",
            ":2379",
            "etcd:",
            "etcd:0",
            "etcd:99999",
            "::1:2379",
            "https://etcd:2379",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn socket_moves_when_its_path_is_too_long() {
        let dir = tempfile::tempdir().unwrap();
        let (near, runtime) = socket_in(dir.path()).unwrap();
        assert!(near.starts_with(dir.path()) && runtime.is_none());
        let (far, runtime) = socket_in(&dir.path().join("x".repeat(120))).unwrap();
        assert!(far.as_os_str().len() <= LONGEST_SOCKET_PATH);
        assert!(runtime.is_some());
    }

    #[tokio::test]
    async fn store_that_is_not_there_is_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let error = Store::etcd(vec![Endpoint::Tcp("127.0.0.1".into(), port)])
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("127.0.0.1:{port} cannot be reached")),
            "{error}"
        );
    }
}
