//! The key-value data that all workers' VMs share, with Envoy's compare-and-swap rules.

use crate::status::Status;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// One map for one `vm_id`. Envoy keeps it as long as any VM of that id lives; here that is as long
/// as the [`Host`](crate::Host) lives, since Envoy's main thread holds a VM as well.
#[derive(Debug, Default)]
pub(crate) struct SharedData(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Vec<u8>, (Bytes, u32)>,
    last_cas: u32,
}

impl SharedData {
    /// The value of `key` and its compare-and-swap number.
    pub(crate) fn get(&self, key: &[u8]) -> Result<(Bytes, u32), Status> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.by_key.get(key).cloned().ok_or(Status::NotFound)
    }

    /// Stores `value`. `cas` 0 is unconditional, and so is **any** `cas` on an absent key: "put if
    /// absent" is a set with a number nobody has.
    pub(crate) fn set(&self, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = entries.by_key.get(key).map(|(_, stored)| *stored);
        if cas != 0 && stored.is_some_and(|stored| stored != cas) {
            return Err(Status::CasMismatch);
        }
        // Zero means "unconditional", so it is skipped when the numbers start over.
        entries.last_cas = entries.last_cas.checked_add(1).unwrap_or(1);
        let entry = (Bytes::copy_from_slice(value), entries.last_cas);
        entries.by_key.insert(key.to_vec(), entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_cas_is_refused_and_current_cas_taken() {
        let data = SharedData::default();
        data.set(b"k", b"1", 0).unwrap();
        let (_, cas) = data.get(b"k").unwrap();
        data.set(b"k", b"2", cas).unwrap();
        assert_eq!(data.set(b"k", b"3", cas), Err(Status::CasMismatch));
        assert_eq!(data.get(b"k").unwrap().0, "2");
    }

    #[test]
    fn any_cas_succeeds_on_an_absent_key() {
        let data = SharedData::default();
        assert_eq!(data.set(b"k", b"1", 4711), Ok(()));
        assert_eq!(data.set(b"k", b"2", 4711), Err(Status::CasMismatch));
    }

    #[test]
    fn empty_value_stays_a_key() {
        let data = SharedData::default();
        data.set(b"k", b"", 0).unwrap();
        assert_eq!(data.get(b"k").unwrap().0, "");
        assert_eq!(data.get(b"other"), Err(Status::NotFound));
    }
}
