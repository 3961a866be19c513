//! Ids: UUIDs of version 7 (RFC 9562 §5.7). They sort by the time of creation
//! and cannot be guessed.

use std::cell::Cell;

/// The largest count in the twelve bits beside the time.
const MAX_COUNT: u16 = 0xFFF;

/// Gives ids, each greater than the one before, whatever the clock does.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// Milliseconds and, within them, a count.
    last: Cell<(u64, u16)>,
}

impl Ids {
    /// An id for this moment, given fresh random bytes. Within a millisecond the
    /// count goes up (RFC 9562 §6.2, method 1); 62 bits are random.
    pub(crate) fn next(&self, millis: u64, mut random: [u8; 10]) -> String {
        let (last_millis, last_count) = self.last.get();
        let now = if millis > last_millis {
            (millis, 0)
        } else if last_count < MAX_COUNT {
            (last_millis, last_count + 1)
        } else {
            (last_millis + 1, 0)
        };
        self.last.set(now);
        let [high, low] = now.1.to_be_bytes();
        let [first, second, ..] = &mut random;
        (*first, *second) = (high, low);
        let id = uuid::Builder::from_unix_timestamp_millis(now.0, &random);
        id.into_uuid().hyphenated().to_string()
    }
}

/// What every id begins with, or comes after, that is of a time or later.
pub(crate) fn first_of(millis: u64) -> String {
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xFFFF)
}

/// When an id was made, by the clock of its maker.
pub(crate) fn millis_of(id: &str) -> Option<u64> {
    let (high, rest) = id.split_once('-')?;
    let (low, _) = rest.split_once('-')?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    Some((hex(high)? << 16) + hex(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_up_even_when_the_clock_does_not() {
        let ids = Ids::default();
        let times = std::iter::repeat_n(1_000, 5_000).chain([999, 1_001, 5, 2_000]);
        let ids: Vec<String> = times.map(|t| ids.next(t, [0xFF; 10])).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_is_of_version_7_with_its_time_in_front() {
        let id = Ids::default().next(0x0123_4567_89AB, [0xFF; 10]);
        assert_eq!(id, "01234567-89ab-7000-bfff-ffffffffffff");
        assert_eq!(millis_of(&id), Some(0x0123_4567_89AB));
        assert!(first_of(0x0123_4567_89AB) < id && id < first_of(0x0123_4567_89AC));
    }

    #[test]
    fn what_is_no_id_has_no_time() {
        for text in ["", "x", "1-2", "zz-1-2", "1-zz-2"] {
            assert_eq!(millis_of(text), None, "{text}");
        }
    }
}
