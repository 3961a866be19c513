//! etcd's way of naming a set of keys: `key` alone, or `key` with `range_end`.

use std::ops::Bound;

/// A set of keys: one key, or a half-open interval of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    start: Vec<u8>,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// Only the start itself.
    Single,
    /// Up to, without, this key.
    Before(Vec<u8>),
    /// Every key from the start on.
    Unbounded,
}

impl Interval {
    /// Reads `key` and `range_end`: an empty end means the key alone, and the
    /// one byte 0 every key from `key` on.
    pub(crate) fn new(key: &[u8], range_end: &[u8]) -> Self {
        let end = match range_end {
            [] => End::Single,
            [0] => End::Unbounded,
            end => End::Before(end.to_vec()),
        };
        Self {
            start: key.to_vec(),
            end,
        }
    }

    /// Whether no key can be in it, because its end is not after its start.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.end, End::Before(end) if *end <= self.start)
    }

    /// Whether `key` is in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            End::Single => key == self.start,
            End::Before(end) => key >= self.start.as_slice() && key < end.as_slice(),
            End::Unbounded => key >= self.start.as_slice(),
        }
    }

    /// The interval as bounds of an ordered map. Not for an empty interval, whose
    /// bounds such a map refuses.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let start = Bound::Included(self.start.as_slice());
        let end = match &self.end {
            End::Single => Bound::Included(self.start.as_slice()),
            End::Before(end) => Bound::Excluded(end.as_slice()),
            End::Unbounded => Bound::Unbounded,
        };
        (start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_range_end_names_one_key() {
        let interval = Interval::new(b"b", b"");
        assert!(interval.contains(b"b") && !interval.contains(b"b\0"));
    }

    #[test]
    fn range_end_is_excluded() {
        let interval = Interval::new(b"a", b"c");
        assert!(interval.contains(b"a") && interval.contains(b"b\xff") && !interval.contains(b"c"));
    }

    #[test]
    fn range_end_of_one_zero_byte_means_from_key() {
        let interval = Interval::new(b"b", b"\0");
        assert!(interval.contains(b"b") && interval.contains(b"\xff") && !interval.contains(b"a"));
    }

    #[test]
    fn range_end_at_or_before_key_is_empty() {
        assert!(Interval::new(b"b", b"b").is_empty());
        assert!(Interval::new(b"b", b"a").is_empty());
        assert!(!Interval::new(b"b", b"\0").is_empty());
    }
}
