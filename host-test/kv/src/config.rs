//! What a server is told: where its data is, where it listens, how much history
//! it keeps.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the socket within the data folder.
const SOCKET: &str = "kv.sock";

/// Settings of a [`Server`](crate::Server).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The folder of the database; made, for its owner alone, if missing.
    pub data_dir: PathBuf,
    /// Where to listen; all of them at once.
    pub listen: Vec<Listen>,
    /// How much of the past stays readable.
    pub history: History,
    /// How long a watch with `progress_notify` may be silent before it is told
    /// the current revision.
    pub progress_interval: Duration,
    /// Memory for pages of the database, in bytes.
    pub cache_bytes: usize,
}

impl Config {
    /// The defaults: a socket in `data_dir` that only its owner can open, etcd's
    /// ten minutes between progress notifications, 64 MiB of cache.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            listen: vec![Listen::Unix(Self::default_socket(&data_dir))],
            data_dir,
            history: History::default(),
            progress_interval: Duration::from_secs(600),
            cache_bytes: 64 << 20,
        }
    }

    /// The socket that [`Config::new`] listens on.
    pub fn default_socket(data_dir: &Path) -> PathBuf {
        data_dir.join(SOCKET)
    }
}

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A socket that only the owner of the process can open.
    Unix(PathBuf),
    /// An address; port 0 takes a free one. Whoever reaches it can do all:
    /// there is no authentication.
    Tcp(SocketAddr),
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

/// How much of the past stays readable, and can be watched from: whichever of
/// the two keeps more. Older history is compacted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// At least this many revisions.
    pub revisions: u64,
    /// At least all within this time.
    pub age: Duration,
}

impl Default for History {
    fn default() -> Self {
        Self {
            revisions: 10_000,
            age: Duration::from_secs(900),
        }
    }
}

impl History {
    /// Keeps everything, until a client compacts.
    pub const UNLIMITED: Self = Self {
        revisions: u64::MAX,
        age: Duration::MAX,
    };
}
