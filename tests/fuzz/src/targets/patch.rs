//! PATCH bodies on a fixed set of resources: an error leaves the resource as it was, what
//! is reported changed has changed, what comes out can be stored, and for a group the way
//! that does not load its members ends where the way that does ends.

use crate::fixture;
use scim::Mode;
use scim::json::{self, Json, MAX_DEPTH};
use scim::patch::{MemberChange, Patch};
use scim::projection::Projection;
use scim::resource::{Resource, complete, from_store, to_client, to_store};
use scim::schema::Registry;
use std::collections::BTreeSet;

thread_local! {
    static FIXTURE: (Registry, Vec<Resource>) = {
        let registry = Registry::standard().unwrap();
        let resources = fixture::resources(&registry);
        (registry, resources)
    };
}

const MAX_OPERATIONS: usize = 20;

/// A PATCH body.
pub(crate) fn run(data: &[u8]) {
    if let Ok(body) = json::parse(data, MAX_DEPTH) {
        check(&body);
    }
}

/// Applies a body to all resources.
pub(crate) fn check(body: &Json<'_>) {
    FIXTURE.with(|(registry, resources)| {
        for resource in resources {
            check_one(registry, resource, body);
        }
    });
}

fn check_one(registry: &Registry, before: &Resource, body: &Json<'_>) {
    let kind = before.resource_type;
    let id = before.text(registry.core().id).unwrap();
    let patch = match Patch::parse(registry, kind, body, MAX_OPERATIONS, id, Mode::Lenient) {
        Ok(patch) => patch,
        Err(error) => {
            assert!((400..500).contains(&error.status()), "{error}");
            return;
        }
    };
    let mut after = before.clone();
    let changed = match patch.apply(registry, &mut after) {
        Ok(changed) => changed,
        Err(error) => {
            assert_eq!(error.status(), 400, "{error}");
            assert_eq!(&after, before, "{error}, and changed none the less");
            return;
        }
    };
    assert_eq!(changed, &after != before);
    assert_eq!(complete(registry, &after), Ok(()));
    assert_eq!(
        after.text(registry.core().id),
        Some(id),
        "the id is the service's"
    );
    stored(registry, &after);
    if kind == registry.core().group
        && let Some(changes) = patch.member_changes(registry)
    {
        let mut besides = before.clone();
        patch.apply_besides_members(registry, &mut besides).unwrap();
        let members = changed_members(members(registry, before), &changes);
        assert_eq!(members, self::members(registry, &after));
        for resource in [&mut besides, &mut after] {
            resource.attributes.remove(registry.core().members);
        }
        assert_eq!(besides, after);
    }
}

/// Writing a resource to the store and reading it changes nothing that is kept.
pub(crate) fn stored(registry: &Registry, resource: &Resource) {
    let bytes = to_store(registry, resource);
    let read = from_store(registry, resource.resource_type, &bytes).unwrap();
    assert_eq!(to_store(registry, &read), bytes);
    let shown = |resource| to_client(registry, resource, &Projection::all());
    assert_eq!(shown(&read), shown(resource));
}

fn members(registry: &Registry, group: &Resource) -> BTreeSet<String> {
    let value = registry.child(registry.core().members, "value").unwrap();
    let list = group.get(registry.core().members);
    let members = list.into_iter().flat_map(|list| list.elements());
    let values = members.filter_map(|member| member.as_complex()?.text(value));
    values.map(str::to_owned).collect()
}

fn changed_members(mut members: BTreeSet<String>, changes: &[MemberChange]) -> BTreeSet<String> {
    for change in changes {
        match change {
            MemberChange::Add(member) => {
                members.insert(member.value.clone());
            }
            MemberChange::Remove(value) => {
                members.remove(value);
            }
        }
    }
    members
}
