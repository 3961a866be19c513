//! Schemas and resource types as they are written down: the JSON forms of RFC
//! 7643 §6 and §7, read from `data/*.json` and from a configuration.

use super::attribute::{Mutability, Returned, Type, Uniqueness};
use crate::json::Json;
use std::borrow::Cow;
use std::fmt;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// The path of the key, such as `schemas[0].attributes[2].type`.
    pub key: String,
    /// The attribute that it is about, such as `badge.number`, if it is one.
    pub attribute: String,
    /// What is wrong, and what would be right.
    pub reason: Cow<'static, str>,
}

/// A schema document (RFC 7643 §7).
#[derive(Clone, Debug)]
pub struct SchemaDefinition {
    /// The schema's URN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<AttributeDefinition>,
}

/// An attribute of a schema document.
#[derive(Clone, Debug, Default)]
pub struct AttributeDefinition {
    /// Its name.
    pub name: String,
    /// Data type.
    pub kind: Type,
    /// Whether it holds several values.
    pub multi_valued: bool,
    /// What it means.
    pub description: String,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether its text is compared with regard to case.
    pub case_exact: bool,
    /// When it may be written.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// What it must differ from.
    pub uniqueness: Uniqueness,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Whether resources are to be found by it without reading them all. Not of
    /// RFC 7643, and in no answer.
    pub indexed: bool,
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Self>,
}

/// A resource type (RFC 7643 §6).
#[derive(Clone, Debug, Default)]
pub struct ResourceTypeDefinition {
    /// Its name, which is also its id.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The path of its collection below the base URL, with the slash.
    pub endpoint: String,
    /// The URN of its core schema.
    pub schema: String,
    /// Extensions it may carry.
    pub schema_extensions: Vec<ExtensionDefinition>,
}

/// An extension of a resource type.
#[derive(Clone, Debug, Default)]
pub struct ExtensionDefinition {
    /// The URN of the extension schema.
    pub schema: String,
    /// Whether every resource must carry it.
    pub required: bool,
}

type Result<T> = std::result::Result<T, DefinitionError>;

impl SchemaDefinition {
    /// Reads a document. `schemas` and `meta`, which it has in an answer, are
    /// passed over.
    ///
    /// # Errors
    /// [`DefinitionError`] when it is not of the form of RFC 7643 §7.
    pub fn read(json: &Json<'_>) -> Result<Self> {
        let mut schema = Self {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            attributes: Vec::new(),
        };
        each_member(json, |name, value| {
            match name {
                "id" => schema.id = text(value)?,
                "name" => schema.name = text(value)?,
                "description" => schema.description = text(value)?,
                "attributes" => schema.attributes = each(value, AttributeDefinition::read)?,
                "schemas" | "meta" => {}
                _ => return Err(DefinitionError::of("is no key of a schema")),
            }
            Ok(())
        })?;
        Ok(schema)
    }
}

impl AttributeDefinition {
    fn read(json: &Json<'_>) -> Result<Self> {
        let mut attribute = Self::default();
        let read = each_member(json, |name, value| {
            let it = &mut attribute;
            match name {
                "name" => it.name = text(value)?,
                "type" => it.kind = word(value, &Type::WORDS)?,
                "multiValued" => it.multi_valued = flag(value)?,
                "description" => it.description = text(value)?,
                "required" => it.required = flag(value)?,
                "caseExact" => it.case_exact = flag(value)?,
                "mutability" => it.mutability = word(value, &Mutability::WORDS)?,
                "returned" => it.returned = word(value, &Returned::WORDS)?,
                "uniqueness" => it.uniqueness = word(value, &Uniqueness::WORDS)?,
                "canonicalValues" => it.canonical_values = each(value, text)?,
                "referenceTypes" => it.reference_types = each(value, text)?,
                "indexed" => it.indexed = flag(value)?,
                "subAttributes" => it.sub_attributes = each(value, Self::read)?,
                _ => return Err(DefinitionError::of("is no key of an attribute")),
            }
            Ok(())
        });
        match read {
            Ok(()) => Ok(attribute),
            Err(error) => {
                let name = json.get("name").and_then(Json::as_str);
                Err(error.about(name.unwrap_or_default()))
            }
        }
    }
}

impl ResourceTypeDefinition {
    /// Reads a document. `schemas`, `id` and `meta`, which it has in an answer,
    /// are passed over.
    ///
    /// # Errors
    /// [`DefinitionError`] when it is not of the form of RFC 7643 §6.
    pub fn read(json: &Json<'_>) -> Result<Self> {
        let mut definition = Self::default();
        each_member(json, |name, value| {
            let it = &mut definition;
            match name {
                "name" => it.name = text(value)?,
                "description" => it.description = text(value)?,
                "endpoint" => it.endpoint = text(value)?,
                "schema" => it.schema = text(value)?,
                "schemaExtensions" => {
                    it.schema_extensions = each(value, ExtensionDefinition::read)?;
                }
                "schemas" | "id" | "meta" => {}
                _ => return Err(DefinitionError::of("is no key of a resource type")),
            }
            Ok(())
        })?;
        Ok(definition)
    }
}

impl ExtensionDefinition {
    fn read(json: &Json<'_>) -> Result<Self> {
        let mut extension = Self::default();
        each_member(json, |name, value| {
            match name {
                "schema" => extension.schema = text(value)?,
                "required" => extension.required = flag(value)?,
                _ => return Err(DefinitionError::of("is no key of an extension")),
            }
            Ok(())
        })?;
        Ok(extension)
    }
}

impl DefinitionError {
    /// An error whose place is told by whoever called.
    pub(super) fn of(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            key: String::new(),
            attribute: String::new(),
            reason: reason.into(),
        }
    }

    /// Puts the key that holds what is wrong in front.
    #[must_use]
    pub(super) fn under(mut self, key: &str) -> Self {
        let separator = if self.key.is_empty() || self.key.starts_with('[') {
            ""
        } else {
            "."
        };
        self.key = [key, separator, &self.key].concat();
        self
    }

    /// Puts the attribute that holds what is wrong in front.
    #[must_use]
    pub(super) fn about(mut self, name: &str) -> Self {
        let separator = if self.attribute.is_empty() { "" } else { "." };
        self.attribute = [name, separator, &self.attribute].concat();
        self
    }

    /// The sentence, without the key.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.attribute.is_empty() {
            self.reason.clone().into_owned()
        } else {
            format!("attribute \"{}\": {}", self.attribute, self.reason)
        }
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.sentence())
    }
}

impl std::error::Error for DefinitionError {}

/// Reads the elements of a list.
pub(super) fn each<T>(json: &Json<'_>, read: impl Fn(&Json<'_>) -> Result<T>) -> Result<Vec<T>> {
    let elements = json
        .as_array()
        .ok_or_else(|| DefinitionError::of("must be a list"))?;
    let mut all = Vec::with_capacity(elements.len());
    for (i, element) in elements.iter().enumerate() {
        all.push(read(element).map_err(|e| e.under(&format!("[{i}]")))?);
    }
    Ok(all)
}

/// Reads the members of an object that have a value.
fn each_member(json: &Json<'_>, mut read: impl FnMut(&str, &Json<'_>) -> Result<()>) -> Result<()> {
    let members = json
        .as_object()
        .ok_or_else(|| DefinitionError::of("must be a JSON object"))?;
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        read(name, value).map_err(|e| e.under(name))?;
    }
    Ok(())
}

fn text(json: &Json<'_>) -> Result<String> {
    let text = json.as_str();
    text.map(str::to_owned)
        .ok_or_else(|| DefinitionError::of("must be a string"))
}

fn flag(json: &Json<'_>) -> Result<bool> {
    match json {
        Json::Bool(flag) => Ok(*flag),
        _ => Err(DefinitionError::of("must be true or false")),
    }
}

fn word<T: Copy>(json: &Json<'_>, words: &[(&'static str, T)]) -> Result<T> {
    let found = words.iter().find(|(word, _)| json.as_str() == Some(word));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        DefinitionError::of(format!("must be one of {}", words.join(", ")))
    })
}
