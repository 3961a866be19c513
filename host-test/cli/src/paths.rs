//! Where things live on this machine: the workspace, the cache, the data folder and what is in it.

use crate::error::Error;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The name of our folders below the user's own.
const NAME: &str = "scim-edge";

/// The root of the workspace that this program was built in.
#[must_use]
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Our folder below the user's cache directory (`XDG_CACHE_HOME`, else `~/.cache`).
///
/// # Errors
/// When neither that variable nor `HOME` is set.
pub fn cache_dir() -> Result<PathBuf, Error> {
    user_dir("XDG_CACHE_HOME", ".cache", |name| std::env::var_os(name))
}

/// Our folder below the user's data directory (`XDG_DATA_HOME`, else `~/.local/share`).
///
/// # Errors
/// When neither that variable nor `HOME` is set.
pub fn default_data_dir() -> Result<PathBuf, Error> {
    user_dir("XDG_DATA_HOME", ".local/share", |name| {
        std::env::var_os(name)
    })
}

/// The XDG base directory specification: a relative path in the variable is to be ignored.
fn user_dir(
    variable: &'static str,
    below_home: &str,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, Error> {
    if let Some(dir) = env(variable).map(PathBuf::from).filter(|d| d.is_absolute()) {
        return Ok(dir.join(NAME));
    }
    match env("HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(Path::new(&home).join(below_home).join(NAME)),
        None => Err(Error::NoHome(variable)),
    }
}

/// Makes a folder, and those above it, that only the owner may enter.
pub(crate) fn make_private(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::file("create", dir))
}

/// A data folder, held for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The lock goes with the process, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if need be and takes hold of it.
    ///
    /// # Errors
    /// [`Error::DataInUse`] when another process holds it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        make_private(path)?;
        let path = fs::canonicalize(path).map_err(Error::file("read", path))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(Error::file("write", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::DataInUse(path)),
            Err(TryLockError::Error(e)) => Err(Error::file("write", lock_path)(e)),
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The embedded store's own folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// What Envoy and the plugin logged since the start.
    #[must_use]
    pub fn envoy_log(&self) -> PathBuf {
        self.path.join("envoy.log")
    }

    /// What the embedded store logged since the start.
    #[must_use]
    pub fn store_log(&self) -> PathBuf {
        self.path.join("store.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_directory_wins_over_home() {
        let env = |name: &str| match name {
            "XDG_DATA_HOME" => Some(OsString::from("/data")),
            _ => Some(OsString::from("/home/me")),
        };
        let dir = user_dir("XDG_DATA_HOME", ".local/share", env).unwrap();
        assert_eq!(dir, Path::new("/data/scim-edge"));
    }

    #[test]
    fn relative_xdg_directory_is_ignored() {
        let env = |name: &str| match name {
            "XDG_DATA_HOME" => Some(OsString::from("data")),
            _ => Some(OsString::from("/home/me")),
        };
        let dir = user_dir("XDG_DATA_HOME", ".local/share", env).unwrap();
        assert_eq!(dir, Path::new("/home/me/.local/share/scim-edge"));
    }

    #[test]
    fn no_home_is_an_error_that_names_the_variable() {
        let error = user_dir("XDG_CACHE_HOME", ".cache", |_| None).unwrap_err();
        assert!(error.to_string().contains("XDG_CACHE_HOME"), "{error}");
    }

    #[test]
    fn data_folder_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::open(dir.path()).unwrap();
        assert!(matches!(
            DataDir::open(dir.path()),
            Err(Error::DataInUse(_))
        ));
        drop(held);
        assert!(DataDir::open(dir.path()).is_ok());
    }
}
