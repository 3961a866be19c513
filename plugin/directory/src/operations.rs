//! The operations on one resource, whatever its type: each leads to the code that
//! knows how resources of its kind are kept.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::Kv;
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
use scim::Error;
use scim::json::Json;
use scim::projection::Projection;
use scim::schema::ResourceTypeId;
use scim::search::SearchRequest;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// POST (RFC 7644 §3.3), of a resource that is to have this id.
    ///
    /// # Errors
    /// [`Error::NotUnique`]; what is wrong with the body;
    /// [`Error::ChangeTooLarge`]; [`Error::Unavailable`].
    pub(crate) async fn create(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        id: &str,
        body: &Json<'_>,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        match self.kind(resource_type) {
            Kind::Group => self.create_group(session, id, body, projection).await,
            kind => {
                self.create_resource(session, kind, id, body, projection)
                    .await
            }
        }
    }

    /// GET (RFC 7644 §3.4.1), of a group from where a cursor says.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`]; those of cursors.
    pub(crate) async fn read_one(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        id: &str,
        request: &SearchRequest,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        match self.kind(resource_type) {
            Kind::Group => self.read_group(session, id, request, projection).await,
            kind => self.read_resource(session, kind, id, projection).await,
        }
    }

    /// PUT (RFC 7644 §3.5.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`], and those of
    /// [`Self::create`].
    pub(crate) async fn replace(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        match self.kind(resource_type) {
            Kind::Group => {
                self.replace_group(session, id, body, precondition, projection)
                    .await
            }
            kind => {
                self.replace_resource(session, kind, id, body, precondition, projection)
                    .await
            }
        }
    }

    /// PATCH (RFC 7644 §3.5.2). Of a large group the answer has a body only when the
    /// request says of which attributes.
    ///
    /// # Errors
    /// Those of [`Self::replace`].
    pub(crate) async fn patch(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        match self.kind(resource_type) {
            Kind::Group => {
                let shown = projection.is_all();
                let written = self
                    .patch_group(session, id, body, precondition, shown)
                    .await?;
                if shown {
                    return Ok(written);
                }
                // It is written: that it cannot be read is no reason to say otherwise.
                let nothing = SearchRequest::default();
                let read = self.read_group(session, id, &nothing, projection).await;
                Ok(read.unwrap_or(written))
            }
            kind => {
                self.patch_resource(session, kind, id, body, precondition, projection)
                    .await
            }
        }
    }

    /// DELETE (RFC 7644 §3.6).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::ChangeTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn delete(
        &self,
        session: &mut Session<'_>,
        resource_type: ResourceTypeId,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        match self.kind(resource_type) {
            Kind::User => self.delete_user(session, id, precondition).await,
            Kind::Group => self.delete_group(session, id, precondition).await,
            kind @ (Kind::Device | Kind::Other(..)) => {
                self.delete_resource(session, kind, id, precondition).await
            }
        }
    }
}
