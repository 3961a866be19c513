//! The rules of reading, checking and writing resources.

mod check;
mod client;
mod immutable;
mod round_trip;
mod strict;
mod types;
mod written;

pub(crate) mod any;

use super::{Resource, from_client, to_store};
use crate::Mode;
use crate::error::Error;
use crate::json::{self, Json};
use crate::schema::ResourceTypeId;
use crate::schema::fixture::REGISTRY;
use serde_json::Value;

fn read(resource_type: ResourceTypeId, body: &Value) -> Result<Resource, Error> {
    let text = body.to_string();
    let json: Json<'_> = json::parse(text.as_bytes(), 20).unwrap();
    from_client(&REGISTRY, resource_type, &json, Mode::Lenient)
}

/// A body of a user as the service understands it, for comparison.
fn user(body: &Value) -> Value {
    let user = read(REGISTRY.core().user, body).unwrap();
    serde_json::from_slice(&to_store(&REGISTRY, &user)).unwrap()
}

fn group(body: &Value) -> Value {
    let group = read(REGISTRY.core().group, body).unwrap();
    serde_json::from_slice(&to_store(&REGISTRY, &group)).unwrap()
}

fn user_error(body: &Value) -> Error {
    read(REGISTRY.core().user, body).unwrap_err()
}
