//! Programs that we need from outside: finding them, installing them, understanding their words.

use crate::error::Error;
use crate::progress::Step;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of that name on PATH.
pub(crate) fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| {
            rustix::fs::access(candidate, rustix::fs::Access::EXEC_OK).is_ok()
                && candidate.is_file()
        })
}

/// The last line that is not blank: where programs say why they failed.
pub(crate) fn last_line(output: &[u8]) -> String {
    String::from_utf8_lossy(output)
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned()
}

/// etcd: `ETCD`, else on PATH, else installed as a Debian package when we may.
///
/// # Errors
/// [`Error::EtcdMissing`] when it is not there and cannot be installed.
pub fn etcd() -> Result<PathBuf, Error> {
    if let Some(path) = std::env::var_os("ETCD").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    if let Some(path) = find_on_path("etcd") {
        return Ok(path);
    }
    if !debian_packages(&["etcd-server", "etcd-client"])? {
        return Err(Error::EtcdMissing);
    }
    find_on_path("etcd").ok_or(Error::EtcdMissing)
}

/// Where Debian has FreeRADIUS, which is not on everybody's PATH.
const FREERADIUS: &str = "/usr/sbin/freeradius";
/// FreeRADIUS's module for HTTP, a package of its own.
const RLM_REST: &str = "/usr/lib/freeradius/rlm_rest.so";

/// FreeRADIUS with its module for HTTP, and `eapol_test`: `FREERADIUS`, else where Debian has
/// it, else installed as Debian packages when we may.
///
/// # Errors
/// [`Error::FreeRadiusMissing`] when it is not there and cannot be installed.
pub fn freeradius() -> Result<PathBuf, Error> {
    if let Some(path) = std::env::var_os("FREERADIUS").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let find = || {
        let path = find_on_path("freeradius").unwrap_or_else(|| FREERADIUS.into());
        (path.is_file() && Path::new(RLM_REST).is_file()).then_some(path)
    };
    let all = find().filter(|_| find_on_path("eapol_test").is_some());
    if let Some(path) = all {
        return Ok(path);
    }
    let is_new = !Path::new(FREERADIUS).is_file();
    if !debian_packages(&["freeradius", "freeradius-rest", "eapoltest"])? {
        return Err(Error::FreeRadiusMissing);
    }
    // Its package starts it. Whoever had none does not want one for everybody now.
    if is_new && Path::new("/run/systemd/system").is_dir() {
        run_quietly("systemctl", &["disable", "--now", "freeradius"])?;
    }
    find().ok_or(Error::FreeRadiusMissing)
}

/// The program that connects by EAP, which comes with [`freeradius`].
///
/// # Errors
/// [`Error::FreeRadiusMissing`] when it is not there.
pub fn eapol_test() -> Result<PathBuf, Error> {
    find_on_path("eapol_test").ok_or(Error::FreeRadiusMissing)
}

/// The oldest Node that will do: the oldest one with all that the package uses.
const OLDEST_NODE: u32 = 18;

/// Node: `NODE`, else on PATH, else installed as a Debian package when we may.
///
/// # Errors
/// [`Error::NodeMissing`] when it is not there and cannot be installed, [`Error::NotNode`]
/// when it is too old.
pub fn node() -> Result<PathBuf, Error> {
    let named = std::env::var_os("NODE").filter(|path| !path.is_empty());
    let path = match named.map(PathBuf::from).or_else(|| find_on_path("node")) {
        Some(path) => path,
        None => {
            debian_packages(&["nodejs"])?;
            find_on_path("node").ok_or(Error::NodeMissing(OLDEST_NODE))?
        }
    };
    let output = Command::new(&path).arg("--version").output();
    let said = output.map_or_else(|e| e.to_string(), |output| last_line(&output.stdout));
    if major_version(&said).is_some_and(|major| major >= OLDEST_NODE) {
        return Ok(path);
    }
    Err(Error::NotNode {
        path,
        wanted: OLDEST_NODE,
        said,
    })
}

/// The number between `v` and the first dot.
fn major_version(said: &str) -> Option<u32> {
    said.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// A C++ compiler: `CXX`, else on PATH, else installed as a Debian package when we may.
///
/// # Errors
/// [`Error::CxxMissing`] when it is not there and cannot be installed.
pub(crate) fn cxx() -> Result<PathBuf, Error> {
    if let Some(path) = std::env::var_os("CXX").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let find = || ["c++", "g++", "clang++"].into_iter().find_map(find_on_path);
    if let Some(path) = find() {
        return Ok(path);
    }
    if !debian_packages(&["g++"])? {
        return Err(Error::CxxMissing);
    }
    find().ok_or(Error::CxxMissing)
}

/// Installs Debian packages. Nothing is done, and `false` told, where we may not.
pub(crate) fn debian_packages(names: &[&str]) -> Result<bool, Error> {
    if !rustix::process::geteuid().is_root() || find_on_path("apt-get").is_none() {
        return Ok(false);
    }
    let step = Step::begin(format!("Installing {} with apt-get", names.join(", ")));
    run_quietly("apt-get", &["update"])?;
    let options = ["install", "--yes", "--no-install-recommends"];
    run_quietly("apt-get", &[&options, names].concat())?;
    step.done(format!("Installed {}", names.join(", ")));
    Ok(true)
}

pub(crate) fn run_quietly(program: &str, arguments: &[&str]) -> Result<(), Error> {
    let output = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map_err(|source| Error::Spawn {
            program: program.into(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Install {
        command: format!("{program} {}", arguments.join(" ")),
        reason: last_line(&output.stderr),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_path_only_when_executable() {
        assert!(find_on_path("sh").is_some());
        assert_eq!(find_on_path("no-such-program-anywhere"), None);
    }

    #[test]
    fn last_line_skips_blanks_and_the_full_stop() {
        assert_eq!(last_line(b"one\n ERROR: two. \n\n"), "ERROR: two");
        assert_eq!(last_line(b""), "");
    }

    #[test]
    fn the_version_of_node_is_read_from_what_it_says() {
        assert_eq!(major_version("v20.11.1"), Some(20));
        assert_eq!(major_version("20"), None);
        assert_eq!(major_version(""), None);
    }
}
