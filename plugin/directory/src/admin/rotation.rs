//! Rotation: a new token in place of another, which goes on for a while, so that whoever uses it
//! can change over in between.

use super::Caller;
use super::tokens::{Listed, Made, bad, last_four, ranges};
use crate::Directory;
use crate::commit::{Action, Attempts};
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys;
use crate::kv::{Compare, Kv, Op, Range, Txn};
use crate::response::answer;
use crate::stored::encode;
use crate::tenant::TenantId;
use crate::token::{Digest, Expiry, Grant};
use scim::Error;
use serde::{Deserialize, Serialize};

/// For how long the old token goes on unless the client says otherwise.
const GRACE_MILLIS: u64 = 24 * 3_600 * 1_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rotation {
    /// Of the new one.
    expires_at: Option<Expiry>,
    old_expires_at: Option<Expiry>,
}

#[derive(Serialize)]
struct Rotated<'a> {
    #[serde(flatten)]
    made: Made<'a>,
    replaces: Replaced<'a>,
}

/// The old token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replaced<'a> {
    id: &'a str,
    expires_at: Option<&'a Expiry>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Makes a token that allows what another one does. Both go on until the old one ends, or
    /// either is revoked.
    pub(super) async fn rotate_token(
        &self,
        caller: &mut Caller<'_>,
        tenant: &TenantId,
        id: &str,
        request: &Request,
    ) -> Result<Response, Error> {
        let form: Rotation = match request.body.as_slice() {
            [] => Rotation::default(),
            _ => self.form(request)?,
        };
        let keys = self.keys_of(tenant);
        let by_id = keys.tenant_token(id);
        let token = self.new_token()?;
        let sha256 = Digest::of(&token).hex();
        let by_hash = keys::token(&self.config.prefix, &sha256);
        let event = self.event_of("token", Action::Rotate, id)?;
        let new_id = self.new_id()?;
        let mut attempts = Attempts::default();
        loop {
            let (mut old, revision) = self.listed_token(caller, &by_id, id).await?;
            let expires_at = self.end_of_new(&form, &old.grant)?;
            let new = Listed {
                grant: Grant {
                    id: new_id.clone(),
                    created: self.now(),
                    expires_at,
                    last_four: last_four(&token),
                    ..old.grant.clone()
                },
                sha256: sha256.clone(),
            };
            old.grant.expires_at = Some(self.end_of_old(&form, &old.grant)?);
            let mut then = vec![
                Op::put(
                    keys::token(&self.config.prefix, &old.sha256),
                    encode(&old.grant)?,
                ),
                Op::put(by_id.clone(), encode(&old)?),
                Op::put(by_hash.clone(), encode(&new.grant)?),
                Op::put(keys.tenant_token(&new.grant.id), encode(&new)?),
            ];
            then.extend(self.tell(&keys, &event, caller.token_id())?);
            let rotate = Txn {
                compares: vec![
                    Compare::unchanged(by_id.clone(), revision),
                    Compare::absent(by_hash.clone()),
                ],
                then,
                otherwise: vec![Op::Range(Range::one(by_hash.clone()))],
            };
            let reply = self.settle_noted(caller, tenant, rotate).await?.reply;
            if !reply.succeeded {
                let [made] = ranges(&reply.replies)?;
                // Nobody else has drawn the same 256 bits: if it is there, this made it.
                if made.kvs.is_empty() {
                    self.start_again(&mut attempts).await?;
                    continue;
                }
            }
            caller.done(tenant, &new.grant.id);
            return answer(
                201,
                &Rotated {
                    made: Made {
                        grant: &new.grant,
                        token: &token,
                    },
                    replaces: Replaced {
                        id,
                        expires_at: old.grant.expires_at.as_ref(),
                    },
                },
            );
        }
    }

    /// Unless it is said, the new token lives as long as the old one was to, from now on.
    fn end_of_new(&self, form: &Rotation, old: &Grant) -> Result<Option<Expiry>, Error> {
        let now = self.clock.now_millis();
        let Some(asked) = &form.expires_at else {
            return Ok(old
                .lifetime_millis()
                .map(|millis| Expiry::at(now.saturating_add(millis))));
        };
        match asked.is_over(now) {
            true => Err(bad("expiresAt", "is in the past")),
            false => Ok(Some(asked.clone())),
        }
    }

    /// The old one never goes on for longer than it would have.
    fn end_of_old(&self, form: &Rotation, old: &Grant) -> Result<Expiry, Error> {
        let now = self.clock.now_millis();
        let own = old.expires_at.as_ref();
        let Some(asked) = &form.old_expires_at else {
            let usual = Expiry::at(now.saturating_add(GRACE_MILLIS));
            let own = own.filter(|own| own.is_before(&usual));
            return Ok(own.cloned().unwrap_or(usual));
        };
        if asked.is_over(now) {
            let reason = "is in the past; to end the old token at once, revoke it";
            return Err(bad("oldExpiresAt", reason));
        }
        if own.is_some_and(|own| own.is_before(asked)) {
            let reason = "is later than the old token ends by itself";
            return Err(bad("oldExpiresAt", reason));
        }
        Ok(asked.clone())
    }
}
