//! Bodies of POST and PUT: what is taken can be stored and read back, and what the client
//! is shown can be sent again and is then the same.

use super::patch::stored;
use scim::Mode;
use scim::json::{self, MAX_DEPTH};
use scim::projection::Projection;
use scim::resource::{complete, from_client, to_client};
use scim::schema::{Registry, ResourceTypeId};

thread_local! {
    static REGISTRY: Registry = Registry::standard().unwrap();
}

/// JSON text of a user or group.
pub(crate) fn run(data: &[u8]) {
    REGISTRY.with(|registry| {
        for kind in [registry.core().user, registry.core().group] {
            check(registry, kind, data);
        }
    });
}

fn check(registry: &Registry, kind: ResourceTypeId, data: &[u8]) {
    let read = |bytes: &[u8]| {
        from_client(
            registry,
            kind,
            &json::parse(bytes, MAX_DEPTH)?,
            Mode::Lenient,
        )
    };
    let resource = match read(data) {
        Ok(resource) => resource,
        Err(error) => {
            assert_eq!(error.status(), 400, "{error}");
            assert!(error.scim_type().is_some(), "{error}");
            return;
        }
    };
    stored(registry, &resource);
    let shown = to_client(registry, &resource, &Projection::all());
    serde_json::from_slice::<serde_json::Value>(&shown).unwrap();
    let again = read(&shown).unwrap();
    assert_eq!(to_client(registry, &again, &Projection::all()), shown);
    if let Err(error) = complete(registry, &resource) {
        assert_eq!(error.status(), 400, "{error}");
    }
}
