//! The event log in the order of the store's revisions, which no key can have.
//!
//! The keys of events are in the order of the clocks of whoever wrote them. So whoever reads on from
//! an event looks from some time before it, and puts what is found in order.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::ids;
use crate::keys::{Keys, last_segment};
use crate::kv::{KeyValue, Kv, Range, RangeReply};
use crate::session::Session;
use crate::stored::decode;
use crate::walk::{PAGE, next_page};
use scim::Error;
use serde::{Deserialize, Serialize};

/// By how much the clocks of two instances may differ, and how long a request may take, in
/// milliseconds, so that its event is not missed.
pub(crate) const LATE: u64 = 600_000;

/// How far back nearly everything new is, in milliseconds.
pub(crate) const RECENT: u64 = 10_000;

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Position {
    /// The store's revision.
    pub(crate) revision: i64,
    /// About when that was, in milliseconds since the Unix epoch.
    pub(crate) millis: u64,
}

/// The last event of a tenant, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastEvent {
    /// Empty where nothing ever happened.
    pub(crate) id: String,
    pub(crate) revision: i64,
    /// How many events there have been.
    pub(crate) number: i64,
}

/// The first events after a revision, in its order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) events: Vec<KeyValue>,
    /// The store's revision.
    pub(crate) read_at: i64,
    /// Whether there are others behind them.
    pub(crate) more: bool,
}

/// An event, as whoever reads the feed sees it.
#[derive(Serialize)]
pub(crate) struct Listed {
    /// Names it for good.
    pub(crate) event: String,
    pub(crate) revision: i64,
    #[serde(flatten)]
    pub(crate) stored: serde_json::Map<String, serde_json::Value>,
}

/// The keys of the events that are not older than a time.
pub(crate) fn since(keys: &Keys, millis: u64) -> Range {
    Range {
        key: keys.event(&ids::first_of(millis)),
        ..Range::prefix(keys.event(""))
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The last event of the tenant, and the store's revision.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub(crate) async fn last_event(
        &self,
        session: &mut Session<'_>,
    ) -> Result<(LastEvent, i64), Error> {
        let reply = self
            .range(session, Range::one(session.keys.last_event()))
            .await?;
        let revision = reply.revision;
        Ok((LastEvent::of(reply), revision))
    }

    /// The first events, up to `count`, that were written after a revision, among those whose keys
    /// are not older than a time.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub(crate) async fn events_since(
        &self,
        session: &mut Session<'_>,
        millis: u64,
        revision: i64,
        count: usize,
    ) -> Result<Found, Error> {
        let range = since(&session.keys, millis);
        self.events_in(session, range, revision, count).await
    }

    /// The first events, up to `count`, that were written after a revision, among those in a range
    /// of keys.
    ///
    /// # Errors
    /// As [`range`](Self::range).
    pub(crate) async fn events_in(
        &self,
        session: &mut Session<'_>,
        range: Range,
        revision: i64,
        count: usize,
    ) -> Result<Found, Error> {
        let mut page = Some(Range {
            limit: PAGE,
            ..range
        });
        let mut found = Found::default();
        while let Some(range) = page {
            let reply = self.range(session, range.clone()).await?;
            if found.read_at == 0 {
                found.read_at = reply.revision;
            }
            page = next_page(&range, &reply);
            let here = reply.kvs.last().map_or(0, time);
            let new = reply.kvs.into_iter();
            found
                .events
                .extend(new.filter(|kv| kv.mod_revision > revision));
            found.keep(count);
            // What is still to come is too new to be before any of these.
            if found.more && here > found.latest() + LATE {
                break;
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Leaves the first of what was found.
    fn keep(&mut self, count: usize) {
        self.events.sort_unstable_by_key(|kv| kv.mod_revision);
        self.more |= self.events.len() > count;
        self.events.truncate(count);
    }

    /// The time of the latest.
    fn latest(&self) -> u64 {
        self.events.iter().map(time).max().unwrap_or_default()
    }
}

impl Position {
    /// Behind an event.
    pub(crate) fn after(self, event: &KeyValue) -> Self {
        Self {
            revision: event.mod_revision,
            millis: time(event).max(self.millis),
        }
    }
}

impl LastEvent {
    /// What its key holds.
    pub(crate) fn of(reply: RangeReply) -> Self {
        reply
            .kvs
            .into_iter()
            .next()
            .map(|kv| Self {
                id: String::from_utf8(kv.value).unwrap_or_default(),
                revision: kv.mod_revision,
                number: kv.version,
            })
            .unwrap_or_default()
    }
}

impl Listed {
    /// # Errors
    /// [`Error::Internal`] when the record is damaged.
    pub(crate) fn of(event: &KeyValue) -> Result<Self, Error> {
        Ok(Self {
            event: last_segment(&event.key).unwrap_or_default(),
            revision: event.mod_revision,
            stored: decode(&event.value)?,
        })
    }
}

/// When an event was begun, by the clock of its writer.
fn time(event: &KeyValue) -> u64 {
    let id = last_segment(&event.key).unwrap_or_default();
    ids::millis_of(&id).unwrap_or_default()
}
