//! Conformance suites from PyPI: installed, in the versions and with the hashes of
//! `tests/suites/requirements.txt`, into a virtual environment of their own in our cache.

use crate::error::Error;
use crate::paths;
use crate::progress::Step;
use crate::tools;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Written when the installation is whole.
const COMPLETE: &str = "complete";

/// The folder of the suites' programs. They are installed when they are not there yet.
///
/// # Errors
/// [`Error::PythonMissing`] without Python or its `venv`; [`Error::Install`].
pub fn programs() -> Result<PathBuf, Error> {
    let requirements = paths::workspace().join("tests/suites/requirements.txt");
    let text = fs::read(&requirements).map_err(Error::file("read", &requirements))?;
    // Other requirements go to another place, so that nothing old is left in one.
    let digest = Sha256::digest(text);
    let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let home = paths::cache_dir()?.join("suites").join(name);
    let programs = home.join("bin");
    let complete = home.join(COMPLETE);
    if complete.is_file() {
        return Ok(programs);
    }
    let step = Step::begin("Installing conformance suites with pip");
    make_environment(&home)?;
    let requirements = requirements.display().to_string();
    // All that is needed is listed. Were pip to look for itself, it would take the newest of
    // what a package asks for with an extra, which is not what is listed, and refuse it.
    run(Command::new(programs.join("pip")).args([
        "install",
        "--no-deps",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--require-hashes",
        "--requirement",
        &requirements,
    ]))?;
    fs::write(&complete, "").map_err(Error::file("write", &complete))?;
    step.done("Installed conformance suites");
    Ok(programs)
}

/// An empty virtual environment. Debian has the module in a package of its own.
fn make_environment(home: &Path) -> Result<(), Error> {
    let make = || {
        let python = tools::find_on_path("python3").ok_or(Error::PythonMissing)?;
        run(Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(home))
    };
    match make() {
        Err(Error::PythonMissing | Error::Install { .. })
            if tools::debian_packages(&["python3", "python3-venv"])? =>
        {
            make()
        }
        Err(Error::Install { .. }) => Err(Error::PythonMissing),
        made => made,
    }
}

fn run(command: &mut Command) -> Result<(), Error> {
    let words = format!("{command:?}");
    let output = command.output().map_err(|source| Error::Spawn {
        program: words.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Install {
        command: words,
        reason: tools::last_line(&output.stderr),
    })
}
