//! The programs under test and beside it: built or found once for all tests of the process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The plugin's module.
///
/// # Panics
/// When it does not compile.
pub fn plugin() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::build::plugin)
}

/// The `cargo-edge` program.
///
/// # Panics
/// When it does not compile.
pub fn launcher() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::build::launcher)
}

/// Envoy.
///
/// # Panics
/// When there is none and none can be fetched.
pub fn envoy() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::envoy::binary::find)
}

/// etcd.
///
/// # Panics
/// When there is none and none can be installed.
pub fn etcd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::tools::etcd)
}

/// Node.
///
/// # Panics
/// When there is none and none can be installed.
pub fn node() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::tools::node)
}

/// FreeRADIUS.
///
/// # Panics
/// When there is none and none can be installed.
pub fn freeradius() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::tools::freeradius)
}

/// The program that connects by EAP.
///
/// # Panics
/// When it was not installed with [`freeradius`].
pub fn eapol_test() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::tools::eapol_test)
}

/// The folder of the conformance suites' programs.
///
/// # Panics
/// When they cannot be installed.
pub fn suites() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    once(&PATH, edge_cli::suites::programs)
}

fn once(
    path: &'static OnceLock<PathBuf>,
    make: impl FnOnce() -> Result<PathBuf, edge_cli::Error>,
) -> &'static Path {
    path.get_or_init(|| {
        make().unwrap_or_else(|e| panic!("{e} `cargo edge test` prepares what the tests need."))
    })
}
