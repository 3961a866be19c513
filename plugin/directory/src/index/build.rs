//! Building the indexes that a configuration has added: from the records there
//! are, page by page. Any number of workers may do it at once, each page is done by
//! one of them, and what one leaves unfinished the next one goes on with.

use super::{configured, entries};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{Compare, KeyValue, Kv, Op, Range, Txn};
use crate::pack;
use crate::session::Session;
use scim::Error;

/// How many records are indexed in one transaction.
const PAGE: i64 = 100;

/// How many bytes the keys of a transaction may have, about; a record more is not
/// begun.
const BYTES: usize = 500_000;

/// The state of an index, as its key in the store has it.
#[derive(Debug)]
pub(super) struct State<'k> {
    key: Vec<u8>,
    /// The name of the index.
    name: &'k str,
    /// The revision of the key; zero when the index was not begun.
    revision: i64,
    /// The key of the last record that is in the index.
    after: Vec<u8>,
}

impl State<'_> {
    /// The value of the state of an index that covers all records. Until then it
    /// is the key of the last record that is covered.
    pub(super) const BUILT: &'static [u8] = b"built";
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Builds the indexes of a kind that are not built.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Internal`] for a damaged record.
    pub(super) async fn build_indexes(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
    ) -> Result<(), Error> {
        let indexes = configured(&self.registry, kind);
        loop {
            let ranges = indexes
                .iter()
                .map(|(_, name)| Range::one(session.keys.index_state(kind, name)));
            let replies = self.ranges(session, ranges.collect()).await?;
            let mut states = Vec::new();
            for ((_, name), reply) in indexes.iter().zip(replies) {
                let found = reply.kvs.into_iter().next();
                if found.as_ref().is_none_or(|kv| kv.value != State::BUILT) {
                    let KeyValue {
                        mod_revision,
                        value,
                        ..
                    } = found.unwrap_or_default();
                    states.push(State {
                        key: session.keys.index_state(kind, name),
                        name,
                        revision: mod_revision,
                        after: value,
                    });
                }
            }
            let begun = states.iter().all(|state| state.revision > 0);
            // Whether it came about or another worker was faster is read next.
            match states.first() {
                None => return Ok(()),
                Some(_) if !begun => self.begin_indexes(session, kind, states).await?,
                Some(_) => self.index_page(session, kind, states).await?,
            }
        }
    }

    /// Begins indexes, without what is left of earlier ones of the same name.
    async fn begin_indexes(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        states: Vec<State<'_>>,
    ) -> Result<(), Error> {
        let mut txn = Txn::default();
        for state in states.into_iter().filter(|state| state.revision == 0) {
            txn.then
                .push(Op::delete_prefix(session.keys.index_keys(kind, state.name)));
            txn.then
                .push(Op::put(state.key.clone(), session.keys.records(kind)));
            txn.compares.push(Compare::absent(state.key));
        }
        self.transact(session, txn).await?;
        Ok(())
    }

    /// Puts the keys of the next records, those that no writer has changed
    /// meanwhile: who does puts them itself.
    async fn index_page(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        states: Vec<State<'_>>,
    ) -> Result<(), Error> {
        let records = session.keys.records(kind);
        let mut key = states
            .iter()
            .map(|state| &state.after)
            .min()
            .cloned()
            .unwrap_or_default();
        if key != records {
            key.push(0);
        }
        let range = Range {
            key,
            limit: PAGE,
            ..Range::prefix(records)
        };
        let page = self.range(session, range).await?;

        let prefixes: Vec<Vec<u8>> = states
            .iter()
            .map(|state| session.keys.index_keys(kind, state.name))
            .collect();
        let mut puts = Vec::new();
        let mut bytes = 0;
        let mut reached = State::BUILT;
        for (i, record) in page.kvs.iter().enumerate() {
            let resource = self.decode(kind, record)?;
            let id = resource.text(self.registry.core().id).unwrap_or_default();
            let keys = entries(&self.registry, &session.keys, kind, id, &resource);
            let new = keys
                .into_iter()
                .filter(|(key, _)| prefixes.iter().any(|prefix| key.starts_with(prefix)));
            let then: Vec<Op> = new.map(|(key, value)| Op::put(key, value)).collect();
            bytes += then.iter().map(put_bytes).sum::<usize>();
            if !then.is_empty() {
                puts.push(Op::Txn(Txn {
                    compares: vec![Compare::unchanged(record.key.clone(), record.mod_revision)],
                    then,
                    otherwise: Vec::new(),
                }));
            }
            let is_last = i + 1 == page.kvs.len();
            if bytes > BYTES || is_last {
                if page.more || !is_last {
                    reached = &record.key;
                }
                break;
            }
        }
        let mut txn = Txn::default();
        for state in states {
            txn.compares
                .push(Compare::unchanged(state.key.clone(), state.revision));
            txn.then.push(Op::put(state.key, reached));
        }
        pack::append(&mut txn.then, puts)?;
        self.transact(session, txn).await?;
        Ok(())
    }
}

/// About how much room a put takes in a request.
fn put_bytes(op: &Op) -> usize {
    match op {
        Op::Put { key, .. } => key.len() + 32,
        Op::Range(_) | Op::Delete { .. } | Op::Txn(_) => 0,
    }
}
