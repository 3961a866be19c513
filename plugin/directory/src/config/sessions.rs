//! What RADIUS servers are told of sessions.

use super::types::bounded;
use serde::Deserialize;

/// Times of a user's session on the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Sessions {
    /// How often, in seconds, a network access server tells of a session
    /// (`Acct-Interim-Interval`, RFC 2869 §5.16): 300; from 60 to 86,400. Each time, a user
    /// who may no longer be on the network is cut off, also where no agent does it at once.
    #[serde(deserialize_with = "bounded::<_, 60, 86_400>")]
    pub interim_seconds: usize,
    /// For how many seconds a session counts that nothing more is heard of: 3,600; from 60 to
    /// 2,592,000.
    #[serde(deserialize_with = "bounded::<_, 60, 2_592_000>")]
    pub expiry_seconds: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            interim_seconds: 300,
            expiry_seconds: 3_600,
        }
    }
}
