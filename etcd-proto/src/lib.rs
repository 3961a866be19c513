//! The part of etcd's v3 API that this project speaks, generated from
//! `proto/rpc.proto` (etcd's published field numbers).
//!
//! Messages only by default: that is what the filter uses inside the proxy. The
//! feature `services` adds tonic's clients and servers for native programs.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    clippy::pedantic,
    clippy::nursery,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
