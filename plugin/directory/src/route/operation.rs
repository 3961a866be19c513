//! What a request asks for, and what follows from that alone.

use crate::keys::Kind;
use scim::schema::{Registry, ResourceTypeId};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create(ResourceTypeId),
    Read(ResourceTypeId),
    Replace(ResourceTypeId),
    Patch(ResourceTypeId),
    Delete(ResourceTypeId),
    /// A query: of one type, or of all.
    List(Option<ResourceTypeId>),
    /// Which methods there are (RFC 9110 §9.3.7).
    Options(&'static str),
    /// A query by POST (RFC 7644 §3.4.3).
    Search(Option<ResourceTypeId>),
    /// Many operations in one request (RFC 7644 §3.7).
    Bulk,
    NotImplemented(&'static str),
    ResourceType,
    ResourceTypes,
    Schema,
    Schemas,
    ServiceProviderConfig,
    /// What the administrator's and the network's interfaces are.
    Describe,
    CreateTenant,
    CreateToken,
    DeleteToken,
    RotateToken,
    ListTenants,
    ListTokens,
    ListPolicies,
    ReadPolicy,
    ReplacePolicy,
    DeletePolicy,
    /// Which policies have no group, and which groups no policy.
    PolicyReport,
    ListSessions,
    ListEvents,
    ListDeletedUsers,
    RestoreUser,
    /// As the network sees them.
    ListUsers,
    ReadUser,
    ListGroups,
    /// Whether a user may be on the network, asked by an administrator.
    DecideForAdministrator,
    /// The same, asked by whatever lets users in.
    Decide,
    /// The same, as a RADIUS server asks.
    Authorize,
    /// What a RADIUS server tells of a session.
    Accounting,
}

impl Operation {
    /// What metrics and log call it.
    pub(crate) fn name(self, registry: &Registry) -> &'static str {
        let of = |resource_type, [user, group, other]: [&'static str; 3]| match Kind::of(
            registry,
            resource_type,
        ) {
            Kind::User => user,
            Kind::Group => group,
            Kind::Device | Kind::Other(..) => other,
        };
        match self {
            Self::Create(t) => of(t, ["user.create", "group.create", "resource.create"]),
            Self::Read(t) => of(t, ["user.read", "group.read", "resource.read"]),
            Self::Replace(t) => of(t, ["user.replace", "group.replace", "resource.replace"]),
            Self::Patch(t) => of(t, ["user.patch", "group.patch", "resource.patch"]),
            Self::Delete(t) => of(t, ["user.delete", "group.delete", "resource.delete"]),
            Self::List(Some(t)) => of(t, ["user.list", "group.list", "resource.list"]),
            Self::List(None) => "list",
            Self::Search(Some(t)) => of(t, ["user.search", "group.search", "resource.search"]),
            Self::Search(None) => "search",
            Self::Bulk => "bulk",
            Self::Options(_) => "options",
            Self::NotImplemented(_) => "unsupported",
            Self::ResourceType
            | Self::ResourceTypes
            | Self::Schema
            | Self::Schemas
            | Self::ServiceProviderConfig
            | Self::Describe => "discovery",
            Self::CreateTenant => "tenant.create",
            Self::CreateToken => "token.create",
            Self::DeleteToken => "token.delete",
            Self::RotateToken => "token.rotate",
            Self::ListTenants => "tenant.list",
            Self::ListTokens => "token.list",
            Self::ListPolicies => "policy.list",
            Self::ReadPolicy => "policy.read",
            Self::ReplacePolicy => "policy.replace",
            Self::DeletePolicy => "policy.delete",
            Self::PolicyReport => "policy.report",
            Self::ListSessions => "session.list",
            Self::ListEvents => "event.list",
            Self::ListDeletedUsers => "user.list_deleted",
            Self::RestoreUser => "user.restore",
            Self::ListUsers => "network.users",
            Self::ReadUser => "network.user",
            Self::ListGroups => "network.groups",
            Self::DecideForAdministrator | Self::Decide => "access.decide",
            Self::Authorize => "access.authorize",
            Self::Accounting => "access.accounting",
        }
    }

    /// Whether it changes the directory, so that the log tells of it. What a RADIUS server
    /// tells of sessions does not.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Create(_)
            | Self::Replace(_)
            | Self::Patch(_)
            | Self::Delete(_)
            | Self::Bulk
            | Self::CreateTenant
            | Self::CreateToken
            | Self::DeleteToken
            | Self::RotateToken
            | Self::ReplacePolicy
            | Self::DeletePolicy
            | Self::RestoreUser => true,
            Self::Read(_)
            | Self::List(_)
            | Self::Options(_)
            | Self::Search(_)
            | Self::NotImplemented(_)
            | Self::ResourceType
            | Self::ResourceTypes
            | Self::Schema
            | Self::Schemas
            | Self::ServiceProviderConfig
            | Self::Describe
            | Self::ListTenants
            | Self::ListTokens
            | Self::ListPolicies
            | Self::ReadPolicy
            | Self::PolicyReport
            | Self::ListSessions
            | Self::ListEvents
            | Self::ListDeletedUsers
            | Self::ListUsers
            | Self::ReadUser
            | Self::ListGroups
            | Self::DecideForAdministrator
            | Self::Decide
            | Self::Authorize
            | Self::Accounting => false,
        }
    }

    /// Whether it takes a body.
    pub(crate) fn has_body(self) -> bool {
        let says_it_all = matches!(
            self,
            Self::Delete(_) | Self::DeleteToken | Self::DeletePolicy | Self::RestoreUser
        );
        let asks = matches!(self, Self::Search(_) | Self::Authorize | Self::Accounting);
        self.writes() && !says_it_all || asks
    }
}
