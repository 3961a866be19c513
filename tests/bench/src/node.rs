//! The npm packages, measured by `peers.mjs` in Node.js.

use crate::table::Figure;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the script and reads its lines.
pub(crate) fn measure(node: &OsStr, packages: &OsStr) -> Result<Vec<Figure>, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(node)
        .arg(here.join("peers.mjs"))
        .arg(here.join("inputs.json"))
        .arg(packages)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{} does not start: {error}", node.display()))?;
    if !output.status.success() {
        return Err(format!("peers.mjs failed: {}", output.status));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| figure(line).ok_or_else(|| format!("peers.mjs said: {line}")))
        .collect()
}

fn figure(line: &str) -> Option<Figure> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let task = line["task"].as_str()?;
    let taken = line["taken"].as_u64();
    Some(Figure {
        task: match task {
            "parse" => crate::ours::PARSE.to_owned(),
            patch => format!("PATCH: {patch}"),
        },
        implementation: line["peer"].as_str()?.to_owned(),
        micros: line["micros"].as_f64()?,
        taken: taken.and_then(|n| usize::try_from(n).ok()),
    })
}
