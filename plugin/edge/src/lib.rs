//! The proxy-wasm filter: SCIM requests below the base path are answered here,
//! inside the proxy; everything else passes through untouched.
//!
//! A request's way: `stream` collects it, `executor` runs the directory's
//! future over the host's callbacks, `etcd` carries its reads and writes to
//! the store as gRPC calls of the host, `stream` sends the response.
//!
//! Nothing here may panic: a trap kills every request on the worker.

#![allow(
    missing_docs,
    reason = "the crate's only public item is the entry point that the SDK's macro makes"
)]

mod bodies;
mod config;
mod courier;
mod environment;
mod etcd;
mod executor;
mod memory;
mod metrics;
mod root;
mod service;
mod shared;
mod stream;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(root::Root::new(id)));
}}
