//! From a request to its response: authentication, route, negotiation, and then
//! the one operation that it asks for. In this order, so that nothing is learnt
//! without a token.

use crate::Directory;
use crate::base_url::base_url;
use crate::config::Below;
use crate::discovery::Document;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::keys::Kind;
use crate::kv::Kv;
use crate::negotiation;
use crate::precondition::{Precondition, content_etag, etag};
use crate::query::{self, Found};
use crate::record::Rendered;
use crate::response::{empty, error_response, message, not_modified, options};
use crate::route::{self, Matched, Operation};
use crate::session::Session;
use crate::token::Access;
use crate::trace::Trace;
use scim::Error;
use scim::json::{self, Json};
use scim::projection::Projection;
use scim::search::SearchRequest;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(crate) async fn respond(
        &self,
        request: &Request,
        trace: &mut Trace,
    ) -> Result<Response, Error> {
        if let Some(below) = self.config.scim(&request.target) {
            return self.scim(request, below, trace).await;
        }
        if let Some(target) = self.config.access_path.below(&request.target) {
            return self.guard(request, target, trace).await;
        }
        match self.config.admin_path.below(&request.target) {
            Some(target) => self.administer(request, target, trace).await,
            None => Err(Error::NoEndpoint),
        }
    }

    async fn scim(
        &self,
        request: &Request,
        below: Below<'_>,
        trace: &mut Trace,
    ) -> Result<Response, Error> {
        let target = below.target;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = match below.versioned {
            true => Ok(path),
            false => route::without_version(path),
        };
        let matched = path.and_then(|path| route::find(&self.routes.scim, &request.method, path));
        trace.route(&self.registry, &matched);
        let attempt = self.attempt(request)?;
        let base_url = base_url(&self.config, request);
        let mut session = self.authenticate(&attempt, base_url, trace).await?;
        self.count(&session)?;
        let is_me = matches!(&matched, Ok(matched) if matched.is_me());
        let result = self.provision(&mut session, request, matched, query).await;
        if !matches!(result, Err(Error::Unavailable { .. })) {
            self.verify(&mut session).await?;
        }
        match &session.grant.user {
            // In any response there (RFC 7644 §3.11).
            Some(id) if is_me => {
                let location = self.location(&session, Kind::User, id);
                let response = result.unwrap_or_else(|error| error_response(&error));
                Ok(response.located(location))
            }
            _ => result,
        }
    }

    /// What a holder of a token gets.
    async fn provision(
        &self,
        session: &mut Session<'_>,
        request: &Request,
        matched: Result<Matched, Error>,
        query: &str,
    ) -> Result<Response, Error> {
        let matched = matched?;
        session.trace.writes = matched.operation.writes();
        session.require(match matched.operation.writes() {
            true => Access::Write,
            false => Access::Read,
        })?;
        negotiation::accept(request)?;
        if matched.operation.has_body() {
            negotiation::content_type(request)?;
        }
        self.run(session, request, &matched, query).await
    }

    async fn run(
        &self,
        session: &mut Session<'_>,
        request: &Request,
        matched: &Matched,
        query: &str,
    ) -> Result<Response, Error> {
        let precondition = Precondition::of(request);
        let id = &session.id(matched)?;
        let projection = |resource_type| query::projection(&self.registry, resource_type, query);
        match matched.operation {
            operation @ (Operation::Create(of) | Operation::Replace(of) | Operation::Patch(of)) => {
                let (projection, body) = (projection(of)?, self.body(request, 0)?);
                let new = match operation {
                    Operation::Create(_) => Some(self.new_id()?),
                    _ => None,
                };
                let id = new.as_ref().unwrap_or(id);
                self.write(session, operation, id, &body, &precondition, &projection)
                    .await
            }
            operation @ Operation::Delete(of) => {
                let (projection, body) = (projection(of)?, Json::Null);
                self.write(session, operation, id, &body, &precondition, &projection)
                    .await
            }
            Operation::Bulk => Ok(message(200, self.bulk(session, request).await?)),
            Operation::Read(of) => {
                let asked = query::of_one(query)?;
                let projection = asked.projection(&self.registry, of);
                let read = self.read_one(session, of, id, &asked, &projection).await?;
                found(session, read, &precondition)
            }
            Operation::List(of) => {
                let asked = query::from_url(query)?;
                let found = self.query(session, of, &asked).await;
                Ok(listed(found.map_err(Error::in_url)?))
            }
            Operation::Search(of) => {
                let asked = SearchRequest::from_json(&self.body(request, 0)?)?;
                Ok(listed(self.query(session, of, &asked).await?))
            }
            Operation::ServiceProviderConfig => {
                query::no_filter(query)?;
                document(self.service_provider_config(session), &precondition)
            }
            Operation::Schemas => {
                query::no_filter(query)?;
                document(self.schemas(session), &precondition)
            }
            Operation::ResourceTypes => {
                query::no_filter(query)?;
                document(self.resource_types(session), &precondition)
            }
            Operation::Schema => document(self.schema(session, id)?, &precondition),
            Operation::ResourceType => {
                document(self.resource_type_named(session, id)?, &precondition)
            }
            Operation::Options(allow) => Ok(options(allow)),
            Operation::NotImplemented(what) => Err(Error::NotImplemented { what }),
            // The others are of the other tables.
            _ => Err(Error::NoEndpoint),
        }
    }

    /// A write of one resource: a request of its own, or an operation of a bulk
    /// request. The id of a new resource is given to it here.
    ///
    /// # Errors
    /// Those of the operation; [`Error::NoEndpoint`] for one that is no such write.
    pub(crate) async fn write(
        &self,
        session: &mut Session<'_>,
        operation: Operation,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Response, Error> {
        match operation {
            Operation::Create(of) => {
                let made = self.create(session, of, id, body, projection).await?;
                Ok(created(session, made))
            }
            Operation::Replace(of) => {
                let written = self
                    .replace(session, of, id, body, precondition, projection)
                    .await?;
                Ok(changed(session, written))
            }
            Operation::Patch(of) => {
                let written = self
                    .patch(session, of, id, body, precondition, projection)
                    .await?;
                Ok(changed(session, written))
            }
            Operation::Delete(of) => {
                self.delete(session, of, id, precondition).await?;
                Ok(deleted(session, id))
            }
            _ => Err(Error::NoEndpoint),
        }
    }

    /// The body, parsed, that may be so much deeper than the limit.
    pub(crate) fn body<'r>(&self, request: &'r Request, deeper: usize) -> Result<Json<'r>, Error> {
        let limits = &self.config.limits;
        if request.body.len() > limits.max_body_bytes {
            return Err(Error::BodyTooLarge {
                limit: limits.max_body_bytes,
            });
        }
        let depth = limits.max_json_depth + deeper;
        json::parse_bounded(&request.body, depth, limits.max_json_values)
    }
}

fn created(session: &mut Session<'_>, made: Rendered) -> Response {
    session.trace.resource_id = made.id;
    message(201, made.body)
        .linked(made.next)
        .with("etag", etag(made.version))
        .with("content-location", made.location.clone())
        .located(made.location)
}

fn found(
    session: &mut Session<'_>,
    read: Rendered,
    precondition: &Precondition,
) -> Result<Response, Error> {
    session.trace.resource_id = read.id;
    let etag = etag(read.version);
    let response = match precondition.known(&etag)? {
        true => not_modified(),
        false => message(200, read.body).located(read.location.clone()),
    };
    Ok(response
        .linked(read.next)
        .with("etag", etag)
        .with("content-location", read.location))
}

fn listed(found: Found) -> Response {
    message(200, found.body).linked(found.next)
}

fn changed(session: &mut Session<'_>, written: Rendered) -> Response {
    session.trace.resource_id = written.id;
    let response = match written.body.is_empty() {
        true => empty(204),
        false => message(200, written.body).with("content-location", written.location.clone()),
    };
    response
        .linked(written.next)
        .with("etag", etag(written.version))
        .located(written.location)
}

fn document(document: Document, precondition: &Precondition) -> Result<Response, Error> {
    let etag = content_etag(&document.body);
    let response = match precondition.known(&etag)? {
        true => not_modified(),
        false => message(200, document.body),
    };
    let response = response.with("etag", etag);
    Ok(match document.location {
        Some(location) => response.with("content-location", location),
        None => response,
    })
}

fn deleted(session: &mut Session<'_>, id: &str) -> Response {
    id.clone_into(&mut session.trace.resource_id);
    empty(204)
}
