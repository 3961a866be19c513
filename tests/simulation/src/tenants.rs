//! The tenants of every simulation and their tokens, and how the store begins.

use crate::layout::PREFIX;
use directory::kv::{Op, Txn};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Two with the same users.
pub(crate) const TENANTS: [&str; 2] = ["acme", "other"];

/// How many tokens each has; all but the first may be revoked.
pub(crate) const TOKENS: usize = 2;

/// Whose token a request bears: the places of a tenant and of one of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: usize,
    pub(crate) token: usize,
}

impl Caller {
    pub(crate) fn tenant(self) -> &'static str {
        TENANTS[self.tenant]
    }

    /// The id of the token.
    pub(crate) fn token_id(self) -> String {
        format!("{}-token-{}", self.tenant(), self.token)
    }

    /// Where the administrator finds the token.
    pub(crate) fn admin_path(self) -> String {
        format!("/tenants/{}/tokens/{}", self.tenant(), self.token_id())
    }
}

pub(crate) fn admin_key() -> &'static str {
    "the administrator of the simulation"
}

/// A token, as clients send it.
pub(crate) fn token(caller: Caller) -> String {
    format!("scim_{:064x}", caller.token * TENANTS.len() + caller.tenant)
}

/// What the store holds before anybody comes: tenants, each with so many tokens.
pub(crate) fn founding(tokens: usize) -> Txn {
    let mut then = Vec::new();
    for (tenant, name) in TENANTS.iter().enumerate() {
        then.push(Op::put(
            format!("{PREFIX}tenant/{name}"),
            json!({"id": name, "name": name}).to_string(),
        ));
        for token in 0..tokens {
            let caller = Caller { tenant, token };
            let sha256 = sha256(&self::token(caller));
            let grant = json!({"tenant": name, "id": caller.token_id(), "scopes": ["scim"],
                "label": "", "created": "2026-11-24T05:00:00.000Z", "lastFour": "0000"});
            let mut listed = grant.clone();
            listed["sha256"] = json!(sha256);
            let id = caller.token_id();
            then.push(Op::put(
                format!("{PREFIX}token/{sha256}"),
                grant.to_string(),
            ));
            then.push(Op::put(
                format!("{PREFIX}{name}/token/{id}"),
                listed.to_string(),
            ));
        }
    }
    Txn {
        then,
        ..Txn::default()
    }
}

/// The SHA-256 of a text, in lower-case hex.
pub(crate) fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
