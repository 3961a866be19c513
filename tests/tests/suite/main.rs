//! The tests of the whole system, one theme a module. One program, so that it is linked once.

mod concurrency;
mod crash;
mod decisions;
mod documents;
mod examples;
mod faults;
mod footprint;
mod foreign;
mod hostile;
mod http;
mod large;
mod local_reply;
mod malformed;
mod metrics;
mod overload;
mod parity;
mod privacy;
mod radius;
mod requirements;
mod space;
mod start_stop;
mod tls;
mod transcripts;
mod web;
mod webhooks;
