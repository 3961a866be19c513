//! Values of multi-valued attributes: which two are the same, adding without
//! repeating, and the one that is primary (RFC 7643 §2.4, RFC 7644 §3.5.2.1).

use crate::resource::{Complex, Value, is_same, names_elements, primary_of};
use crate::schema::{AttrId, Mutability, Registry};
use crate::text::fold;
use std::collections::BTreeMap;

/// From how many new values on an index is worth its making.
const MANY: usize = 16;

/// What [`add`] did to a list.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// Where the values are that were given as primary.
    pub(super) primary: Vec<usize>,
    /// Whether the list is another than before.
    pub(super) changed: bool,
}

/// Adds values that are not there yet. One that is there gains what the new one
/// says beyond it.
pub(super) fn add(
    registry: &Registry,
    attribute: AttrId,
    list: &mut Vec<Value>,
    new: &[Value],
) -> Added {
    let identity = Identity::of(registry, attribute);
    let primary = primary_of(registry, attribute);
    let mut index = (new.len() > MANY).then(|| Index::of(&identity, list));
    let mut added = Added::default();
    for value in new {
        let same = match &index {
            Some(index) => index.find(&identity, list, value),
            None => list.iter().position(|old| identity.is_same(old, value)),
        };
        let at = same.unwrap_or(list.len());
        match list.get_mut(at) {
            Some(old) => added.changed |= identity.merge(old, value),
            None => {
                added.changed = true;
                list.push(value.clone());
                if let Some(index) = &mut index {
                    index.insert(&identity, value, at);
                }
            }
        }
        let flag = primary.and_then(|primary| value.as_complex()?.get(primary));
        if flag == Some(&Value::Boolean(true)) {
            added.primary.push(at);
        }
    }
    added
}

/// Leaves the elements at `set` as the only ones that can be primary: whoever
/// makes one primary takes it from the others (RFC 7644 §3.5.2). Whether it was taken
/// from any.
pub(super) fn keep_one_primary(
    registry: &Registry,
    attribute: AttrId,
    list: &mut [Value],
    set: &[usize],
) -> bool {
    let Some(primary) = primary_of(registry, attribute).filter(|_| !set.is_empty()) else {
        return false;
    };
    let mut changed = false;
    for (at, element) in list.iter_mut().enumerate() {
        if let Value::Complex(complex) = element
            && !set.contains(&at)
            && complex.get(primary) == Some(&Value::Boolean(true))
        {
            complex.set(primary, Value::Boolean(false));
            changed = true;
        }
    }
    changed
}

/// What makes two values of an attribute the same one.
///
/// With a `value` it is the `value`, and the `type` where both have one; where
/// `value` is immutable it names the element and suffices (`members`). Without
/// (`addresses`), everything that the new value says but `primary`.
struct Identity<'r> {
    registry: &'r Registry,
    value: Option<AttrId>,
    kind: Option<AttrId>,
    primary: Option<AttrId>,
}

impl<'r> Identity<'r> {
    fn of(registry: &'r Registry, attribute: AttrId) -> Self {
        let value = registry.child(attribute, "value");
        let is_name = names_elements(registry, attribute);
        Self {
            registry,
            value,
            kind: registry.child(attribute, "type").filter(|_| !is_name),
            primary: registry.child(attribute, "primary"),
        }
    }

    fn is_same(&self, old: &Value, new: &Value) -> bool {
        let (Some(old), Some(new)) = (old.as_complex(), new.as_complex()) else {
            return old == new;
        };
        match self.value.filter(|value| new.get(*value).is_some()) {
            Some(value) => {
                let kinds = self.kind.map(|kind| (old.get(kind), new.get(kind)));
                let same_kind = match kinds {
                    Some((Some(old), Some(new))) => {
                        self.kind.is_some_and(|kind| self.is_equal(kind, old, new))
                    }
                    _ => true,
                };
                same_kind && self.has(old, new, value)
            }
            None => new
                .iter()
                .filter(|(id, _)| Some(*id) != self.primary)
                .all(|(id, _)| self.has(old, new, id)),
        }
    }

    fn has(&self, old: &Complex, new: &Complex, id: AttrId) -> bool {
        match (old.get(id), new.get(id)) {
            (Some(old), Some(new)) => self.is_equal(id, old, new),
            _ => false,
        }
    }

    fn is_equal(&self, id: AttrId, old: &Value, new: &Value) -> bool {
        is_same(self.registry, id, old, new)
    }

    fn key(&self, id: AttrId, text: &str) -> String {
        if self.registry.attribute(id).case_exact {
            text.to_owned()
        } else {
            fold(text).into_owned()
        }
    }

    /// Takes over what the new value says more or otherwise. What made the two
    /// the same keeps its spelling, and what is immutable its value.
    /// Whether there was anything.
    fn merge(&self, old: &mut Value, new: &Value) -> bool {
        let (Value::Complex(old), Some(new)) = (old, new.as_complex()) else {
            return false;
        };
        let mut changed = false;
        for (id, value) in new.iter() {
            let keeps = old.get(id).is_some_and(|had| {
                self.is_equal(id, had, value)
                    || self.registry.attribute(id).mutability == Mutability::Immutable
            });
            if !keeps {
                changed |= old.get(id) != Some(value);
                old.set(id, value.clone());
            }
        }
        changed
    }
}

/// Elements by their `value`, for long lists.
struct Index(BTreeMap<String, Vec<usize>>);

impl Index {
    fn of(identity: &Identity<'_>, list: &[Value]) -> Self {
        let mut index = Self(BTreeMap::new());
        for (at, element) in list.iter().enumerate() {
            index.insert(identity, element, at);
        }
        index
    }

    fn insert(&mut self, identity: &Identity<'_>, element: &Value, at: usize) {
        let key = Self::key(identity, element);
        self.0.entry(key).or_default().push(at);
    }

    fn find(&self, identity: &Identity<'_>, list: &[Value], new: &Value) -> Option<usize> {
        let candidates = self.0.get(&Self::key(identity, new))?;
        candidates
            .iter()
            .copied()
            .find(|at| list.get(*at).is_some_and(|old| identity.is_same(old, new)))
    }

    /// The folded `value`; elements without one share a key.
    fn key(identity: &Identity<'_>, element: &Value) -> String {
        let text = identity
            .value
            .and_then(|id| Some(identity.key(id, element.as_complex()?.text(id)?)));
        text.unwrap_or_default()
    }
}
