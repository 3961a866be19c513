//! Which keys follow from the records of a tenant, and which may be there beside them.

use super::{Stored, current};
use crate::state::{Id, Tenant};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a key that no record demands may be there: what says something of a group, or
/// is of a generation that has a record to be cleaned up by.
pub(super) fn is_accounted_for(
    tenant: &Tenant,
    unused: &BTreeSet<(String, String)>,
    key: &str,
) -> bool {
    let path: Vec<&str> = key.split('/').collect();
    match path.as_slice() {
        ["group-touch", id] => {
            tenant.groups.contains_key(*id) || unused.iter().any(|(group, _)| group == id)
        }
        ["group-generation", id] => tenant.groups.contains_key(*id),
        ["last-event"] => true,
        ["member", group, generation, _] | ["member-of", _, group, generation] => {
            unused.contains(&((*group).to_owned(), (*generation).to_owned()))
        }
        _ => false,
    }
}

/// The keys that must be there, with their value where that follows too.
pub(super) fn derived(
    base: &str,
    tenant: &Tenant,
    stored: &BTreeMap<String, Stored>,
    name: &str,
) -> Result<BTreeMap<String, Option<String>>, String> {
    let mut keys = BTreeMap::new();
    let mut put = |key: String, value| match keys.insert(format!("{base}{key}"), value) {
        None => Ok(()),
        Some(_) => Err(format!("{key} follows from two records")),
    };
    let id_of = |id: &Id| Some(id.to_string());
    for (id, user) in &tenant.users {
        put(format!("user/{id}"), None)?;
        put(format!("user-name/{}", user.name.to_lowercase()), id_of(id))?;
        if let Some(external) = &user.external {
            put(format!("user-external/{external}/{id}"), None)?;
        }
        for email in &user.emails {
            put(format!("user-email/{email}/{id}"), None)?;
        }
    }
    for (id, group) in &tenant.groups {
        put(format!("group/{id}"), None)?;
        put(
            format!("group-name/{}", group.name.to_lowercase()),
            id_of(id),
        )?;
        if let Some(external) = &group.external {
            put(format!("group-external/{external}/{id}"), None)?;
        }
        let generation = current(stored, name, id)?;
        for member in group.members.keys() {
            if !tenant.has(member) {
                return Err(format!(
                    "{base}member/{id}/{member}: there is no such member"
                ));
            }
            put(format!("member/{id}/{generation}/{member}"), None)?;
            put(format!("member-of/{member}/{id}/{generation}"), None)?;
        }
    }
    Ok(keys)
}
