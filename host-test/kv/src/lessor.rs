//! Leases: when each one ends, and which keys end with it. Owned by the writer.
//!
//! As in etcd, times to live start anew when the store is opened: it cannot know
//! how long its clients could not reach it.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// The shortest time to live that is granted, in seconds: etcd's with its
/// default election timeout.
const MIN_TTL: i64 = 2;
/// The longest time to live that may be asked for, in seconds: etcd's.
const MAX_TTL: i64 = 9_000_000_000;

/// All leases.
#[derive(Debug, Default)]
pub(crate) struct Lessor {
    leases: HashMap<i64, Lease>,
    attached: HashMap<Vec<u8>, i64>,
}

#[derive(Debug)]
struct Lease {
    /// Granted time to live in seconds.
    ttl: i64,
    expires: Instant,
    keys: BTreeSet<Vec<u8>>,
}

/// What a client may know of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaseInfo {
    /// Seconds left, rounded down.
    pub(crate) remaining: i64,
    /// Seconds granted.
    pub(crate) granted: i64,
    pub(crate) keys: Vec<Vec<u8>>,
}

fn seconds(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}

impl Lessor {
    /// Takes in a lease from the disk.
    pub(crate) fn restore(&mut self, id: i64, ttl: i64) {
        let expires = Instant::now() + seconds(ttl);
        self.leases.insert(
            id,
            Lease {
                ttl,
                expires,
                keys: BTreeSet::new(),
            },
        );
    }

    /// Grants a lease; `id` 0 chooses one. Answers id and time to live.
    pub(crate) fn grant(&mut self, id: i64, ttl: i64) -> Result<(i64, i64), Failure> {
        if ttl > MAX_TTL {
            return Err(Failure::LeaseTtlTooLarge);
        }
        let id = if id == 0 { self.free_id() } else { id };
        if self.leases.contains_key(&id) {
            return Err(Failure::LeaseExists);
        }
        let ttl = ttl.max(MIN_TTL);
        self.restore(id, ttl);
        Ok((id, ttl))
    }

    fn free_id(&self) -> i64 {
        loop {
            let id = i64::try_from(crate::random::id()).unwrap_or(0);
            if id != 0 && !self.leases.contains_key(&id) {
                return id;
            }
        }
    }

    /// Ends a lease; the caller deletes its keys.
    pub(crate) fn revoke(&mut self, id: i64) -> Result<BTreeSet<Vec<u8>>, Failure> {
        self.leases
            .remove(&id)
            .map(|lease| lease.keys)
            .ok_or(Failure::LeaseNotFound)
    }

    /// Starts a lease's time anew; answers its time to live in seconds.
    pub(crate) fn keep_alive(&mut self, id: i64) -> Option<i64> {
        let now = Instant::now();
        let lease = self
            .leases
            .get_mut(&id)
            .filter(|lease| lease.expires > now)?;
        lease.expires = now + seconds(lease.ttl);
        Some(lease.ttl)
    }

    pub(crate) fn contains(&self, id: i64) -> bool {
        self.leases.contains_key(&id)
    }

    /// Notes the lease of a key just put; 0 is none.
    pub(crate) fn attach(&mut self, key: &[u8], id: i64) {
        self.detach(key);
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.keys.insert(key.to_vec());
            self.attached.insert(key.to_vec(), id);
        }
    }

    /// Notes that a key is gone.
    pub(crate) fn detach(&mut self, key: &[u8]) {
        if let Some(id) = self.attached.remove(key)
            && let Some(lease) = self.leases.get_mut(&id)
        {
            lease.keys.remove(key);
        }
    }

    pub(crate) fn info(&self, id: i64) -> Option<LeaseInfo> {
        let lease = self.leases.get(&id)?;
        let left = lease.expires.saturating_duration_since(Instant::now());
        Some(LeaseInfo {
            remaining: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            granted: lease.ttl,
            keys: lease.keys.iter().cloned().collect(),
        })
    }

    /// The leases, in order of id.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let mut ids: Vec<_> = self.leases.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The leases whose time is over at `now`.
    pub(crate) fn expired(&self, now: Instant) -> Vec<i64> {
        let expired = self.leases.iter().filter(|(_, lease)| lease.expires <= now);
        expired.map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_to_live_are_raised_to_etcds_minimum() {
        assert_eq!(Lessor::default().grant(7, 1), Ok((7, 2)));
        assert_eq!(Lessor::default().grant(7, -5), Ok((7, 2)));
    }

    #[test]
    fn too_long_times_to_live_are_refused() {
        let mut lessor = Lessor::default();
        assert_eq!(lessor.grant(7, MAX_TTL + 1), Err(Failure::LeaseTtlTooLarge));
        assert_eq!(lessor.grant(7, MAX_TTL), Ok((7, MAX_TTL)));
    }

    #[test]
    fn a_lease_cannot_be_granted_twice() {
        let mut lessor = Lessor::default();
        assert_eq!(lessor.grant(7, 60), Ok((7, 60)));
        assert_eq!(lessor.grant(7, 60), Err(Failure::LeaseExists));
    }

    #[test]
    fn a_chosen_id_is_positive() {
        assert!(Lessor::default().grant(0, 60).unwrap().0 > 0);
    }

    #[test]
    fn a_key_belongs_to_the_lease_of_its_last_put() {
        let mut lessor = Lessor::default();
        lessor.grant(1, 60).unwrap();
        lessor.grant(2, 60).unwrap();
        lessor.attach(b"k", 1);
        lessor.attach(b"k", 2);
        assert!(lessor.info(1).unwrap().keys.is_empty());
        assert_eq!(lessor.info(2).unwrap().keys, [b"k"]);
        lessor.attach(b"k", 0);
        assert!(lessor.info(2).unwrap().keys.is_empty());
    }

    #[test]
    fn a_lease_expires_after_its_time_unless_kept_alive() {
        let mut lessor = Lessor::default();
        lessor.grant(1, 60).unwrap();
        let now = Instant::now();
        assert!(lessor.expired(now).is_empty());
        assert_eq!(lessor.expired(now + seconds(61)), [1]);
        assert_eq!(lessor.keep_alive(1), Some(60));
        assert_eq!(lessor.keep_alive(2), None);
    }
}
