//! Bearer tokens: what is stored of one, what it allows, and which ones this
//! instance has seen. The token itself is never kept: it is known by its SHA-256.

use crate::tenant::TenantId;
use scim::Mode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How a token begins, so that scanners find one that was published by mistake.
pub(crate) const PREFIX: &str = "scim_";

/// How many hex digits follow.
pub(crate) const DIGITS: usize = 64;

/// In a millisecond.
const NANOSECONDS: i128 = 1_000_000;

/// How much later a token has to be used again for that to be written down, in milliseconds.
const COARSE: u64 = 3_600_000;

/// How many tokens are remembered; beyond it the oldest is forgotten.
const REMEMBERED: usize = 1024;

/// The SHA-256 of a token, or of another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Scope {
    /// To read and write users and groups.
    #[serde(rename = "scim")]
    Scim,
    /// To read them.
    #[serde(rename = "scim:read")]
    ScimRead,
    /// To ask whether a user may connect.
    #[serde(rename = "access")]
    Access,
    /// To manage the tenant's tokens.
    #[serde(rename = "admin")]
    Admin,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Administer,
    /// To ask about, and tell of, users on the network.
    Network,
}

/// What is stored of a token under its hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Grant {
    pub(crate) tenant: TenantId,
    pub(crate) id: String,
    pub(crate) scopes: Vec<Scope>,
    /// The id of the user that it stands for: `/Me` (RFC 7644 §3.11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// How far its requests may stray from the standards; older grants do not say.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// For people.
    pub(crate) label: String,
    pub(crate) created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Expiry>,
    /// The last four digits of the token, to tell tokens apart.
    pub(crate) last_four: String,
}

/// When a token ends, as written by whoever made it, or by the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Expiry {
    text: String,
    nanoseconds: i128,
}

impl Digest {
    pub(crate) fn of(text: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::of_bytes(text.as_ref())
    }

    /// One function, whatever the text is: the hash is unrolled wherever it stands.
    fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(halves.map(|half| char::from_digit(half.into(), 16).unwrap_or('0')));
    text
}

impl Grant {
    /// What an administrator's key allows within a tenant.
    pub(crate) fn of_key(tenant: TenantId) -> Self {
        Self {
            tenant,
            id: String::new(),
            scopes: vec![Scope::Admin],
            user: None,
            mode: Mode::default(),
            label: String::new(),
            created: String::new(),
            expires_at: None,
            last_four: String::new(),
        }
    }

    pub(crate) fn allows(&self, access: Access) -> bool {
        self.scopes.iter().any(|scope| match access {
            Access::Read => matches!(scope, Scope::Scim | Scope::ScimRead),
            Access::Write => *scope == Scope::Scim,
            Access::Administer => *scope == Scope::Admin,
            Access::Network => *scope == Scope::Access,
        })
    }

    pub(crate) fn expired(&self, now_millis: u64) -> bool {
        let expiry = self.expires_at.as_ref();
        expiry.is_some_and(|expiry| expiry.is_over(now_millis))
    }

    /// For how long it was to be good; nothing where it has no end.
    pub(crate) fn lifetime_millis(&self) -> Option<u64> {
        let end = self.expires_at.as_ref()?.nanoseconds;
        let begin = scim::datetime::parse(&self.created)?;
        u64::try_from((end - begin) / NANOSECONDS).ok()
    }
}

impl Expiry {
    /// So many milliseconds after the Unix epoch.
    pub(crate) fn at(millis: u64) -> Self {
        Self {
            text: scim::datetime::format(i64::try_from(millis).unwrap_or(i64::MAX)),
            nanoseconds: i128::from(millis) * NANOSECONDS,
        }
    }

    pub(crate) fn is_over(&self, now_millis: u64) -> bool {
        self.nanoseconds <= i128::from(now_millis) * NANOSECONDS
    }

    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.nanoseconds < other.nanoseconds
    }
}

impl TryFrom<String> for Expiry {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let nanoseconds =
            scim::datetime::parse(&text).ok_or("must be a time such as 2027-01-31T00:00:00Z")?;
        Ok(Self { text, nanoseconds })
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.text
    }
}

/// Grants of tokens that this instance has met. A hint only: every operation
/// compares the grant's revision in its own transaction, so a token that was
/// revoked since is found out by the first request that uses it.
#[derive(Debug, Default)]
pub(crate) struct TokenHints {
    grants: BTreeMap<Digest, Hint>,
    order: VecDeque<Digest>,
}

/// What is known of a token.
#[derive(Debug)]
struct Hint {
    mod_revision: i64,
    grant: Rc<Grant>,
    /// When it was used last, in milliseconds since the Unix epoch; zero for never.
    used: u64,
    /// Which use was written down last.
    noted: u64,
}

/// A use of a token that is worth writing down.
#[derive(Clone, Debug)]
pub(crate) struct TokenUse {
    pub(crate) digest: Digest,
    pub(crate) grant: Rc<Grant>,
    pub(crate) at: u64,
}

impl TokenHints {
    /// The grant, and the revision at which it was so.
    pub(crate) fn find(&self, digest: Digest) -> Option<(i64, Rc<Grant>)> {
        let hint = self.grants.get(&digest)?;
        Some((hint.mod_revision, Rc::clone(&hint.grant)))
    }

    /// That a token is used.
    pub(crate) fn used(&mut self, digest: Digest, now: u64) {
        if let Some(hint) = self.grants.get_mut(&digest) {
            hint.used = now;
        }
    }

    /// The uses that nobody has written down, but for those soon after one that was.
    pub(crate) fn uses(&self) -> Vec<TokenUse> {
        let new = self.grants.iter().filter(|(_, hint)| {
            let since = hint.used.saturating_sub(hint.noted);
            hint.used > 0 && since >= COARSE
        });
        let uses = new.map(|(digest, hint)| TokenUse {
            digest: *digest,
            grant: Rc::clone(&hint.grant),
            at: hint.used,
        });
        uses.collect()
    }

    /// That a use was written down.
    pub(crate) fn noted(&mut self, one: &TokenUse) {
        if let Some(hint) = self.grants.get_mut(&one.digest) {
            hint.noted = one.at;
        }
    }

    pub(crate) fn remember(&mut self, digest: Digest, mod_revision: i64, grant: &Rc<Grant>) {
        if let Some(hint) = self.grants.get_mut(&digest) {
            hint.mod_revision = mod_revision;
            hint.grant = Rc::clone(grant);
            return;
        }
        let hint = Hint {
            mod_revision,
            grant: Rc::clone(grant),
            used: 0,
            noted: 0,
        };
        self.grants.insert(digest, hint);
        self.order.push_back(digest);
        while self.grants.len() > REMEMBERED {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.grants.remove(&oldest);
        }
    }

    pub(crate) fn forget(&mut self, digest: Digest) {
        if self.grants.remove(&digest).is_some() {
            self.order.retain(|known| *known != digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(json: &str) -> Result<Grant, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn valid() -> Grant {
        grant(
            r#"{"tenant":"acme","id":"t1","scopes":["scim:read"],"label":"","created":"",
            "expiresAt":"2026-11-24T05:00:00Z","lastFour":"beef"}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_grant_without_a_tenant_is_no_grant() {
        for tenant in ["null", "\"\"", "\"token\"", "\"a/b\""] {
            let json = format!(
                r#"{{"tenant":{tenant},"id":"t","scopes":["scim"],"label":"","created":"","lastFour":""}}"#
            );
            assert!(grant(&json).is_err(), "{tenant}");
        }
    }

    #[test]
    fn scopes_allow_what_they_say() {
        for (scope, read, write, administer) in [
            (Scope::Scim, true, true, false),
            (Scope::ScimRead, true, false, false),
            (Scope::Access, false, false, false),
            (Scope::Admin, false, false, true),
        ] {
            let grant = Grant {
                scopes: vec![scope],
                ..valid()
            };
            let allowed = [Access::Read, Access::Write, Access::Administer]
                .map(|access| grant.allows(access));
            assert_eq!(allowed, [read, write, administer], "{scope:?}");
        }
    }

    #[test]
    fn a_token_ends_at_its_expiry() {
        let grant = valid();
        let at = u64::try_from(scim::datetime::parse("2026-11-24T05:00:00Z").unwrap() / 1_000_000)
            .unwrap();
        assert!(!grant.expired(at - 1));
        assert!(grant.expired(at));
    }

    #[test]
    fn a_use_is_written_down_once_an_hour() {
        let mut hints = TokenHints::default();
        let (grant, digest) = (Rc::new(valid()), Digest::of("x"));
        hints.used(digest, COARSE);
        hints.remember(digest, 1, &grant);
        assert!(hints.uses().is_empty(), "it was not known then");
        let uses = |hints: &TokenHints| -> Vec<u64> { hints.uses().iter().map(|u| u.at).collect() };
        let now = 1_000 * COARSE;
        hints.used(digest, now);
        assert_eq!(uses(&hints), [now]);
        let one = hints.uses().remove(0);
        hints.used(digest, now + 5);
        hints.noted(&one);
        assert!(uses(&hints).is_empty());
        hints.remember(digest, 2, &grant);
        hints.used(digest, now + COARSE - 1);
        assert!(uses(&hints).is_empty(), "another grant changes nothing");
        hints.used(digest, now + COARSE);
        assert_eq!(uses(&hints), [now + COARSE]);
        hints.forget(digest);
        assert!(uses(&hints).is_empty());
    }

    #[test]
    fn the_memory_of_tokens_is_bounded() {
        let mut hints = TokenHints::default();
        let grant = Rc::new(valid());
        let digest = |n: usize| Digest::of(&n.to_string());
        for n in 0..REMEMBERED + 10 {
            hints.remember(digest(n), 1, &grant);
        }
        assert_eq!(
            (hints.grants.len(), hints.order.len()),
            (REMEMBERED, REMEMBERED)
        );
        assert!(hints.find(digest(0)).is_none());
        hints.forget(digest(20));
        assert!(hints.find(digest(20)).is_none());
        assert_eq!(hints.order.len(), REMEMBERED - 1);
    }
}
