//! What every write demands of the indexes that configurations ask for.
//!
//! A configuration changes, and not in all workers at once. So the store says of
//! each index whether it covers all records: its state is `built`, or how far it
//! is. A writer demands that all indexes of its configuration are built, and that
//! there is no state of an index that it does not know and would not maintain.
//! Where there is one, it takes the state away first, and whoever knows that index
//! has to build it anew. Both demands are compares of the write itself, so they
//! cost no call, and a look-up trusts what it finds.

use super::build::State;
use super::{check_claims, configured};
use crate::Directory;
use crate::commit::Change;
use crate::environment::{Clock, Entropy};
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, Kv, Op, Range, RangeReply, Txn};
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
use scim::gather::Gather as _;
use std::collections::BTreeSet;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Makes a change of a record rest on the state of the indexes.
    pub(crate) fn demand_indexes(&self, keys: &Keys, kind: Kind<'_>, change: &mut Change) {
        let states = keys.index_states(kind);
        let mut gap = states.clone();
        let known = configured(&self.registry, kind);
        let known: BTreeSet<Vec<u8>> = known
            .iter()
            .map(|(_, name)| keys.index_state(kind, name))
            .gather();
        for state in known {
            change
                .compares
                .push(Compare::nothing_between(gap, state.clone()));
            gap = state.clone();
            gap.push(0);
            change.compares.push(Compare::value(state, State::BUILT));
        }
        let end = crate::kv::prefix_end(&states);
        change.compares.push(Compare::nothing_between(gap, end));
        change.explain.push(Range {
            limit: PAGE,
            ..Range::prefix(states)
        });
    }

    /// Finds out why a change met a conflict, and sees to what can be seen to, for
    /// it to be tried again.
    ///
    /// # Errors
    /// [`Error::NotUnique`] when another resource has a value that it claims,
    /// [`Error::Unavailable`].
    pub(crate) async fn after_conflict(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        change: &Change,
        explained: &[RangeReply],
    ) -> Result<(), Error> {
        check_claims(&self.registry, id, change, explained)?;
        let Some(states) = explained.get(change.claims.len()) else {
            return Ok(());
        };
        let known: Vec<Vec<u8>> = configured(&self.registry, kind)
            .iter()
            .map(|(_, name)| session.keys.index_state(kind, name))
            .collect();
        let unknown = states.kvs.iter().filter(|kv| !known.contains(&kv.key));
        let forget: Vec<Op> = unknown.map(|kv| Op::delete(kv.key.clone())).collect();
        if !forget.is_empty() {
            let txn = Txn {
                then: forget,
                ..Txn::default()
            };
            self.transact(session, txn).await?;
        }
        let built = states.kvs.iter().filter(|kv| kv.value == State::BUILT);
        if built.filter(|kv| known.contains(&kv.key)).count() < known.len() {
            self.build_indexes(session, kind).await?;
        }
        Ok(())
    }
}
