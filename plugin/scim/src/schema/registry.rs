//! The compiled form of all schemas: attributes by id, found by name once.

use super::attribute::{AttrId, Attribute, Type};
use super::definition::{AttributeDefinition, ResourceTypeDefinition, SchemaDefinition};
use std::fmt;

/// Names a resource type within a [`Registry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceTypeId(u16);

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
}

/// Attributes that the code itself must know, found once.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    /// `schemas`
    pub schemas: AttrId,
    /// `id`
    pub id: AttrId,
    /// `externalId`
    pub external_id: AttrId,
    /// `meta`
    pub meta: AttrId,
    /// `meta.resourceType`
    pub meta_resource_type: AttrId,
    /// `meta.created`
    pub meta_created: AttrId,
    /// `meta.lastModified`
    pub meta_last_modified: AttrId,
    /// `meta.location`
    pub meta_location: AttrId,
    /// `meta.version`
    pub meta_version: AttrId,
    /// `userName` of a user
    pub user_name: AttrId,
    /// `active` of a user
    pub active: AttrId,
    /// `password` of a user
    pub password: AttrId,
    /// `emails` of a user
    pub emails: AttrId,
    /// `emails.value` of a user
    pub emails_value: AttrId,
    /// `groups` of a user
    pub groups: AttrId,
    /// `groups.value` of a user
    pub groups_value: AttrId,
    /// `groups.$ref` of a user
    pub groups_ref: AttrId,
    /// `groups.display` of a user
    pub groups_display: AttrId,
    /// `groups.type` of a user
    pub groups_type: AttrId,
    /// `displayName` of a group
    pub group_display_name: AttrId,
    /// `members` of a group
    pub members: AttrId,
    /// `members.value` of a group
    pub members_value: AttrId,
    /// `members.$ref` of a group
    pub members_ref: AttrId,
    /// `members.type` of a group
    pub members_type: AttrId,
    /// `members.display` of a group
    pub members_display: AttrId,
    /// The resource type of users
    pub user: ResourceTypeId,
    /// The resource type of groups
    pub group: ResourceTypeId,
}

/// All schemas and resource types of a service, compiled.
#[derive(Clone, Debug)]
pub struct Registry {
    attributes: Vec<Attribute>,
    schemas: Vec<Schema>,
    resource_types: Vec<ResourceType>,
    core: Core,
}

/// What is wrong with a schema or resource type document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefinitionError {
    /// The document is not of the form that RFC 7643 §7 gives.
    Malformed(String),
    /// A resource type names a schema that no document defines.
    UnknownSchema(String),
    /// Two attributes of one place, or two schemas, have the same name.
    Duplicate(String),
    /// A complex attribute without sub-attributes, or a simple one with some.
    SubAttributes(String),
    /// An attribute that the service itself needs is missing.
    Missing(String),
    /// More attributes than an id can number.
    TooMany,
}

impl Registry {
    /// The schemas of RFC 7643, as in `data/*.json`.
    ///
    /// # Errors
    /// When a document is wrong, which a test excludes.
    pub fn standard() -> Result<Self, DefinitionError> {
        let schemas = [
            include_str!("data/common.json"),
            include_str!("data/user.json"),
            include_str!("data/enterprise_user.json"),
            include_str!("data/group.json"),
            include_str!("data/schema.json"),
            include_str!("data/resource_type.json"),
            include_str!("data/service_provider_config.json"),
        ];
        let schemas = schemas
            .iter()
            .map(|text| serde_json::from_str(text))
            .collect::<Result<Vec<SchemaDefinition>, _>>()
            .map_err(|e| DefinitionError::Malformed(e.to_string()))?;
        let types = serde_json::from_str(include_str!("data/resource_types.json"))
            .map_err(|e| DefinitionError::Malformed(e.to_string()))?;
        Self::compile(schemas, types)
    }

    /// Compiles documents; the first schema is the one of the common attributes.
    ///
    /// # Errors
    /// When documents contradict each other or lack what the service needs.
    pub fn compile(
        schemas: Vec<SchemaDefinition>,
        types: Vec<ResourceTypeDefinition>,
    ) -> Result<Self, DefinitionError> {
        let mut builder = Builder::default();
        for schema in schemas {
            let is_extension = types
                .iter()
                .flat_map(|t| &t.schema_extensions)
                .any(|e| e.schema.eq_ignore_ascii_case(&schema.id));
            builder.schema(schema, is_extension)?;
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

    /// The attribute's path as RFC 7644 §3.10 writes it, such as
    /// `emails.value` or `urn:…:User:manager.displayName`.
    #[must_use]
    pub fn path(&self, id: AttrId) -> String {
        let attribute = self.attribute(id);
        match attribute.parent {
            None => attribute.name.clone(),
            Some(parent) => {
                let separator = if self.attribute(parent).is_extension {
                    ':'
                } else {
                    '.'
                };
                format!("{}{separator}{}", self.path(parent), attribute.name)
            }
        }
    }

    fn find(&self, among: &[AttrId], name: &str) -> Option<AttrId> {
        among
            .iter()
            .copied()
            .find(|id| self.attribute(*id).name.eq_ignore_ascii_case(name))
    }
}

#[derive(Default)]
struct Builder {
    attributes: Vec<Attribute>,
    schemas: Vec<Schema>,
    resource_types: Vec<ResourceType>,
}

impl Builder {
    fn schema(
        &mut self,
        definition: SchemaDefinition,
        is_extension: bool,
    ) -> Result<(), DefinitionError> {
        if self
            .schemas
            .iter()
            .any(|s| s.urn.eq_ignore_ascii_case(&definition.id))
        {
            return Err(DefinitionError::Duplicate(definition.id));
        }
        let container = if is_extension {
            let container = AttributeDefinition {
                name: definition.id.clone(),
                kind: Type::Complex,
                multi_valued: false,
                description: definition.description.clone(),
                required: false,
                case_exact: false,
                mutability: super::Mutability::ReadWrite,
                returned: super::Returned::Default,
                uniqueness: super::Uniqueness::None,
                canonical_values: Vec::new(),
                reference_types: Vec::new(),
                sub_attributes: definition.attributes.clone(),
            };
            Some(self.attribute(container, None, true)?)
        } else {
            None
        };
        let attributes = match container {
            Some(container) => self
                .attributes
                .get(usize::from(container.0))
                .map(|c| c.children.clone())
                .unwrap_or_default(),
            None => self.siblings(definition.attributes, None)?,
        };
        self.schemas.push(Schema {
            urn: definition.id,
            name: definition.name,
            description: definition.description,
            attributes,
            container,
        });
        Ok(())
    }

    fn siblings(
        &mut self,
        definitions: Vec<AttributeDefinition>,
        parent: Option<AttrId>,
    ) -> Result<Vec<AttrId>, DefinitionError> {
        let mut ids: Vec<AttrId> = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let name = definition.name.clone();
            let taken = ids.iter().any(|id| {
                self.attributes
                    .get(usize::from(id.0))
                    .is_some_and(|a| a.name.eq_ignore_ascii_case(&name))
            });
            if taken {
                return Err(DefinitionError::Duplicate(name));
            }
            ids.push(self.attribute(definition, parent, false)?);
        }
        Ok(ids)
    }

    fn attribute(
        &mut self,
        definition: AttributeDefinition,
        parent: Option<AttrId>,
        is_extension: bool,
    ) -> Result<AttrId, DefinitionError> {
        let id =
            AttrId(u16::try_from(self.attributes.len()).map_err(|_| DefinitionError::TooMany)?);
        if (definition.kind == Type::Complex) == definition.sub_attributes.is_empty() {
            return Err(DefinitionError::SubAttributes(definition.name));
        }
        self.attributes.push(Attribute {
            id,
            parent,
            name: definition.name,
            description: definition.description,
            kind: definition.kind,
            multi_valued: definition.multi_valued,
            required: definition.required,
            case_exact: definition.case_exact,
            mutability: definition.mutability,
            returned: definition.returned,
            uniqueness: definition.uniqueness,
            canonical_values: definition.canonical_values,
            reference_types: definition.reference_types,
            children: Vec::new(),
            is_extension,
        });
        let children = self.siblings(definition.sub_attributes, Some(id))?;
        if let Some(attribute) = self.attributes.get_mut(usize::from(id.0)) {
            attribute.children = children;
        }
        Ok(id)
    }

    fn resource_type(&mut self, definition: ResourceTypeDefinition) -> Result<(), DefinitionError> {
        let find = |urn: &str| {
            self.schemas
                .iter()
                .find(|s| s.urn.eq_ignore_ascii_case(urn))
                .ok_or_else(|| DefinitionError::UnknownSchema(urn.to_owned()))
        };
        let mut attributes = Vec::new();
        if let Some(common) = self.schemas.first() {
            attributes.extend(&common.attributes);
        }
        attributes.extend(&find(&definition.schema)?.attributes);
        let mut extensions = Vec::new();
        for extension in &definition.schema_extensions {
            let container = find(&extension.schema)?
                .container
                .ok_or_else(|| DefinitionError::UnknownSchema(extension.schema.clone()))?;
            attributes.push(container);
            extensions.push((container, extension.required));
        }
        let id = u16::try_from(self.resource_types.len()).map_err(|_| DefinitionError::TooMany)?;
        self.resource_types.push(ResourceType {
            id: ResourceTypeId(id),
            name: definition.name,
            description: definition.description,
            endpoint: definition.endpoint,
            schema: definition.schema,
            extensions,
            attributes,
        });
        Ok(())
    }

    fn finish(self) -> Result<Registry, DefinitionError> {
        let core = self.core()?;
        Ok(Registry {
            attributes: self.attributes,
            schemas: self.schemas,
            resource_types: self.resource_types,
            core,
        })
    }

    fn core(&self) -> Result<Core, DefinitionError> {
        let missing = |what: &str| DefinitionError::Missing(what.to_owned());
        let resource_type = |name: &str| {
            self.resource_types
                .iter()
                .find(|t| t.name == name)
                .ok_or_else(|| missing(name))
        };
        let named = |among: &[AttrId], name: &str| {
            among
                .iter()
                .copied()
                .find(|id| {
                    self.attributes
                        .get(usize::from(id.0))
                        .is_some_and(|a| a.name == name)
                })
                .ok_or_else(|| missing(name))
        };
        let child = |parent: AttrId, name: &str| {
            let children = self
                .attributes
                .get(usize::from(parent.0))
                .map(|a| a.children.as_slice())
                .unwrap_or_default();
            named(children, name)
        };
        let user = resource_type("User")?;
        let group = resource_type("Group")?;
        let of_user = |name: &str| named(&user.attributes, name);
        let of_group = |name: &str| named(&group.attributes, name);
        let meta = of_user("meta")?;
        let emails = of_user("emails")?;
        let groups = of_user("groups")?;
        let members = of_group("members")?;
        Ok(Core {
            schemas: of_user("schemas")?,
            id: of_user("id")?,
            external_id: of_user("externalId")?,
            meta,
            meta_resource_type: child(meta, "resourceType")?,
            meta_created: child(meta, "created")?,
            meta_last_modified: child(meta, "lastModified")?,
            meta_location: child(meta, "location")?,
            meta_version: child(meta, "version")?,
            user_name: of_user("userName")?,
            active: of_user("active")?,
            password: of_user("password")?,
            emails,
            emails_value: child(emails, "value")?,
            groups,
            groups_value: child(groups, "value")?,
            groups_ref: child(groups, "$ref")?,
            groups_display: child(groups, "display")?,
            groups_type: child(groups, "type")?,
            group_display_name: of_group("displayName")?,
            members,
            members_value: child(members, "value")?,
            members_ref: child(members, "$ref")?,
            members_type: child(members, "type")?,
            members_display: child(members, "display")?,
            user: user.id,
            group: group.id,
        })
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "a schema document is malformed: {why}"),
            Self::UnknownSchema(urn) => write!(f, "no schema \"{urn}\" is defined"),
            Self::Duplicate(name) => write!(f, "\"{name}\" is defined twice"),
            Self::SubAttributes(name) => write!(
                f,
                "\"{name}\": a complex attribute has subAttributes, and only a complex one"
            ),
            Self::Missing(name) => write!(f, "the service needs \"{name}\", which is not defined"),
            Self::TooMany => f.write_str("there are more than 65,535 attributes"),
        }
    }
}

impl std::error::Error for DefinitionError {}

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
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_documents_compile() {
        let registry = Registry::standard().unwrap();
        assert_eq!(registry.resource_types().len(), 5);
        assert_eq!(registry.path(registry.core().emails_value), "emails.value");
    }

    #[test]
    fn names_are_found_without_regard_to_case() {
        let registry = Registry::standard().unwrap();
        let user = registry.core().user;
        assert_eq!(
            registry.top(user, "USERNAME"),
            Some(registry.core().user_name)
        );
        let extension = registry
            .top(user, &super::super::ENTERPRISE_USER.to_uppercase())
            .unwrap();
        let manager = registry.child(extension, "Manager").unwrap();
        assert_eq!(
            registry.path(registry.child(manager, "VALUE").unwrap()),
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
        );
    }

    #[test]
    fn a_complex_attribute_needs_sub_attributes() {
        let schema = r#"{"id":"urn:x","name":"X","attributes":[{"name":"a","type":"complex"}]}"#;
        let schema = serde_json::from_str(schema).unwrap();
        assert_eq!(
            Registry::compile(vec![schema], Vec::new()).unwrap_err(),
            DefinitionError::SubAttributes("a".to_owned())
        );
    }
}
