//! Paths of PATCH operations (RFC 7644 §3.5.2), bound to attributes.

use crate::Mode;
use crate::error::Error;
use crate::filter::{self, ElementFilter, Limits, SyntaxError};
use crate::json::Quoted;
use crate::schema::{AttrId, Registry, ResourceTypeId};

/// What a PATCH operation works on.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The container, for an attribute of an extension.
    pub container: Option<AttrId>,
    /// The attribute; for the URN of an extension alone, its container.
    pub attribute: AttrId,
    /// Which elements of a multi-valued attribute.
    pub selection: Option<Box<ElementFilter>>,
    /// The sub-attribute.
    pub sub_attribute: Option<AttrId>,
}

impl Path {
    /// Reads a path for resources of one type. It may name the attribute, a
    /// sub-attribute, or elements by a filter and a sub-attribute of those, with
    /// or without the URN of a schema; or an extension as a whole by its URN.
    ///
    /// # Errors
    /// [`Error::PathSyntax`], also for a filter in it that is malformed;
    /// [`Error::PathAttribute`] for a name the type does not have;
    /// [`Error::PathFilter`] for a filter on what has no elements; for what the
    /// filter names and compares, the errors of
    /// [`Filter::parse`](crate::filter::Filter::parse). In strict mode
    /// [`Error::UnknownAttribute`] for a name the type does not have, and
    /// [`Error::PathFilter`] for elements of which no sub-attribute is named, as
    /// the profile wants both.
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        text: &str,
        limits: &Limits,
        mode: Mode,
    ) -> Result<Self, Error> {
        limits.check(text)?;
        // Most paths are a name and nothing else.
        if let Some(named) = registry.resolve_in(resource_type, text, mode) {
            return Ok(Self::to(registry, named));
        }
        let expression = filter::parse_path(text).map_err(|SyntaxError { position, reason }| {
            Error::PathSyntax {
                position,
                reason: reason.to_owned(),
            }
        })?;
        let unknown = |name: &str| {
            let name = Quoted::from(name);
            match mode {
                Mode::Lenient => Error::PathAttribute { name },
                Mode::Strict => Error::UnknownAttribute { name },
            }
        };
        let named = registry
            .resolve_in(resource_type, expression.attribute, mode)
            .ok_or_else(|| unknown(expression.attribute))?;
        let mut path = Self::to(registry, named);
        if let Some(filter) = &expression.filter {
            if path.sub_attribute.is_some() || !registry.attribute(named).multi_valued {
                return Err(Error::PathFilter {
                    attribute: registry.path(named),
                    reason: "it has one value only".to_owned(),
                });
            }
            let selection = filter::bind_element(registry, named, filter, mode)?;
            path.selection = Some(Box::new(selection));
            if mode.is_strict() && expression.sub_attribute.is_none() {
                return Err(Error::PathFilter {
                    attribute: registry.path(named),
                    reason: "name a sub-attribute behind the filter".to_owned(),
                });
            }
        }
        if let Some(name) = &expression.sub_attribute {
            let child = registry.child(named, name);
            path.sub_attribute = Some(child.ok_or_else(|| unknown(name))?);
        }
        Ok(path)
    }

    /// The path of a whole attribute, sub-attribute or extension.
    #[must_use]
    pub fn to(registry: &Registry, target: AttrId) -> Self {
        let parent = |id: AttrId| registry.attribute(id).parent;
        let is_extension = |id: &AttrId| registry.attribute(*id).is_extension;
        let container = registry.lineage(target).skip(1).find(is_extension);
        let above = parent(target).filter(|above| Some(*above) != container);
        Self {
            container,
            attribute: above.unwrap_or(target),
            selection: None,
            sub_attribute: above.map(|_| target),
        }
    }

    /// The attribute whose value the operation gives: the sub-attribute where
    /// there is one.
    #[must_use]
    pub fn target(&self) -> AttrId {
        self.sub_attribute.unwrap_or(self.attribute)
    }
}
