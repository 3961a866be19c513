//! Group policies: what the members of a group get, by the group's `displayName`, exactly and
//! with its case. A policy may be there before its group, and stay when the group is gone.

use crate::Directory;
use crate::access::Policy;
use crate::commit::{Action, Attempts, Change, Commit};
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys::{Kind, last_segment};
use crate::kv::{Compare, KeyValue, Kv, Op, Range};
use crate::response::{answer, empty};
use crate::session::Session;
use crate::stored::{decode, encode};
use crate::walk::PAGE;
use scim::Error;
use scim::json::Quoted;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest name of a group that a policy is of, in bytes.
const MAX_GROUP: usize = 1_024;

/// Groups that a report looks at: more take too much memory.
const MAX_REPORTED: usize = 100_000;

/// A policy, as the administrator sees it.
#[derive(Serialize)]
struct Listed<'a> {
    group: &'a str,
    #[serde(flatten)]
    policy: &'a Policy,
}

/// Policies and groups that do not meet.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// The groups that there are not, by the name that a policy is of.
    policies_without_group: Vec<String>,
    groups_without_policy: Vec<Unmanaged>,
}

/// A group that no policy is of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unmanaged {
    id: String,
    display_name: String,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(super) async fn list_policies(&self, session: &mut Session<'_>) -> Result<Response, Error> {
        #[derive(Serialize)]
        struct Policies<'a> {
            policies: Vec<Listed<'a>>,
        }
        let found = self.policies(session).await?;
        let policies = found.iter().map(|(group, policy)| Listed { group, policy });
        answer(
            200,
            &Policies {
                policies: policies.collect(),
            },
        )
    }

    pub(super) async fn read_policy(
        &self,
        session: &mut Session<'_>,
        group: &str,
    ) -> Result<Response, Error> {
        let found = self.policy_record(session, group).await?;
        let found = found.ok_or_else(|| no_policy(group))?;
        let policy = decode(&found.value)?;
        answer(
            200,
            &Listed {
                group,
                policy: &policy,
            },
        )
    }

    /// Makes or replaces a policy. The next decision sees it.
    pub(super) async fn replace_policy(
        &self,
        session: &mut Session<'_>,
        group: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        if group.len() > MAX_GROUP {
            return Err(Error::BadValue {
                attribute: "group".to_owned(),
                reason: format!("must not be longer than {MAX_GROUP} bytes"),
            });
        }
        let policy: Policy = self.form(request)?;
        let value = encode(&policy)?;
        let key = session.keys.policy(group);
        let event = self.event_of("policy", Action::Replace, group)?;
        let mut attempts = Attempts::default();
        loop {
            let stored = self.policy_record(session, group).await?;
            let revision = stored.as_ref().map_or(0, |kv| kv.mod_revision);
            let change = Change {
                compares: vec![Compare::unchanged(key.clone(), revision)],
                ops: vec![Op::put(key.clone(), value.clone())],
                ..Change::default()
            };
            if let Commit::Made { .. } = self.commit(session, &event, &change).await? {
                let status = if stored.is_some() { 200 } else { 201 };
                return answer(
                    status,
                    &Listed {
                        group,
                        policy: &policy,
                    },
                );
            }
            self.start_again(&mut attempts).await?;
        }
    }

    pub(super) async fn delete_policy(
        &self,
        session: &mut Session<'_>,
        group: &str,
    ) -> Result<Response, Error> {
        let key = session.keys.policy(group);
        let event = self.event_of("policy", Action::Delete, group)?;
        let change = Change {
            compares: vec![Compare::present(key.clone())],
            ops: vec![Op::delete(key)],
            ..Change::default()
        };
        match self.commit(session, &event, &change).await? {
            Commit::Made { .. } => Ok(empty(204)),
            Commit::Conflict(_) => Err(no_policy(group)),
        }
    }

    pub(super) async fn policy_report(&self, session: &mut Session<'_>) -> Result<Response, Error> {
        let policies = self.policies(session).await?;
        let groups = Range {
            limit: PAGE,
            ..Range::prefix(session.keys.records(Kind::Group))
        };
        let first = self.range(session, groups.clone()).await?;
        if usize::try_from(first.count).unwrap_or(usize::MAX) > MAX_REPORTED {
            return Err(Error::AnswerTooLarge {
                reason: "there are more groups than a report looks at".to_owned(),
            });
        }
        let mut without_group = policies.clone();
        let mut groups_without_policy = Vec::new();
        for kv in self.rest(session, &groups, first).await? {
            let display_name = self.name_of_group(&kv)?;
            without_group.remove(&display_name);
            if !policies.contains_key(&display_name) {
                groups_without_policy.push(Unmanaged {
                    id: last_segment(&kv.key).unwrap_or_default(),
                    display_name,
                });
            }
        }
        answer(
            200,
            &Report {
                policies_without_group: without_group.into_keys().collect(),
                groups_without_policy,
            },
        )
    }

    /// All policies of the tenant, by group.
    async fn policies(&self, session: &mut Session<'_>) -> Result<BTreeMap<String, Policy>, Error> {
        let all = Range {
            limit: PAGE,
            ..Range::prefix(session.keys.policy(""))
        };
        let found = self.walk(session, all).await?;
        let read = found.iter().map(|kv| {
            let group = last_segment(&kv.key).unwrap_or_default();
            Ok((group, decode(&kv.value)?))
        });
        read.collect()
    }

    async fn policy_record(
        &self,
        session: &mut Session<'_>,
        group: &str,
    ) -> Result<Option<KeyValue>, Error> {
        let key = session.keys.policy(group);
        let found = self.range(session, Range::one(key)).await?;
        Ok(found.kvs.into_iter().next())
    }
}

fn no_policy(group: &str) -> Error {
    Error::NoResource {
        resource_type: "policy of a group".to_owned(),
        id: Quoted::from(group),
    }
}
