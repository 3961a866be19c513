//! Tokens of a tenant: made, listed and revoked. A token is in one answer only,
//! that of its making.

use super::{Caller, Settled, no_tenant};
use crate::Directory;
use crate::auth::ADMIN_KEY;
use crate::commit::Action;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys::{self, Keys, Kind, last_segment};
use crate::kv::{Compare, Kv, Op, OpReply, Range, RangeReply, Txn};
use crate::response::{answer, empty};
use crate::session::unexpected_reply;
use crate::stored::{decode, encode};
use crate::tenant::TenantId;
use crate::token::{Digest, Expiry, Grant, PREFIX, Scope, hex};
use scim::json::Quoted;
use scim::{Error, Mode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest label, in bytes.
const MAX_LABEL: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewToken {
    #[serde(default)]
    label: String,
    scopes: Vec<Scope>,
    #[serde(default)]
    mode: Mode,
    expires_at: Option<Expiry>,
    user: Option<String>,
}

/// What is stored of a token among those of its tenant.
#[derive(Deserialize, Serialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub(super) grant: Grant,
    /// Where the grant is, to find it for revocation.
    pub(super) sha256: String,
}

#[derive(Serialize)]
pub(super) struct Made<'a> {
    #[serde(flatten)]
    pub(super) grant: &'a Grant,
    pub(super) token: &'a str,
}

/// A token, as the administrator sees it from then on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    grant: Grant,
    /// To about an hour; nothing for one that was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

#[derive(Serialize)]
struct Tokens {
    tokens: Vec<Shown>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(super) async fn create_token(
        &self,
        caller: &mut Caller<'_>,
        tenant: TenantId,
        request: &Request,
    ) -> Result<Response, Error> {
        let token = self.new_token()?;
        let digest = Digest::of(&token);
        let grant = self.new_grant(tenant, &token, self.form(request)?)?;
        let listed = Listed {
            sha256: digest.hex(),
            grant,
        };
        let grant = &listed.grant;
        let tenant = keys::tenant(&self.config.prefix, grant.tenant.as_str());
        let by_hash = keys::token(&self.config.prefix, &listed.sha256);
        let keys = self.keys_of(&grant.tenant);
        let by_id = keys.tenant_token(&grant.id);
        let mut compares = vec![
            Compare::present(tenant.clone()),
            Compare::absent(by_hash.clone()),
        ];
        if let Some(user) = &grant.user {
            compares.push(Compare::present(keys.record(Kind::User, user)));
        }
        let mut then = vec![
            Op::put(by_hash.clone(), encode(grant)?),
            Op::put(by_id, encode(&listed)?),
        ];
        let event = self.event_of("token", Action::Create, &grant.id)?;
        then.extend(self.tell(&keys, &event, caller.token_id())?);
        let txn = Txn {
            compares,
            then,
            otherwise: vec![
                Op::Range(Range::one(tenant)),
                Op::Range(Range::one(by_hash)),
            ],
        };
        let settled = self.settle_noted(caller, &grant.tenant, txn).await?;
        if !settled.reply.succeeded {
            let [found_tenant, found_token] = ranges(&settled.reply.replies)?;
            if found_tenant.kvs.is_empty() {
                return Err(no_tenant(grant.tenant.as_str()));
            }
            if found_token.kvs.is_empty() {
                return Err(bad("user", "is the id of no user of this tenant"));
            }
            // Nobody else has drawn the same 256 bits.
            if !settled.again {
                return Err(unexpected_reply());
            }
        }
        caller.done(&grant.tenant, &grant.id);
        let made = Made {
            grant,
            token: &token,
        };
        answer(201, &made)
    }

    pub(super) async fn list_tokens(
        &self,
        caller: &mut Caller<'_>,
        tenant: &TenantId,
    ) -> Result<Response, Error> {
        let keys = self.keys_of(tenant);
        let record = keys::tenant(&self.config.prefix, tenant.as_str());
        let ranges_of = [
            Range::one(record),
            Range::prefix(keys.tenant_token("")),
            Range::prefix(keys.token_used("")),
        ];
        let txn = Txn {
            then: ranges_of.map(Op::Range).into(),
            ..Txn::default()
        };
        let reply = self.settle(caller, txn).await?.reply;
        let [record, all, used] = ranges(&reply.replies)?;
        if record.kvs.is_empty() {
            return Err(no_tenant(tenant.as_str()));
        }
        let mut last_uses = BTreeMap::new();
        for kv in &used.kvs {
            if let Some(id) = last_segment(&kv.key) {
                last_uses.insert(id, decode(&kv.value)?);
            }
        }
        let tokens = all.kvs.iter().map(|kv| {
            let grant: Grant = decode(&kv.value)?;
            Ok(Shown {
                last_used: last_uses.remove(&grant.id),
                grant,
            })
        });
        let tokens: Result<_, Error> = tokens.collect();
        answer(200, &Tokens { tokens: tokens? })
    }

    /// Revokes a token. Whoever uses it from now on is refused, wherever.
    pub(super) async fn delete_token(
        &self,
        caller: &mut Caller<'_>,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Response, Error> {
        let keys = self.keys_of(tenant);
        let by_id = keys.tenant_token(id);
        let (listed, revision) = self.listed_token(caller, &by_id, id).await?;
        let by_hash = keys::token(&self.config.prefix, &listed.sha256);
        let event = self.event_of("token", Action::Revoke, id)?;
        let mut then = [by_hash, by_id.clone(), keys.token_used(id)]
            .map(Op::delete)
            .to_vec();
        then.extend(self.tell(&keys, &event, caller.token_id())?);
        let revoke = Txn {
            compares: vec![Compare::unchanged(by_id, revision)],
            then,
            otherwise: Vec::new(),
        };
        let settled = self.settle_noted(caller, tenant, revoke).await?;
        if !settled.reply.succeeded && !settled.again {
            return Err(unknown_token(id));
        }
        caller.done(tenant, id);
        Ok(empty(204))
    }

    /// What is stored of a token, and since which revision.
    pub(super) async fn listed_token(
        &self,
        caller: &mut Caller<'_>,
        by_id: &[u8],
        id: &str,
    ) -> Result<(Listed, i64), Error> {
        let read = Txn {
            then: vec![Op::Range(Range::one(by_id))],
            ..Txn::default()
        };
        let reply = self.settle(caller, read).await?.reply;
        let [found] = ranges(&reply.replies)?;
        let found = found.kvs.first().ok_or_else(|| unknown_token(id))?;
        Ok((decode(&found.value)?, found.mod_revision))
    }

    /// Runs a transaction that writes to a tenant, and notes that it may have been written.
    pub(super) async fn settle_noted(
        &self,
        caller: &mut Caller<'_>,
        tenant: &TenantId,
        txn: Txn,
    ) -> Result<Settled, Error> {
        let settled = self.settle(caller, txn).await;
        self.writes.note(tenant.as_str());
        settled
    }

    pub(super) fn new_token(&self) -> Result<String, Error> {
        let mut secret = [0; 32];
        if !self.entropy.fill(&mut secret) {
            return Err(Error::Internal {
                reason: "the source of random numbers is out of order".to_owned(),
            });
        }
        Ok(format!("{PREFIX}{}", hex(&secret)))
    }

    fn new_grant(&self, tenant: TenantId, token: &str, form: NewToken) -> Result<Grant, Error> {
        let mut scopes = Vec::new();
        for scope in form.scopes {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        if scopes.is_empty() {
            return Err(bad("scopes", "must name at least one scope"));
        }
        if form.label.len() > MAX_LABEL {
            return Err(bad("label", "must not be longer than 256 bytes"));
        }
        let grant = Grant {
            tenant,
            id: self.new_id()?,
            scopes,
            user: form.user,
            mode: form.mode,
            label: form.label,
            created: self.now(),
            expires_at: form.expires_at,
            last_four: last_four(token),
        };
        if grant.expired(self.clock.now_millis()) {
            return Err(bad("expiresAt", "is in the past"));
        }
        Ok(grant)
    }

    pub(super) fn keys_of(&self, tenant: &TenantId) -> Keys {
        Keys::new(&self.config.prefix, tenant.as_str())
    }
}

impl Caller<'_> {
    /// What events call it.
    pub(super) fn token_id(&self) -> &str {
        match self {
            Self::Key(_) => ADMIN_KEY,
            Self::Token(session) => &session.token_id,
        }
    }

    /// Notes which token was made or revoked.
    pub(super) fn done(&mut self, tenant: &TenantId, token: &str) {
        let trace = self.trace();
        tenant.as_str().clone_into(&mut trace.tenant);
        token.clone_into(&mut trace.resource_id);
    }
}

/// By which people tell tokens apart.
pub(super) fn last_four(token: &str) -> String {
    let last = token.get(token.len().saturating_sub(4)..);
    last.unwrap_or_default().to_owned()
}

fn unknown_token(id: &str) -> Error {
    Error::NoResource {
        resource_type: "token".to_owned(),
        id: Quoted::from(id),
    }
}

pub(super) fn bad(attribute: &str, reason: &str) -> Error {
    Error::BadValue {
        attribute: attribute.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The replies to so many ranges.
pub(super) fn ranges<const N: usize>(replies: &[OpReply]) -> Result<[&RangeReply; N], Error> {
    let ranges: Vec<_> = replies
        .iter()
        .filter_map(|reply| match reply {
            OpReply::Range(range) => Some(range),
            OpReply::Put | OpReply::Delete(_) | OpReply::Txn(_) => None,
        })
        .collect();
    ranges.try_into().map_err(|_| unexpected_reply())
}
