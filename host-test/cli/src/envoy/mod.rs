//! Envoy: finding or fetching it, and its bootstrap.

pub mod binary;
pub mod bootstrap;
pub(crate) mod failure;
pub(crate) mod local_reply;
pub(crate) mod process;
