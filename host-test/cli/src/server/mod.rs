//! A running endpoint, whatever serves it: its options, its first contact, its handle.

mod contact;
mod options;
mod running;

pub(crate) use contact::{Served, first_contact};
pub use options::Options;
pub use running::Running;
pub(crate) use running::{Front, Parts};
