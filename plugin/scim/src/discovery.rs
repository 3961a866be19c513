//! What the service says of itself (RFC 7644 §4): schemas, resource types and
//! the service provider's configuration, as resources like any other. All of it
//! is read from the registry, so it cannot differ from what the service does.

use crate::resource::{Complex, Resource, Value};
use crate::schema::{AttrId, Registry, ResourceTypeId, Schema};

/// What the service provider's configuration tells of the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where people read about the service.
    pub documentation_uri: Option<String>,
    /// Whether the token that asks is held to the SCIM interoperability profile
    /// (draft-zollner-scim-interop-profile).
    pub interop_profile_conformant: bool,
    /// The most resources in one answer to a query.
    pub filter_max_results: u32,
    /// Resources in a page when the client asks for no number (RFC 9865 §4).
    pub default_page_size: u32,
    /// The most resources in a page.
    pub max_page_size: u32,
    /// For how many seconds a cursor leads to the next page.
    pub cursor_timeout: u32,
    /// The most operations in a bulk request; authentik cuts its PATCH requests by
    /// it too.
    pub bulk_max_operations: u32,
    /// The largest bulk request in bytes.
    pub bulk_max_payload_size: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            documentation_uri: None,
            interop_profile_conformant: false,
            filter_max_results: 200,
            default_page_size: 100,
            max_page_size: 200,
            cursor_timeout: 600,
            bulk_max_operations: 1_000,
            bulk_max_payload_size: 1_048_576,
        }
    }
}

/// All schemas but the one of the common attributes, which every schema has
/// anyway (RFC 7643 §3.1). The `id` is the URN.
#[must_use]
pub fn schemas(registry: &Registry) -> Vec<Resource> {
    let schemas = registry.schemas().iter().skip(1);
    schemas.map(|schema| describe(registry, schema)).collect()
}

/// The resource types that can be provisioned (RFC 7643 §6). The `id` is the
/// name. Those of this module are not among them: a client that walks the list
/// would try to create one.
#[must_use]
pub fn resource_types(registry: &Registry) -> Vec<Resource> {
    let core = registry.core();
    registry
        .provisioned()
        .map(|definition| {
            let of_type = Names::top(registry, core.resource_type);
            let extensions = definition.extensions.iter().map(|(container, required)| {
                of_type.below("schemaExtensions").complex([
                    ("schema", text(&registry.attribute(*container).name)),
                    ("required", flag(*required)),
                ])
            });
            let attributes = of_type.complex([
                ("id", text(&definition.name)),
                ("name", text(&definition.name)),
                ("description", text(&definition.description)),
                ("endpoint", text(&definition.endpoint)),
                ("schema", text(&definition.schema)),
                ("schemaExtensions", list(extensions)),
            ]);
            resource(registry, core.resource_type, attributes)
        })
        .collect()
}

/// What the service supports (RFC 7643 §5). It has no `id`.
#[must_use]
pub fn service_provider_config(registry: &Registry, settings: &Settings) -> Resource {
    let id = registry.core().service_provider_config;
    let names = Names::top(registry, id);
    let feature = |name: &'static str, supported: bool, limits: &[(&'static str, u32)]| {
        let limits = limits.iter().map(|(name, limit)| (*name, number(*limit)));
        let supported = ("supported", flag(supported));
        let feature = names
            .below(name)
            .complex(std::iter::once(supported).chain(limits));
        (name, Some(Value::Complex(feature)))
    };
    let bearer = names.below("authenticationSchemes").complex([
        ("type", text("oauthbearertoken")),
        ("name", text("Bearer token")),
        (
            "description",
            text("The token stands in the Authorization header, after \"Bearer\"."),
        ),
        ("specUri", text("https://www.rfc-editor.org/info/rfc6750")),
        ("primary", flag(true)),
    ]);
    // By index unless the client asks for cursors: what clients expect that knew
    // the service before RFC 9865 (§2.5).
    let pagination = names.below("pagination").complex([
        ("cursor", flag(true)),
        ("index", flag(true)),
        ("defaultPaginationMethod", text("index")),
        ("defaultPageSize", number(settings.default_page_size)),
        ("maxPageSize", number(settings.max_page_size)),
        ("cursorTimeout", number(settings.cursor_timeout)),
    ]);
    let bulk_limits = [
        ("maxOperations", settings.bulk_max_operations),
        ("maxPayloadSize", settings.bulk_max_payload_size),
    ];
    let attributes = names.complex([
        (
            "documentationUri",
            settings.documentation_uri.as_deref().and_then(text),
        ),
        // "false or absent" where it does not hold: clients that know RFC 7643 alone
        // refuse a document with an attribute more.
        (
            "interopProfileConformant",
            settings
                .interop_profile_conformant
                .then_some(Value::Boolean(true)),
        ),
        feature("patch", true, &[]),
        feature("bulk", true, &bulk_limits),
        feature(
            "filter",
            true,
            &[("maxResults", settings.filter_max_results)],
        ),
        feature("changePassword", true, &[]),
        feature("sort", true, &[]),
        feature("etag", true, &[]),
        ("authenticationSchemes", list([bearer])),
        ("pagination", Some(Value::Complex(pagination))),
    ]);
    resource(registry, id, attributes)
}

/// Whether each list of values with a `type` names the types that it takes, which
/// the interoperability profile demands ("Canonical Values for Typed Attributes").
#[must_use]
pub fn names_all_types(registry: &Registry) -> bool {
    let definitions = registry.schemas().iter();
    let mut lists = definitions
        .flat_map(|schema| &schema.attributes)
        .map(|id| registry.attribute(*id))
        .filter(|attribute| attribute.multi_valued);
    lists.all(|list| {
        let kind = registry.child(list.id, "type");
        kind.is_none_or(|kind| !registry.attribute(kind).canonical_values.is_empty())
    })
}

/// Sets `meta.location`.
pub fn set_location(registry: &Registry, resource: &mut Resource, location: String) {
    let core = registry.core();
    let location = (core.meta_location, Value::String(location));
    match resource.attributes.get_mut(core.meta) {
        Some(Value::Complex(meta)) => {
            meta.set(location.0, location.1);
        }
        _ => {
            let meta = Value::Complex([location].into_iter().collect());
            resource.attributes.set(core.meta, meta);
        }
    }
}

fn resource(registry: &Registry, resource_type: ResourceTypeId, attributes: Complex) -> Resource {
    let core = registry.core();
    let mut resource = Resource {
        resource_type,
        attributes,
    };
    let name = registry.resource_type(resource_type).name.clone();
    let meta = [(core.meta_resource_type, Value::String(name))];
    let meta = Value::Complex(meta.into_iter().collect());
    resource.attributes.set(core.meta, meta);
    resource
}

fn describe(registry: &Registry, schema: &Schema) -> Resource {
    let id = registry.core().schema;
    let names = Names::top(registry, id);
    let outer = names.below("attributes");
    let attributes = schema
        .attributes
        .iter()
        .map(|attribute| characteristics(&outer, *attribute));
    let attributes = names.complex([
        ("id", text(&schema.urn)),
        ("name", text(&schema.name)),
        ("description", text(&schema.description)),
        ("attributes", list(attributes)),
    ]);
    resource(registry, id, attributes)
}

/// An attribute with all its characteristics (RFC 7643 §7).
fn characteristics(names: &Names<'_>, id: AttrId) -> Complex {
    let attribute = names.registry.attribute(id);
    // The schema of schemas describes sub-attributes only once. Deeper ones,
    // which it has itself, are written in the same form (RFC 7643 §8.7.2).
    let below = names.below("subAttributes");
    let deeper = if below.among.is_empty() {
        names
    } else {
        &below
    };
    let sub_attributes = attribute
        .children
        .iter()
        .map(|child| characteristics(deeper, *child));
    let mut complex = names.complex([
        ("name", text(&attribute.name)),
        ("type", text(attribute.kind.word())),
        ("multiValued", flag(attribute.multi_valued)),
        ("description", text(&attribute.description)),
        ("required", flag(attribute.required)),
        ("caseExact", flag(attribute.case_exact)),
        ("mutability", text(attribute.mutability.word())),
        ("returned", text(attribute.returned.word())),
        ("uniqueness", text(attribute.uniqueness.word())),
        ("canonicalValues", texts(&attribute.canonical_values)),
        ("referenceTypes", texts(&attribute.reference_types)),
    ]);
    let container = names.find("subAttributes").or(names.parent);
    if let (Some(container), Some(sub_attributes)) = (container, list(sub_attributes)) {
        complex.set(container, sub_attributes);
    }
    complex
}

/// The attributes that may stand in one place, to be found by name.
struct Names<'r> {
    registry: &'r Registry,
    /// The attribute they are below, when they are.
    parent: Option<AttrId>,
    among: &'r [AttrId],
}

impl<'r> Names<'r> {
    fn top(registry: &'r Registry, resource_type: ResourceTypeId) -> Self {
        Self {
            registry,
            parent: None,
            among: &registry.resource_type(resource_type).attributes,
        }
    }

    fn below(&self, name: &str) -> Self {
        let parent = self.find(name);
        Self {
            registry: self.registry,
            parent,
            among: parent.map_or(&[], |id| &self.registry.attribute(id).children),
        }
    }

    fn find(&self, name: &str) -> Option<AttrId> {
        let mut among = self.among.iter().copied();
        among.find(|id| self.registry.attribute(*id).name == name)
    }

    fn complex<'n>(&self, members: impl IntoIterator<Item = (&'n str, Option<Value>)>) -> Complex {
        let members = members.into_iter();
        members
            .filter_map(|(name, value)| Some((self.find(name)?, value?)))
            .collect()
    }
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::String(text.to_owned()))
}

fn flag(flag: bool) -> Option<Value> {
    Some(Value::Boolean(flag))
}

fn number(number: u32) -> Option<Value> {
    Some(Value::Integer(number.into()))
}

fn texts(texts: &[String]) -> Option<Value> {
    let texts = texts.iter().cloned().map(Value::String);
    (texts.len() > 0).then(|| Value::List(texts.collect()))
}

fn list(elements: impl IntoIterator<Item = Complex>) -> Option<Value> {
    let elements: Vec<Value> = elements.into_iter().map(Value::Complex).collect();
    (!elements.is_empty()).then_some(Value::List(elements))
}

#[cfg(test)]
mod tests;
