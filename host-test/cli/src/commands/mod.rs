//! The commands, one module each.

pub(crate) mod bench;
pub(crate) mod disconnect;
pub(crate) mod faults;
pub(crate) mod fuzz;
pub(crate) mod kv;
mod present;
pub(crate) mod replay;
pub mod serve;
pub(crate) mod simulate;
pub(crate) mod test;
pub mod up;
pub(crate) mod web;
