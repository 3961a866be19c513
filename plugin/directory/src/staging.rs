//! Staging: how a list of members is written that is too large for one transaction.
//! It goes, part by part, below a generation that is no group's, and is in nobody's
//! sight until the commit makes it the group's.
//!
//! A part may be sent twice, when its reply was lost, and come late. So the parts of
//! a round compare the revision of the generation's record, which begins the round.

use crate::Directory;
use crate::commit::{Attempts, Change, Event};
use crate::environment::{Clock, Entropy};
use crate::generation::Generation;
use crate::join::join_all;
use crate::keys;
use crate::kv::{Compare, Kv, Op, OpReply, Range, Txn};
use crate::memberships::{List, Member, Members, joined};
use crate::pack;
use crate::session::{Session, from_kv, unexpected_reply};
use crate::unused::Unused;
use scim::Error;

/// How many parts are under way at a time.
const AT_A_TIME: usize = 4;

/// One operation on a group, over all its attempts.
#[derive(Debug)]
pub(crate) struct GroupWrite<'r> {
    pub(crate) event: Event<'r>,
    pub(crate) attempts: Attempts,
    /// What of it is staged.
    pub(crate) stage: Option<Stage>,
}

/// A generation that is being written.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) generation: Generation,
    /// Who is in it.
    pub(crate) members: Members,
    /// The revision of its record.
    revision: i64,
    /// Its record, as it is when nobody is to have the generation.
    unused: Unused,
}

impl<'r> GroupWrite<'r> {
    pub(crate) fn new(event: Event<'r>) -> Self {
        Self {
            event,
            attempts: Attempts::default(),
            stage: None,
        }
    }
}

impl Stage {
    /// Adds to a change what makes the generation the group's, and leaves the one it
    /// had before, if it had one, to be cleaned up.
    ///
    /// # Errors
    /// [`Error::Internal`], which does not happen.
    pub(crate) fn switch(
        &self,
        prefix: &str,
        list: List<'_>,
        before: Option<Unused>,
        change: &mut Change,
    ) -> Result<(), Error> {
        let record = keys::unused(prefix, self.generation.as_str());
        let unchanged = Compare::unchanged(record.clone(), self.revision);
        change.compares.push(unchanged);
        change
            .ops
            .push(self.generation.switch(list.keys, list.group));
        change.ops.push(match before {
            Some(before) => Op::put(record, before.to_json()?),
            None => Op::delete(record),
        });
        Ok(())
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Writes a list of members where nobody sees it: all of it the first time, and
    /// what has become different since when the operation starts again. Of members
    /// that are gone by then, [`Stage::members`] tells.
    ///
    /// # Errors
    /// [`Error::ChangeTooLarge`] for one member that is too large;
    /// [`Error::Unavailable`], also when it took longer than it may.
    pub(crate) async fn stage(
        &self,
        session: &mut Session<'_>,
        write: &mut GroupWrite<'_>,
        wanted: Members,
    ) -> Result<(), Error> {
        self.begin_round(session, write).await?;
        let group = write.event.resource.as_str();
        let Some(stage) = &mut write.stage else {
            return Ok(());
        };
        let changes = between(&stage.members, wanted);
        let keys = session.keys.clone();
        let list = List {
            keys: &keys,
            group,
            generation: &stage.generation,
        };
        let record = keys::unused(&self.config.prefix, stage.generation.as_str());
        let ours = Compare::unchanged(record, stage.revision);
        let mut rest: Vec<&[_]> = changes
            .chunks(self.config.limits.max_members_at_once)
            .rev()
            .collect();
        let mut result = Ok(());
        while !rest.is_empty() && result.is_ok() {
            let mut parts = Vec::with_capacity(AT_A_TIME);
            while parts.len() < AT_A_TIME
                && let Some(part) = rest.pop()
            {
                match self.part(list, &ours, part) {
                    Ok(txn) => parts.push((part, txn)),
                    Err(_) if part.len() > 1 => {
                        let (first, second) = part.split_at(part.len() / 2);
                        rest.extend([second, first]);
                    }
                    Err(error) => result = Err(error),
                }
            }
            let (parts, txns): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let replies = join_all(txns.into_iter().map(|txn| self.persist(txn))).await;
            for (part, (reply, sent)) in parts.into_iter().zip(replies) {
                session.trace.store_calls += sent;
                match reply {
                    Ok(reply) if reply.succeeded => {
                        enter(&mut stage.members, part, reply.replies);
                    }
                    Ok(_) => result = Err(took_too_long()),
                    Err(error) => {
                        session.trace.fault = Some(error.to_string());
                        result = Err(from_kv(&error));
                    }
                }
            }
        }
        result
    }

    /// Ends an operation: what it staged in vain can be cleaned up at once.
    pub(crate) async fn end_write<T>(
        &self,
        write: GroupWrite<'_>,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(stage) = write.stage
            && let Ok(value) = stage.unused.to_json()
        {
            let record = keys::unused(&self.config.prefix, stage.generation.as_str());
            let given_up = Txn {
                compares: vec![Compare::unchanged(record.clone(), stage.revision)],
                then: vec![Op::put(record, value)],
                otherwise: Vec::new(),
            };
            // If that fails, its time will run out.
            let _ = self.kv.txn(given_up).await;
        }
        result
    }

    /// Writes the record of the generation, for the first time or again.
    async fn begin_round(
        &self,
        session: &mut Session<'_>,
        write: &mut GroupWrite<'_>,
    ) -> Result<(), Error> {
        let (tenant, group) = (session.tenant(), write.event.resource.as_str());
        let generation = Generation::named(&write.event.id);
        let now = self.clock.now_millis();
        let unused = Unused::due(tenant, group, &generation, now);
        let staged = Unused::staged(tenant, group, &generation, now).to_json()?;
        let record = keys::unused(&self.config.prefix, generation.as_str());
        let before = write.stage.as_ref().map_or(0, |stage| stage.revision);
        let txn = Txn {
            compares: vec![
                Compare::unchanged(record.clone(), before),
                // A late copy of this would otherwise come after the commit, which takes the
                // record away, and have the group's members cleaned up.
                Compare::absent(session.keys.event(&write.event.id)),
            ],
            then: vec![Op::put(record.clone(), staged.clone())],
            otherwise: vec![Op::Range(Range::one(record))],
        };
        let (reply, _) = self.transact_surely(session, txn).await?;
        let revision = match (reply.succeeded, reply.replies.first()) {
            (true, _) => reply.revision,
            // The first reply was lost, or somebody has given the generation up.
            (false, Some(OpReply::Range(found))) => {
                let ours = found.kvs.first().filter(|kv| kv.value == staged);
                ours.map(|kv| kv.mod_revision).ok_or_else(took_too_long)?
            }
            (false, _) => return Err(unexpected_reply()),
        };
        match &mut write.stage {
            Some(stage) => stage.revision = revision,
            None => {
                write.stage = Some(Stage {
                    generation,
                    members: Members::new(),
                    revision,
                    unused,
                });
            }
        }
        Ok(())
    }

    /// The transaction that writes some of the changes.
    fn part(
        &self,
        list: List<'_>,
        ours: &Compare,
        changes: &[(String, Option<Member>)],
    ) -> Result<Txn, Error> {
        let mut ops = Vec::with_capacity(changes.len());
        for (id, state) in changes {
            ops.push(match state {
                Some(member) => list.join(id, member)?,
                None => list.leave(id),
            });
        }
        let mut then = Vec::new();
        pack::append(&mut then, ops)?;
        let txn = Txn {
            compares: vec![ours.clone()],
            then,
            otherwise: Vec::new(),
        };
        pack::check(&txn)?;
        Ok(txn)
    }
}

/// What makes one list of members the other.
fn between(before: &Members, wanted: Members) -> Vec<(String, Option<Member>)> {
    let gone = before.keys().filter(|id| !wanted.contains_key(*id));
    let mut changes: Vec<_> = gone.map(|id| (id.clone(), None)).collect();
    let new = wanted
        .into_iter()
        .filter(|(id, member)| before.get(id) != Some(member));
    changes.extend(new.map(|(id, member)| (id, Some(member))));
    changes
}

/// Notes what a part has written, by the replies to it.
fn enter(members: &mut Members, part: &[(String, Option<Member>)], replies: Vec<OpReply>) {
    let replies = pack::unpack(replies, part.len());
    for ((id, state), reply) in part.iter().zip(&replies) {
        match state {
            Some(member) if joined(reply) => members.insert(id.clone(), member.clone()),
            Some(_) | None => members.remove(id),
        };
    }
}

fn took_too_long() -> Error {
    Error::Unavailable {
        reason: "The change took longer than it may.",
    }
}
