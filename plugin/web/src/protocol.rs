//! What can be asked of the protocol, from JSON text to values that serialize.

use crate::changes::{self, Change};
use crate::explain::{Node, Sentence};
use crate::outcome::{Problem, Refusal};
use crate::validate;
use scim::filter::{Explanation, Filter, Limits};
use scim::json::{self, Json};
use scim::patch::Patch;
use scim::projection::Projection;
use scim::resource::{Resource, from_service, to_client};
use scim::schema::{Registry, ResourceTypeId};
use scim::{Error, Mode, discovery};
use serde::Serialize;
use serde_json::value::RawValue;

/// The most operations in a PATCH request, the service's own default.
const MAX_OPERATIONS: usize = 1_000;

/// The protocol for one set of schemas and resource types.
#[derive(Clone, Debug)]
pub struct Protocol {
    registry: Registry,
}

/// What is wrong with a resource, if anything.
#[derive(Debug, Serialize)]
pub struct Validation {
    /// All problems, or the first.
    pub problems: Vec<Problem>,
    /// The resource as a service understands it and answers with, when nothing is wrong.
    pub resource: Option<Box<RawValue>>,
}

/// A filter, explained.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The filter in one way of writing it.
    pub canonical: String,
    /// What it asks, as a sentence.
    pub sentence: String,
    /// What it asks, as a tree.
    pub tree: Node,
}

/// What a PATCH request does to a resource. Neither form shows what is never returned or
/// only on request; the changes name it.
#[derive(Debug, Serialize)]
pub struct Patched {
    /// Whether the resource is another than before.
    pub changed: bool,
    /// The resource before.
    pub before: Box<RawValue>,
    /// The resource after.
    pub after: Box<RawValue>,
    /// What has changed, in the order of the schema.
    pub changes: Vec<Change>,
}

impl Protocol {
    /// The schemas and resource types of RFC 7643.
    ///
    /// # Errors
    /// When a document of theirs is wrong, which a test excludes.
    pub fn standard() -> Result<Self, Problem> {
        let registry = Registry::standard();
        let registry = registry.map_err(|error| Problem::new(&error.into(), ""))?;
        Ok(Self { registry })
    }

    /// With schemas and resource types of one's own: a JSON object with the keys `schemas`
    /// and `resource_types` of the plugin's configuration; other keys of it are ignored.
    ///
    /// # Errors
    /// When a document is malformed or contradicts another.
    pub fn with(documents: &str) -> Result<Self, Problem> {
        let documents = json::parse(documents.as_bytes(), json::MAX_DEPTH).map_err(refused)?;
        if documents.as_object().is_none() {
            return Err(refused(Error::NotAnObject));
        }
        let none = Json::Array(Vec::new());
        let given = |name| documents.get(name).unwrap_or(&none);
        let registry = Registry::with(given("schemas"), given("resource_types"));
        let registry = registry.map_err(|error| Problem::new(&error.into(), ""))?;
        Ok(Self { registry })
    }

    /// Reads a resource as the body of a POST and says what is wrong with it.
    ///
    /// # Errors
    /// For an unknown resource type.
    pub fn validate(
        &self,
        resource_type: &str,
        resource: &str,
        first_only: bool,
    ) -> Result<Validation, Problem> {
        let id = self.resource_type(resource_type)?;
        let (problems, resource) = validate::validate(&self.registry, id, resource, first_only);
        let resource = resource.map(|resource| self.shown(&resource, &Projection::all()));
        Ok(Validation {
            problems,
            resource: resource.transpose()?,
        })
    }

    /// The filter in one way of writing it.
    ///
    /// # Errors
    /// For an unknown resource type; those of [`Filter::parse`].
    pub fn parse_filter(&self, resource_type: &str, filter: &str) -> Result<String, Problem> {
        Ok(self.explanation(resource_type, filter)?.canonical)
    }

    /// What a filter asks.
    ///
    /// # Errors
    /// Those of [`parse_filter`](Self::parse_filter).
    pub fn explain_filter(&self, resource_type: &str, filter: &str) -> Result<Explained, Problem> {
        let Explanation {
            canonical,
            condition,
        } = self.explanation(resource_type, filter)?;
        let sentence = Sentence {
            registry: &self.registry,
            condition: &condition,
            element: None,
        };
        Ok(Explained {
            canonical,
            sentence: format!("A {resource_type} matches when {sentence}."),
            tree: Node::new(&self.registry, &condition),
        })
    }

    /// Whether a resource, as a service gives it, meets a filter.
    ///
    /// # Errors
    /// Those of [`parse_filter`](Self::parse_filter), and when the resource cannot be read.
    pub fn evaluate_filter(
        &self,
        resource_type: &str,
        filter: &str,
        resource: &str,
    ) -> Result<bool, Problem> {
        let id = self.resource_type(resource_type)?;
        let limits = Limits::default();
        let filter = Filter::parse(&self.registry, id, filter, &limits, Mode::Lenient)
            .map_err(|error| Problem::new(&error.into(), filter))?;
        Ok(filter.matches(&self.read(id, resource)?))
    }

    /// Applies a PATCH request to a resource as a service gives it.
    ///
    /// # Errors
    /// For an unknown resource type, when the resource cannot be read, and those of
    /// [`Patch::parse`] and [`Patch::apply`].
    pub fn apply_patch(
        &self,
        resource_type: &str,
        resource: &str,
        request: &str,
    ) -> Result<Patched, Problem> {
        let id = self.resource_type(resource_type)?;
        let before = self.read(id, resource)?;
        let mut after = before.clone();
        let changed = self.patch(&mut after, request).map_err(refused)?;
        Ok(Patched {
            changed,
            before: self.shown(&before, &Projection::all())?,
            after: self.shown(&after, &Projection::all())?,
            changes: changes::between(&self.registry, &before, &after),
        })
    }

    /// A resource with what the two query parameters select (RFC 7644 §3.9).
    ///
    /// # Errors
    /// For an unknown resource type, and when the resource cannot be read.
    pub fn project(
        &self,
        resource_type: &str,
        resource: &str,
        attributes: Option<&str>,
        excluded_attributes: Option<&str>,
    ) -> Result<Box<RawValue>, Problem> {
        let id = self.resource_type(resource_type)?;
        let projection = Projection::parse(&self.registry, id, attributes, excluded_attributes);
        self.shown(&self.read(id, resource)?, &projection)
    }

    /// The documents of `/Schemas`.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn schemas(&self) -> Result<Vec<Box<RawValue>>, Problem> {
        self.all_shown(&discovery::schemas(&self.registry))
    }

    /// The documents of `/ResourceTypes`.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn resource_types(&self) -> Result<Vec<Box<RawValue>>, Problem> {
        self.all_shown(&discovery::resource_types(&self.registry))
    }

    fn resource_type(&self, name: &str) -> Result<ResourceTypeId, Problem> {
        let found = self.registry.resource_type_named(name);
        let found = found.map(|definition| definition.id);
        found.ok_or_else(|| Problem::new(&Refusal::ResourceType(name.to_owned()), ""))
    }

    fn explanation(&self, resource_type: &str, filter: &str) -> Result<Explanation, Problem> {
        let id = self.resource_type(resource_type)?;
        Explanation::parse(&self.registry, id, filter, &Limits::default())
            .map_err(|error| Problem::new(&error.into(), filter))
    }

    fn patch(&self, resource: &mut Resource, request: &str) -> Result<bool, Error> {
        let request = json::parse(request.as_bytes(), json::MAX_DEPTH)?;
        let resource_id = resource.text(self.registry.core().id).unwrap_or_default();
        let patch = Patch::parse(
            &self.registry,
            resource.resource_type,
            &request,
            MAX_OPERATIONS,
            resource_id,
            Mode::Lenient,
        )?;
        patch.apply(&self.registry, resource)
    }

    fn read(&self, id: ResourceTypeId, resource: &str) -> Result<Resource, Problem> {
        json::parse(resource.as_bytes(), json::MAX_DEPTH)
            .and_then(|json: Json<'_>| from_service(&self.registry, id, &json))
            .map_err(refused)
    }

    fn all_shown(&self, resources: &[Resource]) -> Result<Vec<Box<RawValue>>, Problem> {
        let shown = |resource| self.shown(resource, &Projection::all());
        resources.iter().map(shown).collect()
    }

    /// The resource as a client gets it.
    fn shown(
        &self,
        resource: &Resource,
        projection: &Projection,
    ) -> Result<Box<RawValue>, Problem> {
        let bytes = to_client(&self.registry, resource, projection);
        serde_json::from_slice(&bytes).map_err(|error| {
            refused(Error::Internal {
                reason: error.to_string(),
            })
        })
    }
}

fn refused(error: Error) -> Problem {
    Problem::new(&error.into(), "")
}
