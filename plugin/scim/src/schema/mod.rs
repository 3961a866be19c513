//! Schemas and resource types as data (RFC 7643 §2, §6 and §7).
//!
//! The documents in `data/` are the only definition there is. A [`Registry`] is
//! compiled from them once; every rule reads it, and so does `/Schemas`, so what
//! the service says of an attribute and what it does cannot differ.

mod attribute;
mod builder;
mod check;
mod core;
mod definition;
mod registry;

#[cfg(test)]
pub(crate) mod fixture;

pub use attribute::{AttrId, Attribute, Mutability, Returned, Type, Uniqueness};
pub use core::{Core, GroupsOf};
pub use definition::{
    AttributeDefinition, DefinitionError, ExtensionDefinition, ResourceTypeDefinition,
    SchemaDefinition,
};
pub(crate) use registry::Steps;
#[cfg(test)]
pub(crate) use registry::standard_documents;
pub use registry::{Registry, ResourceType, ResourceTypeId, Schema};

/// URN of the core schema for users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core schema for groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension of users.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of the core schema for devices (RFC 9944).
pub const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
/// URN of the extension of devices that MAC authentication bypass lets in (RFC 9944).
pub const ETHERNET_MAB: &str = "urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device";
