//! The protocol for browsers and Node: the crate `scim`, as the filter runs it, behind
//! `wasm-bindgen`.
//!
//! [`Protocol`] is what can be asked, from JSON text to values that are written as JSON;
//! it knows nothing of JavaScript and is tested natively. [`Scim`] is its face: the class
//! that `src/types.ts` describes. `cargo edge web` builds the package.
//!
//! Nothing crosses the border but JSON text. What JavaScript gets is made by its own
//! `JSON.parse` from text whose keys are ours or attributes of a schema; what it gives is
//! written by its own `JSON.stringify` and read by the parser that reads request bodies.
//! So there is no object here whose prototype a key could reach.

mod bindings;
mod changes;
mod explain;
mod outcome;
mod protocol;
mod validate;

pub use bindings::Scim;
pub use outcome::{Problem, Refusal, to_json};
pub use protocol::{Explained, Patched, Protocol, Validation};
