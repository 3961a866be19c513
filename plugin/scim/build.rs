//! Puts the schema documents into the crate without their white space, a third of them.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const DATA: &str = "src/schema/data";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DATA}");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    for document in fs::read_dir(DATA)? {
        let document = document?;
        let json: serde_json::Value = serde_json::from_slice(&fs::read(document.path())?)?;
        fs::write(Path::new(&out).join(document.file_name()), json.to_string())?;
    }
    Ok(())
}
