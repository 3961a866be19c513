//! Building what runs: the plugin for wasm32-wasip1, the package for browsers and Node, and
//! this project's own programs.

use crate::error::Error;
use crate::paths;
use crate::tools::last_line;
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The target of the filter.
pub(crate) const FILTER_TARGET: &str = "wasm32-wasip1";
/// The package of the filter.
const FILTER: &str = "scim-edge";
/// The target of the package for browsers and Node.
const WEB_TARGET: &str = "wasm32-unknown-unknown";
/// Its crate, and its own name.
const WEB: &str = "scim-web";
/// The program that makes its JavaScript.
const BINDGEN: &str = "edge-bindgen";

/// Builds the plugin, with cargo's own progress on standard error, and returns the module.
///
/// # Errors
/// When the target cannot be added, or the code does not compile.
pub fn plugin() -> Result<PathBuf, Error> {
    ensure_target(FILTER_TARGET)?;
    build(
        FILTER,
        &["--release", "--target", FILTER_TARGET, "--package", FILTER],
        module,
    )
}

/// Builds the package for browsers and Node and returns its folder, which is `out` or
/// `scim-web` in cargo's target directory. What was there of it is replaced.
///
/// # Errors
/// When the target cannot be added, the code does not compile, or the folder cannot be
/// written.
pub fn web_package(out: Option<&Path>) -> Result<PathBuf, Error> {
    ensure_target(WEB_TARGET)?;
    let module = build(
        WEB,
        &[
            "--release",
            "--target",
            WEB_TARGET,
            "--package",
            WEB,
            // wasm-bindgen looks for the features of the target in a section that goes
            // with the rest when everything is stripped; it removes the rest itself.
            "--config",
            "profile.release.strip='debuginfo'",
        ],
        module,
    )?;
    // No --package: with the features of the whole workspace, as for the launcher.
    let bindgen = build(BINDGEN, &["--bin", BINDGEN], |artifact| artifact.executable)?;
    let package = match out {
        Some(out) => out.to_owned(),
        // The module is in TARGET/release of the target directory.
        None => module
            .ancestors()
            .nth(3)
            .map_or_else(|| PathBuf::from(WEB), |target| target.join(WEB)),
    };
    fs::create_dir_all(&package).map_err(Error::file("create", &package))?;
    let output = Command::new(&bindgen)
        .args([&module, &package])
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Spawn {
            program: bindgen.display().to_string(),
            source,
        })?;
    if !output.status.success() {
        return Err(Error::Bindgen(last_line(&output.stderr)));
    }
    let manifest = package.join("package.json");
    fs::write(&manifest, web_manifest()).map_err(Error::file("write", &manifest))?;
    Ok(package)
}

/// The package's manifest: one entry, which is another file in Node than elsewhere. The
/// first condition that holds is taken, so their order is part of it.
fn web_manifest() -> String {
    format!(
        r#"{{
  "name": "{WEB}",
  "version": "{}",
  "description": "SCIM 2.0 (RFC 7643, RFC 7644): validate, filter, patch and project resources",
  "license": "Apache-2.0",
  "private": true,
  "type": "module",
  "exports": {{
    ".": {{
      "node": {{ "types": "./node/scim_web.d.ts", "default": "./node/scim_web.js" }},
      "default": {{ "types": "./web/scim_web.d.ts", "default": "./web/scim_web.js" }}
    }}
  }}
}}
"#,
        env!("CARGO_PKG_VERSION")
    )
}

fn module(artifact: Artifact) -> Option<PathBuf> {
    artifact
        .filenames
        .into_iter()
        .find(|f| f.extension() == Some(OsStr::new("wasm")))
}

/// The `cargo-edge` program: this process's own, or built now when this process is a test.
///
/// # Errors
/// When the code does not compile.
pub fn launcher() -> Result<PathBuf, Error> {
    const NAME: &str = "cargo-edge";
    let own = std::env::current_exe().map_err(Error::file("read", "/proc/self/exe"))?;
    if own.file_stem() == Some(OsStr::new(NAME)) {
        return Ok(own);
    }
    // No --package: with the features of the whole workspace, as `cargo test` builds, so that
    // wasmtime is built once.
    build(NAME, &["--bin", NAME], |artifact| artifact.executable)
}

/// The fuzz targets as one program for the machine `host`, with what `prepare` tells
/// cargo. A profile and a target folder of their own keep other builds as they are.
///
/// # Errors
/// When the code does not compile.
pub(crate) fn fuzz_targets(host: &str, prepare: impl Fn(&mut Command)) -> Result<PathBuf, Error> {
    const NAME: &str = "libfuzzer";
    let arguments = ["--package", "fuzz", "--bin", NAME, "--features", NAME];
    let output = ["--profile", "fuzz", "--target", host];
    build_with(
        NAME,
        &[arguments.as_slice(), &output].concat(),
        prepare,
        |artifact| artifact.executable,
    )
}

/// The program that runs simulated histories: fast, and with every check of arithmetic.
///
/// # Errors
/// When the code does not compile.
pub(crate) fn simulation() -> Result<PathBuf, Error> {
    const NAME: &str = "simulation";
    let arguments = ["--package", NAME, "--bin", NAME, "--profile", "fuzz"];
    build(NAME, &arguments, |artifact| artifact.executable)
}

/// The machine that this one builds for, as rustc names it.
///
/// # Errors
/// When rustc does not say.
pub(crate) fn host() -> Result<String, Error> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .current_dir(paths::workspace())
        .output()
        .map_err(|source| Error::Spawn {
            program: "rustc".into(),
            source,
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Error::NoArtifact("rustc -vV".into()))
}

/// Makes sure that code can be built for `target`.
///
/// # Errors
/// [`Error::TargetMissing`] when rustup cannot add it.
pub(crate) fn ensure_target(target: &str) -> Result<(), Error> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let installed = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(paths::workspace())
        .output()
        .is_ok_and(|output| {
            output.status.success() && PathBuf::from(last_line(&output.stdout)).is_dir()
        });
    if installed {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", target])
        .current_dir(paths::workspace())
        .stdin(Stdio::null())
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => Err(Error::TargetMissing(target.into())),
    }
}

/// The cargo to use: the one that runs us, if one does.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(paths::workspace()).stdin(Stdio::null());
    // `cargo run` and `cargo test` tell their program which package it is of. Build scripts
    // that look at that (ring's does) would run again, and all that uses them be built again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs cargo in sight, and makes its verdict our own.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn verdict(command: &mut Command) -> Result<ExitCode, Error> {
    let status = command.status().map_err(|source| Error::Spawn {
        program: "cargo".into(),
        source,
    })?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What we read of cargo's messages of kind `compiler-artifact`.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn build(
    what: &str,
    arguments: &[&str],
    pick: impl Fn(Artifact) -> Option<PathBuf>,
) -> Result<PathBuf, Error> {
    build_with(what, arguments, |_| {}, pick)
}

fn build_with(
    what: &str,
    arguments: &[&str],
    prepare: impl Fn(&mut Command),
    pick: impl Fn(Artifact) -> Option<PathBuf>,
) -> Result<PathBuf, Error> {
    let mut cargo = cargo();
    prepare(&mut cargo);
    let output = cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Error::Spawn {
            program: "cargo".into(),
            source,
        })?;
    if !output.status.success() {
        return Err(Error::Build(what.into()));
    }
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok())
        .filter(|artifact| artifact.target.name.replace('_', "-") == what)
        .filter_map(pick)
        .next_back()
        .ok_or_else(|| Error::NoArtifact(what.into()))
}
