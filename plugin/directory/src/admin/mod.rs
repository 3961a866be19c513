//! The administrator's interface: tenants, tokens, policies, what the network sees and what
//! happened. It answers the holder of an
//! administrator's key, and within one tenant the holder of a token of the scope
//! `admin`.

mod deleted_users;
mod event_filter;
mod events;
mod groups;
mod network;
mod openapi;
mod page;
mod policies;
mod rotation;
mod tenants;
mod tokens;
mod users;

use crate::Directory;
use crate::base_url::base_url;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys;
use crate::kv::{Kv, KvErrorKind, Outcome, Range, Txn, TxnReply};
use crate::negotiation;
use crate::quota::Attempt;
use crate::response::options;
use crate::route::{self, Matched, Operation};
use crate::session::{Session, TransactError};
use crate::tenant::TenantId;
use crate::token::Access;
use crate::trace::Trace;
use scim::Error;
use scim::json::Quoted;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How often a transaction is sent whose outcome stays unknown.
const SENDS: u32 = 4;

/// Who administers.
enum Caller<'t> {
    /// The holder of an administrator's key: of all tenants.
    Key(&'t mut Trace),
    /// The holder of a token: of its own tenant.
    Token(Session<'t>),
}

/// What is asked for within a tenant.
struct Asked<'a> {
    operation: Operation,
    /// What the path names below the tenant.
    named: &'a str,
    query: &'a str,
}

/// How a transaction came out.
struct Settled {
    reply: TxnReply,
    /// Whether it was sent again, so that what it finds may be its own work.
    again: bool,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(crate) async fn administer(
        &self,
        request: &Request,
        target: &str,
        trace: &mut Trace,
    ) -> Result<Response, Error> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let matched = route::find(&self.routes.admin, &request.method, path);
        trace.route(&self.registry, &matched);
        // Before the key is compared: guesses are limited, whether right or wrong.
        let attempt = self.attempt(request)?;
        let mut caller = if self.is_admin_key(attempt.digest) {
            self.quotas.settle(&attempt, Some(true));
            let now = self.clock.now_millis();
            self.quotas.request(attempt.digest, now)?;
            Caller::Key(trace)
        } else {
            let base_url = base_url(&self.config, request);
            let session = self.authenticate(&attempt, base_url, trace).await?;
            self.count(&session)?;
            Caller::Token(session)
        };
        let result = match matched {
            Ok(matched) => {
                self.manage(&mut caller, request, &attempt, matched, query)
                    .await
            }
            Err(error) => Err(error),
        };
        if let Caller::Token(session) = &mut caller
            && !matches!(result, Err(Error::Unavailable { .. }))
        {
            self.verify(session).await?;
        }
        result
    }

    async fn manage(
        &self,
        caller: &mut Caller<'_>,
        request: &Request,
        attempt: &Attempt<'_>,
        matched: Matched,
        query: &str,
    ) -> Result<Response, Error> {
        caller.trace().writes = matched.operation.writes();
        let mut captures = matched.captures.iter().map(String::as_str);
        let tenant = captures.next();
        caller.require(matched.operation, tenant)?;
        negotiation::accept(request)?;
        if matched.operation.has_body() {
            negotiation::content_type(request)?;
        }
        let tenant = tenant.map(tenant_id).transpose()?;
        match (matched.operation, tenant, captures.next()) {
            (Operation::Describe, None, None) => Ok(openapi::describe(&self.config)),
            (Operation::CreateTenant, None, None) => self.create_tenant(caller, request).await,
            (Operation::ListTenants, None, None) => self.list_tenants(caller).await,
            (Operation::CreateToken, Some(tenant), None) => {
                self.create_token(caller, tenant, request).await
            }
            (Operation::ListTokens, Some(tenant), None) => self.list_tokens(caller, &tenant).await,
            (Operation::DeleteToken, Some(tenant), Some(id)) => {
                self.delete_token(caller, &tenant, id).await
            }
            (Operation::RotateToken, Some(tenant), Some(id)) => {
                self.rotate_token(caller, &tenant, id, request).await
            }
            (Operation::Options(allow), _, _) => Ok(options(allow)),
            (operation, Some(tenant), name) => {
                let named = name.unwrap_or_default();
                let asked = Asked {
                    operation,
                    named,
                    query,
                };
                self.within_tenant(caller, tenant, request, attempt, &asked)
                    .await
            }
            _ => Err(Error::NoEndpoint),
        }
    }

    /// Does what goes as well with a token of the tenant as with an administrator's key.
    async fn within_tenant(
        &self,
        caller: &mut Caller<'_>,
        tenant: TenantId,
        request: &Request,
        attempt: &Attempt<'_>,
        asked: &Asked<'_>,
    ) -> Result<Response, Error> {
        match caller {
            Caller::Token(session) => self.manage_tenant(session, request, asked).await,
            Caller::Key(trace) => {
                let id = tenant.as_str().to_owned();
                let digest = attempt.digest;
                let mut session = self.session_of_key(request, digest, tenant, trace);
                let record = keys::tenant(&self.config.prefix, &id);
                let record = self.range(&mut session, Range::one(record)).await?;
                if record.kvs.is_empty() {
                    return Err(no_tenant(&id));
                }
                self.manage_tenant(&mut session, request, asked).await
            }
        }
    }

    async fn manage_tenant(
        &self,
        session: &mut Session<'_>,
        request: &Request,
        asked: &Asked<'_>,
    ) -> Result<Response, Error> {
        let &Asked {
            operation,
            named,
            query,
        } = asked;
        match operation {
            Operation::ListPolicies => self.list_policies(session).await,
            Operation::ReadPolicy => self.read_policy(session, named).await,
            Operation::ReplacePolicy => self.replace_policy(session, named, request).await,
            Operation::DeletePolicy => self.delete_policy(session, named).await,
            Operation::PolicyReport => self.policy_report(session).await,
            Operation::DecideForAdministrator => self.dry_run(session, named).await,
            Operation::ListSessions => self.list_sessions(session, query).await,
            Operation::ListEvents => self.list_events(session, query).await,
            Operation::ListDeletedUsers => self.list_deleted_users(session, query).await,
            Operation::RestoreUser => self.restore(session, named).await,
            Operation::ListUsers => self.list_users(session, query).await,
            Operation::ReadUser => self.read_user(session, named).await,
            Operation::ListGroups => self.list_groups(session, query).await,
            _ => Err(Error::NoEndpoint),
        }
    }

    /// Runs a transaction, again if nobody knows how it came out. So it must be
    /// one that, done twice, is done once.
    async fn settle(&self, caller: &mut Caller<'_>, txn: Txn) -> Result<Settled, Error> {
        let mut sent = 1;
        loop {
            let result = match caller {
                Caller::Token(session) => self.transact(session, txn.clone()).await,
                Caller::Key(trace) => {
                    trace.store_calls += 1;
                    self.kv.txn(txn.clone()).await.map_err(|error| {
                        trace.fault = Some(error.to_string());
                        TransactError::Store(error)
                    })
                }
            };
            match result {
                Ok(reply) => {
                    let again = sent > 1;
                    return Ok(Settled { reply, again });
                }
                Err(TransactError::Store(error))
                    if sent < SENDS
                        && (error.outcome == Outcome::Unknown
                            || matches!(error.kind, KvErrorKind::Unavailable(_))) =>
                {
                    self.clock.sleep(Duration::from_millis(20 << sent)).await;
                    sent += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The body, which must have exactly the members of `T`.
    fn form<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        // For the limits, and for what is wrong with the JSON itself.
        self.body(request, 0)?;
        let mut body = serde_json::Deserializer::from_slice(&request.body);
        serde_path_to_error::deserialize(&mut body).map_err(|error| {
            let sentence = error.inner().to_string();
            let reason = sentence.split(" at line ").next().unwrap_or_default();
            let attribute = match error.path().to_string().as_str() {
                "." => "body".to_owned(),
                path => path.to_owned(),
            };
            Error::BadValue {
                attribute,
                reason: format!("is not acceptable: {reason}"),
            }
        })
    }
}

impl Caller<'_> {
    fn trace(&mut self) -> &mut Trace {
        match self {
            Self::Key(trace) => trace,
            Self::Token(session) => session.trace,
        }
    }

    /// Refuses a token that may not administer, or not this tenant, or not all. How it is done,
    /// whoever does it for some tenant may know.
    fn require(&mut self, operation: Operation, tenant: Option<&str>) -> Result<(), Error> {
        let Self::Token(session) = self else {
            return Ok(());
        };
        session.require(Access::Administer)?;
        if operation != Operation::Describe && tenant != Some(session.tenant()) {
            return Err(Error::Forbidden {
                reason: "it belongs to one tenant; use an administrator's key".to_owned(),
            });
        }
        Ok(())
    }
}

fn tenant_id(text: &str) -> Result<TenantId, Error> {
    TenantId::try_from(text.to_owned()).map_err(|_| no_tenant(text))
}

fn no_tenant(id: &str) -> Error {
    Error::NoResource {
        resource_type: "tenant".to_owned(),
        id: Quoted::from(id),
    }
}
