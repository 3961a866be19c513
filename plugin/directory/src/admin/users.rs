//! Users as the network sees them: who they are, which groups they are in, and what they get.

use super::page::{self, MOST, Page, USUAL};
use crate::Directory;
use crate::access::{Decision, Denial, Effective, Found, Snapshot, Whose};
use crate::ancestry::Membership;
use crate::environment::{Clock, Entropy};
use crate::http::Response;
use crate::keys::{Kind, last_segment};
use crate::kv::{Kv, Range};
use crate::query::parameters;
use crate::response::answer;
use crate::session::Session;
use crate::stored::decode;
use scim::Error;
use scim::text::fold;
use serde::{Deserialize, Serialize};

/// What is read of a user's record.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Person {
    user_name: String,
    display_name: Option<String>,
    name: Name,
    emails: Vec<Contact>,
    phone_numbers: Vec<Contact>,
    active: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Name {
    given_name: Option<String>,
    family_name: Option<String>,
}

/// A mail address or a telephone number.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Contact {
    value: Option<String>,
    #[serde(rename = "type")]
    of_type: String,
    primary: bool,
}

/// A user, as the administrator sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    user_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_mail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone: Option<String>,
    active: bool,
    groups: Vec<ItsGroup>,
    /// Whether it may be on the network, and if so how and why.
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Effective>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    /// If not, why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    denial: Option<Denial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// A group that a user is in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItsGroup {
    id: String,
    display_name: String,
    #[serde(rename = "type")]
    of_type: &'static str,
}

#[derive(Serialize)]
struct Users {
    users: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// In the order of their ids; those whose `userName` begins with what is searched for, in the
    /// order of that.
    pub(super) async fn list_users(
        &self,
        session: &mut Session<'_>,
        query: &str,
    ) -> Result<Response, Error> {
        let page = Page::of(query, &["search"], USUAL, MOST)?;
        let keys = session.keys.clone();
        let (found, ids) = match parameters::text(query, "search")? {
            Some(text) => {
                let names = keys.user_name(&fold(&text));
                let range = page.range(&names, |after| Some(keys.user_name(after)))?;
                let found = self.range(session, range).await?;
                let ids = found.kvs.iter();
                let ids = ids.map(|kv| String::from_utf8_lossy(&kv.value).into_owned());
                let ids: Vec<String> = ids.collect();
                (found, ids)
            }
            None => {
                let records = keys.records(Kind::User);
                let range = page.range(&records, |after| Some(keys.record(Kind::User, after)))?;
                let keys_only = true;
                let range = Range { keys_only, ..range };
                let found = self.range(session, range).await?;
                let ids = found.kvs.iter().filter_map(|kv| last_segment(&kv.key));
                let ids: Vec<String> = ids.collect();
                (found, ids)
            }
        };
        let users = self.seen(session, ids, found.revision).await?;
        let next = page::next(&found, last_segment);
        answer(200, &Users { users, next })
    }

    pub(super) async fn read_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<Response, Error> {
        let seen = self.seen(session, vec![id.to_owned()], 0).await?;
        let one = seen.first();
        answer(200, one.ok_or_else(|| self.not_found(Kind::User, id))?)
    }

    /// Those of some users who are there at a revision (zero: now), and what they get.
    async fn seen(
        &self,
        session: &mut Session<'_>,
        ids: Vec<String>,
        revision: i64,
    ) -> Result<Vec<Listed>, Error> {
        let (kind, whose) = (Kind::User, Whose::All);
        let decided = self.decide_some(session, kind, ids.clone(), revision, whose);
        let Snapshot {
            mut found,
            ancestry,
        } = decided.await?;
        let there = ids.into_iter().filter_map(|id| {
            let Found {
                record: Some(record),
                direct,
                decision,
                ..
            } = found.remove(&id)?
            else {
                return None;
            };
            let groups = ancestry.of(&direct).iter().map(ItsGroup::of).collect();
            let person: Result<Person, Error> = decode(&record.value);
            Some(person.map(|person| Listed::of(id, person, groups, decision)))
        });
        there.collect()
    }
}

impl ItsGroup {
    fn of(group: &Membership<'_>) -> Self {
        Self {
            id: group.id.to_owned(),
            display_name: group.display.to_owned(),
            of_type: match group.is_direct {
                true => "direct",
                false => "indirect",
            },
        }
    }
}

impl Listed {
    fn of(id: String, person: Person, groups: Vec<ItsGroup>, decision: Decision) -> Self {
        let (policy, denial) = match decision {
            Decision::Allowed(allowed) => (Some(allowed.policy.clone()), None),
            Decision::Denied(denial) => (None, Some(denial)),
        };
        Self {
            id,
            user_name: person.user_name,
            given_name: person.name.given_name,
            family_name: person.name.family_name,
            display_name: person.display_name,
            work_mail: of_type(person.emails, "work"),
            mobile_phone: of_type(person.phone_numbers, "mobile"),
            active: person.active != Some(false),
            groups,
            allowed: policy.is_some(),
            decision: policy.as_ref().map(Effective::decision),
            policy,
            denial,
            reason: denial.map(Denial::sentence),
        }
    }
}

/// The value of a type; of several the primary one, else the first.
fn of_type(contacts: Vec<Contact>, wanted: &str) -> Option<String> {
    let of_type = contacts
        .into_iter()
        .filter(|contact| contact.of_type.eq_ignore_ascii_case(wanted));
    let first = of_type.min_by_key(|contact| !contact.primary)?;
    first.value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(value: &str, of_type: &str, primary: bool) -> Contact {
        Contact {
            value: Some(value.to_owned()),
            of_type: of_type.to_owned(),
            primary,
        }
    }

    #[test]
    fn of_several_values_of_a_type_the_primary_one_is_shown() {
        let mails = || {
            vec![
                contact("h", "home", true),
                contact("a", "work", false),
                contact("b", "Work", false),
            ]
        };
        assert_eq!(of_type(mails(), "work").as_deref(), Some("a"));
        let mut primary = mails();
        primary.push(contact("c", "work", true));
        assert_eq!(of_type(primary, "work").as_deref(), Some("c"));
        assert_eq!(of_type(mails(), "other"), None);
    }
}
