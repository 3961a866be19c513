//! Index keys: by which values a resource is found, and which of them no two
//! resources may share.
//!
//! What has an index is what the schema says: attributes that are unique, and
//! those that are marked `indexed`. The standard ones have tables of their own
//! names; see [`keys`](crate::keys).

mod build;
mod look_up;
mod state;

use crate::commit::{Change, Claim};
use crate::keys::{Keys, Kind, last_segment};
use crate::kv::{Compare, KeyValue, Op, Range, RangeReply};
use scim::Error;
use scim::gather::Gather as _;
use scim::json::Quoted;
use scim::resource::{Resource, Value};
use scim::schema::{AttrId, Registry, Type};
use scim::text::fold;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most indexes that a configuration gives a resource type: each one is
/// compared by each write.
pub(crate) const MOST: usize = 32;

/// Where the resources with one value of an attribute are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The value of this key is the id of the only one.
    Key(Vec<u8>),
    /// The ids of all end the keys below this prefix.
    Below(Vec<u8>),
    /// As [`Place::Below`], in an index that a configuration asks for, if its
    /// state, the other key, says that it is built.
    Configured(Vec<u8>, Vec<u8>),
}

/// A value of a resource that has a key.
struct Entry<'v> {
    attribute: AttrId,
    text: Cow<'v, str>,
    place: Place,
}

impl Place {
    /// Where resources with a value of an attribute are, if it has an index.
    pub(crate) fn of(
        registry: &Registry,
        keys: &Keys,
        kind: Kind<'_>,
        attribute: AttrId,
        text: &str,
    ) -> Option<Self> {
        let core = registry.core();
        let folded = comparison_key(registry, attribute, text);
        let standard = match kind {
            Kind::User if attribute == core.user_name => Self::Key(keys.user_name(&folded)),
            Kind::Group if attribute == core.group_display_name => {
                Self::Key(keys.group_name(&folded))
            }
            Kind::Device if attribute == core.device_mac_address => {
                Self::Key(keys.device_address(&folded))
            }
            Kind::User if attribute == core.emails_value => {
                Self::Below(keys.user_email(&folded, ""))
            }
            _ if attribute == core.external_id => Self::Below(keys.external(kind, &folded, "")),
            _ => {
                let definition = registry.resource_type(kind.resource_type(registry));
                if !definition.indexes.contains(&attribute) {
                    return None;
                }
                let name = index_name(registry, attribute);
                return Some(Self::Configured(
                    keys.index(kind, &name, &folded, ""),
                    keys.index_state(kind, &name),
                ));
            }
        };
        Some(standard)
    }

    /// The key of a resource, and its value.
    fn entry(&self, id: &str) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Key(key) => (key.clone(), id.as_bytes().to_vec()),
            Self::Below(prefix) | Self::Configured(prefix, _) => {
                let mut key = prefix.clone();
                // Ids need no escape: the service makes them.
                key.extend_from_slice(id.as_bytes());
                (key, Vec::new())
            }
        }
    }
}

/// The attributes of a kind for which a configuration asks an index, each with
/// the index's name.
fn configured(registry: &Registry, kind: Kind<'_>) -> Vec<(AttrId, String)> {
    let core = registry.core();
    let standard = [
        core.user_name,
        core.group_display_name,
        core.emails_value,
        core.device_mac_address,
        core.external_id,
    ];
    let definition = registry.resource_type(kind.resource_type(registry));
    let indexes = definition.indexes.iter();
    let own = indexes.filter(|id| !standard.contains(id));
    own.map(|id| (*id, index_name(registry, *id))).collect()
}

/// The name of an index: the attribute, and what its keys are made of. With
/// another `caseExact` or type it is another index.
fn index_name(registry: &Registry, id: AttrId) -> String {
    let attribute = registry.attribute(id);
    let how = match attribute.kind {
        Type::Integer => "integer",
        _ if attribute.case_exact => "exact",
        _ => "folded",
    };
    format!("{};{how}", registry.path(id))
}

/// What of a text is compared, by the attribute's `caseExact`.
pub(crate) fn comparison_key<'t>(
    registry: &Registry,
    attribute: AttrId,
    text: &'t str,
) -> Cow<'t, str> {
    if registry.attribute(attribute).case_exact {
        Cow::Borrowed(text)
    } else {
        fold(text)
    }
}

/// The text by which a value is found.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Boolean(_) | Value::Decimal(_) | Value::Complex(_) | Value::List(_) => None,
    }
}

/// The keys by which a resource is found, with their values.
pub(crate) fn entries(
    registry: &Registry,
    keys: &Keys,
    kind: Kind<'_>,
    id: &str,
    resource: &Resource,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let found = found_by(registry, keys, kind, resource);
    found.iter().map(|entry| entry.place.entry(id)).gather()
}

/// Adds to a change what of a resource's index keys differs from before, and the
/// claims to values that no other resource may have.
pub(crate) fn change(
    registry: &Registry,
    keys: &Keys,
    id: &str,
    (kind, old, new): (Kind<'_>, Option<&Resource>, &Resource),
    change: &mut Change,
) {
    let before = old.map(|old| entries(registry, keys, kind, id, old));
    let before = before.unwrap_or_default();
    let mut after = BTreeMap::new();
    for entry in found_by(registry, keys, kind, new) {
        let (key, value) = entry.place.entry(id);
        let is_unique = registry.attribute(entry.attribute).is_unique();
        if is_unique && !before.contains_key(&key) && !after.contains_key(&key) {
            let (absent, holder) = match entry.place {
                Place::Key(key) => (Compare::absent(key.clone()), Range::one(key)),
                Place::Below(prefix) | Place::Configured(prefix, _) => (
                    Compare::nothing_below(prefix.clone()),
                    Range {
                        keys_only: true,
                        limit: 2,
                        ..Range::prefix(prefix)
                    },
                ),
            };
            change.compares.push(absent);
            change.claims.push(Claim {
                attribute: entry.attribute,
                value: entry.text.into_owned(),
                holder,
            });
        }
        after.insert(key, value);
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        change.many.push(Op::delete(key.clone()));
    }
    let new = after
        .into_iter()
        .filter(|(key, _)| !before.contains_key(key));
    change
        .many
        .extend(new.map(|(key, value)| Op::put(key, value)));
}

/// Refuses a change that met another resource with a value that it claims.
///
/// # Errors
/// [`Error::NotUnique`].
pub(crate) fn check_claims(
    registry: &Registry,
    id: &str,
    change: &Change,
    explained: &[RangeReply],
) -> Result<(), Error> {
    match holder(change, id, explained) {
        None => Ok(()),
        Some((claim, _)) => Err(Error::NotUnique {
            attribute: registry.path(claim.attribute),
            value: Quoted::from(claim.value.as_str()),
        }),
    }
}

/// The first claim of a change that another resource stands against, and the id of that one.
pub(crate) fn holder<'c>(
    change: &'c Change,
    id: &str,
    explained: &[RangeReply],
) -> Option<(&'c Claim, String)> {
    let claims = change.claims.iter().zip(explained);
    let mut holders = claims.flat_map(|(claim, reply)| {
        let ids = reply.kvs.iter().map(id_in);
        ids.map(move |holder| (claim, holder))
    });
    holders.find(|(_, holder)| holder != id)
}

/// Of which resource an index key is.
fn id_in(kv: &KeyValue) -> String {
    if kv.value.is_empty() {
        last_segment(&kv.key).unwrap_or_default()
    } else {
        String::from_utf8_lossy(&kv.value).into_owned()
    }
}

/// The values of a resource by which it is found.
fn found_by<'v>(
    registry: &Registry,
    keys: &Keys,
    kind: Kind<'_>,
    resource: &'v Resource,
) -> Vec<Entry<'v>> {
    let indexes = &registry.resource_type(resource.resource_type).indexes;
    let mut found = Vec::new();
    for attribute in indexes {
        for value in values(registry, resource, *attribute) {
            if let Some(text) = text(value)
                && let Some(place) = Place::of(registry, keys, kind, *attribute, &text)
            {
                found.push(Entry {
                    attribute: *attribute,
                    text,
                    place,
                });
            }
        }
    }
    found
}

/// All values of an attribute of a resource, in whatever lists.
fn values<'v>(registry: &Registry, resource: &'v Resource, attribute: AttrId) -> Vec<&'v Value> {
    let mut lineage: Vec<AttrId> = registry.lineage(attribute).collect();
    let Some(top) = lineage.pop().and_then(|top| resource.get(top)) else {
        return Vec::new();
    };
    let mut found: Vec<&Value> = top.elements().iter().collect();
    for id in lineage.into_iter().rev() {
        let complexes = found.into_iter().filter_map(Value::as_complex);
        let below = complexes.filter_map(|complex| complex.get(id));
        found = below.flat_map(Value::elements).collect();
    }
    found
}
