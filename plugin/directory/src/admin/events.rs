//! The event log, as a feed: what changed, in the order of the store's revisions, and for who waits
//! for it.
//!
//! The keys of events are in the order of the clocks of whoever wrote them. So a page is looked for
//! from some time before the event that it follows, and put in order by revision.

use super::event_filter::Filter;
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::feed::{Found, LATE, Listed, Position};
use crate::http::Response;
use crate::kv::{KeyValue, Kv};
use crate::query::parameters;
use crate::response::answer;
use crate::session::Session;
use scim::Error;
use serde::Serialize;
use std::time::Duration;

/// How long to wait before the next look.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest that somebody may wait, in seconds.
const MAX_WAIT: u64 = 30;

/// The most events in an answer, and how many there are unless the client says otherwise.
const MAX_COUNT: usize = 1_000;

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
            Some(text) => read(&text)?,
            None => Position::default(),
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
        // Nothing is asked for but where one would go on.
        if count == 0 {
            let (_, revision) = self.last_event(session).await?;
            let next = Position {
                revision,
                millis: now,
            };
            let events = Vec::new();
            return Page { events, next }.answer();
        }
        loop {
            let since = after.millis.saturating_sub(LATE);
            let range = filter.range(&session.keys, since, LATE);
            let found = self
                .events_in(session, range, after.revision, MAX_COUNT)
                .await?;
            let here = Position {
                revision: found.read_at,
                millis: self.clock.now_millis(),
            };
            let more = found.more;
            let page = Page::of(found, count, after, here, &filter)?;
            if !page.events.is_empty() || here.millis >= until {
                return page.answer();
            }
            after = page.next;
            if !more {
                self.await_event(session, here, until).await?;
            }
        }
    }

    /// Returns when there is something new, or the time is over.
    async fn await_event(
        &self,
        session: &mut Session<'_>,
        here: Position,
        until: u64,
    ) -> Result<(), Error> {
        loop {
            self.clock.sleep(PAUSE).await;
            let (last, _) = self.last_event(session).await?;
            if last.revision > here.revision || self.clock.now_millis() >= until {
                return Ok(());
            }
        }
    }
}

/// What is answered.
struct Page {
    events: Vec<KeyValue>,
    next: Position,
}

impl Page {
    /// The first of what was found and is wanted. `here` is where a reader is who has read all.
    fn of(
        found: Found,
        count: usize,
        after: Position,
        here: Position,
        filter: &Filter,
    ) -> Result<Self, Error> {
        // Where a reader is who has looked at all of these.
        let mut next = match found.events.last() {
            Some(last) if found.more => after.after(last),
            _ => here,
        };
        let mut events = Vec::new();
        for event in found.events {
            if !filter.wants(&event)? {
                continue;
            }
            if events.len() == count {
                next = events.last().map_or(after, |last| after.after(last));
                break;
            }
            events.push(event);
        }
        Ok(Self { events, next })
    }

    fn answer(self) -> Result<Response, Error> {
        let listed = self.events.iter().map(Listed::of);
        let events: Result<Vec<_>, Error> = listed.collect();
        answer(
            200,
            &Events {
                events: events?,
                next: write(self.next),
            },
        )
    }
}

/// `{revision}-{milliseconds}`. To clients it is a text without a meaning.
fn write(position: Position) -> String {
    format!("{}-{}", position.revision, position.millis)
}

fn read(text: &str) -> Result<Position, Error> {
    let position = || {
        let (revision, millis) = text.split_once('-')?;
        Some(Position {
            revision: revision.parse().ok().filter(|revision| *revision >= 0)?,
            millis: millis.parse().ok()?,
        })
    };
    position().ok_or_else(|| Error::BadParameter {
        name: "after".to_owned(),
        reason: "must be the \"next\" of an earlier answer".to_owned(),
    })
}
