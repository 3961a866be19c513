//! A query bound to the resource types that it is about: one, or all of them
//! when the root of the service is asked (RFC 7644 §3.4.2.1).

use super::cursor::Cursor;
use crate::Directory;
use crate::keys::Kind;
use scim::filter::Filter;
use scim::projection::Projection;
use scim::resource::Resource;
use scim::schema::{AttrId, ResourceTypeId};
use scim::search::SearchRequest;
use scim::sort::{Key, SortBy, SortOrder};
use scim::{Error, Mode};

/// A query, bound to the schema.
#[derive(Debug)]
pub(super) struct Query<'r> {
    /// By resource type. Results stand in the order of the types, and of their
    /// creation, unless they are sorted.
    pub(super) parts: Vec<Part<'r>>,
    /// The name of the type that is queried; empty for all.
    pub(super) endpoint: &'r str,
    /// How the results are sorted, if they are.
    pub(super) order: Option<SortOrder>,
    /// The number of results before the page.
    pub(super) from: u64,
    /// How many results are wanted.
    pub(super) count: usize,
}

/// What a query asks of one resource type.
#[derive(Debug)]
pub(super) struct Part<'r> {
    pub(super) kind: Kind<'r>,
    /// The name of the type.
    pub(super) name: &'r str,
    pub(super) filter: Option<Filter>,
    /// `None` too where the type lacks the attribute: its resources then have no
    /// key.
    pub(super) sort_by: Option<SortBy>,
    pub(super) projection: Projection,
}

/// How the client walks through the pages.
#[derive(Debug)]
pub(super) enum Paging {
    /// By `startIndex` (RFC 7644 §3.4.2.4).
    Index,
    /// By cursors (RFC 9865), from the first page or from a later one.
    Cursor(Option<Cursor>),
}

impl Paging {
    /// The number of results before the page.
    pub(super) fn from(&self, request: &SearchRequest) -> u64 {
        match self {
            // "A value less than 1 SHALL be interpreted as 1" (RFC 7644
            // §3.4.2.4).
            Self::Index => {
                let start = u64::try_from(request.start_index.unwrap_or(1));
                start.unwrap_or(1).saturating_sub(1)
            }
            Self::Cursor(cursor) => cursor.as_ref().map_or(0, |cursor| cursor.from),
        }
    }
}

impl Part<'_> {
    /// Whether the filter or the order depends on this attribute.
    pub(super) fn reads(&self, attribute: AttrId) -> bool {
        let filter = self.filter.as_ref();
        let sort_by = self.sort_by.as_ref();
        filter.is_some_and(|filter| filter.mentions(attribute))
            || sort_by.is_some_and(|sort_by| sort_by.mentions(attribute))
    }

    pub(super) fn matches(&self, resource: &Resource) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.matches(resource))
    }

    pub(super) fn key(&self, resource: &Resource) -> Option<Key> {
        self.sort_by.as_ref()?.key(resource)
    }
}

impl<K, C, E> Directory<K, C, E> {
    /// Binds a query to one type, or to all, from its first result on.
    ///
    /// # Errors
    /// Those of [`Filter::parse_across`] and [`SortBy::parse_across`].
    pub(super) fn bind(
        &self,
        of: Option<ResourceTypeId>,
        request: &SearchRequest,
        mode: Mode,
    ) -> Result<Query<'_>, Error> {
        let registry = &self.registry;
        let types: Vec<ResourceTypeId> = match of {
            Some(resource_type) => vec![resource_type],
            None => registry.provisioned().map(|t| t.id).collect(),
        };
        let limits = &self.config.limits;
        let mut filters = Vec::new();
        if let Some(text) = &request.filter {
            filters = Filter::parse_across(registry, &types, text, &limits.filter(), mode)?;
        }
        let mut sort_by = Vec::new();
        if let Some(name) = &request.sort_by {
            sort_by = SortBy::parse_across(registry, &types, name)?;
        }
        let (mut filters, mut sort_by) = (filters.into_iter(), sort_by.into_iter());
        let parts = types.iter().map(|resource_type| Part {
            kind: Kind::of(registry, *resource_type),
            name: &registry.resource_type(*resource_type).name,
            filter: filters.next(),
            sort_by: sort_by.next().flatten(),
            projection: request.projection(registry, *resource_type),
        });
        // "A negative value SHALL be interpreted as 0" (RFC 7644 §3.4.2.4).
        let count = request.count.map_or(limits.default_count, |count| {
            usize::try_from(count.max(0)).unwrap_or(usize::MAX)
        });
        Ok(Query {
            parts: parts.collect(),
            endpoint: of.map_or("", |of| &registry.resource_type(of).name),
            order: request.sort_by.as_ref().map(|_| request.sort_order),
            from: 0,
            count: count.min(limits.max_count),
        })
    }
}
