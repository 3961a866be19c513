//! Mutations: services that are wrong in one way each, to show that the simulation
//! would notice. None is in the service's own code: between it and its store stands one
//! who changes what is said, as it would be said had that line been forgotten.

use crate::edge::Network;
use directory::kv::{
    Compare, CompareResult, CompareTarget, Kv, KvError, LeaseId, Op, OpReply, Outcome, Range,
    RangeReply, Txn, TxnReply,
};
use etcd_kv::EtcdKv;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Waker};

/// Something that is wrong with the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// No transaction compares keys that hold this.
    DropCompare(&'static str),
    /// No transaction compares that a record is as it was read: of the kind of this.
    DropUnchanged(&'static str),
    /// Who is let into a group need not exist any more.
    DropMemberExists,
    /// A write that is sent again tells of itself by another event.
    FreshEvent,
    /// A write is taken for made when its reply is lost.
    AssumeApplied,
    /// A write is taken for made when it was refused.
    IgnoreConflict,
    /// A write is answered as it is sent.
    AnswerBeforeCommit,
    /// Keys that hold this are not put.
    DropPut(&'static str),
    /// Keys that hold this are not deleted.
    DropDelete(&'static str),
    /// Members are written by a transaction of their own.
    MembersApart,
    /// The event is written by a transaction of its own.
    EventApart,
    /// Every read is of the newest state.
    DropRevision,
    /// Reads are of the state that the edge saw last.
    StaleReads,
    /// What is to vanish has no lease.
    DropLease,
    /// Names are put for the other tenant as well.
    OtherTenant,
    /// What is staged is the group's from the beginning.
    ShowStaged,
}

impl Mutation {
    /// All that are tried.
    pub const ALL: [Self; 36] = [
        Self::DropCompare("/user-name/"),
        Self::DropCompare("/group-name/"),
        Self::DropCompare("/group-touch/"),
        Self::DropCompare("/member-of/"),
        Self::DropCompare("scim/token/"),
        Self::DropCompare("/event/"),
        Self::DropUnchanged("/user/"),
        Self::DropUnchanged("/group/"),
        Self::DropMemberExists,
        Self::FreshEvent,
        Self::AssumeApplied,
        Self::IgnoreConflict,
        Self::AnswerBeforeCommit,
        Self::DropPut("/user-name/"),
        Self::DropPut("/user-external/"),
        Self::DropPut("/user-email/"),
        Self::DropPut("/group-name/"),
        Self::DropPut("/group-external/"),
        Self::DropPut("/group-touch/"),
        Self::DropPut("/member/"),
        Self::DropPut("/member-of/"),
        Self::DropPut("/event/"),
        Self::DropPut("/last-event"),
        Self::DropDelete("/user-name/"),
        Self::DropDelete("/member-of/"),
        Self::MembersApart,
        Self::EventApart,
        Self::DropRevision,
        Self::StaleReads,
        Self::DropLease,
        Self::OtherTenant,
        Self::ShowStaged,
        Self::DropCompare("/group-generation/"),
        Self::DropPut("/group-generation/"),
        Self::DropPut("scim/unused/"),
        Self::DropCompare("scim/unused/"),
    ];
}

/// The store, as a service that is wrong would use it.
#[derive(Debug)]
pub(crate) struct MutantKv {
    inner: EtcdKv<Network>,
    mutation: Option<Mutation>,
    /// The events that were sent.
    sent: RefCell<BTreeSet<Vec<u8>>>,
    /// The newest revision that was seen.
    seen: Cell<i64>,
}

impl MutantKv {
    pub(crate) fn new(inner: EtcdKv<Network>, mutation: Option<Mutation>) -> Self {
        Self {
            inner,
            mutation,
            sent: RefCell::default(),
            seen: Cell::new(0),
        }
    }

    /// What is sent in place of a transaction, and what is sent when that is done.
    fn mutate(&self, txn: &mut Txn) -> Option<Txn> {
        match self.mutation? {
            Mutation::DropCompare(holding) => each(txn, &mut |txn| {
                txn.compares.retain(|compare| !holds(&compare.key, holding));
            }),
            Mutation::DropUnchanged(holding) => each(txn, &mut |txn| {
                txn.compares.retain(|compare| {
                    let of_revision = matches!(compare.target, CompareTarget::ModRevision(_));
                    !(of_revision && holds(&compare.key, holding))
                });
            }),
            Mutation::DropMemberExists => {
                for op in &mut txn.then {
                    if let Op::Txn(nested) = op {
                        each(nested, &mut |txn| {
                            txn.compares.retain(|one| !is_present(one));
                        });
                    }
                }
            }
            Mutation::FreshEvent => self.freshen(txn),
            Mutation::DropPut(holding) => {
                replace(
                    txn,
                    &|op| matches!(op, Op::Put { key, .. } if holds(key, holding)),
                );
            }
            Mutation::DropDelete(holding) => {
                replace(
                    txn,
                    &|op| matches!(op, Op::Delete { key, .. } if holds(key, holding)),
                );
            }
            Mutation::MembersApart => {
                return apart(
                    txn,
                    |op| matches!(op, Op::Txn(nested) if nested.then.iter().any(writes_member)),
                );
            }
            Mutation::EventApart => {
                return apart(
                    txn,
                    |op| matches!(op, Op::Put { key, .. } if holds(key, "/event/")),
                );
            }
            Mutation::DropRevision => each_range(txn, &|range| range.revision = 0),
            Mutation::StaleReads if !txn.then.iter().any(|op| matches!(op, Op::Put { .. })) => {
                let seen = self.seen.get();
                for op in &mut txn.then {
                    if let Op::Range(range) = op
                        && range.revision == 0
                    {
                        range.revision = seen;
                    }
                }
            }
            Mutation::DropLease => each(txn, &mut |txn| {
                for op in &mut txn.then {
                    if let Op::Put { lease, .. } = op {
                        *lease = LeaseId::default();
                    }
                }
            }),
            Mutation::OtherTenant => {
                let named = txn.then.iter().find_map(|op| match op {
                    Op::Put { key, value, .. } if holds(key, "/acme/user-name/") => {
                        let key = String::from_utf8_lossy(key).replace("/acme/", "/other/");
                        Some(Op::put(key, value.clone()))
                    }
                    _ => None,
                });
                // In front of it, the replies to the others would move.
                if let (Some(put), Some(Op::Put { key, value, .. })) = (named, txn.then.first()) {
                    let event = Op::put(key.clone(), value.clone());
                    txn.then[0] = Op::Txn(Txn {
                        then: vec![event, put],
                        ..Txn::default()
                    });
                }
            }
            Mutation::ShowStaged => {
                let shown = txn.then.iter().find_map(shown);
                txn.then.extend(shown);
            }
            Mutation::AssumeApplied
            | Mutation::IgnoreConflict
            | Mutation::AnswerBeforeCommit
            | Mutation::StaleReads => {}
        }
        None
    }

    /// Gives an event that was sent before another id.
    fn freshen(&self, txn: &mut Txn) {
        let Some(event) = event(txn).map(<[u8]>::to_vec) else {
            return;
        };
        if self.sent.borrow_mut().insert(event.clone()) {
            return;
        }
        let mut fresh = event.clone();
        while !self.sent.borrow_mut().insert(fresh.clone()) {
            fresh.push(b'x');
        }
        for compare in &mut txn.compares {
            if compare.key == event {
                compare.key.clone_from(&fresh);
            }
        }
        for op in txn.then.iter_mut().chain(&mut txn.otherwise) {
            match op {
                Op::Put { key, .. } | Op::Range(Range { key, .. }) if *key == event => {
                    key.clone_from(&fresh);
                }
                _ => {}
            }
        }
    }
}

impl Kv for MutantKv {
    async fn range(&self, range: Range) -> Result<RangeReply, KvError> {
        self.inner.range(range).await
    }

    async fn txn(&self, mut txn: Txn) -> Result<TxnReply, KvError> {
        let after = self.mutate(&mut txn);
        let writes = event(&txn).is_some();
        if self.mutation == Some(Mutation::AnswerBeforeCommit) && writes {
            let call = pin!(self.inner.txn(txn.clone()));
            // Sent, and not waited for.
            let _ = call.poll(&mut Context::from_waker(Waker::noop()));
            return Ok(made(&txn, self.seen.get() + 1));
        }
        let reply = self.inner.txn(txn.clone()).await;
        match (self.mutation, &reply) {
            (Some(Mutation::AssumeApplied), Err(error))
                if error.outcome == Outcome::Unknown && writes =>
            {
                return Ok(made(&txn, self.seen.get() + 1));
            }
            (Some(Mutation::IgnoreConflict), Ok(reply)) if !reply.succeeded && writes => {
                return Ok(made(&txn, reply.revision));
            }
            _ => {}
        }
        let reply = reply?;
        self.seen.set(self.seen.get().max(reply.revision));
        if let Some(after) = after.filter(|_| reply.succeeded) {
            self.inner.txn(after).await?;
        }
        Ok(reply)
    }

    async fn grant_lease(&self, ttl_seconds: i64) -> Result<LeaseId, KvError> {
        self.inner.grant_lease(ttl_seconds).await
    }
}

fn holds(key: &[u8], part: &str) -> bool {
    key.windows(part.len())
        .any(|window| window == part.as_bytes())
}

/// Whether a compare is that a user or group is there.
fn is_present(compare: &Compare) -> bool {
    (holds(&compare.key, "/user/") || holds(&compare.key, "/group/"))
        && compare.result == CompareResult::Greater
        && compare.target == CompareTarget::CreateRevision(0)
}

/// The key of the event that a transaction writes.
fn event(txn: &Txn) -> Option<&[u8]> {
    match txn.then.first()? {
        Op::Put { key, .. } if holds(key, "/event/") => Some(key),
        _ => None,
    }
}

/// What makes a generation the group's that is about to be staged.
fn shown(op: &Op) -> Option<Op> {
    let Op::Put { key, value, .. } = op else {
        return None;
    };
    let record: Value = serde_json::from_slice(value).ok()?;
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let is_staged = holds(key, "scim/unused/") && text("state") == "staged";
    is_staged.then(|| {
        let key = format!("scim/{}/group-generation/{}", text("tenant"), text("group"));
        Op::put(key, record["generation"].to_string())
    })
}

fn writes_member(op: &Op) -> bool {
    match op {
        Op::Put { key, .. } | Op::Delete { key, .. } => holds(key, "/member/"),
        Op::Txn(nested) => nested.then.iter().any(writes_member),
        Op::Range(_) => false,
    }
}

/// Does something to a transaction and to all within it.
fn each(txn: &mut Txn, change: &mut dyn FnMut(&mut Txn)) {
    change(txn);
    for op in txn.then.iter_mut().chain(&mut txn.otherwise) {
        if let Op::Txn(nested) = op {
            each(nested, change);
        }
    }
}

fn each_range(txn: &mut Txn, change: &dyn Fn(&mut Range)) {
    each(txn, &mut |txn| {
        for op in txn.then.iter_mut().chain(&mut txn.otherwise) {
            if let Op::Range(range) = op {
                change(range);
            }
        }
    });
}

/// What does nothing, and has a reply in its place.
fn nothing() -> Op {
    Op::Txn(Txn::default())
}

fn replace(txn: &mut Txn, which: &dyn Fn(&Op) -> bool) {
    each(txn, &mut |txn| {
        for op in &mut txn.then {
            if which(op) {
                *op = nothing();
            }
        }
    });
}

/// Takes operations out into a transaction of their own.
fn apart(txn: &mut Txn, which: impl Fn(&Op) -> bool) -> Option<Txn> {
    event(txn)?;
    let mut then = Vec::new();
    for op in &mut txn.then {
        if which(op) {
            then.push(std::mem::replace(op, nothing()));
        }
    }
    (!then.is_empty()).then(|| Txn {
        then,
        ..Txn::default()
    })
}

/// The reply to a transaction whose compares hold, but for what it reads.
fn made(txn: &Txn, revision: i64) -> TxnReply {
    let replies = txn.then.iter().map(|op| match op {
        Op::Range(_) => OpReply::Range(RangeReply::default()),
        Op::Put { .. } => OpReply::Put,
        Op::Delete { .. } => OpReply::Delete(1),
        Op::Txn(nested) => OpReply::Txn(made(nested, revision)),
    });
    TxnReply {
        revision,
        succeeded: true,
        replies: replies.collect(),
    }
}
