//! The table that the workers share, in the host's shared data: one key a row, so that
//! their number is bounded. (Envoy never takes a key away.)

use directory::environment::{Row, Shared};
use proxy_wasm::hostcalls;

/// A compare-and-swap number that no key has: with it only a key is written that is
/// not there.
const ABSENT: u32 = u32::MAX;

/// The host's shared data, of all VMs with the same `vm_id`.
#[derive(Debug)]
pub(crate) struct SharedData;

impl Shared for SharedData {
    fn read(&self, row: u16) -> (Row, u32) {
        match hostcalls::get_shared_data(&key(row)) {
            Ok((value, Some(version))) => (decode(&value.unwrap_or_default()), version),
            Ok((_, None)) | Err(_) => (Row::default(), ABSENT),
        }
    }

    fn write(&self, row: u16, value: Row, version: u32) -> bool {
        hostcalls::set_shared_data(&key(row), Some(&encode(value)), Some(version)).is_ok()
    }
}

fn key(row: u16) -> String {
    format!("scim-edge/{row}")
}

fn encode(row: Row) -> [u8; 16] {
    (u128::from(row.owner) << 64 | u128::from(row.value)).to_le_bytes()
}

/// What does not have the size of a row is none of ours.
fn decode(bytes: &[u8]) -> Row {
    let whole = bytes.try_into().map_or(0, u128::from_le_bytes);
    let half = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
    Row {
        owner: half(whole >> 64),
        value: half(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let row = Row {
            owner: u64::MAX - 1,
            value: 7,
        };
        assert_eq!(decode(&encode(row)), row);
        assert_eq!(decode(b"of another plugin"), Row::default());
    }

    #[test]
    fn a_key_fits_into_a_string_without_memory_of_its_own() {
        assert!(key(u16::MAX).len() <= 15);
    }
}
