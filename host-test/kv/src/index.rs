//! The key index, in memory: for each key the revisions at which it was written,
//! in generations as etcd keeps them. A generation runs from the creation of a
//! key to its deletion; versions count within it. Values stay on the disk.

use std::collections::BTreeMap;

use etcd_proto::KeyValue;

use crate::interval::Interval;

/// One change: the revision of its transaction, and its place within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Revision {
    pub(crate) main: i64,
    pub(crate) sub: i64,
}

/// A live key as of some revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where its record is; `main` is the key's `mod_revision`.
    pub(crate) modified: Revision,
    /// The key's `create_revision`.
    pub(crate) created: i64,
    pub(crate) version: i64,
}

/// All keys with their histories.
#[derive(Debug, Default)]
pub(crate) struct Index {
    keys: BTreeMap<Vec<u8>, History>,
}

impl Index {
    /// The key as of revision `at`, unless it did not exist then.
    pub(crate) fn find(&self, key: &[u8], at: i64) -> Option<Found> {
        self.keys.get(key)?.at(at)
    }

    /// The keys of `interval` that existed at revision `at`, in order.
    pub(crate) fn range<'a>(
        &'a self,
        interval: &Interval,
        at: i64,
    ) -> impl Iterator<Item = (&'a [u8], Found)> {
        let keys = if interval.is_empty() {
            None
        } else {
            Some(self.keys.range::<[u8], _>(interval.bounds()))
        };
        keys.into_iter()
            .flatten()
            .filter_map(move |(key, history)| Some((key.as_slice(), history.at(at)?)))
    }

    /// Notes a put and tells what the key is afterwards.
    pub(crate) fn put(&mut self, key: &[u8], revision: Revision) -> Found {
        match self.keys.get_mut(key) {
            Some(history) => history.put(revision),
            None => self.keys.entry(key.to_vec()).or_default().put(revision),
        }
    }

    /// Notes the deletion of a key that exists.
    pub(crate) fn delete(&mut self, key: &[u8], revision: Revision) {
        if let Some(history) = self.keys.get_mut(key) {
            history.delete(revision);
        }
    }

    /// Forgets what no read at `at` or later can see of `key`, and returns the
    /// revisions whose records are no longer needed. A deletion at `at` itself
    /// is kept, so that a watch from there still reports it.
    pub(crate) fn compact(&mut self, key: &[u8], at: i64) -> Vec<Revision> {
        let Some(history) = self.keys.get_mut(key) else {
            return Vec::new();
        };
        let dropped = history.compact(at);
        if history.generations.is_empty() {
            self.keys.remove(key);
        }
        dropped
    }

    /// Takes in one record of the log, in order of revision, when opening.
    pub(crate) fn restore(&mut self, record: KeyValue, revision: Revision) {
        let history = self.keys.entry(record.key).or_default();
        if record.version == 0 {
            history.delete(revision);
        } else {
            history.restore(record.create_revision, record.version, revision);
        }
    }

    /// How many keys there are, deleted ones with history included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[derive(Debug, Default)]
struct History {
    generations: Vec<Generation>,
}

#[derive(Debug)]
struct Generation {
    created: i64,
    /// The version at `revisions[0]`; more than 1 after a compaction.
    first_version: i64,
    /// Ascending, never empty. The last is a deletion if `deleted`.
    revisions: Vec<Revision>,
    deleted: bool,
}

impl Generation {
    fn new(created: i64, first_version: i64, revision: Revision) -> Self {
        Self {
            created,
            first_version,
            revisions: vec![revision],
            deleted: false,
        }
    }

    fn starts_by(&self, at: i64) -> bool {
        self.revisions.first().is_some_and(|first| first.main <= at)
    }

    /// The newest change at or before `at`, by its place.
    fn position(&self, at: i64) -> Option<usize> {
        self.revisions
            .partition_point(|revision| revision.main <= at)
            .checked_sub(1)
    }

    fn is_deletion(&self, position: usize) -> bool {
        self.deleted && position + 1 == self.revisions.len()
    }

    fn found(&self, position: usize) -> Option<Found> {
        Some(Found {
            modified: *self.revisions.get(position)?,
            created: self.created,
            version: self
                .first_version
                .saturating_add(i64::try_from(position).ok()?),
        })
    }
}

impl History {
    fn at(&self, at: i64) -> Option<Found> {
        // Generations do not overlap: the last one begun by `at` decides.
        let generation = self
            .generations
            .iter()
            .rev()
            .find(|one| one.starts_by(at))?;
        let position = generation.position(at)?;
        if generation.is_deletion(position) {
            return None;
        }
        generation.found(position)
    }

    fn put(&mut self, revision: Revision) -> Found {
        if let Some(generation) = self.generations.last_mut()
            && !generation.deleted
        {
            generation.revisions.push(revision);
            let versions = i64::try_from(generation.revisions.len()).unwrap_or(i64::MAX);
            return Found {
                modified: revision,
                created: generation.created,
                version: generation.first_version.saturating_add(versions - 1),
            };
        }
        self.generations
            .push(Generation::new(revision.main, 1, revision));
        Found {
            modified: revision,
            created: revision.main,
            version: 1,
        }
    }

    fn delete(&mut self, revision: Revision) {
        match self.generations.last_mut() {
            Some(generation) if !generation.deleted => {
                generation.revisions.push(revision);
                generation.deleted = true;
            }
            // A compaction left only the deletion on the disk.
            Some(_) | None => self.generations.push(Generation {
                deleted: true,
                ..Generation::new(0, 0, revision)
            }),
        }
    }

    fn restore(&mut self, created: i64, version: i64, revision: Revision) {
        match self.generations.last_mut() {
            Some(generation) if !generation.deleted => generation.revisions.push(revision),
            Some(_) | None => self
                .generations
                .push(Generation::new(created, version, revision)),
        }
    }

    fn compact(&mut self, at: i64) -> Vec<Revision> {
        let mut dropped = Vec::new();
        let newest = self.generations.iter().rposition(|one| one.starts_by(at));
        for (place, generation) in self.generations.iter_mut().enumerate() {
            let Some(newest) = newest else { break };
            if place > newest {
                break;
            }
            let keep_from = if place < newest {
                generation.revisions.len()
            } else {
                let position = generation.position(at).unwrap_or(0);
                let gone = generation.is_deletion(position)
                    && generation
                        .revisions
                        .get(position)
                        .is_some_and(|last| last.main < at);
                position + usize::from(gone)
            };
            dropped.extend(generation.revisions.drain(..keep_from));
            let versions = i64::try_from(keep_from).unwrap_or(i64::MAX);
            generation.first_version = generation.first_version.saturating_add(versions);
        }
        self.generations
            .retain(|generation| !generation.revisions.is_empty());
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rev(main: i64) -> Revision {
        Revision { main, sub: 0 }
    }

    /// `k` is put at 2, 3, deleted at 4, put at 6.
    fn index() -> Index {
        let mut index = Index::default();
        index.put(b"k", rev(2));
        index.put(b"k", rev(3));
        index.delete(b"k", rev(4));
        index.put(b"k", rev(6));
        index
    }

    #[test]
    fn a_read_sees_the_newest_change_by_its_revision() {
        let index = index();
        assert_eq!(index.find(b"k", 1), None);
        let second = Found {
            modified: rev(3),
            created: 2,
            version: 2,
        };
        assert_eq!(index.find(b"k", 3), Some(second));
        assert_eq!(index.find(b"k", 4), None);
        assert_eq!(index.find(b"k", 5), None);
        let again = Found {
            modified: rev(6),
            created: 6,
            version: 1,
        };
        assert_eq!(index.find(b"k", 9), Some(again));
    }

    #[test]
    fn the_last_of_several_changes_in_one_transaction_counts() {
        let mut index = index();
        index.delete(b"k", Revision { main: 7, sub: 0 });
        let put = index.put(b"k", Revision { main: 7, sub: 1 });
        assert_eq!((put.created, put.version), (7, 1));
        assert_eq!(index.find(b"k", 7), Some(put));
    }

    #[test]
    fn compaction_keeps_what_a_read_at_its_revision_sees() {
        let mut index = index();
        assert_eq!(index.compact(b"k", 3), vec![rev(2)]);
        let kept = Found {
            modified: rev(3),
            created: 2,
            version: 2,
        };
        assert_eq!(index.find(b"k", 3), Some(kept));
        assert_eq!(index.compact(b"k", 6), vec![rev(3), rev(4)]);
        assert_eq!(index.find(b"k", 6).map(|found| found.version), Some(1));
    }

    #[test]
    fn a_deletion_is_forgotten_one_compaction_after_its_own_revision() {
        let mut index = Index::default();
        index.put(b"k", rev(2));
        index.delete(b"k", rev(3));
        assert_eq!(index.compact(b"k", 3), vec![rev(2)]);
        assert_eq!(index.len(), 1);
        assert_eq!(index.compact(b"k", 4), vec![rev(3)]);
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn compaction_before_the_first_revision_drops_nothing() {
        assert_eq!(index().compact(b"k", 1), Vec::new());
    }

    #[test]
    fn restoring_after_a_compaction_keeps_creation_and_version() {
        let mut index = Index::default();
        let record = KeyValue {
            key: b"k".to_vec(),
            create_revision: 2,
            version: 7,
            ..Default::default()
        };
        index.restore(record, rev(9));
        let found = Found {
            modified: rev(9),
            created: 2,
            version: 7,
        };
        assert_eq!(index.find(b"k", 9), Some(found));
        assert_eq!(index.put(b"k", rev(10)).version, 8);
    }

    #[test]
    fn a_restored_lone_deletion_does_not_revive_the_key() {
        let mut index = Index::default();
        index.restore(
            KeyValue {
                key: b"k".to_vec(),
                ..Default::default()
            },
            rev(4),
        );
        assert_eq!(index.find(b"k", 4), None);
        assert_eq!(index.put(b"k", rev(5)).version, 1);
    }
}
