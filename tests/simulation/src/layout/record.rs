//! What the values of the store say.

use super::Event;
use crate::state::{Group, User};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn event(tenant: usize, value: &[u8]) -> Result<Event, String> {
    let event = json(value)?;
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    Ok(Event {
        tenant,
        op: text("op").to_owned(),
        id: text("id").into(),
        token: text("token").to_owned(),
    })
}

/// A user, in the store or in an answer.
pub(crate) fn user(json: &Value, id: &str, version: i64) -> Result<User, String> {
    let emails = json["emails"].as_array().into_iter().flatten();
    let emails = emails.filter_map(|email| Some(email["value"].as_str()?.to_owned()));
    Ok(User {
        version,
        name: named(json, id, "userName")?,
        external: optional(json, "externalId"),
        emails: emails.collect(),
        active: json["active"]
            .as_bool()
            .ok_or("a user is neither active nor inactive")?,
    })
}

/// A group, in the store or in an answer, without members.
pub(crate) fn group(json: &Value, id: &str, version: i64) -> Result<Group, String> {
    Ok(Group {
        version,
        name: named(json, id, "displayName")?,
        external: optional(json, "externalId"),
        members: BTreeMap::new(),
    })
}

fn named(json: &Value, id: &str, name: &str) -> Result<String, String> {
    if json["id"] != id {
        return Err(format!("the resource {id} calls itself {}", json["id"]));
    }
    optional(json, name).ok_or_else(|| format!("the resource {id} has no {name}"))
}

fn optional(json: &Value, name: &str) -> Option<String> {
    json[name].as_str().map(str::to_owned)
}

pub(super) fn display(value: &[u8]) -> Result<Option<String>, String> {
    Ok(optional(&json(value)?, "display"))
}

pub(super) fn json(value: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(value).map_err(|error| format!("a stored value is damaged: {error}"))
}
