//! Who delivers a webhook: whoever has put the holder's key, for as long as its lease lasts.
//!
//! The key is put anew on a new lease before the old one ends. Its revision is what all else is
//! compared with: once it is another, somebody else has been there.

use crate::Directory;
use crate::config::Webhook;
use crate::environment::{Clock, Entropy};
use crate::feed::{LastEvent, Position};
use crate::keys::{Keys, last_segment};
use crate::kv::{Compare, KeyValue, Kv, KvError, Op, Range, Txn};
use crate::session::from_kv;
use crate::stored::{decode, encode};
use scim::Error;
use serde::{Deserialize, Serialize};

/// For how many seconds a holder that gives no sign of life is one. More than it takes from one
/// sign to the next with a request of the longest timeout between them, so that no holder sends
/// one when it is none any more.
const LEASE_SECONDS: i64 = 20;

/// After how many milliseconds a holder gives a sign of life.
const RENEWAL: u64 = 6_000;

/// A webhook that this instance delivers.
#[derive(Debug)]
pub(super) struct Held {
    holder_key: Vec<u8>,
    cursor_key: Vec<u8>,
    last_event_key: Vec<u8>,
    /// How many events of the tenant there were at the last look.
    number: i64,
    /// Names the holder, for itself: after a lost reply it knows its own key again.
    id: String,
    /// The revision of the holder's key.
    revision: i64,
    renew_at: u64,
    pub(super) cursor: Cursor,
}

/// How far a webhook is delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Cursor {
    /// The last event that was acknowledged; empty before the first.
    event: String,
    #[serde(flatten)]
    pub(super) position: Position,
    /// How many events of the tenant there were up to then.
    pub(super) number: i64,
}

impl Held {
    /// Whether it is time for a sign of life.
    pub(super) fn is_due(&self, now: u64) -> bool {
        now >= self.renew_at
    }

    /// How many events were still to be delivered at the last look, less what was since.
    pub(super) fn behind(&self) -> u64 {
        u64::try_from(self.number - self.cursor.number).unwrap_or_default()
    }

    /// A transaction that does something if this still is the holder.
    fn guarded(&self, ops: Vec<Op>) -> Txn {
        Txn {
            compares: vec![Compare::unchanged(self.holder_key.clone(), self.revision)],
            then: ops,
            otherwise: Vec::new(),
        }
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Takes a webhook that nobody holds, or that this very instance was about to.
    /// `id` names the instance.
    pub(super) async fn take(&self, webhook: &Webhook, id: &str) -> Result<Option<Held>, Error> {
        let keys = Keys::new(&self.config.prefix, webhook.tenant());
        let holder_key = keys.webhook_holder(&webhook.name);
        let holder = self.first(&holder_key).await?;
        let revision = match holder {
            None => 0,
            Some(holder) if holder.value == id.as_bytes() => holder.mod_revision,
            Some(_) => return Ok(None),
        };
        let mut held = Held {
            holder_key,
            cursor_key: keys.webhook_cursor(&webhook.name),
            last_event_key: keys.last_event(),
            number: 0,
            id: id.to_owned(),
            revision,
            renew_at: 0,
            cursor: Cursor::default(),
        };
        // The cursor is read after that: what was sent earlier and is late finds another holder.
        let is_held = self.stay_holder(&mut held).await? && self.find_cursor(&mut held).await?;
        Ok(is_held.then_some(held))
    }

    /// Gives a sign of life; whether this is the holder.
    pub(super) async fn stay_holder(&self, held: &mut Held) -> Result<bool, Error> {
        let renew_at = self.clock.now_millis() + RENEWAL;
        let lease = self.kv.grant_lease(LEASE_SECONDS).await.map_err(away)?;
        let put = Op::Put {
            key: held.holder_key.clone(),
            value: held.id.clone().into_bytes(),
            lease,
        };
        let reply = self.kv.txn(held.guarded(vec![put])).await.map_err(away)?;
        if reply.succeeded {
            (held.revision, held.renew_at) = (reply.revision, renew_at);
        }
        Ok(reply.succeeded)
    }

    /// Notes that an event was acknowledged; whether this is the holder.
    pub(super) async fn advance(&self, held: &mut Held, event: &KeyValue) -> Result<bool, Error> {
        let cursor = Cursor {
            event: last_segment(&event.key).unwrap_or_default(),
            position: held.cursor.position.after(event),
            number: held.cursor.number + 1,
        };
        self.put_cursor(held, cursor).await
    }

    /// Moves the cursor; whether this is the holder.
    pub(super) async fn put_cursor(&self, held: &mut Held, cursor: Cursor) -> Result<bool, Error> {
        let put = Op::put(held.cursor_key.clone(), encode(&cursor)?);
        let reply = self.kv.txn(held.guarded(vec![put])).await.map_err(away)?;
        held.cursor = cursor;
        Ok(reply.succeeded)
    }

    /// Looks what the last event of the tenant is.
    pub(super) async fn look(&self, held: &mut Held) -> Result<LastEvent, Error> {
        Ok(self.read_last_event(held).await?.0)
    }

    /// The same, with the store's revision.
    async fn read_last_event(&self, held: &mut Held) -> Result<(LastEvent, i64), Error> {
        let range = Range::one(held.last_event_key.clone());
        let reply = self.kv.range(range).await.map_err(away)?;
        let revision = reply.revision;
        let last = LastEvent::of(reply);
        held.number = last.number;
        Ok((last, revision))
    }

    /// Reads the cursor; a webhook that has none begins now. Whether this is the holder.
    async fn find_cursor(&self, held: &mut Held) -> Result<bool, Error> {
        if let Some(cursor) = self.first(&held.cursor_key).await? {
            held.cursor = decode(&cursor.value)?;
            return Ok(true);
        }
        let (last, revision) = self.read_last_event(held).await?;
        let now = Cursor {
            event: String::new(),
            position: Position {
                revision,
                millis: self.clock.now_millis(),
            },
            number: last.number,
        };
        self.put_cursor(held, now).await
    }

    async fn first(&self, key: &[u8]) -> Result<Option<KeyValue>, Error> {
        let reply = self.kv.range(Range::one(key)).await.map_err(away)?;
        Ok(reply.kvs.into_iter().next())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn away(error: KvError) -> Error {
    from_kv(&error)
}
