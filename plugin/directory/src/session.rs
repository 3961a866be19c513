//! A request's way to the store. Everything a token's holder reads or writes
//! goes through [`Directory::transact`], which makes the store itself check that
//! the token still stands: revoked once, it is revoked everywhere, and the check
//! costs no call of its own.

use crate::Directory;
use crate::bulk::Awaited;
use crate::environment::{Clock, Entropy};
use crate::keys::{self, Keys};
use crate::kv::{
    Compare, Kv, KvError, KvErrorKind, LeaseId, Op, OpReply, Range, RangeReply, Txn, TxnReply,
};
use crate::route::Matched;
use crate::token::{Access, Digest, Grant};
use crate::trace::Trace;
use scim::{Error, Mode};
use std::rc::Rc;

/// Why a read failed whose revision the store no longer has.
pub(crate) const COMPACTED: &str = "The directory changed a lot while it was read.";

const UNAVAILABLE: &str = "The store did not answer.";

/// How often a request follows a grant that changes under it.
const RENEWALS: usize = 3;

/// etcd's default limit of a request, in bytes.
const STORE_REQUEST_BYTES: usize = 1_572_864;

/// A request that bears a token, or an administrator's key within one tenant.
#[derive(Debug)]
pub(crate) struct Session<'t> {
    /// The keys of the token's tenant.
    pub(crate) keys: Keys,
    pub(crate) token_id: String,
    /// What locations begin with; without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) trace: &'t mut Trace,
    pub(crate) digest: Digest,
    pub(crate) grant: Rc<Grant>,
    pub(crate) mod_revision: i64,
    /// Whether it bears an administrator's key, which no record in the store can revoke.
    pub(crate) by_key: bool,
    /// What the request was allowed, to be asked again of a changed grant.
    pub(crate) access: Option<Access>,
    /// Whether the store has confirmed the token during this request.
    pub(crate) verified: bool,
    /// The resources that a bulk request is yet to create.
    pub(crate) awaited: Awaited,
}

/// Why [`Directory::transact`] failed.
#[derive(Debug)]
pub(crate) enum TransactError {
    /// The store failed.
    Store(KvError),
    /// The request is refused.
    Refused(Error),
}

impl Session<'_> {
    /// Refuses what the token's scopes do not allow, now and whenever the grant
    /// turns out to have changed.
    pub(crate) fn require(&mut self, access: Access) -> Result<(), Error> {
        if !self.grant.allows(access) {
            let reason = match access {
                Access::Read => "it needs the scope scim or scim:read",
                Access::Write => "it needs the scope scim",
                Access::Administer => "it needs the scope admin",
                Access::Network => "it needs the scope access",
            };
            return Err(Error::Forbidden {
                reason: reason.to_owned(),
            });
        }
        self.access = Some(access);
        Ok(())
    }

    /// The id that a request's path names; of `/Me`, that of the user whom the token
    /// stands for (RFC 7644 §3.11).
    ///
    /// # Errors
    /// [`Error::NotImplemented`] for a token that stands for nobody.
    pub(crate) fn id(&self, matched: &Matched) -> Result<String, Error> {
        let id = match matched.is_me() {
            true => self.grant.user.as_ref(),
            false => return Ok(matched.captures.first().cloned().unwrap_or_default()),
        };
        id.cloned().ok_or(Error::NotImplemented {
            what: "/Me, for a token that stands for no user,",
        })
    }

    /// How far the token's requests may stray from the standards.
    pub(crate) fn mode(&self) -> Mode {
        self.grant.mode
    }

    /// The tenant's name.
    pub(crate) fn tenant(&self) -> &str {
        self.grant.tenant.as_str()
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Runs a transaction if the token stands. `succeeded` and the replies are
    /// those of the caller's own compares and operations.
    pub(crate) async fn transact(
        &self,
        session: &mut Session<'_>,
        mut txn: Txn,
    ) -> Result<TxnReply, TransactError> {
        if session.by_key {
            return self.send(session, txn).await.map_err(TransactError::Store);
        }
        let token = keys::token(&self.config.prefix, &session.digest.hex());
        txn.otherwise.push(Op::Range(Range::one(token.clone())));
        for _ in 0..RENEWALS {
            let mut guarded = txn.clone();
            // Holds as long as the token's grant is the one that was read.
            let guard = Compare::unchanged(token.clone(), session.mod_revision);
            guarded.compares.push(guard);
            let sent = self.send(session, guarded).await;
            let mut reply = sent.map_err(TransactError::Store)?;
            if reply.succeeded {
                session.verified = true;
                return Ok(reply);
            }
            let Some(OpReply::Range(token)) = reply.replies.pop() else {
                return Err(TransactError::Refused(unexpected_reply()));
            };
            let renewed = self.renew(session, &token);
            if !renewed.map_err(TransactError::Refused)? {
                return Ok(reply);
            }
        }
        Err(TransactError::Refused(Error::Unavailable {
            reason: "The token is being changed.",
        }))
    }

    async fn send(&self, session: &mut Session<'_>, txn: Txn) -> Result<TxnReply, KvError> {
        session.trace.store_calls += 1;
        let reply = self.kv.txn(txn).await;
        reply.inspect_err(|error| session.trace.fault = Some(error.to_string()))
    }

    /// Reads, at one revision, whatever the store holds now (or held at the
    /// revision that a range names). At most 127 operations.
    ///
    /// # Errors
    /// 401 and 403 when the token no longer stands, `Unavailable` when the store
    /// is away or memory is short, with [`COMPACTED`] when a range's revision is gone.
    pub(crate) async fn read(
        &self,
        session: &mut Session<'_>,
        ops: Vec<Op>,
    ) -> Result<TxnReply, Error> {
        self.has_memory()?;
        let txn = Txn {
            then: ops,
            ..Txn::default()
        };
        Ok(self.transact(session, txn).await?)
    }

    /// Refuses to read more while all requests together hold too much of what was read. What is
    /// to be written, may be: no read comes after it.
    fn has_memory(&self) -> Result<(), Error> {
        let allocated = self.memory.as_ref().map_or(0, |memory| memory.allocated());
        if allocated > self.config.limits.max_memory_bytes {
            return Err(Error::Unavailable {
                reason: "The requests under way take limits.max_memory_bytes.",
            });
        }
        Ok(())
    }

    /// A lease for keys that are to vanish after so many seconds.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn lease(
        &self,
        session: &mut Session<'_>,
        seconds: i64,
    ) -> Result<LeaseId, Error> {
        session.trace.store_calls += 1;
        let lease = self.kv.grant_lease(seconds).await;
        Ok(lease.map_err(TransactError::Store)?)
    }

    /// Makes sure that no answer leaves for a token that no longer stands, when
    /// nothing the request did has asked the store.
    pub(crate) async fn verify(&self, session: &mut Session<'_>) -> Result<(), Error> {
        if !session.verified {
            self.read(session, Vec::new()).await?;
        }
        Ok(())
    }

    /// Takes over the grant that the store holds now: whether it is another one
    /// than the session had.
    fn renew(&self, session: &mut Session<'_>, token: &RangeReply) -> Result<bool, Error> {
        // Also after a refusal: the store was asked.
        session.verified = true;
        let (mod_revision, grant) = self.grant(session.digest, token)?;
        if mod_revision == session.mod_revision {
            return Ok(false);
        }
        if grant.tenant != session.grant.tenant {
            return Err(Error::Forbidden {
                reason: "it now belongs to another tenant; send the request again".to_owned(),
            });
        }
        session.mod_revision = mod_revision;
        session.grant = grant;
        if let Some(access) = session.access {
            session.require(access)?;
        }
        Ok(true)
    }
}

impl From<TransactError> for Error {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Store(error) => from_kv(&error),
            TransactError::Refused(error) => error,
        }
    }
}

/// What a client hears of a failure of the store. What the store said stays
/// inside: see [`Trace::fault`].
pub(crate) fn from_kv(error: &KvError) -> Error {
    match &error.kind {
        KvErrorKind::Unavailable(_) => Error::Unavailable {
            reason: UNAVAILABLE,
        },
        KvErrorKind::Compacted => Error::Unavailable { reason: COMPACTED },
        KvErrorKind::TooLarge(_) => Error::ChangeTooLarge {
            what: "its size in bytes".to_owned(),
            limit: STORE_REQUEST_BYTES,
        },
        KvErrorKind::Refused(_) => Error::Internal {
            reason: "the store refused a request".to_owned(),
        },
    }
}

/// Whether an error says that the store did not answer.
pub(crate) fn is_away(error: &Error) -> bool {
    matches!(error, Error::Unavailable { reason } if *reason == UNAVAILABLE)
}

/// The store answered in a form that the request does not have.
pub(crate) fn unexpected_reply() -> Error {
    Error::Internal {
        reason: "the store's reply does not fit the request".to_owned(),
    }
}
