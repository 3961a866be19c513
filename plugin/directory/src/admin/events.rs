//! The event log, as a feed: what changed, in the order of the store's revisions, and for who waits
//! for it.
//!
//! The keys of events are in the order of the clocks of whoever wrote them. So a page is looked for
//! from some time before the event that it follows, and put in order by revision.

use super::event_filter::Filter;
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::Response;
use crate::ids;
use crate::keys::last_segment;
use crate::kv::{KeyValue, Kv, Range};
use crate::query::parameters;
use crate::response::answer;
use crate::session::Session;
use crate::stored::decode;
use crate::walk::{PAGE, next_page};
use scim::Error;
use serde::Serialize;
use std::time::Duration;

/// By how much the clocks of two instances may differ, and how long a request may take, in
/// milliseconds, so that its event is not missed.
const LATE: u64 = 600_000;

/// While somebody waits, how far back is looked for anything new, in milliseconds.
const RECENT: u64 = 10_000;

/// How long to wait before the next look.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest that somebody may wait, in seconds.
const MAX_WAIT: u64 = 30;

/// The most events in an answer, and how many there are unless the client says otherwise.
const MAX_COUNT: usize = 1_000;

/// How many events are looked at for one answer.
const MAX_LOOKED_AT: usize = 20_000;

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cursor {
    /// The store's revision.
    revision: i64,
    /// About when that was, in milliseconds since the Unix epoch.
    millis: u64,
}

/// An event, as the administrator sees it.
#[derive(Serialize)]
struct Listed {
    /// Names it for good.
    event: String,
    revision: i64,
    #[serde(flatten)]
    stored: serde_json::Value,
}

#[derive(Serialize)]
struct Events {
    events: Vec<Listed>,
    next: String,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(super) async fn list_events(
        &self,
        session: &mut Session<'_>,
        query: &str,
    ) -> Result<Response, Error> {
        let known = [&["after", "wait", "count"], &Filter::PARAMETERS[..]].concat();
        parameters::only(query, &known)?;
        let filter = Filter::of(query)?;
        let mut after = match parameters::text(query, "after")? {
            Some(text) => Cursor::read(&text)?,
            None => Cursor::default(),
        };
        let wait = parameters::number(query, "wait", 0..=MAX_WAIT)?.unwrap_or_default();
        let most = u64::try_from(MAX_COUNT).unwrap_or(u64::MAX);
        let count = parameters::number(query, "count", 0..=most)?.unwrap_or(most);
        let count = usize::try_from(count).unwrap_or(MAX_COUNT);
        let now = self.clock.now_millis();
        let until = match filter.is_past(now) {
            true => now,
            false => now + wait * 1_000,
        };
        loop {
            let since = after.millis.saturating_sub(LATE);
            let range = filter.range(&session.keys, since, LATE);
            let found = self.events_in(session, range, after.revision).await?;
            let here = Cursor {
                revision: found.read_at,
                millis: self.clock.now_millis(),
            };
            let is_cut = found.is_cut;
            let page = Page::of(found, count, after, here, &filter)?;
            if !page.events.is_empty() || count == 0 || here.millis >= until {
                return page.answer();
            }
            after = page.next;
            if !is_cut {
                self.await_event(session, here, until).await?;
            }
        }
    }

    /// Returns when there is something new, or the time is over. What is very late does not wake
    /// anybody, and is there at the next full look.
    async fn await_event(
        &self,
        session: &mut Session<'_>,
        here: Cursor,
        until: u64,
    ) -> Result<(), Error> {
        loop {
            self.clock.sleep(PAUSE).await;
            let now = self.clock.now_millis();
            let since = now.saturating_sub(RECENT);
            let range = Filter::default().range(&session.keys, since, LATE);
            let found = self.events_in(session, range, here.revision).await?;
            if !found.events.is_empty() || now >= until {
                return Ok(());
            }
        }
    }

    /// The events in a range of keys that were written after a revision.
    async fn events_in(
        &self,
        session: &mut Session<'_>,
        range: Range,
        revision: i64,
    ) -> Result<Found, Error> {
        let mut page = Some(Range {
            limit: PAGE,
            ..range
        });
        let (mut found, mut looked_at) = (Found::default(), 0);
        while let Some(range) = page {
            let reply = self.range(session, range.clone()).await?;
            if looked_at == 0 {
                found.read_at = reply.revision;
            }
            looked_at += reply.kvs.len();
            page = next_page(&range, &reply);
            let new = reply.kvs.into_iter();
            found
                .events
                .extend(new.filter(|kv| kv.mod_revision > revision));
            // Among those that are known already, nobody gets further.
            if looked_at >= MAX_LOOKED_AT && !found.events.is_empty() && page.is_some() {
                found.is_cut = true;
                break;
            }
        }
        Ok(found)
    }
}

/// Events in the order of their keys.
#[derive(Debug, Default)]
struct Found {
    events: Vec<KeyValue>,
    /// The store's revision.
    read_at: i64,
    /// Whether there are more behind them.
    is_cut: bool,
}

/// What is answered.
struct Page {
    events: Vec<KeyValue>,
    next: Cursor,
}

impl Page {
    /// The first of what was found and is wanted, in the order of revisions. `here` is where a
    /// reader is who has read all.
    fn of(
        mut found: Found,
        count: usize,
        after: Cursor,
        here: Cursor,
        filter: &Filter,
    ) -> Result<Self, Error> {
        if found.is_cut {
            // What was not looked at may be older than what is among the last.
            let last = found.events.last().map_or(0, time);
            let certain = found.events.partition_point(|kv| time(kv) + LATE < last);
            if certain > 0 {
                found.events.truncate(certain);
            }
        }
        found.events.sort_by_key(|kv| kv.mod_revision);
        // Nothing is asked for but where one would go on.
        if count == 0 {
            return Ok(Self {
                events: Vec::new(),
                next: here,
            });
        }
        let behind = |event: &KeyValue| Cursor {
            revision: event.mod_revision,
            millis: time(event).max(after.millis),
        };
        // Where a reader is who has looked at all of these.
        let mut next = match found.events.last() {
            _ if !found.is_cut => here,
            Some(last) => behind(last),
            None => after,
        };
        let mut events = Vec::new();
        for event in found.events {
            if !filter.wants(&event)? {
                continue;
            }
            if events.len() == count {
                next = events.last().map_or(after, behind);
                break;
            }
            events.push(event);
        }
        Ok(Self { events, next })
    }

    fn answer(self) -> Result<Response, Error> {
        let listed = self.events.iter().map(|kv| {
            Ok(Listed {
                event: last_segment(&kv.key).unwrap_or_default(),
                revision: kv.mod_revision,
                stored: decode(&kv.value)?,
            })
        });
        let events: Result<Vec<_>, Error> = listed.collect();
        answer(
            200,
            &Events {
                events: events?,
                next: self.next.write(),
            },
        )
    }
}

impl Cursor {
    /// `{revision}-{milliseconds}`. To clients it is a text without a meaning.
    fn write(self) -> String {
        format!("{}-{}", self.revision, self.millis)
    }

    fn read(text: &str) -> Result<Self, Error> {
        let cursor = || {
            let (revision, millis) = text.split_once('-')?;
            Some(Self {
                revision: revision.parse().ok().filter(|revision| *revision >= 0)?,
                millis: millis.parse().ok()?,
            })
        };
        cursor().ok_or_else(|| Error::BadParameter {
            name: "after".to_owned(),
            reason: "must be the \"next\" of an earlier answer".to_owned(),
        })
    }
}

/// When an event was begun, by the clock of its writer.
fn time(event: &KeyValue) -> u64 {
    let id = last_segment(&event.key).unwrap_or_default();
    ids::millis_of(&id).unwrap_or_default()
}
