//! Sorting (RFC 7644 §3.4.2.3): which value of a resource is its sort key, and
//! in which order keys are.

use crate::datetime;
use crate::error::Error;
use crate::json::Quoted;
use crate::resource::{Resource, Value};
use crate::schema::{AttrId, Mutability, Registry, ResourceTypeId, Returned, Type};
use crate::text::{fold, without_marks};
use std::cmp::Ordering;

/// The attribute that resources of one type are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortBy {
    /// From the top of the resource to the attribute, each with its `primary`
    /// where it has one.
    steps: Vec<Step>,
    kind: Type,
    case_exact: bool,
    /// The key of every resource, for an attribute that is not stored.
    known: Option<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    attribute: AttrId,
    primary: Option<AttrId>,
}

/// What is compared of a resource. Keys of one attribute have one form; the
/// forms of attributes that two resource types have under one name may differ,
/// and are then ordered as they are listed here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `boolean`: false is before true.
    Boolean(bool),
    /// `integer`
    Integer(i64),
    /// `decimal`, as bits that are in the order of the numbers.
    Decimal(i64),
    /// `dateTime`: nanoseconds since 1970-01-01T00:00:00Z.
    Instant(i128),
    /// Text of all other types.
    Text(Collation),
}

/// A text in alphabetical order: first without regard to accents, then with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Collation {
    letters: String,
    /// The whole text, where `letters` is not all of it.
    accented: String,
}

/// `sortOrder`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Resources without a key are last.
    #[default]
    Ascending,
    /// Resources without a key are first.
    Descending,
}

impl SortBy {
    /// Finds the attribute that `sortBy` names. Of a multi-valued attribute it
    /// is the primary value or else the first one; of a complex attribute it is
    /// its `value`, which is what clients mean by `sortBy=emails`.
    ///
    /// # Errors
    /// [`Error::SortAttribute`] for a name that the type does not have;
    /// [`Error::Secret`] for an attribute that nobody can read;
    /// [`Error::BadParameter`] for a complex one without `value`: "the attribute
    /// name MUST be a path to a sub-attribute".
    ///
    /// ```
    /// use scim::{schema::Registry, sort::SortBy};
    ///
    /// let registry = Registry::standard().unwrap();
    /// let user = registry.core().user;
    /// assert!(SortBy::parse(&registry, user, "NAME.familyName").is_ok());
    /// assert!(SortBy::parse(&registry, user, "name").is_err());
    /// ```
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        name: &str,
    ) -> Result<Self, Error> {
        let named = registry.resolve(resource_type, name);
        let named = named.ok_or_else(|| Error::SortAttribute {
            name: Quoted::from(name),
        })?;
        let refused = |reason: &str| Error::BadParameter {
            name: "sortBy".to_owned(),
            reason: format!("names \"{}\", {reason}", registry.path(named)),
        };
        let hidden = registry.lineage(named).any(|step| {
            let attribute = registry.attribute(step);
            attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
        });
        if hidden {
            return Err(Error::Secret {
                attribute: registry.path(named),
            });
        }
        let id = match registry.attribute(named).is_complex() {
            true => registry.child(named, "value"),
            false => Some(named),
        };
        let id = id.ok_or_else(|| refused("which is complex; name one of its sub-attributes"))?;
        let attribute = registry.attribute(id);
        let mut steps: Vec<Step> = registry
            .lineage(id)
            .map(|step| Step {
                attribute: step,
                primary: registry.child(step, "primary"),
            })
            .collect();
        steps.reverse();
        let case_exact = attribute.case_exact;
        let definition = registry.resource_type(resource_type);
        let core = registry.core();
        // Both are computed when a resource is written.
        let known = match id {
            id if id == core.schemas => Some(&definition.schema),
            id if id == core.meta_resource_type => Some(&definition.name),
            _ => None,
        };
        Ok(Self {
            steps,
            kind: attribute.kind,
            case_exact,
            known: known.map(|text| Key::Text(Collation::of(text, case_exact))),
        })
    }

    /// Finds the attribute in each of several types (RFC 7644 §3.4.2.1); in those
    /// that lack it no resource has a key.
    ///
    /// # Errors
    /// Those of [`Self::parse`]; [`Error::SortAttribute`] only for a name that no
    /// type has.
    pub fn parse_across(
        registry: &Registry,
        types: &[ResourceTypeId],
        name: &str,
    ) -> Result<Vec<Option<Self>>, Error> {
        let (mut found, mut unknown) = (Vec::new(), None);
        for resource_type in types {
            match Self::parse(registry, *resource_type, name) {
                Ok(sort_by) => found.push(Some(sort_by)),
                Err(error @ Error::SortAttribute { .. }) => {
                    found.push(None);
                    unknown = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match unknown {
            Some(error) if found.iter().all(Option::is_none) => Err(error),
            _ => Ok(found),
        }
    }

    /// The key of a resource, when it has one.
    #[must_use]
    pub fn key(&self, resource: &Resource) -> Option<Key> {
        if self.known.is_some() {
            return self.known.clone();
        }
        let (first, rest) = self.steps.split_first()?;
        let mut value = chosen(resource.get(first.attribute)?, first)?;
        for step in rest {
            value = chosen(value.as_complex()?.get(step.attribute)?, step)?;
        }
        match value {
            Value::Boolean(value) => Some(Key::Boolean(*value)),
            Value::Integer(value) => Some(Key::Integer(*value)),
            Value::Decimal(value) => Some(Key::Decimal(in_order(*value))),
            Value::String(text) if self.kind == Type::DateTime => {
                datetime::parse(text).map(Key::Instant)
            }
            Value::String(text) => Some(Key::Text(Collation::of(text, self.case_exact))),
            Value::Complex(_) | Value::List(_) => None,
        }
    }

    /// Whether the key is read from this attribute or a sub-attribute of it.
    #[must_use]
    pub fn mentions(&self, attribute: AttrId) -> bool {
        self.known.is_none() && self.steps.iter().any(|step| step.attribute == attribute)
    }
}

/// The value itself; of several "the value of the primary attribute, if any, or
/// else the first value in the list".
fn chosen<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    let Value::List(elements) = value else {
        return Some(value);
    };
    let is_primary = |element: &&Value| {
        let flag = step.primary.and_then(|id| element.as_complex()?.get(id));
        flag == Some(&Value::Boolean(true))
    };
    elements.iter().find(is_primary).or(elements.first())
}

/// A whole number that stands to others as the decimal does: its bits, which
/// are in order but for the sign. Negative zero is zero.
fn in_order(decimal: f64) -> i64 {
    let bits = (decimal + 0.0).to_bits().cast_signed();
    match bits < 0 {
        true => bits ^ i64::MAX,
        false => bits,
    }
}

impl Collation {
    /// "Unicode alphabetic sort order with no specific locale implied": letters
    /// by their code points, once marks are taken off them, so that `Émile`
    /// stands between `Emil` and `Emma`, and not behind `Zoe`.
    fn of(text: &str, case_exact: bool) -> Self {
        let whole = match case_exact {
            true => text.into(),
            false => fold(text),
        };
        match whole.is_ascii() {
            true => Self {
                letters: whole.into_owned(),
                accented: String::new(),
            },
            false => Self {
                letters: without_marks(&whole),
                accented: whole.into_owned(),
            },
        }
    }
}

impl Key {
    /// How many bytes of memory it holds beyond its own size.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        match self {
            Self::Text(text) => text.letters.capacity() + text.accented.capacity(),
            Self::Boolean(_) | Self::Integer(_) | Self::Decimal(_) | Self::Instant(_) => 0,
        }
    }
}

impl SortOrder {
    /// The order with this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let orders = [
            ("ascending", Self::Ascending),
            ("descending", Self::Descending),
        ];
        let mut orders = orders.into_iter();
        let named = orders.find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        named.map(|(_, order)| order)
    }

    /// Compares the keys of two resources: "if there is no data for the
    /// specified sortBy value", a resource is "last if ascending and first if
    /// descending".
    #[must_use]
    pub fn compare(self, a: Option<&Key>, b: Option<&Key>) -> Ordering {
        let ascending = match (a, b) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        match self {
            Self::Ascending => ascending,
            Self::Descending => ascending.reverse(),
        }
    }
}

#[cfg(test)]
mod tests;
