//! Documents to a [`Registry`]: ids given out, names checked, what the code must
//! know found.

use super::attribute::{AttrId, Attribute, Mutability, Type};
use super::definition::{
    AttributeDefinition, DefinitionError, ResourceTypeDefinition, SchemaDefinition,
};
use super::registry::{Core, Registry, ResourceType, ResourceTypeId, Schema, digest};

#[derive(Default)]
pub(super) struct Builder {
    attributes: Vec<Attribute>,
    schemas: Vec<Schema>,
    resource_types: Vec<ResourceType>,
    /// How many attributes are of RFC 7643.
    standard: usize,
}

impl Builder {
    pub(super) fn schema(
        &mut self,
        definition: SchemaDefinition,
        is_extension: bool,
        is_standard: bool,
    ) -> Result<(), DefinitionError> {
        let container = if is_extension {
            let container = AttributeDefinition {
                name: definition.id.clone(),
                kind: Type::Complex,
                description: definition.description.clone(),
                sub_attributes: definition.attributes.clone(),
                ..AttributeDefinition::default()
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
        if is_standard {
            self.standard = self.attributes.len();
        }
        Ok(())
    }

    fn siblings(
        &mut self,
        definitions: Vec<AttributeDefinition>,
        parent: Option<AttrId>,
    ) -> Result<Vec<AttrId>, DefinitionError> {
        let mut ids: Vec<AttrId> = Vec::with_capacity(definitions.len());
        for definition in definitions {
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
        let id = AttrId(u16::try_from(self.attributes.len()).map_err(|_| too_many())?);
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
            indexed: definition.indexed,
            children: Vec::new(),
            is_extension,
        });
        let children = self.siblings(definition.sub_attributes, Some(id))?;
        if let Some(attribute) = self.attributes.get_mut(usize::from(id.0)) {
            attribute.children = children;
        }
        Ok(id)
    }

    pub(super) fn resource_type(
        &mut self,
        definition: ResourceTypeDefinition,
    ) -> Result<(), DefinitionError> {
        let find = |urn: &str| {
            self.schemas
                .iter()
                .find(|s| s.urn.eq_ignore_ascii_case(urn))
                .ok_or_else(|| unknown_schema(urn))
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
                .ok_or_else(|| unknown_schema(&extension.schema))?;
            attributes.push(container);
            extensions.push((container, extension.required));
        }
        let id = u16::try_from(self.resource_types.len()).map_err(|_| too_many())?;
        self.resource_types.push(ResourceType {
            id: ResourceTypeId(id),
            name: definition.name,
            description: definition.description,
            endpoint: definition.endpoint,
            schema: definition.schema,
            indexes: self.indexes(&attributes),
            extensions,
            attributes,
        });
        Ok(())
    }

    /// The attributes among these, and their sub-attributes, by which resources
    /// are to be found. What only the service writes needs no index.
    fn indexes(&self, among: &[AttrId]) -> Vec<AttrId> {
        let mut found = Vec::new();
        for id in among {
            if let Some(attribute) = self.attributes.get(usize::from(id.0))
                && attribute.mutability != Mutability::ReadOnly
            {
                if attribute.indexed || attribute.is_unique() {
                    found.push(*id);
                }
                found.extend(self.indexes(&attribute.children));
            }
        }
        found
    }

    pub(super) fn finish(self) -> Result<Registry, DefinitionError> {
        let core = self.core()?;
        Ok(Registry {
            digests: self.attributes.iter().map(|a| digest(&a.name)).collect(),
            attributes: self.attributes,
            schemas: self.schemas,
            resource_types: self.resource_types,
            standard: self.standard,
            core,
        })
    }

    fn core(&self) -> Result<Core, DefinitionError> {
        let missing = |what: &str| {
            DefinitionError::of(format!(
                "the service needs \"{what}\", which is not defined"
            ))
        };
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
            schema: resource_type("Schema")?.id,
            resource_type: resource_type("ResourceType")?.id,
            service_provider_config: resource_type("ServiceProviderConfig")?.id,
        })
    }
}

/// That a resource type names a schema that is not there.
pub(super) fn unknown_schema(urn: &str) -> DefinitionError {
    DefinitionError::of(format!("no schema \"{urn}\" is defined"))
}

fn too_many() -> DefinitionError {
    DefinitionError::of("there are more than 65,535 attributes")
}
