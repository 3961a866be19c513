//! Maps and sets built one element after the other.

/// What every iterator can besides [`collect`](Iterator::collect).
pub trait Gather: Iterator + Sized {
    /// Like `collect`, by insertion. `BTreeMap` and `BTreeSet` sort for `collect`, and each
    /// type of element would put a sort of its own, 4 KB, into the filter.
    fn gather<C: Default + Extend<Self::Item>>(self) -> C {
        let mut collection = C::default();
        collection.extend(self);
        collection
    }
}

impl<I: Iterator> Gather for I {}
