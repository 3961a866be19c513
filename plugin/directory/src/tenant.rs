//! Tenants: the accounts that the service keeps apart.

use serde::{Deserialize, Serialize};

/// The name of a tenant in keys and paths: 1 to 63 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct TenantId(String);

/// What is stored of a tenant, and what the administrator sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    /// For people.
    pub(crate) name: String,
    pub(crate) created: String,
}

impl TenantId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=63).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err("must be 1 to 63 of the letters a-z, digits and -");
        }
        // The keys of what is no tenant's begin with these, where a tenant's begin
        // with its name.
        if matches!(text.as_str(), "token" | "tenant" | "unused") {
            return Err("is a name that the service keeps for itself");
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_cannot_be_named_into_the_keys_of_others() {
        for text in [
            "", "token", "tenant", "unused", "a/b", "..", "A", "a b", "é", "a\0", "a%2fb",
        ] {
            assert!(TenantId::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(TenantId::try_from("a".repeat(64)).is_err());
        for text in ["acme", "tokens", "0", "-", "a-1"] {
            assert!(TenantId::try_from(text.to_owned()).is_ok(), "{text}");
        }
    }
}
