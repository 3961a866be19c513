//! edge-kv: an embedded, durable key-value server that speaks etcd v3's gRPC API
//! as a cluster of one. A client cannot tell it from etcd, except that it needs
//! no installation: it is a library, and its data is one file.
//!
//! What it promises: a write that was answered is on the disk (fsync) and stays
//! there through a `kill -9`; revisions, errors and event streams are etcd's.
//! `tests/etcd_equivalence.rs` holds it to that against a real etcd.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let data = folder.path().join("data");
//! let server = edge_kv::Server::start(edge_kv::Config::new(&data)).await?;
//! assert_eq!(server.addresses()[0].to_string(), format!("unix:{}/kv.sock", data.display()));
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//! The way of a call, outside in:
//! - `config`, `error`, `server`, `listen`: what a program that embeds
//!   the server sees, starting, stopping, sockets.
//! - `service`, `check`, `failure`: gRPC, refusing malformed requests,
//!   etcd's error texts.
//! - `store`: reads on the caller's thread, writes through the queue.
//! - `writer`, `transaction`, `txn`, `lessor`: the one thread that
//!   writes, a call within it, transactions' compares and branches, leases.
//! - `watch`: a stream's watchers, fed from recent commits or the log.
//! - `state`, `ops`, `index`, `interval`: what is shared, reading
//!   ranges, keys' histories, sets of keys.
//! - `disk`: the redb file.

mod check;
mod config;
mod disk;
mod error;
mod failure;
#[cfg(test)]
mod fault_tests;
mod index;
mod interval;
mod lessor;
mod listen;
mod ops;
mod random;
#[cfg(test)]
mod rules_tests;
mod server;
mod service;
mod state;
mod store;
mod transaction;
mod txn;
mod watch;
mod writer;

pub use config::{Config, History, Listen};
pub use error::Error;
pub use server::Server;
