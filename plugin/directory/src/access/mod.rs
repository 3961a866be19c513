//! The network's questions: whether a user or device may be on it, and with which policy. Asked by
//! RADIUS servers in the words of FreeRADIUS's `rlm_rest`, and in plain JSON by everything else.
//!
//! Who may not be on the network hears 403, whatever the reason: to `rlm_rest` 404 and 410 mean
//! "go on", and so does every answer of success, with whatever lets the user in after it.

mod accounting;
mod decision;
mod device;
mod policy;
mod recall;
mod remembered;
mod rlm_rest;
mod sessions;

pub(crate) use decision::{Allowed, Decision, Denial, Found, Snapshot, Whose};
pub(crate) use policy::{Effective, Policy};
pub(crate) use remembered::Remembered;
pub(crate) use sessions::NetworkSession;

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::kv::Kv;
use crate::negotiation;
use crate::response::{answer, options};
use crate::route::{self, Matched, Operation};
use crate::session::Session;
use crate::token::Access;
use crate::trace::Trace;
use rlm_rest::{Asked, Attributes};
use scim::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest body, in bytes: a RADIUS packet has 4,096, and JSON makes several of one.
const MAX_BODY: usize = 65_536;

/// A decision, in plain JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided<'a> {
    user_name: &'a str,
    allowed: bool,
    /// Whether it is a device, and no user.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    device: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a Effective>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denial: Option<Denial>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Answers a request below the access path.
    pub(crate) async fn guard(
        &self,
        request: &Request,
        target: &str,
        trace: &mut Trace,
    ) -> Result<Response, Error> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let matched = route::find(&self.routes.access, &request.method, path);
        trace.route(&self.registry, &matched);
        let attempt = self.attempt(request)?;
        // No answer here has a location.
        let base_url = String::new();
        let mut session = self.authenticate(&attempt, base_url, trace).await?;
        let result = self.network(&mut session, request, matched).await;
        if !matches!(result, Err(Error::Unavailable { .. })) {
            self.verify(&mut session).await?;
        }
        result
    }

    async fn network(
        &self,
        session: &mut Session<'_>,
        request: &Request,
        matched: Result<Matched, Error>,
    ) -> Result<Response, Error> {
        let matched = matched?;
        session.require(Access::Network)?;
        if matched.operation.has_body() {
            negotiation::content_type(request)?;
        }
        match matched.operation {
            Operation::Authorize => self.authorize(session, request).await,
            Operation::Accounting => self.account(session, request).await,
            Operation::Decide => {
                let name = matched.captures.first().map_or("", String::as_str);
                let decision = self.recall(session, name).await?;
                decided(name, &decision, 403)
            }
            Operation::Options(allow) => Ok(options(allow)),
            _ => Err(Error::NoEndpoint),
        }
    }

    /// What the network would be told of a name now, for an administrator.
    pub(crate) async fn dry_run(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Response, Error> {
        let decision = self.decide_by_name(session, name).await?;
        decided(name, &decision, 200)
    }

    /// Whether a user may connect, as `rlm_rest` asks it.
    async fn authorize(
        &self,
        session: &mut Session<'_>,
        request: &Request,
    ) -> Result<Response, Error> {
        let asked: Asked = self.attributes(request)?;
        let decision = self.decide_for(session, &asked).await?;
        match decision.allowed() {
            Some(allowed) => {
                let interim = self.config.sessions.interim_seconds;
                answer(200, &Attributes::accept(allowed, interim))
            }
            // Without a reason: RADIUS servers take each member for an attribute.
            None => answer(403, &Attributes::default()),
        }
    }

    /// The decision about whoever a RADIUS request names.
    async fn decide_for(
        &self,
        session: &mut Session<'_>,
        asked: &Asked,
    ) -> Result<Decision, Error> {
        for name in rlm_rest::readings(asked.user_name()) {
            let decision = self.recall(session, name.as_ref()).await?;
            if decision != Decision::Denied(Denial::UnknownUser) {
                return Ok(device::of_request(decision, asked));
            }
        }
        Ok(Decision::Denied(Denial::UnknownUser))
    }

    /// What a RADIUS server sent.
    fn attributes<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        if request.body.len() > MAX_BODY {
            return Err(Error::BodyTooLarge { limit: MAX_BODY });
        }
        // What is wrong is not repeated: there may be a password in it.
        serde_json::from_slice(&request.body).map_err(|_| Error::BadValue {
            attribute: "body".to_owned(),
            reason: "is not the JSON of a RADIUS request with a \"User-Name\"".to_owned(),
        })
    }
}

/// A decision in plain JSON; `denied` is the status of one against.
fn decided(name: &str, decision: &Decision, denied: u16) -> Result<Response, Error> {
    match decision {
        Decision::Allowed(allowed) => answer(
            200,
            &Decided {
                user_name: &allowed.user_name,
                allowed: true,
                device: allowed.is_device,
                user_id: Some(&allowed.user_id),
                decision: Some(allowed.policy.decision()),
                policy: Some(&allowed.policy),
                denial: None,
                reason: None,
            },
        ),
        Decision::Denied(denial) => answer(
            denied,
            &Decided {
                user_name: name,
                allowed: false,
                device: false,
                user_id: None,
                decision: None,
                policy: None,
                denial: Some(*denial),
                reason: Some(denial.sentence()),
            },
        ),
    }
}
