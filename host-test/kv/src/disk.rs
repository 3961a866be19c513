//! The database file: the log of revisions, the leases, and what the file is.
//!
//! A record of the log is etcd's `mvccpb.KeyValue`, keyed by its revision; a
//! deletion is one without a version. One redb transaction, with one fsync,
//! carries all that a group of calls wrote.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use etcd_proto::KeyValue;
use prost::Message;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageError, Table, TableDefinition, WriteTransaction,
};

use crate::error::Error;
use crate::failure::Failure;
use crate::index::Revision;

/// (revision of the transaction, place within it) -> encoded `KeyValue`.
const LOG: TableDefinition<'_, (i64, i64), &[u8]> = TableDefinition::new("log");
/// Lease id -> granted time to live in seconds.
const LEASES: TableDefinition<'_, i64, i64> = TableDefinition::new("leases");
/// See the names below.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

const FORMAT: &str = "format";
const STORE_ID: &str = "store-id";
const COMPACTED: &str = "compacted";

/// The layout of the tables above. Raise it when an older program would
/// misread a newer file.
const CURRENT_FORMAT: u64 = 1;

/// The open database, which no other process can open meanwhile.
#[derive(Debug)]
pub(crate) struct Disk {
    database: Database,
}

/// What the file says when it is opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    /// Made up when the file was created: tells one store from another.
    pub(crate) store_id: u64,
    /// The revision up to which history is gone, if ever compacted.
    pub(crate) compacted: Option<i64>,
    /// (id, granted time to live in seconds).
    pub(crate) leases: Vec<(i64, i64)>,
}

impl Disk {
    /// Opens or creates the database file.
    pub(crate) fn open(path: &Path, cache_bytes: usize) -> Result<Opened, Error> {
        // Made here, because what is in it is its owner's business alone.
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        if let Err(source) = options.open(path) {
            return Err(Error::Folder {
                path: path.to_owned(),
                source,
            });
        }
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        Self::prepare(builder.create(path), path)
    }

    /// Opens a database on another medium; for tests that make it fail.
    #[cfg(test)]
    pub(crate) fn open_backend(backend: impl redb::StorageBackend) -> Result<Opened, Error> {
        let opened = Database::builder().create_with_backend(backend);
        Self::prepare(opened, Path::new("(backend)"))
    }

    fn prepare(opened: Result<Database, DatabaseError>, path: &Path) -> Result<Opened, Error> {
        let database = opened.map_err(|error| Error::open(path, error))?;
        let meta = Meta::read(&database).map_err(|failure| Error::Storage {
            path: path.to_owned(),
            failure,
        })?;
        if meta.format != CURRENT_FORMAT {
            let path = path.to_owned();
            return Err(Error::NewerFormat {
                path,
                found: meta.format,
                known: CURRENT_FORMAT,
            });
        }
        let Meta {
            store_id,
            compacted,
            leases,
            ..
        } = meta;
        Ok(Opened {
            disk: Self { database },
            store_id,
            compacted,
            leases,
        })
    }

    /// A view of the log as last committed.
    pub(crate) fn read(&self) -> Result<LogReader, Failure> {
        let transaction = self.database.begin_read().map_err(Failure::storage)?;
        let log = transaction.open_table(LOG).map_err(Failure::storage)?;
        Ok(LogReader { log })
    }

    /// Starts a transaction; there is one at a time.
    pub(crate) fn write(&self) -> Result<WriteTransaction, Failure> {
        self.database.begin_write().map_err(Failure::storage)
    }
}

/// All but the log.
struct Meta {
    format: u64,
    store_id: u64,
    compacted: Option<i64>,
    leases: Vec<(i64, i64)>,
}

impl Meta {
    /// Reads it; in a new file, makes it and the tables.
    fn read(database: &Database) -> Result<Self, redb::Error> {
        let transaction = database.begin_write()?;
        let found = {
            let mut meta = transaction.open_table(META)?;
            if meta.get(FORMAT)?.is_none() {
                meta.insert(FORMAT, CURRENT_FORMAT)?;
                meta.insert(STORE_ID, crate::random::id())?;
            }
            let read = |name| Ok::<_, redb::Error>(meta.get(name)?.map(|found| found.value()));
            transaction.open_table(LOG)?;
            let mut leases = Vec::new();
            for entry in transaction.open_table(LEASES)?.iter()? {
                let (id, ttl) = entry?;
                leases.push((id.value(), ttl.value()));
            }
            Self {
                format: read(FORMAT)?.unwrap_or(CURRENT_FORMAT),
                store_id: read(STORE_ID)?.unwrap_or(1),
                compacted: read(COMPACTED)?.and_then(|value| i64::try_from(value).ok()),
                leases,
            }
        };
        // A file of another format is left as it is.
        if found.format == CURRENT_FORMAT {
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        Ok(found)
    }
}

/// Reads records that are on the disk.
#[derive(Debug)]
pub(crate) struct LogReader {
    log: ReadOnlyTable<(i64, i64), &'static [u8]>,
}

impl LogReader {
    /// The record of one change.
    pub(crate) fn record(&self, revision: Revision) -> Result<KeyValue, Failure> {
        record(&self.log, revision)
    }

    /// Bytes of keys and values in the log. Walks the whole of it.
    pub(crate) fn stored_bytes(&self) -> Result<u64, Failure> {
        Ok(self.log.stats().map_err(Failure::storage)?.stored_bytes())
    }

    /// The records from revision `from` to `to`, both included, in order.
    pub(crate) fn records(
        &self,
        from: i64,
        to: i64,
    ) -> Result<impl Iterator<Item = Result<(Revision, KeyValue), Failure>>, Failure> {
        let entries = self
            .log
            .range((from, 0)..=(to, i64::MAX))
            .map_err(Failure::storage)?;
        Ok(entries.map(|entry| {
            let (key, value) = entry.map_err(Failure::storage)?;
            let (main, sub) = key.value();
            Ok((Revision { main, sub }, decode(value.value())?))
        }))
    }
}

/// The tables, open for one group of calls.
pub(crate) struct Tables<'txn> {
    log: Table<'txn, (i64, i64), &'static [u8]>,
    leases: Table<'txn, i64, i64>,
    meta: Table<'txn, &'static str, u64>,
    /// Whether anything was written.
    dirty: bool,
}

impl std::fmt::Debug for Tables<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables")
            .field("dirty", &self.dirty)
            .finish_non_exhaustive()
    }
}

impl<'txn> Tables<'txn> {
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Result<Self, Failure> {
        Ok(Self {
            log: transaction.open_table(LOG).map_err(Failure::storage)?,
            leases: transaction.open_table(LEASES).map_err(Failure::storage)?,
            meta: transaction.open_table(META).map_err(Failure::storage)?,
            dirty: false,
        })
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    pub(crate) fn record(&self, revision: Revision) -> Result<KeyValue, Failure> {
        record(&self.log, revision)
    }

    pub(crate) fn insert(&mut self, revision: Revision, record: &KeyValue) -> Result<(), Failure> {
        self.dirty = true;
        let bytes = record.encode_to_vec();
        self.log
            .insert((revision.main, revision.sub), bytes.as_slice())
            .map_err(Failure::storage)?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, revision: Revision) -> Result<(), Failure> {
        self.dirty = true;
        self.log
            .remove((revision.main, revision.sub))
            .map_err(Failure::storage)?;
        Ok(())
    }

    /// The keys changed from revision `from` to `to`, both included.
    pub(crate) fn changed_keys(&self, from: i64, to: i64) -> Result<Vec<Vec<u8>>, Failure> {
        let entries = self
            .log
            .range((from, 0)..=(to, i64::MAX))
            .map_err(Failure::storage)?;
        let mut keys = Vec::new();
        for entry in entries {
            let (_, value) = entry.map_err(Failure::storage)?;
            keys.push(decode(value.value())?.key);
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    pub(crate) fn set_compacted(&mut self, revision: i64) -> Result<(), Failure> {
        self.dirty = true;
        let value = u64::try_from(revision).unwrap_or(0);
        self.meta
            .insert(COMPACTED, value)
            .map_err(Failure::storage)?;
        Ok(())
    }

    pub(crate) fn insert_lease(&mut self, id: i64, ttl: i64) -> Result<(), Failure> {
        self.dirty = true;
        self.leases.insert(id, ttl).map_err(Failure::storage)?;
        Ok(())
    }

    pub(crate) fn remove_lease(&mut self, id: i64) -> Result<(), Failure> {
        self.dirty = true;
        self.leases.remove(id).map_err(Failure::storage)?;
        Ok(())
    }
}

fn record(
    log: &impl ReadableTable<(i64, i64), &'static [u8]>,
    revision: Revision,
) -> Result<KeyValue, Failure> {
    let found = log
        .get((revision.main, revision.sub))
        .map_err(Failure::storage)?;
    let Some(bytes) = found else {
        let text = format!("no record at revision {}.{}", revision.main, revision.sub);
        return Err(Failure::storage(StorageError::Corrupted(text)));
    };
    decode(bytes.value())
}

fn decode(bytes: &[u8]) -> Result<KeyValue, Failure> {
    KeyValue::decode(bytes)
        .map_err(|error| Failure::storage(StorageError::Corrupted(error.to_string())))
}
