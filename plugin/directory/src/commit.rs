//! Commits: the one transaction by which an operation writes, with the event
//! that tells of it.
//!
//! The event's key makes a commit repeatable. Its id is chosen once for an
//! operation, and the transaction compares that it is absent; so when a reply is
//! lost, the same transaction is sent again, and either it applies now or the
//! event is found: the first one did.
//!
//! One more key has the id of the last event: whoever knows something of a tenant asks it alone
//! whether anything has changed since.

use crate::Directory;
pub(crate) use crate::action::Action;
use crate::environment::{Clock, Entropy};
use crate::keys::{Keys, Kind};
use crate::kv::{
    Compare, Kv, KvError, KvErrorKind, Op, OpReply, Outcome, Range, RangeReply, Txn, TxnReply,
};
use crate::pack::{self, TooLarge};
use crate::session::{Session, TransactError};
use crate::stored::encode;
use scim::Error;
use scim::schema::AttrId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often a transaction is sent whose outcome is unknown.
const SENDS: u32 = 4;

/// How often an operation starts again because others changed what it read.
const ATTEMPTS: u32 = 8;

/// What an operation wants to write.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// What the change rests on.
    pub(crate) compares: Vec<Compare>,
    /// A few writes.
    pub(crate) ops: Vec<Op>,
    /// Any number of writes that are independent of one another.
    pub(crate) many: Vec<Op>,
    /// What to read when all is written; at most three ranges.
    pub(crate) read: Vec<Range>,
    /// The values that no other resource may have, in the order of the compares.
    pub(crate) claims: Vec<Claim>,
    /// What to read besides when a compare fails, to tell which and why.
    pub(crate) explain: Vec<Range>,
}

/// A value that no other resource may have.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) attribute: AttrId,
    pub(crate) value: String,
    /// Where the index key of a resource is that has it.
    pub(crate) holder: Range,
}

/// How a commit came out.
#[derive(Debug)]
pub(crate) enum Commit {
    /// It is in the store.
    Made {
        /// The revision of its writes.
        revision: i64,
        /// The replies to [`Change::many`]; `None` when they were lost.
        many: Option<Vec<OpReply>>,
        /// The replies to [`Change::read`]; none when they were lost.
        read: Vec<RangeReply>,
    },
    /// A compare failed, nothing was written. Who holds each of
    /// [`Change::claims`], and the replies to [`Change::explain`].
    Conflict(Vec<RangeReply>),
}

/// What happened, as told to whoever reads the events. Names of attributes,
/// never values.
#[derive(Clone, Debug)]
pub(crate) struct Event<'r> {
    /// Its id, by which a commit knows its own earlier attempt.
    pub(crate) id: String,
    /// What was changed: `user`, `group`, the name of another resource type, `policy`, `token` or
    /// `tenant`.
    pub(crate) what: &'r str,
    /// What was done to it.
    pub(crate) action: Action,
    /// Its id; of a policy, the name of its group.
    pub(crate) resource: String,
    /// The names of the attributes that changed.
    pub(crate) attributes: Vec<String>,
}

#[derive(Serialize)]
struct StoredEvent<'a> {
    op: String,
    id: &'a str,
    token: &'a str,
    at: String,
    attributes: &'a [String],
}

/// An event, as it is read again.
#[derive(Deserialize)]
pub(crate) struct Told {
    /// What was changed and how, such as `user.patch`.
    pub(crate) op: String,
    pub(crate) id: String,
    /// The id of the token that did it.
    pub(crate) token: String,
    pub(crate) at: String,
    #[serde(default)]
    pub(crate) attributes: Vec<String>,
}

/// Counts the attempts of an operation that others may interrupt.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl Commit {
    /// Whether another resource has a value that no two may have.
    fn is_refused(&self, change: &Change) -> bool {
        match self {
            Self::Made { .. } => false,
            Self::Conflict(explained) => explained
                .iter()
                .take(change.claims.len())
                .any(|holder| !holder.kvs.is_empty()),
        }
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Writes a change and its event.
    ///
    /// # Errors
    /// [`Error::ChangeTooLarge`] before anything is written;
    /// [`Error::Unavailable`] when the store is away, or does not tell whether it
    /// has written.
    pub(crate) async fn commit(
        &self,
        session: &mut Session<'_>,
        event: &Event<'_>,
        change: &Change,
    ) -> Result<Commit, Error> {
        let txn = self.transaction(session, event, change)?;
        let sent = self.transact_surely(session, txn).await;
        // Also where nobody knows whether it was written.
        self.writes.note(session.tenant());
        let (reply, in_doubt) = sent?;
        let commit = read_reply(reply, change)?;
        // What was sent before may still be under way, and be made when a value is free
        // again that now is taken.
        if in_doubt && commit.is_refused(change) {
            return Err(unknown_outcome());
        }
        Ok(commit)
    }

    /// Runs a transaction that may be run twice, and so is sent again where its
    /// outcome is unknown. Whether it ever was comes with the reply.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) async fn transact_surely(
        &self,
        session: &mut Session<'_>,
        txn: Txn,
    ) -> Result<(TxnReply, bool), Error> {
        let mut sent = 0;
        let mut in_doubt = false;
        loop {
            let error = match self.transact(session, txn.clone()).await {
                Ok(reply) => return Ok((reply, in_doubt)),
                // What was sent before may have been done while the token stood.
                Err(TransactError::Refused(_)) if in_doubt => return Err(unknown_outcome()),
                Err(TransactError::Refused(error)) => return Err(error),
                Err(TransactError::Store(error)) => error,
            };
            sent += 1;
            in_doubt |= error.outcome == Outcome::Unknown;
            if is_final(&error) || sent == SENDS {
                return Err(TransactError::Store(error).into());
            }
            self.pause(sent).await;
        }
    }

    /// The same without a session: for what nobody sees. How often it was sent comes
    /// with the reply.
    pub(crate) async fn persist(&self, txn: Txn) -> (Result<TxnReply, KvError>, u32) {
        let mut sent = 0;
        loop {
            let reply = self.kv.txn(txn.clone()).await;
            sent += 1;
            match reply {
                Err(error) if !is_final(&error) && sent < SENDS => self.pause(sent).await,
                reply => return (reply, sent),
            }
        }
    }

    /// Waits before an operation starts again that met another writer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it has met too many.
    pub(crate) async fn start_again(&self, attempts: &mut Attempts) -> Result<(), Error> {
        attempts.0 += 1;
        if attempts.0 >= ATTEMPTS {
            return Err(Error::Unavailable {
                reason: "Too many requests change this resource at the same time.",
            });
        }
        self.pause(attempts.0).await;
        Ok(())
    }

    /// An id that nobody has had, greater than all that this instance gave.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no randomness.
    pub(crate) fn new_id(&self) -> Result<String, Error> {
        let mut random = [0; 10];
        if !self.entropy.fill(&mut random) {
            return Err(Error::Internal {
                reason: "the source of random numbers is out of order".to_owned(),
            });
        }
        Ok(self.ids.next(self.clock.now_millis(), random))
    }

    /// An event yet to be committed.
    ///
    /// # Errors
    /// As [`Self::new_id`].
    pub(crate) fn event<'r>(
        &self,
        kind: Kind<'r>,
        action: Action,
        resource: &str,
    ) -> Result<Event<'r>, Error> {
        self.event_of(kind.name(), action, resource)
    }

    /// The same, of whatever is no resource.
    ///
    /// # Errors
    /// As [`Self::new_id`].
    pub(crate) fn event_of<'r>(
        &self,
        what: &'r str,
        action: Action,
        resource: &str,
    ) -> Result<Event<'r>, Error> {
        Ok(Event {
            id: self.new_id()?,
            what,
            action,
            resource: resource.to_owned(),
            attributes: Vec::new(),
        })
    }

    /// The time, as SCIM writes it.
    pub(crate) fn now(&self) -> String {
        scim::datetime::format(i64::try_from(self.clock.now_millis()).unwrap_or(i64::MAX))
    }

    /// Waits the longer the more often it was waited before, from 5 to 80 ms, and
    /// hardly ever as long as another does: writers that met once should not meet
    /// again.
    async fn pause(&self, times: u32) {
        let half = 5_u64 << times.saturating_sub(1).min(3);
        let mut random = [u8::MAX];
        // Without randomness the wait is the longest.
        let _ = self.entropy.fill(&mut random);
        let [byte] = random;
        let jitter = half * u64::from(byte) / u64::from(u8::MAX);
        self.clock.sleep(Duration::from_millis(half + jitter)).await;
    }

    /// The writes that tell of an event, by whoever bears a token.
    ///
    /// # Errors
    /// [`Error::Internal`], which does not happen.
    pub(crate) fn tell(
        &self,
        keys: &Keys,
        event: &Event<'_>,
        token: &str,
    ) -> Result<[Op; 2], Error> {
        let stored = encode(&StoredEvent {
            op: format!("{}.{}", event.what, event.action.name()),
            id: &event.resource,
            token,
            at: self.now(),
            attributes: &event.attributes,
        })?;
        Ok([
            Op::put(keys.event(&event.id), stored),
            Op::put(keys.last_event(), event.id.clone()),
        ])
    }

    fn transaction(
        &self,
        session: &Session<'_>,
        event: &Event<'_>,
        change: &Change,
    ) -> Result<Txn, Error> {
        let key = session.keys.event(&event.id);
        let mut compares = vec![Compare::absent(key.clone())];
        compares.extend_from_slice(&change.compares);
        let mut then = Vec::from(self.tell(&session.keys, event, &session.token_id)?);
        then.extend_from_slice(&change.ops);
        let mut otherwise = vec![Op::Range(Range::one(key))];
        let holders = change.claims.iter().map(|claim| &claim.holder);
        let explain = holders.chain(&change.explain);
        otherwise.extend(explain.cloned().map(Op::Range));
        pack::append(&mut then, change.many.clone())?;
        then.extend(change.read.iter().cloned().map(Op::Range));
        let txn = Txn {
            compares,
            then,
            otherwise,
        };
        pack::check(&txn)?;
        Ok(txn)
    }
}

/// Whether it makes no sense to send a transaction again.
fn is_final(error: &KvError) -> bool {
    match (&error.kind, error.outcome) {
        (_, Outcome::Unknown) | (KvErrorKind::Unavailable(_), Outcome::NotApplied) => false,
        (_, Outcome::NotApplied) => true,
    }
}

impl From<TooLarge> for Error {
    fn from(TooLarge { what, limit }: TooLarge) -> Self {
        Self::ChangeTooLarge {
            what: what.to_owned(),
            limit,
        }
    }
}

fn unknown_outcome() -> Error {
    Error::Unavailable {
        reason: "Nobody knows whether the change was made.",
    }
}

fn read_reply(reply: TxnReply, change: &Change) -> Result<Commit, Error> {
    if reply.succeeded {
        let mut many = reply.replies;
        let behind = many.split_off(many.len().saturating_sub(change.read.len()));
        let many = many.into_iter().skip(2 + change.ops.len());
        return Ok(Commit::Made {
            revision: reply.revision,
            many: Some(pack::unpack(many.collect(), change.many.len())),
            read: ranges(behind).collect(),
        });
    }
    let mut ranges = ranges(reply.replies);
    let event = ranges.next().ok_or_else(|| Error::Internal {
        reason: "the store's reply lacks what was asked for".to_owned(),
    })?;
    Ok(match event.kvs.first() {
        Some(event) => Commit::Made {
            revision: event.mod_revision,
            many: None,
            read: Vec::new(),
        },
        None => Commit::Conflict(ranges.collect()),
    })
}

fn ranges(replies: Vec<OpReply>) -> impl Iterator<Item = RangeReply> {
    replies.into_iter().filter_map(|reply| match reply {
        OpReply::Range(range) => Some(range),
        OpReply::Put | OpReply::Delete(_) | OpReply::Txn(_) => None,
    })
}
