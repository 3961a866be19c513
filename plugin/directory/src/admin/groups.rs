//! Groups as the network sees them: how many members each has, and which policy.

use super::page::{self, MOST, Page, USUAL};
use crate::Directory;
use crate::access::Policy;
use crate::environment::{Clock, Entropy};
use crate::generation::Generation;
use crate::http::Response;
use crate::keys::{Kind, last_segment};
use crate::kv::{Kv, Range};
use crate::response::answer;
use crate::session::Session;
use crate::stored::decode;
use scim::Error;
use serde::Serialize;

/// A group, as the administrator sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    display_name: String,
    /// Users and groups that are members themselves.
    members: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
}

#[derive(Serialize)]
struct Groups {
    groups: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// In the order of their ids, each page at one revision.
    pub(super) async fn list_groups(
        &self,
        session: &mut Session<'_>,
        query: &str,
    ) -> Result<Response, Error> {
        let page = Page::of(query, &[], USUAL, MOST)?;
        let keys = session.keys.clone();
        let records = keys.records(Kind::Group);
        let range = page.range(&records, |after| Some(keys.record(Kind::Group, after)))?;
        let found = self.range(session, range).await?;
        let revision = found.revision;
        let mut named = Vec::with_capacity(found.kvs.len());
        for kv in &found.kvs {
            named.push((
                last_segment(&kv.key).unwrap_or_default(),
                self.name_of_group(kv)?,
            ));
        }
        let generations = named.iter().map(|(id, _)| Range {
            revision,
            ..Range::one(keys.generation(id))
        });
        let generations = self.ranges(session, generations.collect()).await?;
        let mut reads = Vec::with_capacity(2 * named.len());
        for ((id, name), generation) in named.iter().zip(&generations) {
            let generation = Generation::read(Some(generation))?;
            reads.push(Range {
                revision,
                count_only: true,
                ..Range::prefix(keys.members(id, &generation))
            });
            reads.push(Range {
                revision,
                ..Range::one(keys.policy(name))
            });
        }
        let mut replies = self.ranges(session, reads).await?.into_iter();
        let mut groups = Vec::with_capacity(named.len());
        for (id, display_name) in named {
            let (members, policy) = (replies.next(), replies.next().unwrap_or_default());
            let policy = policy.kvs.first();
            groups.push(Listed {
                id,
                display_name,
                members: members.map_or(0, |reply| reply.count),
                policy: policy.map(|kv| decode(&kv.value)).transpose()?,
            });
        }
        let next = page::next(&found, last_segment);
        answer(200, &Groups { groups, next })
    }
}
