//! Look-ups: which resources an index leads to.

use super::Place;
use super::build::State;
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::last_segment;
use crate::kv::{Kv, Range, RangeReply};
use crate::session::Session;
use scim::Error;
use scim::gather::Gather as _;
use std::collections::BTreeSet;

/// How many keys are read at a time.
const PAGE: i64 = 1_000;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The ids at a place at a revision, zero for now, and the revision at which
    /// they are there. `None` when the index does not cover all records, so that it
    /// tells nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(crate) async fn ids_at(
        &self,
        session: &mut Session<'_>,
        place: Place,
        revision: i64,
    ) -> Result<Option<(BTreeSet<String>, i64)>, Error> {
        let at = |range| Range { revision, ..range };
        let read_at = |reply: &RangeReply| {
            if revision == 0 {
                reply.revision
            } else {
                revision
            }
        };
        let (prefix, state) = match place {
            Place::Key(key) => {
                let reply = self.range(session, at(Range::one(key))).await?;
                let read_at = read_at(&reply);
                let ids = reply.kvs.into_iter();
                let ids = ids.filter_map(|kv| String::from_utf8(kv.value).ok());
                return Ok(Some((ids.gather(), read_at)));
            }
            Place::Below(prefix) => (prefix, None),
            Place::Configured(prefix, state) => (prefix, Some(state)),
        };
        let range = Range {
            keys_only: true,
            limit: PAGE,
            ..at(Range::prefix(prefix))
        };
        let states = state.clone().map(|state| at(Range::one(state)));
        let reads = std::iter::once(range.clone()).chain(states);
        let mut replies = self.ranges(session, reads.collect()).await?.into_iter();
        let first = replies.next().unwrap_or_default();
        if state.is_some() {
            let found = replies
                .next()
                .and_then(|reply| reply.kvs.into_iter().next());
            if found.is_none_or(|state| state.value != State::BUILT) {
                return Ok(None);
            }
        }
        let read_at = read_at(&first);
        let kvs = self.rest(session, &range, first).await?;
        let ids = kvs.iter().filter_map(|kv| last_segment(&kv.key));
        Ok(Some((ids.gather(), read_at)))
    }
}
