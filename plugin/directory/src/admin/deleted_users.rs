//! Deleted users, for as long as they are kept: listed and restored.

use super::page::{self, MOST, Page, USUAL};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::Response;
use crate::keys::last_segment;
use crate::kv::Kv;
use crate::response::answer;
use crate::restoration::{DeletedUser, NamedGroup};
use crate::session::Session;
use crate::stored::decode;
use scim::Error;
use scim::gather::Gather as _;
use serde::Serialize;

/// A deleted user, as the administrator sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    user_name: String,
    deleted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_until: Option<String>,
    /// Those that are still there.
    groups: Vec<NamedGroup>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedUsers {
    deleted_users: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// In the order of their ids.
    pub(super) async fn list_deleted_users(
        &self,
        session: &mut Session<'_>,
        query: &str,
    ) -> Result<Response, Error> {
        let page = Page::of(query, &[], USUAL, MOST)?;
        let keys = session.keys.clone();
        let range = page.range(&keys.user_deleted(""), |after| {
            Some(keys.user_deleted(after))
        })?;
        let found = self.range(session, range).await?;
        let mut users: Vec<(String, DeletedUser)> = Vec::with_capacity(found.kvs.len());
        for kv in &found.kvs {
            users.push((
                last_segment(&kv.key).unwrap_or_default(),
                decode(&kv.value)?,
            ));
        }
        let groups = users.iter().flat_map(|(_, deleted)| &deleted.groups);
        let groups = groups.cloned().gather();
        let groups = self.groups_now(session, groups, found.revision).await?;
        let mut deleted_users = Vec::with_capacity(users.len());
        for (id, deleted) in users {
            let user = self.user_in(&deleted)?;
            let user_name = user.text(self.registry.core().user_name);
            let its_groups = deleted.groups.iter().filter_map(|id| groups.get(id));
            deleted_users.push(Listed {
                id,
                user_name: user_name.unwrap_or_default().to_owned(),
                deleted_at: deleted.deleted_at,
                kept_until: deleted.kept_until,
                groups: its_groups.map(|(_, group)| group.clone()).collect(),
            });
        }
        answer(
            200,
            &DeletedUsers {
                deleted_users,
                next: page::next(&found, last_segment),
            },
        )
    }

    /// Answers with the user as it is then.
    pub(super) async fn restore(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<Response, Error> {
        id.clone_into(&mut session.trace.resource_id);
        answer(200, &self.restore_user(session, id).await?)
    }
}
