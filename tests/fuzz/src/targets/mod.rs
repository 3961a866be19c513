//! The targets, one a file.

pub(crate) mod bulk;
pub(crate) mod configuration;
pub(crate) mod filter;
pub(crate) mod json;
pub(crate) mod patch;
pub(crate) mod path;
pub(crate) mod projection;
pub(crate) mod query;
pub(crate) mod resource;
pub(crate) mod search;
pub(crate) mod service;
