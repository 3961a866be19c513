//! The `cargo edge` command as a library: the tests of the workspace start endpoints with it.
//!
//! [`up::start`] runs the plugin in Envoy, [`serve::start`] on wasmtime; [`Running`] is the handle of what runs.

mod admin;
pub mod build;
pub mod cli;
mod commands;
mod config;
mod disconnect;
pub mod envoy;
mod error;
mod fuzz;
mod http;
pub mod paths;
mod process;
mod progress;
mod ready;
pub mod replay;
mod secret;
mod server;
mod store;
pub mod suites;
pub mod tools;
mod upstream;

pub use commands::{serve, up};
pub use error::Error;
pub use http::HttpError;
pub use ready::Ready;
pub use server::{Options, Running};
pub use store::Endpoint;
pub use upstream::Upstream;
