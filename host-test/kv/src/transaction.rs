//! One writing call, within the group that will be committed: its view of the
//! store, which includes its own writes, and what it may change.

use std::sync::{Arc, RwLockWriteGuard};

use etcd_proto::event::EventType;
use etcd_proto::{
    DeleteRangeRequest, DeleteRangeResponse, Event, KeyValue, PutRequest, PutResponse, TxnRequest,
    TxnResponse,
};

use crate::disk::Tables;
use crate::failure::Failure;
use crate::index::{Index, Revision};
use crate::interval::Interval;
use crate::lessor::Lessor;
use crate::ops::{View, header};
use crate::state::{Commit, State};
use crate::txn;

/// All that one call writes has one revision: the next after `begin`.
#[derive(Debug)]
pub(crate) struct Transaction<'a, 'txn> {
    state: RwLockWriteGuard<'a, State>,
    tables: &'a mut Tables<'txn>,
    pub(crate) lessor: &'a mut Lessor,
    begin: i64,
    events: Vec<Event>,
    bytes: usize,
}

impl View for Transaction<'_, '_> {
    fn index(&self) -> &Index {
        &self.state.index
    }

    fn current(&self) -> i64 {
        if self.events.is_empty() {
            self.begin
        } else {
            self.begin + 1
        }
    }

    fn compacted(&self) -> i64 {
        self.state.compacted
    }

    fn record(&self, revision: Revision) -> Result<KeyValue, Failure> {
        self.tables.record(revision)
    }
}

impl<'a, 'txn> Transaction<'a, 'txn> {
    pub(crate) fn begin(
        state: RwLockWriteGuard<'a, State>,
        tables: &'a mut Tables<'txn>,
        lessor: &'a mut Lessor,
    ) -> Self {
        let begin = state.applied;
        Self {
            state,
            tables,
            lessor,
            begin,
            events: Vec::new(),
            bytes: 0,
        }
    }

    /// Ends the call; tells watchers' news of it, if it wrote anything.
    pub(crate) fn end(mut self) -> Option<Arc<Commit>> {
        if self.events.is_empty() {
            return None;
        }
        let revision = self.current();
        self.state.applied = revision;
        Some(Arc::new(Commit {
            revision,
            events: self.events,
            bytes: self.bytes,
        }))
    }

    fn next_revision(&self) -> Revision {
        let sub = i64::try_from(self.events.len()).unwrap_or(i64::MAX);
        Revision {
            main: self.begin + 1,
            sub,
        }
    }

    fn note(&mut self, kind: EventType, record: KeyValue) {
        self.bytes += record.key.len() + record.value.len() + size_of::<Event>();
        self.events.push(Event {
            r#type: kind as i32,
            kv: Some(record),
            prev_kv: None,
        });
    }

    /// Puts one key.
    pub(crate) fn put(&mut self, request: &PutRequest) -> Result<PutResponse, Failure> {
        if request.lease != 0 && !self.lessor.contains(request.lease) {
            return Err(Failure::LeaseNotFound);
        }
        let needs_previous = request.prev_kv || request.ignore_value || request.ignore_lease;
        let previous = if needs_previous {
            self.get(&request.key)?
        } else {
            None
        };
        let (mut value, mut lease) = (request.value.clone(), request.lease);
        if request.ignore_value || request.ignore_lease {
            let previous = previous.as_ref().ok_or(Failure::KeyNotFound)?;
            if request.ignore_value {
                value.clone_from(&previous.value);
            }
            if request.ignore_lease {
                lease = previous.lease;
            }
        }
        let revision = self.next_revision();
        let found = self.state.index.put(&request.key, revision);
        let record = KeyValue {
            key: request.key.clone(),
            create_revision: found.created,
            mod_revision: revision.main,
            version: found.version,
            value,
            lease,
        };
        self.tables.insert(revision, &record)?;
        self.lessor.attach(&record.key, lease);
        self.note(EventType::Put, record);
        Ok(PutResponse {
            header: header(revision.main),
            prev_kv: previous.filter(|_| request.prev_kv),
        })
    }

    /// Deletes the keys of a range.
    pub(crate) fn delete(
        &mut self,
        request: &DeleteRangeRequest,
    ) -> Result<DeleteRangeResponse, Failure> {
        let interval = Interval::new(&request.key, &request.range_end);
        let doomed: Vec<_> = self
            .index()
            .range(&interval, self.current())
            .map(|(key, found)| (key.to_vec(), found.modified))
            .collect();
        let mut prev_kvs = Vec::new();
        for (_, modified) in doomed.iter().filter(|_| request.prev_kv) {
            prev_kvs.push(self.record(*modified)?);
        }
        let deleted = i64::try_from(doomed.len()).unwrap_or(i64::MAX);
        for (key, _) in doomed {
            self.delete_key(key)?;
        }
        Ok(DeleteRangeResponse {
            header: header(self.current()),
            deleted,
            prev_kvs,
        })
    }

    fn delete_key(&mut self, key: Vec<u8>) -> Result<(), Failure> {
        let revision = self.next_revision();
        self.state.index.delete(&key, revision);
        let mut record = KeyValue {
            key,
            ..KeyValue::default()
        };
        self.tables.insert(revision, &record)?;
        self.lessor.detach(&record.key);
        record.mod_revision = revision.main;
        self.note(EventType::Delete, record);
        Ok(())
    }

    /// Runs a transaction.
    pub(crate) fn txn(&mut self, request: &TxnRequest) -> Result<TxnResponse, Failure> {
        let branch = txn::choose(self, request)?;
        branch.check_writes(self, |lease| self.lessor.contains(lease))?;
        branch.check_reads(self)?;
        let mut response = branch.run(self)?;
        response.header = header(self.current());
        Ok(response)
    }

    /// Forgets history before `revision`, in memory and on the disk. The work
    /// is proportional to the changes since the last compaction: a key not
    /// changed since then has nothing more to forget.
    pub(crate) fn compact(&mut self, revision: i64) -> Result<(), Failure> {
        if revision <= self.state.compacted {
            return Err(Failure::Compacted);
        }
        if revision > self.state.applied {
            return Err(Failure::FutureRevision);
        }
        // The last compacted revision itself is looked at again: a deletion
        // there was kept.
        for key in self
            .tables
            .changed_keys(self.state.compacted.max(0), revision)?
        {
            for dropped in self.state.index.compact(&key, revision) {
                self.tables.remove(dropped)?;
            }
        }
        self.state.compacted = revision;
        self.tables.set_compacted(revision)
    }

    /// Grants a lease; `id` 0 lets the store choose. Answers id and time to live
    /// in seconds.
    pub(crate) fn grant(&mut self, id: i64, ttl: i64) -> Result<(i64, i64), Failure> {
        let (id, ttl) = self.lessor.grant(id, ttl)?;
        self.tables.insert_lease(id, ttl)?;
        Ok((id, ttl))
    }

    /// Ends a lease and deletes its keys.
    pub(crate) fn revoke(&mut self, id: i64) -> Result<(), Failure> {
        let keys = self.lessor.revoke(id)?;
        self.tables.remove_lease(id)?;
        keys.into_iter().try_for_each(|key| self.delete_key(key))
    }
}
