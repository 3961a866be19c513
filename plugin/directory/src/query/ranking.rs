//! The first so many of the matches in the order of their sort keys. Only keys
//! and ids are held, no more of them than the page needs, and not more bytes than
//! the limit.

use scim::Error;
use scim::sort::{Key, SortOrder};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A match, by what it is sorted by.
#[derive(Debug)]
pub(super) struct Ranked {
    order: SortOrder,
    key: Option<Key>,
    /// The place of its type among those that are queried.
    pub(super) part: usize,
    pub(super) id: String,
}

/// The best matches so far.
#[derive(Debug)]
pub(super) struct Ranking {
    order: SortOrder,
    /// How many are wanted.
    wanted: usize,
    /// The most bytes that may be held.
    limit: usize,
    bytes: usize,
    /// The last of them first.
    heap: BinaryHeap<Ranked>,
}

impl Ranking {
    pub(super) fn new(order: SortOrder, wanted: usize, limit: usize) -> Self {
        Self {
            order,
            wanted,
            limit,
            bytes: 0,
            heap: BinaryHeap::new(),
        }
    }

    /// Takes a match in.
    ///
    /// # Errors
    /// [`Error::AnswerTooLarge`] when more are wanted than there is memory for.
    pub(super) fn add(&mut self, key: Option<Key>, part: usize, id: String) -> Result<(), Error> {
        let ranked = Ranked {
            order: self.order,
            key,
            part,
            id,
        };
        self.bytes += ranked.size();
        self.heap.push(ranked);
        if self.heap.len() > self.wanted
            && let Some(last) = self.heap.pop()
        {
            self.bytes -= last.size();
        }
        if self.bytes > self.limit {
            return Err(Error::AnswerTooLarge {
                reason: format!(
                    "to sort it takes more than the {} bytes of limits.max_sort_bytes; narrow it with \"filter\", or ask for an earlier page",
                    self.limit
                ),
            });
        }
        Ok(())
    }

    /// The matches from a place on, in order.
    pub(super) fn from(self, place: usize) -> impl Iterator<Item = Ranked> {
        self.heap.into_sorted_vec().into_iter().skip(place)
    }
}

impl Ranked {
    fn size(&self) -> usize {
        let key = self.key.as_ref().map_or(0, Key::heap_size);
        size_of::<Self>() + key + self.id.capacity()
    }
}

impl Ord for Ranked {
    /// What has the same key stays in the order of its creation, which makes
    /// pages fit together.
    fn cmp(&self, other: &Self) -> Ordering {
        self.order
            .compare(self.key.as_ref(), other.key.as_ref())
            .then_with(|| self.part.cmp(&other.part))
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(ranking: Ranking, place: usize) -> Vec<String> {
        ranking.from(place).map(|ranked| ranked.id).collect()
    }

    proptest! {
        #[test]
        fn a_page_is_what_it_is_when_everything_is_sorted(
            keys in proptest::collection::vec(proptest::option::of(0_i64..5), 0..40),
            place in 0_usize..20,
            count in 0_usize..20,
            descending in any::<bool>(),
        ) {
            let order = if descending { SortOrder::Descending } else { SortOrder::Ascending };
            let mut ranking = Ranking::new(order, place + count, usize::MAX);
            let mut all = Vec::new();
            for (i, number) in keys.iter().enumerate() {
                let key = number.map(Key::Integer);
                all.push((key.clone(), format!("{i:03}")));
                ranking.add(key, 0, format!("{i:03}")).unwrap();
            }
            all.sort_by(|(a, _), (b, _)| order.compare(a.as_ref(), b.as_ref()));
            let expected: Vec<_> = all.into_iter().map(|(_, id)| id).skip(place).take(count).collect();
            prop_assert_eq!(ids(ranking, place), expected);
        }
    }

    #[test]
    fn memory_is_bounded_by_what_is_wanted_and_by_the_limit() {
        let add = |wanted, limit| {
            let mut ranking = Ranking::new(SortOrder::Ascending, wanted, limit);
            let mut keys = 0..1_000;
            keys.try_for_each(|n| ranking.add(Some(Key::Integer(n)), 0, format!("{n:036}")))
        };
        assert_eq!(add(10, 4_096), Ok(()));
        let error = add(1_000, 4_096).unwrap_err();
        assert_eq!(error.scim_type(), Some(scim::ScimType::TooMany));
        assert!(
            error.to_string().contains("limits.max_sort_bytes"),
            "{error}"
        );
    }
}
