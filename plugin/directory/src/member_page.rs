//! The members that one answer shows of a group, and the way to those it leaves out.
//!
//! SCIM has no way to page the values of an attribute. So an answer that cannot hold
//! all members shows the first of them, in the order of their ids, and has a `Link`
//! (RFC 8288) to the next page: the same resource, at the same revision of the store,
//! with the members that follow. Its cursor is bound to the token's tenant, the group
//! and the attributes, as those of queries are.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::group_edit::{Edited, StoredGroup, group_ranges};
use crate::keys::Kind;
use crate::kv::{Kv, Range};
use crate::memberships::{MEMBERS_PAGE, Members, members};
use crate::query::Cursor;
use crate::record::Rendered;
use crate::session::{COMPACTED, Session};
use crate::walk::next_page;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scim::Error;
use scim::projection::Projection;
use scim::search::SearchRequest;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// GET of a group (RFC 7644 §3.4.1), from the first member on or from where a
    /// cursor says. The members are read only if they are in the answer, and only
    /// those.
    ///
    /// # Errors
    /// [`Error::NoResource`]; [`Error::BadCursor`] and [`Error::CursorExpired`];
    /// [`Error::Unavailable`].
    pub(crate) async fn read_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        request: &SearchRequest,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let text = request.cursor.as_deref().filter(|text| !text.is_empty());
        let cursor = match text {
            Some(text) => {
                let bound = Cursor::bound_to(session.tenant(), &endpoint(id), request);
                Some(self.open_cursor(session, &bound, text).await?)
            }
            None => None,
        };
        let read = self.read_members(session, id, cursor.as_ref(), projection);
        let edited = match read.await {
            Err(Error::Unavailable { reason: COMPACTED }) if cursor.is_some() => {
                return Err(Error::CursorExpired {
                    reason: "the store no longer has the state that it reads".to_owned(),
                });
            }
            read => read?,
        };
        Ok(self.show_group(session, edited, request, projection).await)
    }

    /// Renders a group, with as many members as an answer holds.
    pub(crate) async fn show_group(
        &self,
        session: &mut Session<'_>,
        mut edited: Edited,
        request: &SearchRequest,
        projection: &Projection,
    ) -> Rendered {
        let most = self.config.limits.max_members;
        let mut next = None;
        if projection.includes(&self.registry, self.registry.core().members)
            && let Some(after) = edited.members.keys().nth(most).cloned()
        {
            edited.members.split_off(&after);
            let core = self.registry.core();
            let id = edited.group.text(core.id).unwrap_or_default().to_owned();
            let last = edited.members.keys().next_back().cloned();
            let last = last.unwrap_or_default();
            next = Some(
                self.members_link(session, &id, edited.read_at, last, request)
                    .await,
            );
        }
        Rendered {
            next,
            ..self.render_group(session, edited, projection)
        }
    }

    /// The `Link` to the members of a group that follow one, at a revision.
    pub(crate) async fn members_link(
        &self,
        session: &mut Session<'_>,
        id: &str,
        revision: i64,
        last: String,
        request: &SearchRequest,
    ) -> String {
        let mut url = format!("{}?", self.location(session, Kind::Group, id));
        for (name, value) in [
            ("attributes", &request.attributes),
            ("excludedAttributes", &request.excluded_attributes),
        ] {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                url.push_str(&format!("{name}={value}&"));
            }
        }
        let cursor = Cursor {
            expires: self.cursor_expiry(),
            revision,
            from: 0,
            total: 0,
            count: 0,
            anchor: Some((String::new(), last)),
        };
        let bound = Cursor::bound_to(session.tenant(), &endpoint(id), request);
        // The group may be written already, so nothing may fail any more. Without a
        // key for cursors the link leads to the beginning.
        let cursor = self.seal_cursor(session, &bound, &cursor).await;
        let cursor = cursor.unwrap_or_default();
        format!("<{url}cursor={cursor}>; rel=\"next\"")
    }

    /// Reads a group with the members of a page, and one more if there are more.
    async fn read_members(
        &self,
        session: &mut Session<'_>,
        id: &str,
        cursor: Option<&Cursor>,
        projection: &Projection,
    ) -> Result<Edited, Error> {
        let stored = match cursor {
            Some(cursor) => {
                let revision = cursor.revision;
                let reads =
                    group_ranges(&session.keys, id).map(|range| Range { revision, ..range });
                let replies = self.ranges(session, reads.to_vec()).await?;
                StoredGroup {
                    read_at: revision,
                    ..self.stored_group(id, &replies)?
                }
            }
            None => self.load_group(session, id).await?,
        };
        let mut found = Members::new();
        if projection.includes(&self.registry, self.registry.core().members) {
            let wanted = self.config.limits.max_members + 1;
            let mut range = Range::prefix(session.keys.members(id, &stored.generation));
            range.revision = stored.read_at;
            if let Some((_, last)) = cursor.and_then(|cursor| cursor.anchor.as_ref()) {
                range.key = session.keys.member(id, &stored.generation, last);
                range.key.push(0);
            }
            let mut next = Some(range);
            while let Some(range) = next.take()
                && found.len() < wanted
            {
                let room = i64::try_from(wanted - found.len()).unwrap_or(MEMBERS_PAGE);
                let range = Range {
                    limit: room.min(MEMBERS_PAGE),
                    ..range
                };
                let reply = self.range(session, range.clone()).await?;
                next = next_page(&range, &reply);
                found.extend(members(&reply.kvs)?);
            }
        }
        Ok(self.unedited(stored, found))
    }
}

/// What a cursor of a group's members is for.
fn endpoint(id: &str) -> String {
    format!("Group/{id}")
}
