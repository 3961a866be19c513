//! `edge-bindgen MODULE FOLDER`: the JavaScript, the types and the module for browsers
//! (`FOLDER/web`) and for Node (`FOLDER/node`).
//!
//! A program of its own, so that only `cargo edge web` and the tests build what it needs,
//! and not everybody who wants to start the server.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(module), Some(folder)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: edge-bindgen MODULE FOLDER");
        return ExitCode::FAILURE;
    };
    match generate(&module, Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn generate(module: &OsString, folder: &Path) -> Result<(), String> {
    for target in ["web", "node"] {
        let mut bindgen = Bindgen::new();
        bindgen
            .input_path(module)
            .typescript(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            // Without a path of its own, `init()` in a browser would need one.
            .omit_default_module_path(false);
        let chosen = match target {
            "web" => bindgen.web(true),
            _ => bindgen.nodejs_module(true),
        };
        chosen
            .and_then(|bindgen| bindgen.generate(folder.join(target)))
            .map_err(|error| format!("{error:#}"))?;
    }
    Ok(())
}
