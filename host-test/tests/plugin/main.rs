//! What the host does to a plugin, shown with the probe (`host-test/probe`).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test ends with what it did not expect; clippy exempts only the test functions"
)]

mod bodies;
mod calls;
mod clients;
mod http_calls;
mod lifecycle;
mod loading;
mod replies;
mod support;
mod values;
