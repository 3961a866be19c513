//! The key schema: where everything is in the store. The only code that knows
//! how a key is spelt.
//!
//! ```text
//! {prefix}token/{sha-256}                 -> the token's grant
//! {prefix}tenant/{tenant}
//! {prefix}cursor-key                      what cursors are made with
//! {prefix}unused/{generation}             one that no group has, to be cleaned up
//! {prefix}{tenant}/token/{token id}
//! {prefix}{tenant}/token-used/{token id}  about when it was used last
//! {prefix}{tenant}/user/{id}              the User, without groups
//! {prefix}{tenant}/user-name/{folded userName}             -> id    unique
//! {prefix}{tenant}/user-external/{externalId}/{id}
//! {prefix}{tenant}/user-email/{folded value}/{id}
//! {prefix}{tenant}/user-password/{id}     the hash of its password
//! {prefix}{tenant}/user-deleted/{id}      what a deleted user was, for a while
//! {prefix}{tenant}/group/{id}             the Group, without members
//! {prefix}{tenant}/group-touch/{id}       when its members last changed
//! {prefix}{tenant}/group-name/{folded displayName}         -> id    unique
//! {prefix}{tenant}/group-external/{externalId}/{id}
//! {prefix}{tenant}/group-generation/{id}  of its members; absent: the first, `0`
//! {prefix}{tenant}/member/{group}/{generation}/{member}    type, display
//! {prefix}{tenant}/member-of/{member}/{group}/{generation} type, display
//! {prefix}{tenant}/device/{id}            the Device, without groups
//! {prefix}{tenant}/device-address/{folded deviceMacAddress} -> id   unique
//! {prefix}{tenant}/device-external/{externalId}/{id}
//! {prefix}{tenant}/resource/{type}/{id}   a resource of any other type
//! {prefix}{tenant}/resource-external/{type}/{externalId}/{id}
//! {prefix}{tenant}/index/{type}/{index}/{value}/{id}       as a configuration asks
//! {prefix}{tenant}/index-state/{type}/{index}              "built", or how far
//! {prefix}{tenant}/event/{time-ordered id}
//! {prefix}{tenant}/last-event             -> the id of the event of the last commit
//! {prefix}{tenant}/policy/{group's displayName}            what its members get
//! {prefix}{tenant}/session/{user id}/{session}             somebody on the network
//! {prefix}{tenant}/webhook/{name}/holder  who delivers it, on a lease
//! {prefix}{tenant}/webhook/{name}/cursor  what its receiver has acknowledged
//! ```
//!
//! No tenant is called `token`, `tenant` or `unused`, so the first of these meet
//! nobody else.

use crate::generation::Generation;
use percent_encoding::percent_decode_str;
use scim::schema::{GroupsOf, Registry, ResourceTypeId};

/// Key of the grant of a token, by the SHA-256 of the token in lower-case hex.
pub(crate) fn token(prefix: &str, sha256: &str) -> Vec<u8> {
    join(prefix, &["token", sha256])
}

/// Key of a tenant's record.
pub(crate) fn tenant(prefix: &str, tenant: &str) -> Vec<u8> {
    join(prefix, &["tenant", tenant])
}

/// Prefix of all tenants' records.
pub(crate) fn tenants(prefix: &str) -> Vec<u8> {
    tenant(prefix, "")
}

/// The key that cursors are made with.
pub(crate) fn cursor_key(prefix: &str) -> Vec<u8> {
    join(prefix, &["cursor-key"])
}

/// A generation of a group's members that no group has; with no name, the prefix of
/// all of them, of whatever tenant.
pub(crate) fn unused(prefix: &str, generation: &str) -> Vec<u8> {
    join(prefix, &["unused", generation])
}

/// The keys of one tenant. Nothing made by it lies outside the tenant, whatever
/// the text that goes into it.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    base: String,
}

/// The kinds of resource, by the tables that hold them. This is the one place
/// that tells users, groups and devices, of which the service knows more than their
/// schema says, from everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'r> {
    User,
    Group,
    Device,
    /// Any other type, by its name.
    Other(ResourceTypeId, &'r str),
}

impl Keys {
    pub(crate) fn new(prefix: &str, tenant: &str) -> Self {
        let mut base = prefix.to_owned();
        encode(tenant, &mut base);
        base.push('/');
        Self { base }
    }

    /// A token, as the administrator sees it; with no id, the prefix of all.
    pub(crate) fn tenant_token(&self, id: &str) -> Vec<u8> {
        self.key(&["token", id])
    }

    /// About when a token was used last; with no id, the prefix of all.
    pub(crate) fn token_used(&self, id: &str) -> Vec<u8> {
        self.key(&["token-used", id])
    }

    /// The record of a resource.
    pub(crate) fn record(&self, kind: Kind<'_>, id: &str) -> Vec<u8> {
        match kind {
            Kind::User => self.key(&["user", id]),
            Kind::Group => self.key(&["group", id]),
            Kind::Device => self.key(&["device", id]),
            Kind::Other(_, name) => self.key(&["resource", name, id]),
        }
    }

    /// Prefix of the records of all resources of a kind.
    pub(crate) fn records(&self, kind: Kind<'_>) -> Vec<u8> {
        self.record(kind, "")
    }

    /// The `userName` that no other user may have, folded.
    pub(crate) fn user_name(&self, folded: &str) -> Vec<u8> {
        self.key(&["user-name", folded])
    }

    /// The `displayName` that no other group may have, folded.
    pub(crate) fn group_name(&self, folded: &str) -> Vec<u8> {
        self.key(&["group-name", folded])
    }

    /// The Ethernet address that no other device may have, folded.
    pub(crate) fn device_address(&self, folded: &str) -> Vec<u8> {
        self.key(&["device-address", folded])
    }

    pub(crate) fn external(&self, kind: Kind<'_>, external_id: &str, id: &str) -> Vec<u8> {
        match kind {
            Kind::User => self.key(&["user-external", external_id, id]),
            Kind::Group => self.key(&["group-external", external_id, id]),
            Kind::Device => self.key(&["device-external", external_id, id]),
            Kind::Other(_, name) => self.key(&["resource-external", name, external_id, id]),
        }
    }

    /// A value in an index that a configuration asks for.
    pub(crate) fn index(&self, kind: Kind<'_>, index: &str, value: &str, id: &str) -> Vec<u8> {
        self.key(&["index", kind.name(), index, value, id])
    }

    /// Prefix of all keys of such an index.
    pub(crate) fn index_keys(&self, kind: Kind<'_>, index: &str) -> Vec<u8> {
        self.key(&["index", kind.name(), index, ""])
    }

    /// Whether such an index covers all records.
    pub(crate) fn index_state(&self, kind: Kind<'_>, index: &str) -> Vec<u8> {
        self.key(&["index-state", kind.name(), index])
    }

    /// Prefix of the states of all such indexes of a kind.
    pub(crate) fn index_states(&self, kind: Kind<'_>) -> Vec<u8> {
        self.index_state(kind, "")
    }

    /// A mail address, folded.
    pub(crate) fn user_email(&self, folded: &str, id: &str) -> Vec<u8> {
        self.key(&["user-email", folded, id])
    }

    /// The hash of a user's password.
    pub(crate) fn user_password(&self, id: &str) -> Vec<u8> {
        self.key(&["user-password", id])
    }

    pub(crate) fn user_deleted(&self, id: &str) -> Vec<u8> {
        self.key(&["user-deleted", id])
    }

    pub(crate) fn group_touch(&self, group: &str) -> Vec<u8> {
        self.key(&["group-touch", group])
    }

    /// The generation that a group's members belong to.
    pub(crate) fn generation(&self, group: &str) -> Vec<u8> {
        self.key(&["group-generation", group])
    }

    pub(crate) fn member(&self, group: &str, generation: &Generation, member: &str) -> Vec<u8> {
        self.key(&["member", group, generation.as_str(), member])
    }

    /// Prefix of the memberships of one group, of one generation.
    pub(crate) fn members(&self, group: &str, generation: &Generation) -> Vec<u8> {
        self.member(group, generation, "")
    }

    pub(crate) fn member_of(&self, member: &str, group: &str, generation: &Generation) -> Vec<u8> {
        self.key(&["member-of", member, group, generation.as_str()])
    }

    /// Prefix of the memberships of one member in one group, of whatever generation.
    pub(crate) fn member_of_group(&self, member: &str, group: &str) -> Vec<u8> {
        self.key(&["member-of", member, group, ""])
    }

    /// Prefix of the memberships of one member in groups, of whatever generation.
    pub(crate) fn members_of(&self, member: &str) -> Vec<u8> {
        self.key(&["member-of", member, ""])
    }

    /// What the members of a group of this name get; with no name, the prefix of all.
    pub(crate) fn policy(&self, group: &str) -> Vec<u8> {
        self.key(&["policy", group])
    }

    /// A session of a user or device on the network.
    pub(crate) fn session(&self, user: &str, session: &str) -> Vec<u8> {
        self.key(&["session", user, session])
    }

    /// Prefix of the sessions of a user or device, or of all with no id.
    pub(crate) fn sessions(&self, user: &str) -> Vec<u8> {
        match user {
            "" => self.key(&["session", ""]),
            user => self.session(user, ""),
        }
    }

    pub(crate) fn event(&self, id: &str) -> Vec<u8> {
        self.key(&["event", id])
    }

    /// Which event was the last; put by every commit. Its version counts them.
    pub(crate) fn last_event(&self) -> Vec<u8> {
        self.key(&["last-event"])
    }

    /// Which instance delivers a webhook.
    pub(crate) fn webhook_holder(&self, name: &str) -> Vec<u8> {
        self.key(&["webhook", name, "holder"])
    }

    /// How far a webhook is delivered.
    pub(crate) fn webhook_cursor(&self, name: &str) -> Vec<u8> {
        self.key(&["webhook", name, "cursor"])
    }

    fn key(&self, segments: &[&str]) -> Vec<u8> {
        join(&self.base, segments)
    }
}

impl<'r> Kind<'r> {
    /// The kind of a resource type.
    pub(crate) fn of(registry: &'r Registry, resource_type: ResourceTypeId) -> Self {
        if resource_type == registry.core().user {
            Self::User
        } else if resource_type == registry.core().group {
            Self::Group
        } else if resource_type == registry.core().device {
            Self::Device
        } else {
            Self::Other(resource_type, &registry.resource_type(resource_type).name)
        }
    }

    /// The resource type.
    pub(crate) fn resource_type(self, registry: &Registry) -> ResourceTypeId {
        match self {
            Self::User => registry.core().user,
            Self::Group => registry.core().group,
            Self::Device => registry.core().device,
            Self::Other(id, _) => id,
        }
    }

    /// The `groups` of such a resource, if it has some by what groups have as members.
    pub(crate) fn groups(self, registry: &Registry) -> Option<GroupsOf> {
        match self {
            Self::User => Some(registry.core().groups),
            Self::Device => Some(registry.core().device_groups),
            Self::Group | Self::Other(..) => None,
        }
    }

    /// What events and index keys call it.
    pub(crate) fn name(self) -> &'r str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Device => "device",
            Self::Other(_, name) => name,
        }
    }
}

/// The text of a key's last segment.
pub(crate) fn last_segment(key: &[u8]) -> Option<String> {
    last_segments(key).map(|[segment]| segment)
}

/// The texts of a key's last segments.
pub(crate) fn last_segments<const N: usize>(key: &[u8]) -> Option<[String; N]> {
    let mut rest = std::str::from_utf8(key).ok()?.rsplit('/');
    let mut segments = [const { String::new() }; N];
    for segment in segments.iter_mut().rev() {
        *segment = percent_decode_str(rest.next()?)
            .decode_utf8()
            .ok()?
            .into_owned();
    }
    Some(segments)
}

fn join(base: &str, segments: &[&str]) -> Vec<u8> {
    let length: usize = segments.iter().map(|s| s.len() + 1).sum();
    let mut key = String::with_capacity(base.len() + length);
    key.push_str(base);
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 {
            key.push('/');
        }
        encode(segment, &mut key);
    }
    key.into_bytes()
}

/// Escapes what would end a segment or hide in a listing: control characters,
/// blanks, `!"#$%` and `/`. Each byte is treated alone, so what begins with a
/// text has a key that begins with the text's; other letters stay readable.
fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(*HEX.get(usize::from(nibble)).unwrap_or(&b'0'));
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte < b'&' || byte == b'/' || byte == 0x7F => {
                into.push('%');
                into.push(digit(byte >> 4));
                into.push(digit(byte & 0xF));
            }
            _ => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        encode(text, &mut out);
        out
    }

    #[test]
    fn keys_stay_readable() {
        let keys = Keys::new("scim/", "acme");
        assert_eq!(
            keys.user_email("é.müller@example.com", "1"),
            "scim/acme/user-email/é.müller@example.com/1".as_bytes()
        );
        assert_eq!(
            keys.members("g", &Generation::first()),
            b"scim/acme/member/g/0/"
        );
    }

    #[test]
    fn no_text_leaves_its_segment() {
        let keys = Keys::new("scim/", "acme");
        assert_eq!(
            keys.record(Kind::User, "../other/user/1"),
            b"scim/acme/user/..%2Fother%2Fuser%2F1"
        );
        let registry = Registry::standard().unwrap();
        let other = Kind::Other(registry.core().schema, "a/b");
        assert_eq!(keys.record(other, "c"), b"scim/acme/resource/a%2Fb/c");
    }

    proptest! {
        #[test]
        fn a_segment_comes_back(text in any::<String>()) {
            let keys = Keys::new("scim/", "acme");
            prop_assert_eq!(last_segment(&keys.record(Kind::Group, &text)), Some(text));
        }

        #[test]
        fn a_segment_holds_neither_slash_nor_control(text in any::<String>()) {
            let encoded = encoded(&text);
            prop_assert!(encoded.bytes().all(|b| b > b' ' && b != b'/' && b != 0x7F));
        }

        #[test]
        fn what_begins_with_a_text_has_a_key_that_begins_with_its_key(a in any::<String>(), b in any::<String>()) {
            let both = encoded(&[a.as_str(), b.as_str()].concat());
            prop_assert!(both.starts_with(&encoded(&a)));
        }
    }
}
