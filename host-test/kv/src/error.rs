//! Why a server could not start, in sentences that say what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use redb::{DatabaseError, StorageError};

/// A server that could not be started, or that stopped by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder {path}: {source}; name a folder that you may write")]
    Folder {
        /// The data folder, or the file in it that could not be opened.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another server has the same data open.
    #[error("another process is using {path}: stop it first, or name another data folder")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The database file cannot be read as one.
    #[error(
        "the database {path} is damaged ({reason}): put a copy back in its place, \
         or move it away to start with an empty store"
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database file was written by a later version of this program.
    #[error(
        "the database {path} has format {found}, this program knows {known}: \
         use the version that wrote it, or a later one"
    )]
    NewerFormat {
        /// The database file.
        path: PathBuf,
        /// The format that the file names.
        found: u64,
        /// The newest format that this program reads.
        known: u64,
    },
    /// The disk failed.
    #[error("the disk under {path} failed ({failure}): free space or replace it, then start again")]
    Storage {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        failure: redb::Error,
    },
    /// The address to listen on is taken or not allowed.
    #[error("cannot listen on {address}: {source}; stop what listens there or choose another port")]
    Tcp {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The socket cannot be made.
    #[error("cannot listen on the socket {path}: {source}")]
    Unix {
        /// The socket asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path of the socket does not fit the system's limit.
    #[error(
        "the socket path {path} is {length} bytes long, the system allows {max}: \
         name a shorter folder"
    )]
    SocketPathTooLong {
        /// The socket asked for.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The system's limit in bytes.
        max: usize,
    },
    /// Somebody listens on the socket, or it is a file of another kind.
    #[error("{path} is in use: stop what listens there, or name another socket")]
    SocketInUse {
        /// The socket asked for.
        path: PathBuf,
    },
    /// The server was told to listen nowhere.
    #[error("nothing to listen on: name a socket or an address")]
    NoListener,
    /// The storage failed while serving; every call fails until it is opened again.
    #[error("the storage failed: {0}; free space or replace the disk, then start again")]
    Stopped(String),
    /// A connection loop ended with an error.
    #[error("serving failed: {0}")]
    Serve(String),
}

impl Error {
    /// Sorts what redb says on opening by what a person has to do.
    pub(crate) fn open(path: &Path, error: DatabaseError) -> Self {
        let path = path.to_owned();
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Self::InUse { path }
            }
            DatabaseError::Storage(StorageError::Io(source))
                if source.kind() != io::ErrorKind::InvalidData =>
            {
                Self::Folder { path, source }
            }
            error => Self::Damaged {
                path,
                reason: error.to_string(),
            },
        }
    }
}
