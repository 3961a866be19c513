//! Fuzz targets. Each is a plain function of bytes that panics when something does not
//! hold that must hold for any input; so the saved inputs replay in an ordinary test, and
//! any engine can drive them.
//!
//! A target asserts more than the absence of panics wherever there is a cheap oracle: what
//! was written is read back, a failed change changes nothing, a filter and its negation
//! part the resources between them, an answer leaks nothing and is well-formed.

mod answer;
mod consistent;
mod fixture;
mod script;
mod targets;
mod world;

/// A target and the name of its folders in `corpus` and `regressions`.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by name.
pub const TARGETS: [Target; 11] = [
    ("bulk", targets::bulk::run),
    ("configuration", targets::configuration::run),
    ("filter", targets::filter::run),
    ("json", targets::json::run),
    ("patch", targets::patch::run),
    ("path", targets::path::run),
    ("projection", targets::projection::run),
    ("query", targets::query::run),
    ("resource", targets::resource::run),
    ("search", targets::search::run),
    ("service", targets::service::run),
];

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<fn(&[u8])> {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, run)| *run)
}
