//! Queries (RFC 7644 §3.4.2 and §3.4.3): which resources match, in the order of
//! their creation or as they are to be sorted, and one page of them.

mod bound;
mod candidate;
mod cursor;
pub(crate) mod parameters;
mod plan;
mod ranking;
mod walk;

pub(crate) use cursor::{Cursor, CursorKey};

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::Kv;
use crate::session::{COMPACTED, Session};
use bound::{Paging, Query};
use scim::Error;
use scim::message::{Place, list_response};
use scim::projection::Projection;
use scim::resource::Value;
use scim::schema::{Registry, ResourceTypeId};
use scim::search::{Parameter, SearchRequest};
use walk::Walk;

/// The most bytes of a list; what is larger would have to be held in memory
/// several times over.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The most groups in a list that show only some of their members.
const MAX_PARTIAL: usize = 20;

/// The answer to a query.
#[derive(Debug)]
pub(crate) struct Found {
    /// A `ListResponse`.
    pub(crate) body: Vec<u8>,
    /// The `Link` of each group that does not show all its members.
    pub(crate) next: Vec<String>,
}

/// What a request for one resource wants to see of it.
///
/// # Errors
/// [`Error::BadParameter`].
pub(crate) fn projection(
    registry: &Registry,
    resource_type: ResourceTypeId,
    query: &str,
) -> Result<Projection, Error> {
    Ok(of_one(query)?.projection(registry, resource_type))
}

/// What the URL of one resource asks for.
///
/// # Errors
/// [`Error::BadParameter`].
pub(crate) fn of_one(query: &str) -> Result<SearchRequest, Error> {
    let wanted = [
        Parameter::Attributes,
        Parameter::ExcludedAttributes,
        Parameter::Cursor,
    ];
    parameters::parse(query, &wanted)
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
    /// The answer to a query of one type, or of all.
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
    ) -> Result<Found, Error> {
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
        let bound = Cursor::bound_to(session.tenant(), query.endpoint, request);
        let cursor = self.open_cursor(session, &bound, text).await?;
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
    ) -> Result<Found, Error> {
        let mut walk = Walk::new(query, paging, self.config.limits.max_sort_bytes)?;
        self.find(session, query, &mut walk).await?;
        self.complete_page(session, query, &mut walk).await?;
        let next = self.cut_members(session, &mut walk).await?;

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
        let body = list_response(total, &place, &resources);
        Ok(Found { body, next })
    }

    /// Leaves out of the groups of a page the members that are too many. The `Link`
    /// of each such group has the group as its context: it is no link of the list.
    async fn cut_members(
        &self,
        session: &mut Session<'_>,
        walk: &mut Walk,
    ) -> Result<Vec<String>, Error> {
        let core = self.registry.core();
        let most = self.config.limits.max_members;
        let mut links = Vec::new();
        for (_, candidate) in &mut walk.page {
            let Some(Value::List(members)) = candidate.resource.attributes.get_mut(core.members)
            else {
                continue;
            };
            if members.len() <= most {
                continue;
            }
            members.truncate(most);
            let last = members.last().and_then(Value::as_complex);
            let last = last.and_then(|last| last.text(core.members_value));
            let last = last.unwrap_or_default().to_owned();
            if links.len() == MAX_PARTIAL {
                return Err(candidate::too_large());
            }
            let (id, all) = (candidate.id.as_str(), SearchRequest::default());
            let context = self.location(session, Kind::Group, id);
            let link = self.members_link(session, id, walk.revision, last, &all);
            links.push(format!("{}; anchor=\"{context}\"", link.await));
        }
        Ok(links)
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
        let bound = Cursor::bound_to(session.tenant(), query.endpoint, request);
        let (mut previous, mut next) = (None, None);
        if count > 0 && query.from > 0 {
            let cursor = Cursor {
                from: query.from.saturating_sub(count),
                ..this.clone()
            };
            previous = Some(self.seal_cursor(session, &bound, &cursor).await?);
        }
        if count > 0 && after < this.total {
            let cursor = Cursor {
                from: after,
                anchor: walk.last(query),
                ..this
            };
            next = Some(self.seal_cursor(session, &bound, &cursor).await?);
        }
        Ok(Place::Cursors { previous, next })
    }
}
