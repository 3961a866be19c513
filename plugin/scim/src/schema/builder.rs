//! Documents to a [`Registry`]: ids given out, names checked, what the code must
//! know found.

use super::attribute::{AttrId, Attribute, Mutability, Type};
use super::core::Core;
use super::definition::{
    AttributeDefinition, DefinitionError, ResourceTypeDefinition, SchemaDefinition,
};
use super::registry::{Registry, ResourceType, ResourceTypeId, Schema, digest};

#[derive(Default)]
pub(super) struct Builder {
    attributes: Vec<Attribute>,
    schemas: Vec<Schema>,
    resource_types: Vec<ResourceType>,
    /// How many attributes are of the standard schemas.
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
        let core = Core::find(&self.attributes, &self.resource_types)?;
        Ok(Registry {
            digests: self.attributes.iter().map(|a| digest(&a.name)).collect(),
            attributes: self.attributes,
            schemas: self.schemas,
            resource_types: self.resource_types,
            standard: self.standard,
            core,
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
