//! What is remembered of decisions about the network.

use super::types::bounded;
use serde::Deserialize;

/// How long a decision holds that was made before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Decisions {
    /// For how many milliseconds a decision is given again without asking the store whether
    /// anything has changed: 0, so never; at most 1,000. What this proxy itself has written counts
    /// at once none the less.
    #[serde(deserialize_with = "bounded::<_, 0, 1_000>")]
    pub max_staleness_ms: usize,
    /// For how many seconds decisions that were made before are given while the store is away,
    /// counted from when it was seen last: 60; 0 for not at all; at most 86,400.
    #[serde(deserialize_with = "bounded::<_, 0, 86_400>")]
    pub store_away_seconds: usize,
    /// What happens after that: `deny` or `allow`.
    pub store_away_then: StoreAwayThen,
    /// How many decisions a worker remembers: 20,000; 0 for none; at most 1,000,000.
    #[serde(deserialize_with = "bounded::<_, 0, 1_000_000>")]
    pub max_remembered: usize,
}

/// What becomes of users while the store stays away for longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreAwayThen {
    /// Nobody is let in (fail closed).
    #[default]
    Deny,
    /// The decisions that are remembered go on for as long as it takes (fail open). Whoever is not
    /// remembered is not let in: nobody could tell with which policy.
    Allow,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            max_staleness_ms: 0,
            store_away_seconds: 60,
            store_away_then: StoreAwayThen::Deny,
            max_remembered: 20_000,
        }
    }
}
