//! How much the service takes at once. Nothing is unbounded: what exceeds a
//! limit is refused by an error that names it.

use super::types::bounded;
use scim::filter::Limits as FilterLimits;
use serde::Deserialize;

/// Limits, each with a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body, in bytes: 16 MiB; up to 32 MiB. A member of a group takes from 50
    /// bytes to 150, so it is enough for a group of 100,000.
    #[serde(deserialize_with = "bounded::<_, 1024, 33_554_432>")]
    pub max_body_bytes: usize,
    /// The most values in a body: 1,000,000, of which a member of a group takes from two to
    /// five. Each takes up to 48 bytes while the request is under way.
    #[serde(deserialize_with = "bounded::<_, 1000, 2_000_000>")]
    pub max_json_values: usize,
    /// The most memory, in bytes, that a worker has for the bodies of all requests under
    /// way, parsed ones too: 256 MiB; up to 512 MiB, of the 1 GiB that Envoy gives a VM.
    /// As no request may take more of it than it leaves to others, it is at least twice
    /// what one body and its values can take.
    #[serde(deserialize_with = "bounded::<_, 65_536, 536_870_912>")]
    pub max_request_memory_bytes: usize,
    /// The most memory, in bytes, that a worker has for everything, what it has read from the
    /// store for answers included: 512 MiB; from 64 MiB to 768 MiB, of the 1 GiB that Envoy gives
    /// a VM. Above it nothing more is read until requests are answered.
    #[serde(deserialize_with = "bounded::<_, 67_108_864, 805_306_368>")]
    pub max_memory_bytes: usize,
    /// How deep arrays and objects may stand in each other in a body: 32; from 4
    /// to 100.
    #[serde(deserialize_with = "bounded::<_, 4, { scim::json::MAX_DEPTH }>")]
    pub max_json_depth: usize,
    /// The longest filter, in bytes: 4,096.
    #[serde(deserialize_with = "bounded::<_, 64, 65_536>")]
    pub max_filter_bytes: usize,
    /// How deep a filter may be nested: 20; up to 64.
    #[serde(deserialize_with = "bounded::<_, 1, { FilterLimits::DEEPEST }>")]
    pub max_filter_depth: usize,
    /// How many comparisons and connectives a filter may have: 200.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000>")]
    pub max_filter_nodes: usize,
    /// The most operations in one PATCH: 1,000.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000>")]
    pub max_patch_operations: usize,
    /// The most operations in one bulk request: 1,000.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000>")]
    pub max_bulk_operations: usize,
    /// The most members of a group in an answer: 20,000; up to 100,000. An answer with
    /// fewer than all has a `Link` to the next.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000>")]
    pub max_members: usize,
    /// How many members one transaction changes: 2,000; up to 3,000. A change of more is
    /// staged by so many at a time. While a large transaction is applied, the store
    /// answers nobody else.
    #[serde(deserialize_with = "bounded::<_, 1, 3_000>")]
    pub max_members_at_once: usize,
    /// The most memory for the sort keys of one query, in bytes: 16 MiB; up to
    /// 256 MiB. A key takes some 150 bytes.
    #[serde(deserialize_with = "bounded::<_, 4096, 268_435_456>")]
    pub max_sort_bytes: usize,
    /// Resources in a page when the client asks for no number: 100.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000>")]
    pub default_count: usize,
    /// The most resources in a page, whatever the client asks for: 1,000.
    #[serde(deserialize_with = "bounded::<_, 1, 10_000>")]
    pub max_count: usize,
    /// How many requests a second one token may send, in the long run: 5,000; up to
    /// 1,000,000.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000>")]
    pub requests_per_second: usize,
    /// How many requests a token may send at once after a pause: 20,000.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000>")]
    pub request_burst: usize,
    /// How many authentications a minute may fail that come from one address (of
    /// IPv6, from one /64), in the long run: 600.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000>")]
    pub auth_failures_per_minute: usize,
    /// How many authentications from one address may fail at once: 1,000.
    #[serde(deserialize_with = "bounded::<_, 1, 1_000_000>")]
    pub auth_failure_burst: usize,
}

impl Limits {
    /// The most memory that one body takes, parsed too.
    pub(crate) fn largest_request(&self) -> usize {
        // Its texts may have to be copied.
        let (body, values) = (self.max_body_bytes * 2, self.max_json_values);
        body.saturating_add(values * scim::json::VALUE_BYTES)
    }

    /// Those of a filter.
    pub(crate) fn filter(&self) -> FilterLimits {
        FilterLimits {
            max_length: self.max_filter_bytes,
            max_depth: self.max_filter_depth,
            max_nodes: self.max_filter_nodes,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 16_777_216,
            max_json_values: 1_000_000,
            max_request_memory_bytes: 268_435_456,
            max_memory_bytes: 536_870_912,
            max_json_depth: 32,
            max_filter_bytes: 4_096,
            max_filter_depth: 20,
            max_filter_nodes: 200,
            max_patch_operations: 1_000,
            max_bulk_operations: 1_000,
            max_members: 20_000,
            max_members_at_once: 2_000,
            max_sort_bytes: 16_777_216,
            default_count: 100,
            max_count: 1_000,
            requests_per_second: 5_000,
            request_burst: 20_000,
            auth_failures_per_minute: 600,
            auth_failure_burst: 1_000,
        }
    }
}
