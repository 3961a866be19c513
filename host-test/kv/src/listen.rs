//! Places to listen: the data folder, and sockets that are private from the
//! first moment on.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};

use crate::config::Listen;
use crate::error::Error;

/// The longest path that a socket address holds, beside its final 0 byte.
const MAX_SOCKET_PATH: usize = 107;
/// Where sockets are made, beside their final place.
const NURSERY: &str = ".kv-bind";

/// Makes the data folder, for its owner alone. One that is there and empty is
/// closed to others as well; one in use is left as it is, since it may hold
/// what others should reach (the socket and the database are private anyway).
pub(crate) fn prepare_folder(path: &Path) -> Result<(), Error> {
    let fault = |source| Error::Folder {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(fault)?;
    let empty = fs::read_dir(path).map_err(fault)?.next().is_none();
    if empty {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(fault)?;
    }
    Ok(())
}

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Bound {
    Unix(UnixListener, SocketFile),
    Tcp(TcpListener, SocketAddr),
}

impl Bound {
    pub(crate) async fn new(listen: &Listen) -> Result<Self, Error> {
        match listen {
            Listen::Unix(path) => {
                let (listener, file) = bind_unix(path)?;
                Ok(Self::Unix(listener, file))
            }
            Listen::Tcp(address) => {
                let fault = |source| Error::Tcp {
                    address: *address,
                    source,
                };
                let listener = TcpListener::bind(address).await.map_err(fault)?;
                let bound = listener.local_addr().map_err(fault)?;
                Ok(Self::Tcp(listener, bound))
            }
        }
    }

    /// Where it listens, with the port that was taken.
    pub(crate) fn address(&self) -> Listen {
        match self {
            Self::Unix(_, file) => Listen::Unix(file.0.clone()),
            Self::Tcp(_, address) => Listen::Tcp(*address),
        }
    }
}

/// A socket's name in the file system, removed with this.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "the socket could not be removed");
        }
    }
}

/// Binds a socket that nobody else can open, not even for a moment: it is made
/// in a private folder, closed to others, and only then moved to its place,
/// where it replaces one that a killed server left behind.
fn bind_unix(path: &Path) -> Result<(UnixListener, SocketFile), Error> {
    let fault = |source| Error::Unix {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let nursery = folder.join(NURSERY);
    let newborn = nursery.join("s");
    for candidate in [path, &newborn] {
        let length = candidate.as_os_str().as_bytes().len();
        if length > MAX_SOCKET_PATH {
            let path = path.to_owned();
            return Err(Error::SocketPathTooLong {
                path,
                length,
                max: MAX_SOCKET_PATH,
            });
        }
    }
    refuse_live_socket(path)?;
    match fs::remove_dir_all(&nursery) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(fault(source)),
        Ok(()) | Err(_) => {}
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&nursery)
        .map_err(fault)?;
    let listener = UnixListener::bind(&newborn).map_err(fault)?;
    fs::set_permissions(&newborn, Permissions::from_mode(0o600)).map_err(fault)?;
    fs::rename(&newborn, path).map_err(fault)?;
    fs::remove_dir(&nursery).map_err(fault)?;
    Ok((listener, SocketFile(path.to_owned())))
}

/// A socket may be replaced only if nobody answers on it.
fn refuse_live_socket(path: &Path) -> Result<(), Error> {
    let in_use = || Error::SocketInUse {
        path: path.to_owned(),
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(in_use()),
        Ok(_) if BlockingUnixStream::connect(path).is_ok() => Err(in_use()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Unix {
            path: path.to_owned(),
            source,
        }),
    }
}
