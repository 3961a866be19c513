//! Resources (RFC 7643 §3): a tree of values guided by the schema.
//!
//! [`from_client`] and [`from_store`] read one, [`complete`] says whether it may
//! be stored, [`to_store`] and [`to_client`] write it.

mod immutable;
mod list;
mod read;
mod reference;
mod scalar;
mod strict;
mod tolerance;
mod validate;
mod value;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use immutable::keep_unchangeable;
pub(crate) use immutable::{changed, immutable_in, is_same, keep_in};
pub(crate) use list::{check_count, may_have, names_elements};
pub use read::{element_from_client, from_client, from_service, from_store, value_from_client};
pub(crate) use validate::is_complete;
pub use validate::{complete, each_fault, primary_of, single_primary};
pub use value::{Complex, Resource, Value};
pub use write::{to_client, to_store};
