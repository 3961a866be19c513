//! Queries (RFC 7644 §3.4.2): which resources match, in the order of their
//! creation, and one page of them.

mod candidate;
mod parameters;
mod plan;

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::{Kind, last_segment};
use crate::kv::{Kv, Range};
use crate::session::{COMPACTED, Session};
use crate::walk::{PAGE, TOGETHER, next_page};
use candidate::Candidate;
use parameters::Parameters;
use plan::Plan;
use scim::Error;
use scim::filter::Filter;
use scim::message::list_response;
use scim::projection::Projection;
use scim::schema::{Registry, ResourceTypeId};
use std::collections::BTreeSet;

/// The most bytes of a list; what is larger would have to be held in memory
/// several times over.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// How many keys are skipped at a time on the way to a page.
const SKIP: i64 = 1_000;

/// A query, bound to the schema.
#[derive(Debug)]
struct Query<'r> {
    kind: Kind<'r>,
    filter: Option<Filter>,
    projection: Projection,
    /// The place of the first result, from 1.
    start: u64,
    /// How many results are wanted.
    count: usize,
}

/// The matches found so far, and those of them that are on the page.
#[derive(Debug, Default)]
struct Results {
    total: u64,
    page: Vec<Candidate>,
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
    Ok(Parameters::parse(query)?.projection(registry, resource_type))
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
    /// GET of a collection, as a `ListResponse`.
    ///
    /// # Errors
    /// [`Error::BadParameter`], what is wrong with the filter,
    /// [`Error::AnswerTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn list(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        query: &str,
    ) -> Result<Vec<u8>, Error> {
        let query = self.bind(resource_type, query)?;
        match self.answer(session, &query).await {
            // What was being read is gone from the store's history: once more,
            // at a newer revision.
            Err(Error::Unavailable { reason: COMPACTED }) => self.answer(session, &query).await,
            answer => answer,
        }
    }

    fn bind(&self, resource_type: ResourceTypeId, query: &str) -> Result<Query<'_>, Error> {
        let limits = &self.config.limits;
        let parameters = Parameters::parse(query)?;
        let filter = parameters
            .filter
            .as_deref()
            .map(|text| Filter::parse(&self.registry, resource_type, text, &limits.filter()));
        // "A value less than 1 SHALL be interpreted as 1", "a negative value
        // SHALL be interpreted as 0" (RFC 7644 §3.4.2.4).
        let start = u64::try_from(parameters.start_index.unwrap_or(1)).unwrap_or(0);
        let count = parameters.count.map_or(limits.default_count, |count| {
            usize::try_from(count.max(0)).unwrap_or(usize::MAX)
        });
        Ok(Query {
            kind: self.kind(resource_type),
            filter: filter.transpose()?,
            projection: parameters.projection(&self.registry, resource_type),
            start: start.max(1),
            count: count.min(limits.max_count),
        })
    }

    async fn answer(&self, session: &mut Session<'_>, query: &Query<'_>) -> Result<Vec<u8>, Error> {
        let (mut results, revision) = match &query.filter {
            None => self.page(session, query).await?,
            Some(filter) => {
                let plan = Plan::of(&self.registry, &session.keys, query.kind, filter);
                match plan {
                    Plan::Scan => self.scan(session, query, filter).await?,
                    plan => self.look_up(session, query, filter, plan).await?,
                }
            }
        };
        let core = self.registry.core();
        let has_members = match query.kind {
            Kind::User => query.projection.includes(&self.registry, core.groups),
            Kind::Group => query.projection.includes(&self.registry, core.members),
            Kind::Other(..) => false,
        };
        let page = &mut results.page;
        self.add_touches(session, query.kind, page, revision)
            .await?;
        if has_members {
            self.add_memberships(session, query.kind, page, revision)
                .await?;
        }
        let mut size = 0;
        let mut resources = Vec::with_capacity(results.page.len());
        for candidate in results.page {
            let version = candidate.version();
            let rendered = self.render(
                session,
                query.kind,
                candidate.resource,
                version,
                &query.projection,
            );
            size += rendered.body.len();
            if size > MAX_ANSWER_BYTES {
                return Err(candidate::too_large());
            }
            resources.push(rendered.body);
        }
        Ok(list_response(results.total, query.start, &resources))
    }

    /// A page of everything: the total comes with the first reply, and what is
    /// before the page is skipped by its keys.
    async fn page(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
    ) -> Result<(Results, i64), Error> {
        let mut range = Range::prefix(session.keys.records(query.kind));
        let mut results = Results::default();
        let mut revision = 0;
        let mut skip = i64::try_from(query.start - 1).unwrap_or(i64::MAX);
        while skip > 0 {
            range.keys_only = true;
            range.limit = skip.min(SKIP);
            let reply = self.range(session, range.clone()).await?;
            if revision == 0 {
                revision = reply.revision;
                results.total = u64::try_from(reply.count).unwrap_or_default();
            }
            skip -= i64::try_from(reply.kvs.len()).unwrap_or(i64::MAX);
            match next_page(&range, &reply) {
                Some(next) => range = next,
                None => return Ok((results, revision)),
            }
        }
        range.keys_only = false;
        range.count_only = query.count == 0;
        while results.page.len() < query.count || revision == 0 {
            let wanted = query.count - results.page.len();
            range.limit = i64::try_from(wanted).unwrap_or(PAGE).min(PAGE);
            let reply = self.range(session, range.clone()).await?;
            if revision == 0 {
                revision = reply.revision;
                results.total = u64::try_from(reply.count).unwrap_or_default();
            }
            results
                .page
                .extend(self.candidates(query.kind, &reply.kvs)?);
            match next_page(&range, &reply) {
                Some(next) => range = next,
                None => break,
            }
        }
        Ok((results, revision))
    }

    /// Evaluates the filter on everything there is, at one revision.
    async fn scan(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        filter: &Filter,
    ) -> Result<(Results, i64), Error> {
        let mut results = Results::default();
        let mut revision = 0;
        let mut next = Some(Range {
            limit: PAGE,
            ..Range::prefix(session.keys.records(query.kind))
        });
        while let Some(range) = next {
            let reply = self.range(session, range.clone()).await?;
            if revision == 0 {
                revision = reply.revision;
            }
            let candidates = self.candidates(query.kind, &reply.kvs)?;
            self.sift(session, query, filter, candidates, revision, &mut results)
                .await?;
            next = next_page(&range, &reply);
        }
        Ok((results, revision))
    }

    /// Evaluates the filter on what an index leads to.
    async fn look_up(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        filter: &Filter,
        plan: Plan,
    ) -> Result<(Results, i64), Error> {
        let (ids, revision): (BTreeSet<String>, i64) = match plan {
            Plan::Id(id) => (BTreeSet::from([id]), 0),
            Plan::Unique(key) => {
                let reply = self.range(session, Range::one(key)).await?;
                let ids = reply.kvs.iter();
                let ids = ids.filter_map(|kv| String::from_utf8(kv.value.clone()).ok());
                (ids.collect(), reply.revision)
            }
            Plan::Index(prefix) => {
                let range = Range {
                    keys_only: true,
                    limit: SKIP,
                    ..Range::prefix(prefix)
                };
                let first = self.range(session, range.clone()).await?;
                let revision = first.revision;
                let kvs = self.rest(session, &range, first).await?;
                let ids = kvs.iter().filter_map(|kv| last_segment(&kv.key));
                (ids.collect(), revision)
            }
            Plan::InGroup(group) => match self.users_in(session, &group, 0).await? {
                Some(found) => found,
                None => return self.scan(session, query, filter).await,
            },
            Plan::Scan => return self.scan(session, query, filter).await,
        };
        let mut results = Results::default();
        let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let ids: Vec<String> = ids.into_iter().collect();
        if ids.len() <= TOGETHER {
            let (candidates, read_at) = self.few(session, query.kind, &ids, revision).await?;
            self.sift(session, query, filter, candidates, read_at, &mut results)
                .await?;
            return Ok((results, read_at));
        }
        for part in ids.chunks(page) {
            let ranges = part.iter().map(|id| Range {
                revision,
                ..Range::one(session.keys.record(query.kind, id))
            });
            let replies = self.ranges(session, ranges.collect()).await?;
            let kvs: Vec<_> = replies.into_iter().flat_map(|reply| reply.kvs).collect();
            let candidates = self.candidates(query.kind, &kvs)?;
            self.sift(session, query, filter, candidates, revision, &mut results)
                .await?;
        }
        Ok((results, revision))
    }

    /// Counts the candidates that match, and keeps those of the page.
    async fn sift(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        filter: &Filter,
        mut candidates: Vec<Candidate>,
        revision: i64,
        results: &mut Results,
    ) -> Result<(), Error> {
        let core = self.registry.core();
        let reads_meta = filter.mentions(core.meta);
        let reads_members = match query.kind {
            Kind::User => filter.mentions(core.groups),
            Kind::Group => filter.mentions(core.members),
            Kind::Other(..) => false,
        };
        if reads_meta {
            self.add_touches(session, query.kind, &mut candidates, revision)
                .await?;
            for candidate in &mut candidates {
                let version = candidate.version();
                self.present(session, query.kind, &mut candidate.resource, version);
            }
        }
        if reads_members {
            self.add_memberships(session, query.kind, &mut candidates, revision)
                .await?;
        }
        for candidate in candidates {
            if filter.matches(&candidate.resource) {
                results.total += 1;
                if results.total >= query.start && results.page.len() < query.count {
                    results.page.push(candidate);
                }
            }
        }
        Ok(())
    }
}
