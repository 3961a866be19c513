//! Whether an answer is true of a state.

use crate::history::Entry;
use crate::layout;
use crate::leeway;
use crate::model::{self, Effect};
use crate::operation::{Filter, Kind, Op, Paging, Query};
use crate::state::{Group, Id, Membership, State, Tenant, User};
use directory::http::Response;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    /// Null when there is none.
    pub(crate) body: Value,
    version: Option<i64>,
}

impl Said {
    /// # Errors
    /// What is wrong with the form of an answer, whatever was asked.
    pub(crate) fn of(response: &Response) -> Result<Self, String> {
        let body = match response.body.as_slice() {
            [] => Value::Null,
            body => serde_json::from_slice(body).map_err(|error| format!("is no JSON: {error}"))?,
        };
        let mut headers = response.headers.iter();
        let tag = headers.find(|(name, _)| *name == "etag");
        Ok(Self {
            status: response.status,
            body,
            version: tag.and_then(|(_, tag)| version(tag)),
        })
    }

    /// The version that it shows, in its entity tag or its body.
    pub(crate) fn version(&self) -> Option<i64> {
        self.version
            .or_else(|| version(self.body["meta"]["version"].as_str()?))
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// Whether it says that the state of a walk is no more.
    pub(crate) fn has_expired(&self) -> bool {
        self.body["scimType"] == "expiredCursor"
    }

    /// Where the next page of a walk begins.
    pub(crate) fn next_cursor(&self) -> Option<&str> {
        self.body["nextCursor"].as_str()
    }
}

/// The revision that an entity tag names.
pub(crate) fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/\"")?.strip_suffix('"')?.parse().ok()
}

/// Whether an answer to a request, which has committed or not, is true of a state. `between`
/// are all states from its beginning to its end.
pub(crate) fn is_true(
    entry: &Entry,
    said: &Said,
    committed: bool,
    state: &State,
    between: &[(i64, Rc<State>)],
) -> bool {
    let tenant = state.of(entry.call.caller);
    let call = &entry.call;
    match &call.op {
        Op::GetUser(id) => match tenant.users.get(id) {
            None => said.status == 404,
            Some(user) if call.version == Some(user.version) => said.status == 304,
            Some(_) => {
                said.status == 200
                    && shows_user(tenant, &said.body, id, said.version)
                    && groups(&said.body) == tenant.groups_of(id)
            }
        },
        Op::GetGroup(id, members) => match tenant.groups.get(id) {
            None => said.status == 404,
            Some(group) if call.version == Some(group.version) => said.status == 304,
            Some(_) => {
                said.status == 200 && shows_group(tenant, &said.body, id, said.version, *members)
            }
        },
        Op::List(query) => said.status == 200 && lists(tenant, &said.body, query),
        Op::Revoke(caller) => {
            match committed || state.lets_in(*caller) {
                true => committed && said.status == 204,
                // Sent again, a revocation cannot tell whose it was.
                false => said.status == 404 || (said.status == 204 && entry.faults > 0),
            }
        }
        Op::Sweep => true,
        // Of a bulk request that was refused as a whole.
        Op::Bulk(_) => false,
        op => match committed {
            true => (200..300).contains(&said.status) && shows(entry, said, tenant, between),
            false if said.status == 409 && leeway::name_is_taken(tenant, op) => true,
            false => match model::apply(tenant, op, call.version, &"".into(), 0) {
                Effect::Same => said.status == 200 && shows(entry, said, tenant, between),
                Effect::Refused(reasons) => reasons.contains(&said.status),
                Effect::Changed(_) => false,
            },
        },
    }
}

/// Whether the answer to a write shows what it left. Which groups a user is in is read
/// before the commit: it may be of any moment of the request.
fn shows(entry: &Entry, said: &Said, tenant: &Tenant, between: &[(i64, Rc<State>)]) -> bool {
    let op = &entry.call.op;
    let created = match op {
        Op::CreateUser(_) | Op::CreateGroup(_) => said.body["id"].as_str(),
        _ => None,
    };
    let Some(id) = op.target().map(|id| &**id).or(created) else {
        return false;
    };
    match op {
        Op::CreateUser(_) | Op::ReplaceUser(..) | Op::PatchUser(..) => {
            let groups = groups(&said.body);
            shows_user(tenant, &said.body, id, said.version)
                && between
                    .iter()
                    .any(|(_, state)| state.of(entry.call.caller).groups_of(id) == groups)
        }
        Op::PatchGroup(..) if said.status == 204 => {
            let group = tenant.groups.get(id);
            group.is_some_and(|group| Some(group.version) == said.version)
        }
        Op::CreateGroup(_) | Op::ReplaceGroup(..) | Op::PatchGroup(..) => {
            let mut body = said.body.clone();
            if entry.faults > 0 || entry.staged {
                leeway::forget_the_deleted(entry, tenant, id, &mut body, between);
            }
            shows_group(tenant, &body, id, said.version, true)
        }
        _ => said.status == 204,
    }
}

fn shows_user(tenant: &Tenant, body: &Value, id: &str, tag: Option<i64>) -> bool {
    let shown = read_user(body, id, tag);
    shown.is_some() && shown.as_ref() == tenant.users.get(id).map(|user| &**user)
}

fn shows_group(tenant: &Tenant, body: &Value, id: &str, tag: Option<i64>, members: bool) -> bool {
    let (Some(shown), Some(group)) = (read_group(body, id, tag), tenant.groups.get(id)) else {
        return false;
    };
    match members {
        true => shown == **group && types_are_right(tenant, body),
        false => {
            let mut without = Group::clone(group);
            without.members.clear();
            shown == without
        }
    }
}

fn read_user(body: &Value, id: &str, tag: Option<i64>) -> Option<User> {
    let version = shown_version(body, tag)?;
    layout::user(body, id, version).ok()
}

fn read_group(body: &Value, id: &str, tag: Option<i64>) -> Option<Group> {
    let mut group = layout::group(body, id, shown_version(body, tag)?).ok()?;
    for member in body["members"].as_array().into_iter().flatten() {
        let display = member["display"].as_str().map(str::to_owned);
        group
            .members
            .insert(member["value"].as_str()?.into(), display);
    }
    Some(group)
}

/// `meta.version`, which is the entity tag where there is one.
fn shown_version(body: &Value, tag: Option<i64>) -> Option<i64> {
    let version = version(body["meta"]["version"].as_str()?)?;
    tag.is_none_or(|tag| tag == version).then_some(version)
}

fn types_are_right(tenant: &Tenant, body: &Value) -> bool {
    let mut members = body["members"].as_array().into_iter().flatten();
    members.all(|member| {
        let id = member["value"].as_str().unwrap_or_default();
        match tenant.users.contains_key(id) {
            true => member["type"] == "User",
            false => member["type"] == "Group",
        }
    })
}

/// A user's `groups`.
fn groups(body: &Value) -> BTreeMap<Id, Membership> {
    let groups = body["groups"].as_array().into_iter().flatten();
    groups
        .map(|group| {
            let text = |name: &str| group[name].as_str().unwrap_or_default();
            (
                text("value").into(),
                (text("display").to_owned(), text("type") == "direct"),
            )
        })
        .collect()
}

fn lists(tenant: &Tenant, body: &Value, query: &Query) -> bool {
    let all = matches(tenant, query);
    let (from, count) = match &query.paging {
        Paging::Index { start, count } => (start.saturating_sub(1), *count),
        Paging::Cursor { walk, count } => (walk.shown, *count),
    };
    let page: Vec<&Id> = all.iter().skip(from).take(count).copied().collect();
    let shown = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    if body["totalResults"] != all.len() || shown.len() != page.len() {
        return false;
    }
    if let Paging::Cursor { .. } = query.paging
        && body["nextCursor"].is_string() != (from + page.len() < all.len())
    {
        return false;
    }
    page.iter().zip(shown).all(|(id, shown)| match query.of {
        Kind::User => shows_user(tenant, shown, id, None) && groups(shown) == tenant.groups_of(id),
        Kind::Group => shows_group(tenant, shown, id, None, true),
    })
}

/// Who matches, in the order of creation, which is that of ids.
fn matches<'t>(tenant: &'t Tenant, query: &Query) -> Vec<&'t Id> {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    match query.of {
        Kind::User => {
            let users = tenant
                .users
                .iter()
                .filter(|(id, user)| match &query.filter {
                    None => true,
                    Some(Filter::Name(name)) => same(&user.name, name),
                    Some(Filter::External(external)) => user.external.as_ref() == Some(external),
                    Some(Filter::Email(email)) => user.emails.contains(email),
                    Some(Filter::Active(active)) => user.active == *active,
                    Some(Filter::Membership(group)) => tenant.groups_of(id).contains_key(group),
                });
            users.map(|(id, _)| id).collect()
        }
        Kind::Group => {
            let groups = tenant
                .groups
                .iter()
                .filter(|(_, group)| match &query.filter {
                    None => true,
                    Some(Filter::Name(name)) => same(&group.name, name),
                    Some(Filter::External(external)) => group.external.as_ref() == Some(external),
                    Some(Filter::Membership(member)) => group.members.contains_key(member),
                    Some(Filter::Email(_) | Filter::Active(_)) => false,
                });
            groups.map(|(id, _)| id).collect()
        }
    }
}
