//! The compiled form of all schemas: attributes by id, found by name once.

use super::attribute::{AttrId, Attribute, Type};
use super::builder::Builder;
use super::check;
use super::core::Core;
use super::definition::{DefinitionError, ResourceTypeDefinition, SchemaDefinition, each};
use crate::Mode;
use crate::json::{self, Json};
use crate::text::same_name;
use smallvec::SmallVec;

/// Names a resource type within a [`Registry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceTypeId(pub(super) u16);

/// From attribute to sub-attribute, as deep as the schema is: an extension, an attribute
/// and a sub-attribute, in nearly all cases.
pub(crate) type Steps = SmallVec<[AttrId; 4]>;

/// A schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Its URN.
    pub urn: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its attributes, in the document's order.
    pub attributes: Vec<AttrId>,
    /// Where the attributes of an extension are in a resource.
    pub container: Option<AttrId>,
}

/// A resource type (RFC 7643 §6).
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// Its own id.
    pub id: ResourceTypeId,
    /// Its name, which is also the id of its entry in `/ResourceTypes`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The path of its collection below the base URL, with the slash.
    pub endpoint: String,
    /// The URN of its core schema.
    pub schema: String,
    /// Containers of its extensions, and whether each is required.
    pub extensions: Vec<(AttrId, bool)>,
    /// Everything that may stand at the top of a resource: the common
    /// attributes, those of the core schema, and the extensions' containers.
    pub attributes: Vec<AttrId>,
    /// The attributes and sub-attributes that are unique or marked for an index.
    pub indexes: Vec<AttrId>,
}

/// All schemas and resource types of a service, compiled.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) attributes: Vec<Attribute>,
    /// The [`digest`] of each attribute's name.
    pub(super) digests: Vec<u32>,
    pub(super) schemas: Vec<Schema>,
    pub(super) resource_types: Vec<ResourceType>,
    /// How many of the attributes, the first ones, are of the standard schemas.
    pub(super) standard: usize,
    pub(super) core: Core,
}

impl Registry {
    /// The schemas of RFC 7643 and RFC 9944, as in `data/*.json`.
    ///
    /// # Errors
    /// When a document is wrong, which a test excludes.
    pub fn standard() -> Result<Self, DefinitionError> {
        let (schemas, types) = standard_documents()?;
        Self::compile(schemas, types)
    }

    /// The standard schemas and others: lists of documents of the forms of RFC
    /// 7643 §7 and §6. A resource type of a name that there is already adds its
    /// `schemaExtensions` to that type, and may leave everything else out; any
    /// other one is new, and has an endpoint and one of these schemas.
    ///
    /// ```
    /// use scim::json::parse;
    /// use scim::schema::Registry;
    ///
    /// let schemas = parse(br#"[{"id": "urn:example:schemas:1.0:Badge", "name": "Badge",
    ///     "attributes": [{"name": "badge", "uniqueness": "server"}]}]"#, 20)?;
    /// let types = parse(br#"[{"name": "User", "schemaExtensions":
    ///     [{"schema": "urn:example:schemas:1.0:Badge"}]}]"#, 20)?;
    /// let registry = Registry::with(&schemas, &types)?;
    /// assert!(registry.resolve(registry.core().user, "badge").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DefinitionError`], which names the key below `schemas` or
    /// `resource_types`, and the attribute.
    pub fn with(schemas: &Json<'_>, types: &Json<'_>) -> Result<Self, DefinitionError> {
        let (mut all_schemas, mut all_types) = standard_documents()?;
        check::extend(&mut all_schemas, &mut all_types, schemas, types)?;
        Self::compile(all_schemas, all_types)
    }

    /// Compiles documents that were checked; the first schema is the one of the
    /// common attributes.
    ///
    /// # Errors
    /// When they lack what the service needs.
    pub(crate) fn compile(
        schemas: Vec<SchemaDefinition>,
        types: Vec<ResourceTypeDefinition>,
    ) -> Result<Self, DefinitionError> {
        let mut builder = Builder::default();
        for (i, schema) in schemas.into_iter().enumerate() {
            let is_extension = types
                .iter()
                .flat_map(|t| &t.schema_extensions)
                .any(|e| e.schema.eq_ignore_ascii_case(&schema.id));
            builder.schema(schema, is_extension, i < STANDARD.len())?;
        }
        for definition in types {
            builder.resource_type(definition)?;
        }
        builder.finish()
    }

    /// The attribute of an id that this registry gave out.
    #[must_use]
    pub fn attribute(&self, id: AttrId) -> &Attribute {
        // Ids come from this registry only, so the fallback is never taken; it
        // is there because indexing could trap.
        self.attributes
            .get(usize::from(id.0))
            .or(self.attributes.first())
            .unwrap_or(&PLACEHOLDER)
    }

    /// Whether an attribute is of a standard schema, which no configuration changes.
    #[must_use]
    pub fn is_standard(&self, id: AttrId) -> bool {
        usize::from(id.0) < self.standard
    }

    /// All schemas, the common attributes first.
    #[must_use]
    pub fn schemas(&self) -> &[Schema] {
        &self.schemas
    }

    /// The schema with this URN, compared without regard to case.
    #[must_use]
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.schemas
            .iter()
            .find(|s| s.urn.eq_ignore_ascii_case(urn))
    }

    /// All resource types.
    #[must_use]
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.resource_types
    }

    /// The resource types whose resources clients create: all but those by which
    /// the service tells of itself (RFC 7644 §4).
    pub fn provisioned(&self) -> impl Iterator<Item = &ResourceType> {
        let core = self.core;
        let own = [
            core.schema,
            core.resource_type,
            core.service_provider_config,
        ];
        let types = self.resource_types.iter();
        types.filter(move |definition| !own.contains(&definition.id))
    }

    /// The resource type of an id that this registry gave out.
    #[must_use]
    pub fn resource_type(&self, id: ResourceTypeId) -> &ResourceType {
        self.resource_types
            .get(usize::from(id.0))
            .or(self.resource_types.first())
            .unwrap_or(&PLACEHOLDER_TYPE)
    }

    /// The resource type with this name, compared with regard to case.
    #[must_use]
    pub fn resource_type_named(&self, name: &str) -> Option<&ResourceType> {
        self.resource_types.iter().find(|t| t.name == name)
    }

    /// What the code itself must know.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The attribute `name` at the top of a resource: a plain name of a common
    /// or core attribute, or the URN of an extension. Names compare without
    /// regard to case (RFC 7643 §2.1).
    #[must_use]
    pub fn top(&self, resource_type: ResourceTypeId, name: &str) -> Option<AttrId> {
        self.find(&self.resource_type(resource_type).attributes, name)
    }

    /// The sub-attribute `name` of `parent`, or the attribute `name` of an
    /// extension's container.
    #[must_use]
    pub fn child(&self, parent: AttrId, name: &str) -> Option<AttrId> {
        self.find(&self.attribute(parent).children, name)
    }

    /// The attribute that a name means which may carry a schema's URN and
    /// sub-attributes (RFC 7644 §3.10): `name.givenName`,
    /// `urn:…:core:2.0:User:userName`, `urn:…:enterprise:2.0:User:manager.value`,
    /// or an extension's URN alone. Without regard to case.
    ///
    /// A bare name that stands nowhere at the top means the extension's attribute
    /// of that name: Entra asks for `manager eq "…"` and OneLogin's templates
    /// post `department` without a URN.
    #[must_use]
    pub fn resolve(&self, resource_type: ResourceTypeId, name: &str) -> Option<AttrId> {
        self.resolve_in(resource_type, name, Mode::Lenient)
    }

    /// Like [`resolve`](Self::resolve); in strict mode an attribute of an extension
    /// needs its URN, and a colon stands behind the URN.
    #[must_use]
    pub fn resolve_in(
        &self,
        resource_type: ResourceTypeId,
        name: &str,
        mode: Mode,
    ) -> Option<AttrId> {
        let definition = self.resource_type(resource_type);
        if let Some(rest) = below_urn(name, &definition.schema, mode) {
            return self.descend(&definition.attributes, rest);
        }
        for (container, _) in &definition.extensions {
            let container = self.attribute(*container);
            if container.name.eq_ignore_ascii_case(name) {
                return Some(container.id);
            }
            if let Some(rest) = below_urn(name, &container.name, mode) {
                return self.descend(&container.children, rest);
            }
        }
        let found = self.descend(&definition.attributes, name);
        if found.is_some() || mode.is_strict() {
            return found;
        }
        let mut extensions = definition.extensions.iter();
        extensions
            .find_map(|(container, _)| self.descend(&self.attribute(*container).children, name))
    }

    /// The attribute, its parent, and so on to the top, in that order.
    pub fn lineage(&self, id: AttrId) -> impl Iterator<Item = AttrId> {
        std::iter::successors(Some(id), |id| self.attribute(*id).parent)
    }

    /// From the top of a resource, or from below the attribute `above`, to the attribute.
    pub(crate) fn steps(&self, above: Option<AttrId>, id: AttrId) -> Steps {
        let mut steps = Steps::new();
        let mut next = Some(id);
        while let Some(step) = next.filter(|step| Some(*step) != above) {
            steps.push(step);
            next = self.attribute(step).parent;
        }
        steps.reverse();
        steps
    }

    /// The attribute's path as RFC 7644 §3.10 writes it, such as
    /// `emails.value` or `urn:…:User:manager.displayName`.
    #[must_use]
    pub fn path(&self, id: AttrId) -> String {
        let attribute = self.attribute(id);
        match attribute.parent {
            None => attribute.name.clone(),
            Some(parent) => self.path_below(parent, &attribute.name),
        }
    }

    /// The path of what would be below an attribute under this name.
    #[must_use]
    pub fn path_below(&self, parent: AttrId, name: &str) -> String {
        let separator = if self.attribute(parent).is_extension {
            ':'
        } else {
            '.'
        };
        format!("{}{separator}{name}", self.path(parent))
    }

    fn descend(&self, among: &[AttrId], path: &str) -> Option<AttrId> {
        if !path.contains('.') {
            return self.find(among, path);
        }
        let mut names = path.split('.');
        let first = self.find(among, names.next()?)?;
        names.try_fold(first, |parent, name| self.child(parent, name))
    }

    fn find(&self, among: &[AttrId], name: &str) -> Option<AttrId> {
        let digest = Some(&digest(name));
        among.iter().copied().find(|id| {
            self.digests.get(usize::from(id.0)) == digest
                && same_name(&self.attribute(*id).name, name)
        })
    }
}

/// The same for names that are the same without regard to case, and rarely for others: a
/// name is looked up by it, in one small table, before any name is compared.
pub(super) fn digest(name: &str) -> u32 {
    let name = name.as_bytes();
    let letter = |at: Option<&u8>| at.map_or(0, u8::to_ascii_lowercase);
    u32::from_le_bytes([
        name.len().to_le_bytes()[0],
        letter(name.first()),
        letter(name.get(name.len() / 2)),
        letter(name.last()),
    ])
}

/// The schemas of RFC 7643 and RFC 9944, the common attributes first.
const STANDARD: [&str; 9] = [
    include_str!(concat!(env!("OUT_DIR"), "/common.json")),
    include_str!(concat!(env!("OUT_DIR"), "/user.json")),
    include_str!(concat!(env!("OUT_DIR"), "/enterprise_user.json")),
    include_str!(concat!(env!("OUT_DIR"), "/group.json")),
    include_str!(concat!(env!("OUT_DIR"), "/device.json")),
    include_str!(concat!(env!("OUT_DIR"), "/ethernet_mab.json")),
    include_str!(concat!(env!("OUT_DIR"), "/schema.json")),
    include_str!(concat!(env!("OUT_DIR"), "/resource_type.json")),
    include_str!(concat!(env!("OUT_DIR"), "/service_provider_config.json")),
];

/// The documents in `data/`.
pub(crate) fn standard_documents()
-> Result<(Vec<SchemaDefinition>, Vec<ResourceTypeDefinition>), DefinitionError> {
    let mut definitions = Vec::with_capacity(STANDARD.len());
    for text in STANDARD {
        definitions.push(SchemaDefinition::read(&document(text)?)?);
    }
    let types = document(include_str!(concat!(
        env!("OUT_DIR"),
        "/resource_types.json"
    )))?;
    Ok((definitions, each(&types, ResourceTypeDefinition::read)?))
}

fn document(text: &str) -> Result<Json<'_>, DefinitionError> {
    let parsed = json::parse(text.as_bytes(), json::MAX_DEPTH);
    parsed.map_err(|e| DefinitionError::of(e.to_string()))
}

/// What follows a URN and its colon in a name; some clients write a dot.
fn below_urn<'n>(name: &'n str, urn: &str, mode: Mode) -> Option<&'n str> {
    let (start, rest) = name.split_at_checked(urn.len())?;
    let rest = match mode {
        Mode::Lenient => rest.strip_prefix([':', '.']),
        Mode::Strict => rest.strip_prefix(':'),
    }?;
    same_name(start, urn).then_some(rest)
}

static PLACEHOLDER: Attribute = Attribute {
    id: AttrId(0),
    parent: None,
    name: String::new(),
    description: String::new(),
    kind: Type::String,
    multi_valued: false,
    required: false,
    case_exact: true,
    mutability: super::Mutability::ReadOnly,
    returned: super::Returned::Never,
    uniqueness: super::Uniqueness::None,
    canonical_values: Vec::new(),
    reference_types: Vec::new(),
    indexed: false,
    children: Vec::new(),
    is_extension: false,
};

static PLACEHOLDER_TYPE: ResourceType = ResourceType {
    id: ResourceTypeId(0),
    name: String::new(),
    description: String::new(),
    endpoint: String::new(),
    schema: String::new(),
    extensions: Vec::new(),
    attributes: Vec::new(),
    indexes: Vec::new(),
};

#[cfg(test)]
mod rfc;
#[cfg(test)]
mod tests;
