//! Queries (RFC 7644 §3.4.2 and §3.4.3): which resources match, in the order of
//! their creation or as they are to be sorted, and one page of them.

mod bound;
mod candidate;
mod cursor;
mod parameters;
mod plan;
mod ranking;
mod walk;

pub(crate) use cursor::CursorKey;

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::kv::Kv;
use crate::session::{COMPACTED, Session};
use bound::{Paging, Query};
use cursor::Cursor;
use scim::Error;
use scim::message::{Place, list_response};
use scim::projection::Projection;
use scim::schema::{Registry, ResourceTypeId};
use scim::search::{Parameter, SearchRequest};
use walk::Walk;

/// The most bytes of a list; what is larger would have to be held in memory
/// several times over.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What a request for one resource wants to see of it.
///
/// # Errors
/// [`Error::BadParameter`].
pub(crate) fn projection(
    registry: &Registry,
    resource_type: ResourceTypeId,
    query: &str,
) -> Result<Projection, Error> {
    let wanted = [Parameter::Attributes, Parameter::ExcludedAttributes];
    let request = parameters::parse(query, &wanted)?;
    Ok(request.projection(registry, resource_type))
}

/// What the URL of a collection asks for.
///
/// # Errors
/// [`Error::BadParameter`], [`Error::BadCount`].
pub(crate) fn from_url(query: &str) -> Result<SearchRequest, Error> {
    parameters::parse(query, &Parameter::ALL)
}

/// Refuses a filter where there is none; other parameters do not count there
/// (RFC 7644 §4).
///
/// # Errors
/// [`Error::DiscoveryFilter`].
pub(crate) fn no_filter(query: &str) -> Result<(), Error> {
    if parameters::names_filter(query) {
        return Err(Error::DiscoveryFilter);
    }
    Ok(())
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The answer to a query of one type, or of all, as a `ListResponse`.
    ///
    /// # Errors
    /// What is wrong with the parameters; [`Error::BadCursor`] and
    /// [`Error::CursorExpired`]; [`Error::AnswerTooLarge`];
    /// [`Error::Unavailable`].
    pub(crate) async fn query(
        &self,
        session: &mut Session<'_>,
        of: Option<ResourceTypeId>,
        request: &SearchRequest,
    ) -> Result<Vec<u8>, Error> {
        let mut query = self.bind(of, request, session.mode())?;
        let paging = self.paging(session, &query, request).await?;
        query.from = paging.from(request);
        let begun = matches!(paging, Paging::Cursor(Some(_)));
        match self.answer(session, request, &query, &paging).await {
            Err(Error::Unavailable { reason: COMPACTED }) if begun => Err(Error::CursorExpired {
                reason: "the store no longer has the state that it reads".to_owned(),
            }),
            // What was being read is gone from the store's history: once more,
            // at a newer revision.
            Err(Error::Unavailable { reason: COMPACTED }) => {
                self.answer(session, request, &query, &paging).await
            }
            answer => answer,
        }
    }

    /// How the client walks, and how far it has come.
    async fn paging(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        request: &SearchRequest,
    ) -> Result<Paging, Error> {
        let Some(text) = &request.cursor else {
            return Ok(Paging::Index);
        };
        // "Clients can use the startIndex and cursor query parameters to request
        // a specific method" (RFC 9865 §2.3): both ask for two.
        if request.start_index.is_some() {
            let reason = "cannot be given together with \"cursor\"";
            return Err(Parameter::StartIndex.refuse(reason));
        }
        if request.count.is_some_and(|count| count < 0) {
            return Err(Parameter::Count.refuse("must not be negative with \"cursor\""));
        }
        if text.is_empty() {
            return Ok(Paging::Cursor(None));
        }
        let cursor = self.open_cursor(session, query, request, text).await?;
        if usize::try_from(cursor.count) != Ok(query.count) {
            return Err(Parameter::Count.refuse("must stay the same in all requests of a walk"));
        }
        Ok(Paging::Cursor(Some(cursor)))
    }

    async fn answer(
        &self,
        session: &mut Session<'_>,
        request: &SearchRequest,
        query: &Query<'_>,
        paging: &Paging,
    ) -> Result<Vec<u8>, Error> {
        let mut walk = Walk::new(query, paging, self.config.limits.max_sort_bytes)?;
        self.find(session, query, &mut walk).await?;
        self.complete_page(session, query, &mut walk).await?;

        let total = walk.total();
        let place = match paging {
            Paging::Index => Place::StartIndex(query.from + 1),
            Paging::Cursor(_) => self.cursors(session, request, query, &walk).await?,
        };
        let mut size = 0;
        let mut resources = Vec::with_capacity(walk.page.len());
        for (part, candidate) in walk.page {
            let Some(part) = query.parts.get(part) else {
                continue;
            };
            let version = candidate.version();
            let resource = candidate.resource;
            let rendered = self.render(session, part.kind, resource, version, &part.projection);
            size += rendered.body.len();
            if size > MAX_ANSWER_BYTES {
                return Err(candidate::too_large());
            }
            resources.push(rendered.body);
        }
        Ok(list_response(total, &place, &resources))
    }

    /// The cursors of the pages beside a page. `count=0` asks for the total
    /// alone, and has none.
    async fn cursors(
        &self,
        session: &mut Session<'_>,
        request: &SearchRequest,
        query: &Query<'_>,
        walk: &Walk,
    ) -> Result<Place, Error> {
        let count = query.count as u64;
        let after = query.from + walk.page.len() as u64;
        let this = Cursor {
            expires: self.cursor_expiry(),
            revision: walk.revision,
            from: query.from,
            total: walk.total(),
            count,
            anchor: None,
        };
        let (mut previous, mut next) = (None, None);
        if count > 0 && query.from > 0 {
            let cursor = Cursor {
                from: query.from.saturating_sub(count),
                ..this.clone()
            };
            previous = Some(self.seal_cursor(session, query, request, &cursor).await?);
        }
        if count > 0 && after < this.total {
            let cursor = Cursor {
                from: after,
                anchor: walk.last(query),
                ..this
            };
            next = Some(self.seal_cursor(session, query, request, &cursor).await?);
        }
        Ok(Place::Cursors { previous, next })
    }
}
