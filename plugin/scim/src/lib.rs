//! The SCIM 2.0 protocol (RFC 7643 and 7644), pure: no I/O, no clock, no
//! randomness, no proxy.
#![forbid(unsafe_code)]

pub mod bulk;
pub mod datetime;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod gather;
pub mod json;
pub mod mac;
pub mod message;
mod mode;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod search;
pub mod sort;
pub mod text;

pub use error::{Error, ScimType};
pub use mode::Mode;
