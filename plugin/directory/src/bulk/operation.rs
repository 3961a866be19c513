//! One operation of a bulk request: what it refers to, what it is for, and what
//! came of it.

use super::job::{Creation, Job};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::Response;
use crate::keys::Kind;
use crate::kv::Kv;
use crate::precondition::Precondition;
use crate::route::{self, Operation as Write};
use crate::session::Session;
use scim::Error;
use scim::bulk::{Method, Operation, Outcome, Place};
use scim::json::{Json, Quoted};
use scim::message;
use scim::projection::Projection;
use scim::schema::ResourceTypeId;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Does an operation.
    ///
    /// # Errors
    /// [`Error::UnknownBulkId`], [`Error::BulkDependency`], what is wrong with its
    /// path, and what it would get alone.
    pub(super) async fn perform(
        &self,
        session: &mut Session<'_>,
        job: &mut Job<'_>,
        at: usize,
        operation: &mut Operation<'_>,
    ) -> Result<Response, Error> {
        // What it creates has the older id than what that waits for.
        let new = match operation.method {
            Method::Post => Some(job.id(at, || self.new_id())?),
            _ => None,
        };
        self.resolve(session, job, operation)?;
        let (write, of, id) = self.target(session, operation)?;
        let id = new.as_ref().unwrap_or(&id);
        let precondition = match new {
            Some(_) => Precondition::default(),
            None => Precondition::version(operation.version.as_deref()),
        };
        let body = operation.data.take().unwrap_or(Json::Null);
        // Nobody sees more of it than its id. For attributes that are named, a PATCH of a
        // group would read once more.
        let projection = match (write, self.kind(of)) {
            (Write::Patch(_), Kind::Group) => Projection::all(),
            _ => Projection::parse(&self.registry, of, Some("id"), None),
        };
        let result = self
            .write(session, write, id, &body, &precondition, &projection)
            .await;
        // The groups that waited for it have changed with its creation.
        let waiting = session.awaited.end(id);
        if let Some(version) = result.as_ref().ok().and_then(|made| made.header("etag")) {
            for group in waiting.keys() {
                job.has_version(group, version);
            }
        }
        result
    }

    /// What came of an operation.
    pub(super) fn outcome<'j>(
        &self,
        session: &Session<'_>,
        operation: Operation<'j>,
        result: Result<Response, Error>,
    ) -> Outcome<'j> {
        let location = match (&result, operation.method) {
            (Ok(made), Method::Post) => made.header("location").map(str::to_owned),
            (Err(_), Method::Post) => None,
            _ => Some(match self.target(session, &operation) {
                Ok((_, of, id)) => self.location(session, self.kind(of), &id),
                Err(_) => format!(
                    "{}{}",
                    session.base_url,
                    self.relative(session, &operation.path)
                ),
            }),
        };
        Outcome {
            method: operation.method,
            bulk_id: operation.bulk_id,
            version: result
                .as_ref()
                .ok()
                .and_then(|done| done.header("etag"))
                .map(str::to_owned),
            location,
            status: result
                .as_ref()
                .map_or_else(Error::status, |done| done.status),
            error: result.err().map(|error| message::error(&error)),
        }
    }

    /// The type of what an operation creates; `None` for one that creates nothing.
    pub(super) fn creates(
        &self,
        session: &Session<'_>,
        operation: &Operation<'_>,
    ) -> Option<ResourceTypeId> {
        match self.target(session, operation) {
            Ok((Write::Create(of), ..)) => Some(of),
            _ => None,
        }
    }

    /// Puts what they stand for in the place of an operation's references.
    fn resolve(
        &self,
        session: &mut Session<'_>,
        job: &mut Job<'_>,
        operation: &mut Operation<'_>,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        operation.visit_references(&mut |bulk_id, place| match self
            .referent(session, job, bulk_id, place)
        {
            Ok(referent) => Some(referent),
            Err(error) => {
                result = Err(error);
                None
            }
        });
        result
    }

    /// What a bulkId stands for.
    fn referent(
        &self,
        session: &mut Session<'_>,
        job: &mut Job<'_>,
        bulk_id: &str,
        place: Place,
    ) -> Result<String, Error> {
        let (at, of) = match job.creation(bulk_id) {
            Some((at, Creation::Made(of) | Creation::ToCome(of))) => (at, of),
            Some((_, Creation::Failed)) => {
                return Err(Error::BulkDependency {
                    bulk_id: Quoted::from(bulk_id),
                });
            }
            None => {
                return Err(Error::UnknownBulkId {
                    bulk_id: Quoted::from(bulk_id),
                });
            }
        };
        let id = job.id(at, || self.new_id())?;
        if let Some((_, Creation::ToCome(_))) = job.creation(bulk_id) {
            session.awaited.expect(&id);
        }
        Ok(match place {
            Place::Id => id,
            Place::Url => self.location(session, self.kind(of), &id),
        })
    }

    /// What an operation is to do, by its method and path: to which type, and to
    /// the resource with which id, unless it creates one.
    ///
    /// # Errors
    /// Those of the route, and [`Error::BadValue`] for what is no resource.
    fn target(
        &self,
        session: &Session<'_>,
        operation: &Operation<'_>,
    ) -> Result<(Write, ResourceTypeId, String), Error> {
        let path = self.relative(session, &operation.path);
        let path = path.split_once('?').map_or(path.as_str(), |(path, _)| path);
        let matched = route::find(&self.routes.scim, operation.method.as_str(), path)?;
        let write = matched.operation;
        match write {
            Write::Create(of) | Write::Replace(of) | Write::Patch(of) | Write::Delete(of) => {
                Ok((write, of, session.id(&matched)?))
            }
            _ => Err(Error::BadValue {
                attribute: "path".to_owned(),
                reason: "must be the endpoint of a resource type, or a resource below it"
                    .to_owned(),
            }),
        }
    }

    /// A path below the base path, with a slash at its beginning. It may also come
    /// as a whole URL of this service, or without the slash.
    fn relative(&self, session: &Session<'_>, path: &str) -> String {
        let base = session.base_url.as_str();
        let of_url = path
            .get(..base.len())
            .filter(|start| start.eq_ignore_ascii_case(base))
            .and_then(|_| path.get(base.len()..));
        let below = of_url.or_else(|| self.config.base_path.below(path));
        let path = below.unwrap_or(path);
        match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/{path}"),
        }
    }
}
