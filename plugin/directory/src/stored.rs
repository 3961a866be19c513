//! Records that are no resources, as JSON: what is in the store of tenants, tokens, policies,
//! sessions and events.

use scim::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value, as it is stored and sent.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Internal {
        reason: format!("a record cannot be written: {error}"),
    })
}

/// A value that was stored.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Internal {
        reason: format!("a record is damaged: {error}"),
    })
}
