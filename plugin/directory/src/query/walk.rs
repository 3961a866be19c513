//! The way through the store to the resources of a page: past those before it,
//! by index, or over everything there is, always at one revision.

use super::bound::{Paging, Part, Query};
use super::candidate::Candidate;
use super::plan::Plan;
use super::ranking::Ranking;
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{Kv, Range, RangeReply};
use crate::session::Session;
use crate::walk::{PAGE, TOGETHER, next_page};
use scim::Error;
use scim::gather::Gather as _;
use std::collections::BTreeSet;

/// How many keys are skipped at a time on the way to a page.
const SKIP: i64 = 1_000;

/// How far a query has come.
#[derive(Debug)]
pub(super) struct Walk {
    /// The revision that is read; zero until something was.
    pub(super) revision: i64,
    /// The page, each resource with the place of its type in the query.
    pub(super) page: Vec<(usize, Candidate)>,
    /// The matches that were met, with those before the anchor.
    seen: u64,
    /// The number of all matches, when an earlier page of the walk has counted
    /// them.
    total: Option<u64>,
    /// The type and id of the resource after which to begin.
    anchor: Option<(usize, String)>,
    /// The best matches, when they are sorted.
    ranking: Option<Ranking>,
}

impl Walk {
    /// Begins a walk.
    ///
    /// # Errors
    /// [`Error::BadCursor`] for one that begins at a type that is no more.
    pub(super) fn new(
        query: &Query<'_>,
        paging: &Paging,
        max_sort_bytes: usize,
    ) -> Result<Self, Error> {
        let cursor = match paging {
            Paging::Index => None,
            Paging::Cursor(cursor) => cursor.as_ref(),
        };
        let mut anchor = None;
        if let Some((name, id)) = cursor.and_then(|cursor| cursor.anchor.as_ref()) {
            let part = query.parts.iter().position(|part| part.name == name);
            anchor = Some((part.ok_or(Error::BadCursor)?, id.clone()));
        }
        let wanted = usize::try_from(query.from).unwrap_or(usize::MAX);
        let wanted = wanted.saturating_add(query.count);
        // For the total alone nothing needs to be sorted.
        let order = query.order.filter(|_| query.count > 0);
        Ok(Self {
            revision: cursor.map_or(0, |cursor| cursor.revision),
            page: Vec::new(),
            seen: if anchor.is_some() { query.from } else { 0 },
            total: cursor.map(|cursor| cursor.total),
            anchor,
            ranking: order.map(|order| Ranking::new(order, wanted, max_sort_bytes)),
        })
    }

    /// The number of all matches.
    pub(super) fn total(&self) -> u64 {
        self.total.unwrap_or(self.seen)
    }

    /// Where the next page of a walk that is not sorted begins.
    pub(super) fn last(&self, query: &Query<'_>) -> Option<(String, String)> {
        let (part, candidate) = self.page.last().filter(|_| query.order.is_none())?;
        let part = query.parts.get(*part)?;
        Some((part.name.to_owned(), candidate.id.clone()))
    }

    /// Whether what comes now changes nothing.
    fn is_done(&self, query: &Query<'_>) -> bool {
        self.total.is_some() && self.ranking.is_none() && self.page.len() >= query.count
    }

    fn read_at(&mut self, reply: &RangeReply) {
        if self.revision == 0 {
            self.revision = reply.revision;
        }
    }

    /// The resources of one type on the page.
    fn of_part(&mut self, place: usize) -> Vec<&mut Candidate> {
        let page = self.page.iter_mut().filter(|(of, _)| *of == place);
        page.map(|(_, candidate)| candidate).collect()
    }

    /// The id after which to begin among resources of a type.
    fn after(&self, place: usize) -> Option<&str> {
        let (part, id) = self.anchor.as_ref()?;
        (*part == place).then_some(id)
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Finds the page and the total.
    ///
    /// # Errors
    /// [`Error::AnswerTooLarge`], [`Error::Unavailable`].
    pub(super) async fn find(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let begin = walk.anchor.as_ref().map_or(0, |(part, _)| *part);
        for (place, part) in query.parts.iter().enumerate().skip(begin) {
            if walk.is_done(query) {
                break;
            }
            match &part.filter {
                None if walk.ranking.is_none() => {
                    self.pass(session, query, place, part, walk).await?;
                }
                None => self.scan(session, query, place, part, walk).await?,
                Some(filter) if filter.matches_nothing() => {}
                Some(filter) => {
                    let plan = Plan::of(&self.registry, &session.keys, part.kind, filter);
                    match plan {
                        Plan::Scan => self.scan(session, query, place, part, walk).await?,
                        plan => {
                            self.look_up(session, query, place, plan, walk).await?;
                        }
                    }
                }
            }
        }
        self.fetch_ranked(session, query, walk).await
    }

    /// A page of everything of a type: the total comes with the first reply, and
    /// what is before the page is skipped by its keys.
    async fn pass(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        place: usize,
        part: &Part<'_>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let mut range = self.records_after(session, part.kind, walk, place);
        let mut end = None;
        loop {
            let skip = query.from.saturating_sub(walk.seen);
            let wanted = query.count.saturating_sub(walk.page.len());
            range.count_only = wanted == 0;
            range.keys_only = skip > 0;
            range.limit = match skip {
                0 => i64::try_from(wanted).unwrap_or(PAGE).min(PAGE),
                skip => i64::try_from(skip).unwrap_or(SKIP).min(SKIP),
            };
            let reply = self.range(session, range.clone()).await?;
            walk.read_at(&reply);
            let count = u64::try_from(reply.count).unwrap_or_default();
            let end = *end.get_or_insert(walk.seen + count);
            // Nothing of this type is on the page, or all of it is counted.
            if wanted == 0 || walk.seen.saturating_add(skip) >= end {
                walk.seen = end;
                return Ok(());
            }
            walk.seen += reply.kvs.len() as u64;
            if skip == 0 {
                let found = self.candidates(part.kind, &reply.kvs)?;
                walk.page.extend(found.into_iter().map(|one| (place, one)));
            }
            match next_page(&range, &reply) {
                Some(next) if walk.page.len() < query.count => range = next,
                _ => {
                    walk.seen = end;
                    return Ok(());
                }
            }
        }
    }

    /// Looks at everything of a type.
    async fn scan(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        place: usize,
        part: &Part<'_>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let mut next = Some(Range {
            limit: PAGE,
            ..self.records_after(session, part.kind, walk, place)
        });
        while let Some(range) = next.filter(|_| !walk.is_done(query)) {
            let reply = self.range(session, range.clone()).await?;
            walk.read_at(&reply);
            let candidates = self.candidates(part.kind, &reply.kvs)?;
            self.sift(session, query, place, candidates, walk).await?;
            next = next_page(&range, &reply);
        }
        Ok(())
    }

    /// The records of a type, from where the walk begins.
    fn records_after(
        &self,
        session: &Session<'_>,
        kind: Kind<'_>,
        walk: &Walk,
        place: usize,
    ) -> Range {
        let mut range = Range::prefix(session.keys.records(kind));
        range.revision = walk.revision;
        if let Some(id) = walk.after(place) {
            range.key = session.keys.record(kind, id);
            range.key.push(0);
        }
        range
    }

    /// Looks at what an index leads to.
    async fn look_up(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        place: usize,
        plan: Plan,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let Some(part) = query.parts.get(place) else {
            return Ok(());
        };
        let mut ids: BTreeSet<String> = match plan {
            Plan::Id(id) => std::iter::once(id).gather(),
            Plan::Index(index) => match self.ids_at(session, index, walk.revision).await? {
                Some((ids, read_at)) => {
                    walk.revision = read_at;
                    ids
                }
                None => return self.scan(session, query, place, part, walk).await,
            },
            Plan::InGroup(group) => match self
                .in_group(session, part.kind, &group, walk.revision)
                .await?
            {
                Some((ids, read_at)) => {
                    walk.revision = read_at;
                    ids
                }
                None => return self.scan(session, query, place, part, walk).await,
            },
            Plan::WithMember(member) => {
                let (ids, read_at) = self.groups_with(session, &member, walk.revision).await?;
                walk.revision = read_at;
                ids
            }
            Plan::Scan => return self.scan(session, query, place, part, walk).await,
        };
        if let Some(after) = walk.after(place) {
            ids.retain(|id| id.as_str() > after);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        if ids.len() <= TOGETHER {
            let (candidates, read_at) = self.few(session, part.kind, &ids, walk.revision).await?;
            walk.revision = read_at;
            return self.sift(session, query, place, candidates, walk).await;
        }
        let keys: Vec<_> = ids.iter().map(|id| (place, id.as_str())).collect();
        for some in keys.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
            let candidates = self.fetch(session, query, some, walk.revision).await?;
            let candidates = candidates.into_iter().map(|(_, one)| one).collect();
            self.sift(session, query, place, candidates, walk).await?;
        }
        Ok(())
    }

    /// Takes those of some resources that match into the walk.
    async fn sift(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        place: usize,
        mut candidates: Vec<Candidate>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let Some(part) = query.parts.get(place) else {
            return Ok(());
        };
        let core = self.registry.core();
        if part.reads(core.meta) {
            let all = candidates.iter_mut().collect();
            self.add_beside(session, part.kind, all, walk.revision)
                .await?;
            for candidate in &mut candidates {
                let version = candidate.version();
                self.present(session, part.kind, &mut candidate.resource, version);
            }
        }
        let groups = part.kind.groups(&self.registry).map(|groups| groups.list);
        if groups.is_some_and(|groups| part.reads(groups)) || part.reads(core.members) {
            let all = candidates.iter_mut().collect();
            // A filter wants to see all of them.
            self.add_memberships(session, part.kind, all, usize::MAX, walk.revision)
                .await?;
        }
        for candidate in candidates {
            if !part.matches(&candidate.resource) {
                continue;
            }
            walk.seen += 1;
            if let Some(ranking) = &mut walk.ranking {
                ranking.add(part.key(&candidate.resource), place, candidate.id)?;
            } else if walk.seen > query.from && walk.page.len() < query.count {
                walk.page.push((place, candidate));
            }
        }
        Ok(())
    }

    /// Reads the resources of a sorted page.
    async fn fetch_ranked(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let Some(ranking) = walk.ranking.take() else {
            return Ok(());
        };
        let from = usize::try_from(query.from).unwrap_or(usize::MAX);
        let ranked: Vec<_> = ranking.from(from).collect();
        let keys: Vec<_> = ranked
            .iter()
            .map(|one| (one.part, one.id.as_str()))
            .collect();
        walk.page = self.fetch(session, query, &keys, walk.revision).await?;
        Ok(())
    }

    /// Reads resources by type and id, those that are there.
    async fn fetch(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        keys: &[(usize, &str)],
        revision: i64,
    ) -> Result<Vec<(usize, Candidate)>, Error> {
        let kinds = keys.iter().filter_map(|(place, id)| {
            let part = query.parts.get(*place)?;
            Some((*place, part.kind, *id))
        });
        let kinds: Vec<_> = kinds.collect();
        let ranges = kinds.iter().map(|(_, kind, id)| Range {
            revision,
            ..Range::one(session.keys.record(*kind, id))
        });
        let replies = self.ranges(session, ranges.collect()).await?;
        let mut found = Vec::with_capacity(kinds.len());
        for ((place, kind, _), reply) in kinds.iter().zip(replies) {
            for candidate in self.candidates(*kind, &reply.kvs)? {
                found.push((*place, candidate));
            }
        }
        Ok(found)
    }

    /// Adds to the resources of a page what the client is to see of them and
    /// stands elsewhere.
    ///
    /// # Errors
    /// [`Error::AnswerTooLarge`], [`Error::Unavailable`].
    pub(super) async fn complete_page(
        &self,
        session: &mut Session<'_>,
        query: &Query<'_>,
        walk: &mut Walk,
    ) -> Result<(), Error> {
        let core = self.registry.core();
        for (place, part) in query.parts.iter().enumerate() {
            let shows_members = match part.kind {
                Kind::Group => part.projection.includes(&self.registry, core.members),
                kind => kind
                    .groups(&self.registry)
                    .is_some_and(|groups| part.projection.includes(&self.registry, groups.list)),
            };
            let revision = walk.revision;
            let page = walk.of_part(place);
            self.add_beside(session, part.kind, page, revision).await?;
            if shows_members {
                let page = walk.of_part(place);
                // One more than is shown tells that there are more.
                let most = match part.kind {
                    Kind::Group => self.config.limits.max_members + 1,
                    Kind::User | Kind::Device | Kind::Other(..) => usize::MAX,
                };
                self.add_memberships(session, part.kind, page, most, revision)
                    .await?;
            }
        }
        Ok(())
    }
}
