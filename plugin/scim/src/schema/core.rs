//! What of the schemas the code itself must know: a few attributes and resource types, found once.

use super::ETHERNET_MAB;
use super::attribute::{AttrId, Attribute};
use super::definition::DefinitionError;
use super::registry::{ResourceType, ResourceTypeId};

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
    pub groups: GroupsOf,
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
    /// `active` of a device
    pub device_active: AttrId,
    /// `groups` of a device
    pub device_groups: GroupsOf,
    /// `deviceMacAddress` of a device
    pub device_mac_address: AttrId,
    /// The resource type of users
    pub user: ResourceTypeId,
    /// The resource type of groups
    pub group: ResourceTypeId,
    /// The resource type of devices
    pub device: ResourceTypeId,
    /// The resource type of schemas
    pub schema: ResourceTypeId,
    /// The resource type of resource types
    pub resource_type: ResourceTypeId,
    /// The resource type of the service provider's configuration
    pub service_provider_config: ResourceTypeId,
}

/// The `groups` of a resource that can be in some, and its sub-attributes.
#[derive(Clone, Copy, Debug)]
pub struct GroupsOf {
    /// `groups`
    pub list: AttrId,
    /// `groups.value`
    pub value: AttrId,
    /// `groups.$ref`
    pub reference: AttrId,
    /// `groups.display`
    pub display: AttrId,
    /// `groups.type`
    pub kind: AttrId,
}

impl Core {
    /// Finds them all.
    ///
    /// # Errors
    /// When one is not there.
    pub(super) fn find(
        attributes: &[Attribute],
        resource_types: &[ResourceType],
    ) -> Result<Self, DefinitionError> {
        let missing = |what: &str| {
            DefinitionError::of(format!(
                "the service needs \"{what}\", which is not defined"
            ))
        };
        let resource_type = |name: &str| {
            resource_types
                .iter()
                .find(|t| t.name == name)
                .ok_or_else(|| missing(name))
        };
        let named = |among: &[AttrId], name: &str| {
            among
                .iter()
                .copied()
                .find(|id| {
                    attributes
                        .get(usize::from(id.0))
                        .is_some_and(|a| a.name == name)
                })
                .ok_or_else(|| missing(name))
        };
        let child = |parent: AttrId, name: &str| {
            let children = attributes
                .get(usize::from(parent.0))
                .map(|a| a.children.as_slice())
                .unwrap_or_default();
            named(children, name)
        };
        let user = resource_type("User")?;
        let group = resource_type("Group")?;
        let device = resource_type("Device")?;
        let of_user = |name: &str| named(&user.attributes, name);
        let of_group = |name: &str| named(&group.attributes, name);
        let of_device = |name: &str| named(&device.attributes, name);
        let groups_of = |list: AttrId| {
            Ok::<_, DefinitionError>(GroupsOf {
                list,
                value: child(list, "value")?,
                reference: child(list, "$ref")?,
                display: child(list, "display")?,
                kind: child(list, "type")?,
            })
        };
        let meta = of_user("meta")?;
        let emails = of_user("emails")?;
        let members = of_group("members")?;
        Ok(Self {
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
            groups: groups_of(of_user("groups")?)?,
            group_display_name: of_group("displayName")?,
            members,
            members_value: child(members, "value")?,
            members_ref: child(members, "$ref")?,
            members_type: child(members, "type")?,
            members_display: child(members, "display")?,
            device_active: of_device("active")?,
            device_groups: groups_of(of_device("groups")?)?,
            device_mac_address: child(of_device(ETHERNET_MAB)?, "deviceMacAddress")?,
            user: user.id,
            group: group.id,
            device: device.id,
            schema: resource_type("Schema")?.id,
            resource_type: resource_type("ResourceType")?.id,
            service_provider_config: resource_type("ServiceProviderConfig")?.id,
        })
    }
}
