//! Resources (RFC 7643 §3): a tree of values guided by the schema.

mod value;

pub use value::{Complex, Resource, Value};
