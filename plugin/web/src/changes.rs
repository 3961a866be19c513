//! What a PATCH request has changed, by path.

use scim::resource::{Complex, Resource, Value};
use scim::schema::{AttrId, Registry, Returned};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The change of one attribute or sub-attribute.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Change {
    /// Of a single value. Neither is there for an attribute that is never returned.
    Single {
        /// The attribute, as RFC 7644 §3.10 writes it.
        path: String,
        /// The value before, where there was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Box<RawValue>>,
        /// The value after, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<Box<RawValue>>,
    },
    /// Of a multi-valued attribute. Both lists are empty when only the order has changed.
    Elements {
        /// The attribute, as RFC 7644 §3.10 writes it.
        path: String,
        /// Elements that were there.
        removed: Vec<Box<RawValue>>,
        /// Elements that are new.
        added: Vec<Box<RawValue>>,
    },
}

/// The changes from one state of a resource to another.
pub(crate) fn between(registry: &Registry, before: &Resource, after: &Resource) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(
        registry,
        &before.attributes,
        &after.attributes,
        &mut changes,
    );
    changes
}

fn compare(registry: &Registry, before: &Complex, after: &Complex, changes: &mut Vec<Change>) {
    let mut ids: Vec<AttrId> = before
        .iter()
        .chain(after.iter())
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (old, new) = (before.get(id), after.get(id));
        if old == new {
            continue;
        }
        let attribute = registry.attribute(id);
        let shown = |value| json(registry, value);
        if attribute.returned == Returned::Never {
            changes.push(Change::Single {
                path: registry.path(id),
                before: None,
                after: None,
            });
        } else if attribute.multi_valued {
            let old = old.map(Value::elements).unwrap_or_default();
            let new = new.map(Value::elements).unwrap_or_default();
            changes.push(Change::Elements {
                path: registry.path(id),
                removed: missing(registry, old, new),
                added: missing(registry, new, old),
            });
        } else if attribute.is_complex() {
            let nothing = Complex::default();
            let inner = |value: Option<&Value>| value.and_then(Value::as_complex).cloned();
            compare(
                registry,
                &inner(old).unwrap_or_else(|| nothing.clone()),
                &inner(new).unwrap_or(nothing),
                changes,
            );
        } else {
            changes.push(Change::Single {
                path: registry.path(id),
                before: old.and_then(shown),
                after: new.and_then(shown),
            });
        }
    }
}

/// The elements of `these` that are not among `others`, equal ones counted.
fn missing(registry: &Registry, these: &[Value], others: &[Value]) -> Vec<Box<RawValue>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for other in others.iter().filter_map(|other| json(registry, other)) {
        *counts.entry(other.get().to_owned()).or_default() += 1;
    }
    let these = these.iter().filter_map(|this| json(registry, this));
    these
        .filter(|this| match counts.get_mut(this.get()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

fn json(registry: &Registry, value: &Value) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(&Shown { registry, value }).ok()
}

/// A value as a client may see it.
struct Shown<'v> {
    registry: &'v Registry,
    value: &'v Value,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { registry, value } = *self;
        let shown = |value| Shown { registry, value };
        match value {
            Value::Boolean(flag) => serializer.serialize_bool(*flag),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Decimal(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Complex(complex) => {
                let mut map = serializer.serialize_map(None)?;
                for (id, value) in complex.iter() {
                    let attribute = registry.attribute(id);
                    if attribute.returned != Returned::Never {
                        map.serialize_entry(&attribute.name, &shown(value))?;
                    }
                }
                map.end()
            }
            Value::List(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(&shown(element))?;
                }
                list.end()
            }
        }
    }
}
