//! Tenants: made and listed.

use super::Caller;
use crate::Directory;
use crate::commit::Action;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys;
use crate::kv::{Compare, Kv, Op, OpReply, Range, Txn, prefix_end};
use crate::response::answer;
use crate::session::unexpected_reply;
use crate::stored::{decode, encode};
use crate::tenant::{Tenant, TenantId};
use scim::Error;
use scim::json::Quoted;
use serde::{Deserialize, Serialize};

/// Tenants read at once.
const PAGE: i64 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    id: Option<TenantId>,
    #[serde(default)]
    name: String,
}

#[derive(Serialize)]
struct Tenants {
    tenants: Vec<Tenant>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(super) async fn create_tenant(
        &self,
        caller: &mut Caller<'_>,
        request: &Request,
    ) -> Result<Response, Error> {
        let form: NewTenant = self.form(request)?;
        let id = match form.id {
            Some(id) => id,
            None => TenantId::try_from(self.new_id()?).map_err(|reason| Error::Internal {
                reason: format!("a new id {reason}"),
            })?,
        };
        let key = keys::tenant(&self.config.prefix, id.as_str());
        let tenant = Tenant {
            id,
            name: form.name,
            created: self.now(),
        };
        let value = encode(&tenant)?;
        let mut then = vec![Op::put(key.clone(), value.clone())];
        let event = self.event_of("tenant", Action::Create, tenant.id.as_str())?;
        then.extend(self.tell(&self.keys_of(&tenant.id), &event, caller.token_id())?);
        let txn = Txn {
            compares: vec![Compare::absent(key.clone())],
            then,
            otherwise: vec![Op::Range(Range::one(key))],
        };
        let settled = self.settle(caller, txn).await?;
        let ours = match settled.reply.replies.first() {
            Some(OpReply::Range(found)) => {
                settled.again && found.kvs.first().is_some_and(|kv| kv.value == value)
            }
            _ => settled.reply.succeeded,
        };
        if !ours {
            return Err(Error::NotUnique {
                attribute: "tenant id".to_owned(),
                value: Quoted::from(tenant.id.as_str()),
            });
        }
        tenant.id.as_str().clone_into(&mut caller.trace().tenant);
        answer(201, &tenant)
    }

    pub(super) async fn list_tenants(&self, caller: &mut Caller<'_>) -> Result<Response, Error> {
        let prefix = keys::tenants(&self.config.prefix);
        let mut page = Range {
            limit: PAGE,
            ..Range::prefix(prefix.clone())
        };
        let mut tenants = Vec::new();
        loop {
            let txn = Txn {
                then: vec![Op::Range(page.clone())],
                ..Txn::default()
            };
            let reply = self.settle(caller, txn).await?.reply;
            let Some(OpReply::Range(found)) = reply.replies.first() else {
                return Err(unexpected_reply());
            };
            for kv in &found.kvs {
                tenants.push(decode(&kv.value)?);
            }
            let Some(last) = found.kvs.last().filter(|_| found.more) else {
                return answer(200, &Tenants { tenants });
            };
            page.key = [last.key.as_slice(), &[0]].concat();
            page.end = Some(prefix_end(&prefix));
            page.revision = reply.revision.min(found.revision);
        }
    }
}
