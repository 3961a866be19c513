//! Tests of PATCH: standard operations by section of RFC 7644, then quirks by
//! client.

mod add;
mod envelope;
mod members;
mod quirks;
mod remove;
mod replace;
mod strict;
mod twin;

use super::Patch;
use crate::Mode;
use crate::error::Error;
use crate::json;
use crate::resource::{Resource, from_client, to_store};
use crate::schema::{ENTERPRISE_USER, Registry, ResourceTypeId};
use serde_json::{Value as Json, json};

const ID: &str = "2819c223";

/// Barbara as she is before each test.
fn barbara() -> Json {
    json!({
        "userName": "bjensen",
        "externalId": "bj",
        "title": "Guide",
        "active": true,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"value": "bj@work.example", "type": "work", "primary": true},
            {"value": "bj@home.example", "type": "home", "display": "private"}
        ],
        (ENTERPRISE_USER): {"department": "Tours", "manager": {"value": "m-1", "$ref": "../Users/m-1"}}
    })
}

fn group() -> Json {
    json!({"displayName": "Guides", "members": [{"value": "a"}, {"value": "b", "display": "Bea"}]})
}

fn resource(registry: &Registry, resource_type: ResourceTypeId, body: &Json) -> Resource {
    let text = body.to_string();
    let body = json::parse(text.as_bytes(), json::MAX_DEPTH).unwrap();
    from_client(registry, resource_type, &body, Mode::Lenient).unwrap()
}

fn parsed(
    registry: &Registry,
    resource_type: ResourceTypeId,
    request: &Json,
) -> Result<Patch, Error> {
    let text = request.to_string();
    let body = json::parse(text.as_bytes(), json::MAX_DEPTH)?;
    Patch::parse(registry, resource_type, &body, 100, ID, Mode::Lenient)
}

/// Applies a request to a body; gives what is there afterwards and whether that
/// is a change.
fn patched(
    registry: &Registry,
    resource_type: ResourceTypeId,
    before: &Json,
    request: &Json,
) -> Result<(Json, bool), Error> {
    let patch = parsed(registry, resource_type, request)?;
    let mut resource = resource(registry, resource_type, before);
    let untouched = resource.clone();
    let result = patch.apply(registry, &mut resource);
    if result.is_err() {
        assert_eq!(resource, untouched, "all operations or none");
    }
    let changed = result?;
    assert_eq!(changed, resource != untouched);
    let bytes = to_store(registry, &resource);
    Ok((serde_json::from_slice(&bytes).unwrap(), changed))
}

/// Applies operations to a user.
fn user_after(before: &Json, operations: &Json) -> Result<Json, Error> {
    let registry = Registry::standard().unwrap();
    let request = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let user = registry.core().user;
    patched(&registry, user, before, &request).map(|(after, _)| after)
}

/// Applies operations to Barbara.
fn after(operations: &Json) -> Json {
    user_after(&barbara(), operations).unwrap_or_else(|error| panic!("{operations}: {error}"))
}

/// What is wrong with an operation.
fn inner(error: Error) -> Error {
    match error {
        Error::InOperation { error, .. } => *error,
        error => error,
    }
}

fn refused(operations: &Json) -> Error {
    refused_at(operations).1
}

/// Which operation is wrong, where the error names one, and what is.
fn refused_at(operations: &Json) -> (Option<usize>, Error) {
    match user_after(&barbara(), operations) {
        Ok(after) => panic!("{operations} gave {after}"),
        Err(Error::InOperation { number, error }) => (Some(number), *error),
        Err(error) => (None, error),
    }
}

fn group_after(operations: &Json) -> Json {
    let registry = Registry::standard().unwrap();
    let request = json!({"Operations": operations});
    let (after, _) = patched(&registry, registry.core().group, &group(), &request).unwrap();
    after
}

/// What Barbara is after a change of her document.
fn barbara_with(change: impl FnOnce(&mut Json)) -> Json {
    let registry = Registry::standard().unwrap();
    let mut body = barbara();
    change(&mut body);
    let stored = to_store(&registry, &resource(&registry, registry.core().user, &body));
    serde_json::from_slice(&stored).unwrap()
}
