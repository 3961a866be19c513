//! JSON to resources, typed by the schema.

use super::scalar::{scalar, wrong_type};
use super::{Complex, Resource, Value, list, reference, strict, tolerance};
use crate::Mode;
use crate::error::Error;
use crate::json::{self, Json, Quoted};
use crate::schema::{AttrId, Mutability, Registry, ResourceTypeId};
use std::borrow::Cow;

/// Who wrote what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A client, as the body of a POST or PUT. It has no say on `readOnly`
    /// attributes: they are dropped (RFC 7644 §3.3).
    Body,
    /// A client, as the value of a PATCH operation.
    Operation,
    /// A service.
    Service,
    /// A record, perhaps of another configuration.
    Record,
}

impl Source {
    fn is_client(self) -> bool {
        matches!(self, Self::Body | Self::Operation)
    }

    /// The value, or none where the attribute of a configuration has another type
    /// than it had when the record was written.
    fn known(
        self,
        registry: &Registry,
        id: AttrId,
        value: Result<Option<Value>, Error>,
    ) -> Result<Option<Value>, Error> {
        match self {
            Self::Record if !registry.is_standard(id) => Ok(value.unwrap_or_default()),
            Self::Record | Self::Body | Self::Operation | Self::Service => value,
        }
    }
}

/// Reads values by the schema.
pub(super) struct Reader<'r> {
    pub(super) registry: &'r Registry,
    source: Source,
    pub(super) mode: Mode,
}

/// Reads the body of a POST or PUT.
///
/// Names have no case; `null`, `[]` and `""` are no value; `readOnly` attributes
/// are dropped. In lenient mode unknown attributes are dropped too, and
/// sub-attributes and extension attributes may also come under their full name at
/// the top (`name.givenName`, `urn:…:enterprise:2.0:User:department`), and core
/// attributes in an object under the URN of their schema; where an attribute comes
/// in both places, its proper place counts. `schemas` is then
/// checked for its form only, since Entra ID names URNs there that nobody knows.
/// Whether what is left is enough is [`complete`](super::complete)'s question.
///
/// # Errors
/// [`Error::NotAnObject`]; [`Error::WrongType`] and [`Error::BadValue`] with the
/// attribute's path; in strict mode [`Error::UnknownAttribute`] and
/// [`Error::Schemas`].
pub fn from_client(
    registry: &Registry,
    resource_type: ResourceTypeId,
    body: &Json<'_>,
    mode: Mode,
) -> Result<Resource, Error> {
    let reader = Reader {
        registry,
        source: Source::Body,
        mode,
    };
    let members = body.as_object().ok_or(Error::NotAnObject)?;
    if mode.is_strict() {
        strict::check_schemas(registry, resource_type, body)?;
    }
    let mut resource = Resource::new(resource_type);
    let mut misplaced = Vec::new();
    for (name, json) in members {
        match registry.top(resource_type, name) {
            Some(id) if id == registry.core().schemas => check_schemas(json)?,
            Some(id) if is_read_only(registry, id) => {}
            Some(id) => {
                if let Some(value) = reader.value(id, json)? {
                    resource.attributes.set(id, value);
                }
            }
            None if mode.is_strict() => return Err(unknown(name)),
            None => {
                let here = registry.resolve(resource_type, name);
                misplaced.extend(here.map(|id| (!name.contains(':'), id, json)));
                for (name, json) in tolerance::core_object(registry, resource_type, name, json) {
                    let id = registry.top(resource_type, name);
                    let id = id.filter(|id| *id != registry.core().schemas);
                    misplaced.extend(id.map(|id| (false, id, json)));
                }
            }
        }
    }
    reader.fill_in(&mut resource, misplaced)?;
    Ok(resource)
}

/// Reads a value for an attribute, as in a PATCH operation: all values of a
/// multi-valued attribute as a list. Nothing when it is `null`, `[]`, `""`, or an
/// object in which nothing is left.
///
/// # Errors
/// [`Error::WrongType`] and [`Error::BadValue`] with the attribute's path; in
/// strict mode [`Error::UnknownAttribute`].
pub fn value_from_client(
    registry: &Registry,
    attribute: AttrId,
    json: &Json<'_>,
    mode: Mode,
) -> Result<Option<Value>, Error> {
    Reader::of_operation(registry, mode).value(attribute, json)
}

/// Reads one value of an attribute, multi-valued or not.
///
/// # Errors
/// Those of [`value_from_client`].
pub fn element_from_client(
    registry: &Registry,
    attribute: AttrId,
    json: &Json<'_>,
    mode: Mode,
) -> Result<Option<Value>, Error> {
    Reader::of_operation(registry, mode).single(attribute, json)
}

/// Reads what [`to_store`](super::to_store) wrote. What a configuration no longer
/// knows is left out: names that are gone, and values of another type than their
/// attribute has now.
///
/// # Errors
/// [`Error::Internal`] when the record is damaged.
pub fn from_store(
    registry: &Registry,
    resource_type: ResourceTypeId,
    bytes: &[u8],
) -> Result<Resource, Error> {
    let record = json::parse(bytes, json::MAX_DEPTH);
    record
        .and_then(|record| own(registry, Source::Record, resource_type, &record))
        .map_err(|e| Error::Internal {
            reason: format!("a stored record is damaged; {e}"),
        })
}

/// Reads a resource as a service gives it: what is `readOnly` is part of it, and
/// unknown names are left out.
///
/// # Errors
/// Those of [`from_client`].
pub fn from_service(
    registry: &Registry,
    resource_type: ResourceTypeId,
    body: &Json<'_>,
) -> Result<Resource, Error> {
    own(registry, Source::Service, resource_type, body)
}

fn own(
    registry: &Registry,
    source: Source,
    resource_type: ResourceTypeId,
    body: &Json<'_>,
) -> Result<Resource, Error> {
    let members = body.as_object().ok_or(Error::NotAnObject)?;
    let reader = Reader {
        registry,
        source,
        mode: Mode::Lenient,
    };
    let mut resource = Resource::new(resource_type);
    for (name, json) in members {
        if let Some(id) = registry.top(resource_type, name)
            && let Some(value) = source.known(registry, id, reader.value(id, json))?
        {
            resource.attributes.set(id, value);
        }
    }
    Ok(resource)
}

/// `schemas` need not be there and may name URNs that nobody knows, as Entra ID
/// does for every group; which schemas a resource has, its content says.
fn check_schemas(json: &Json<'_>) -> Result<(), Error> {
    let is_list_of_urns = json.is_null()
        || tolerance::as_list(Mode::Lenient, json)
            .is_some_and(|urns| urns.iter().all(|urn| urn.as_str().is_some()));
    is_list_of_urns
        .then_some(())
        .ok_or_else(|| Error::WrongType {
            attribute: "schemas".to_owned(),
            expected: "a list of URNs".to_owned(),
        })
}

fn is_read_only(registry: &Registry, id: AttrId) -> bool {
    registry.attribute(id).mutability == Mutability::ReadOnly
}

/// Gives the attribute at the end of `lineage` a value unless it has one. Below
/// a list it is not said which element is meant, so there nothing happens.
fn fill(complex: &mut Complex, lineage: &[AttrId], value: Value) {
    match lineage {
        [] => {}
        [id] => {
            if complex.get(*id).is_none() {
                complex.set(*id, value);
            }
        }
        [id, below @ ..] => match complex.get_mut(*id) {
            Some(Value::Complex(inner)) => fill(inner, below, value),
            Some(_) => {}
            None => {
                let mut inner = Complex::default();
                fill(&mut inner, below, value);
                complex.set(*id, Value::Complex(inner));
            }
        },
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    Error::UnknownAttribute {
        name: Quoted::from(name),
    }
}

impl<'r> Reader<'r> {
    fn of_operation(registry: &'r Registry, mode: Mode) -> Self {
        Self {
            registry,
            source: Source::Operation,
            mode,
        }
    }

    /// Whether a client wrote what is read.
    pub(super) fn is_client(&self) -> bool {
        self.source.is_client()
    }

    /// Takes over what stood at the top and belongs elsewhere, where nothing is.
    fn fill_in(
        &self,
        resource: &mut Resource,
        mut misplaced: Vec<(bool, AttrId, &Json<'_>)>,
    ) -> Result<(), Error> {
        // A name with its URN is the surer one.
        misplaced.sort_by_key(|(bare, ..)| *bare);
        for (bare, id, json) in misplaced {
            let mut lineage: Vec<AttrId> = self.registry.lineage(id).collect();
            lineage.reverse();
            if lineage.iter().any(|id| is_read_only(self.registry, *id)) {
                continue;
            }
            // A bare name may as well be some attribute of the client's own.
            let value = match self.value(id, json) {
                Err(_) if bare => None,
                other => other?,
            };
            if let Some(value) = value {
                fill(&mut resource.attributes, &lineage, value);
            }
        }
        Ok(())
    }

    fn value(&self, id: AttrId, json: &Json<'_>) -> Result<Option<Value>, Error> {
        let wrong = |expected: &str| Error::WrongType {
            attribute: self.registry.path(id),
            expected: expected.to_owned(),
        };
        if !self.registry.attribute(id).multi_valued {
            return match tolerance::as_single(self.mode, json) {
                Some(json) => self.single(id, json),
                None => Err(wrong("a single value, not a list")),
            };
        }
        let elements = tolerance::as_list(self.mode, json).ok_or_else(|| wrong("a list"))?;
        let elements = elements
            .iter()
            .filter_map(|element| self.single(id, element).transpose());
        let list = match self.is_client() {
            true => list::gather(self.registry, id, elements)?,
            false => elements.collect::<Result<_, _>>()?,
        };
        Ok((!list.is_empty()).then_some(Value::List(list)))
    }

    fn single(&self, id: AttrId, json: &Json<'_>) -> Result<Option<Value>, Error> {
        let (registry, mode) = (self.registry, self.mode);
        let attribute = registry.attribute(id);
        if !attribute.is_complex() {
            return scalar(self, attribute, json);
        }
        let complex = if let Some(members) = json.as_object() {
            self.complex(id, members)?
        } else if json.is_null() || tolerance::is_empty_text(mode, attribute.kind, json) {
            return Ok(None);
        } else if let Some(child) = tolerance::bare_value(mode, registry, id, json)
            .filter(|_| self.source == Source::Operation || tolerance::is_reference(registry, id))
        {
            scalar(self, registry.attribute(child), json)?
                .map(|value| (child, value))
                .into_iter()
                .collect()
        } else {
            return Err(wrong_type(registry, attribute));
        };
        Ok((!complex.is_empty()).then_some(Value::Complex(complex)))
    }

    fn complex(&self, id: AttrId, members: &[(Cow<'_, str>, Json<'_>)]) -> Result<Complex, Error> {
        let (registry, mode) = (self.registry, self.mode);
        let mut complex = Complex::default();
        let mut aliases = Vec::new();
        for (name, json) in members {
            match registry.child(id, name) {
                Some(child) if self.is_client() && is_read_only(registry, child) => {}
                Some(child) => {
                    if let Some(value) =
                        self.source
                            .known(registry, child, self.value(child, json))?
                    {
                        complex.set(child, value);
                    }
                }
                None if mode.is_strict() => {
                    return Err(unknown(&registry.path_below(id, name)));
                }
                None => {
                    let meant = tolerance::alias(registry, id, name);
                    aliases.extend(meant.map(|id| (id, json)));
                }
            }
        }
        for (child, json) in aliases {
            if complex.get(child).is_none()
                && let Some(value) = self.value(child, json)?
            {
                complex.set(child, value);
            }
        }
        if self.is_client() {
            reference::complete_by_uri(mode, registry, id, &mut complex)?;
        }
        Ok(complex)
    }
}
