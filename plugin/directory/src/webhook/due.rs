//! What is to be delivered: the next events behind the cursor. The tenant's events are counted, so it
//! is known whether all were found, whatever the clocks of their writers say.

use super::holder::{Cursor, Held};
use crate::Directory;
use crate::config::Webhook;
use crate::environment::{Clock, Courier, Entropy, Progress};
use crate::feed::{LATE, LastEvent, RECENT};
use crate::kv::{KeyValue, Kv};
use crate::session::Session;
use scim::Error;
use std::collections::VecDeque;

/// How many events are read at once.
const BATCH: usize = 200;

/// Events behind a cursor.
#[derive(Debug)]
struct Next {
    events: Vec<KeyValue>,
    /// How many there should be beside them.
    missing: usize,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The next events, in order; `None` when this is the holder no more.
    pub(super) async fn due(
        &self,
        session: &mut Session<'_>,
        held: &mut Held,
        webhook: &Webhook,
        courier: &impl Courier,
    ) -> Result<Option<VecDeque<KeyValue>>, Error> {
        let last = self.look(held).await?;
        courier.note(webhook, &Progress::Behind(held.behind()));
        if last.revision <= held.cursor.position.revision {
            return Ok(Some(VecDeque::new()));
        }
        let expected = usize::try_from(held.behind()).unwrap_or(usize::MAX);
        let next = self.next(session, &held.cursor, &last, expected).await?;
        if next.missing > 0 {
            let missing = u64::try_from(next.missing).unwrap_or(u64::MAX);
            courier.note(webhook, &Progress::Missing(missing));
            let mut cursor = held.cursor.clone();
            cursor.number = last.number - i64::try_from(next.events.len()).unwrap_or(i64::MAX);
            if next.events.is_empty() {
                cursor.position.revision = last.revision;
            }
            if !self.put_cursor(held, cursor).await? {
                return Ok(None);
            }
        }
        Ok(Some(next.events.into()))
    }

    /// Looks where they should be, then where they may be if clocks differ, then everywhere.
    async fn next(
        &self,
        session: &mut Session<'_>,
        cursor: &Cursor,
        last: &LastEvent,
        expected: usize,
    ) -> Result<Next, Error> {
        let from = cursor.position;
        let windows = [
            from.millis.saturating_sub(RECENT),
            from.millis.saturating_sub(LATE),
            0,
        ];
        // With many, no count tells which of them are the first.
        let few = (1..=BATCH).contains(&expected);
        let mut events = Vec::new();
        for since in windows.into_iter().skip(usize::from(!few)) {
            let found = self
                .events_since(session, since, from.revision, BATCH)
                .await?;
            events = found.events;
            events.retain(|event| event.mod_revision <= last.revision);
            if events.len() >= expected || (found.more && !few) {
                return Ok(Next { events, missing: 0 });
            }
        }
        Ok(Next {
            missing: expected - events.len(),
            events,
        })
    }
}
