//! The service: what a SCIM request does to the directory. Async use cases over
//! a store ([`kv::Kv`]), a clock and a source of randomness; nothing here knows
//! etcd, Envoy or HTTP/2.
#![forbid(unsafe_code)]

pub mod environment;
pub mod http;
pub mod kv;
