//! Generations that no group has: being written, given up, or replaced. Each has a
//! record until the last of its keys is gone, so that whoever comes along can clean
//! up after a writer that died.
//!
//! ```text
//! staged ──── commit ───▶ unused: the generation that the group had before
//!    └── time is up ────▶ unused: itself
//! unused ── claimed, cleaned up page by page ──▶ no record
//! ```
//!
//! The writer compares the record's revision in all that it writes. So when somebody
//! else has written it, the writer can do nothing more, whatever its clock says.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::generation::Generation;
use crate::keys::{self, Keys, Kind};
use crate::kv::{Compare, KeyValue, Kv, KvError, Op, Range, Txn};
use crate::pack;
use scim::Error;
use serde::{Deserialize, Serialize};

/// How long a writer has from one sign of life to the next.
const STAGED_MILLIS: u64 = 120_000;

/// How long whoever cleans up is left alone by the others.
const CLAIMED_MILLIS: u64 = 30_000;

/// How many members are cleaned up in one transaction.
const PAGE: i64 = 1_000;

/// How many records are looked at to find one whose time has come.
const RECORDS: i64 = 50;

/// The record of a generation that no group has.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unused {
    tenant: String,
    group: String,
    generation: String,
    state: State,
    /// From when on whoever comes along cleans it up.
    until: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// Somebody writes it, and will make it a group's.
    Staged,
    /// It will never be a group's.
    Unused,
}

impl Unused {
    /// That a generation is being written.
    pub(crate) fn staged(tenant: &str, group: &str, generation: &Generation, now: u64) -> Self {
        Self::new(
            tenant,
            group,
            generation,
            State::Staged,
            now + STAGED_MILLIS,
        )
    }

    /// That a generation can be cleaned up.
    pub(crate) fn due(tenant: &str, group: &str, generation: &Generation, now: u64) -> Self {
        Self::new(tenant, group, generation, State::Unused, now)
    }

    fn new(tenant: &str, group: &str, generation: &Generation, state: State, until: u64) -> Self {
        Self {
            tenant: tenant.to_owned(),
            group: group.to_owned(),
            generation: generation.as_str().to_owned(),
            state,
            until: time(until),
        }
    }

    /// The value of its record.
    ///
    /// # Errors
    /// [`Error::Internal`], which does not happen.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|e| Error::Internal {
            reason: e.to_string(),
        })
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Cleans up one generation that no group has, if there is one whose time has
    /// come: what a large change replaced, or what a writer left that died. Whoever
    /// has the time may call it, as often as it likes; a second between two calls is
    /// often enough. Each of its calls of the store does a bounded piece of work.
    /// Returns whether there was something to do.
    ///
    /// # Errors
    /// [`KvError`]; what is left is done next time, here or elsewhere.
    pub async fn sweep(&self) -> Result<bool, KvError> {
        let records = Range {
            limit: RECORDS,
            ..Range::prefix(keys::unused(&self.config.prefix, ""))
        };
        let now = self.clock.now_millis();
        let records = self.kv.range(records).await?.kvs;
        let due = records.into_iter().find_map(|kv| {
            // One that cannot be read is left to people.
            let unused: Unused = serde_json::from_slice(&kv.value).ok()?;
            (unused.until <= time(now)).then_some((kv, unused))
        });
        match due {
            Some((kv, unused)) => self.clean_up(kv, unused).await,
            None => Ok(false),
        }
    }

    async fn clean_up(&self, record: KeyValue, unused: Unused) -> Result<bool, KvError> {
        let claimed = Unused {
            state: State::Unused,
            until: time(self.clock.now_millis() + CLAIMED_MILLIS),
            ..unused
        };
        let Ok(value) = claimed.to_json() else {
            return Ok(false);
        };
        let put = Op::put(record.key.clone(), value);
        let unchanged = Compare::unchanged(record.key.clone(), record.mod_revision);
        let reply = self.kv.txn(once(unchanged, vec![put])).await?;
        if !reply.succeeded {
            return Ok(true);
        }
        let ours = Compare::unchanged(record.key.clone(), reply.revision);

        let keys = Keys::new(&self.config.prefix, &claimed.tenant);
        let generation = Generation::named(&claimed.generation);
        let members = Range {
            keys_only: true,
            limit: PAGE,
            ..Range::prefix(keys.members(&claimed.group, &generation))
        };
        loop {
            let page = self.kv.range(members.clone()).await?;
            let Some(last) = page.kvs.last() else {
                break;
            };
            let ids = page.kvs.iter().filter_map(|kv| keys::last_segment(&kv.key));
            let reverse =
                ids.map(|id| Op::delete(keys.member_of(&id, &claimed.group, &generation)));
            let mut end = last.key.clone();
            end.push(0);
            let mut ops = vec![Op::Delete {
                key: members.key.clone(),
                end: Some(end),
            }];
            if pack::append(&mut ops, reverse.collect()).is_err() {
                return Ok(false);
            }
            if !self.kv.txn(once(ours.clone(), ops)).await?.succeeded {
                return Ok(true);
            }
        }
        // Whoever left a group that is gone may have touched it.
        let touch = Op::Txn(once(
            Compare::absent(keys.record(Kind::Group, &claimed.group)),
            vec![Op::delete(keys.group_touch(&claimed.group))],
        ));
        let done = vec![Op::delete(record.key), touch];
        self.kv.txn(once(ours, done)).await?;
        Ok(true)
    }
}

fn once(compare: Compare, then: Vec<Op>) -> Txn {
    Txn {
        compares: vec![compare],
        then,
        otherwise: Vec::new(),
    }
}

fn time(millis: u64) -> String {
    scim::datetime::format(i64::try_from(millis).unwrap_or(i64::MAX))
}
