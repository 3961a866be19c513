//! Groups: create, replace.
//!
//! A group's record is kept without its members, and its version is the newer of
//! the record's and of its touch key, which is put whenever members change.

use crate::Directory;
use crate::commit::Action;
use crate::environment::{Clock, Entropy};
use crate::group_edit::{Edit, Edited, StoredGroup};
use crate::keys::Kind;
use crate::kv::Kv;
use crate::memberships::{Members, Wanted};
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
use crate::staging::GroupWrite;
use scim::Error;
use scim::json::Json;
use scim::projection::Projection;
use scim::resource::{Resource, complete, from_client, keep_unchangeable};
use scim::search::SearchRequest;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// POST (RFC 7644 §3.3). Members that do not exist are left out: providers
    /// take a refusal for final and would lose the whole group.
    ///
    /// # Errors
    /// [`Error::NotUnique`] for a `displayName` that another group has; what is
    /// wrong with the body; [`Error::ChangeTooLarge`]; [`Error::Unavailable`].
    pub(crate) async fn create_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        body: &Json<'_>,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let mut group = from_client(&self.registry, core.group, body, session.mode())?;
        complete(&self.registry, &group)?;
        let wanted = self.wanted(group.attributes.remove(core.members).as_ref());
        id.clone_into(&mut session.trace.resource_id);
        self.stamp_created(&mut group, id);
        session.awaited.wait(id, &wanted);

        let mut write = GroupWrite::new(self.event(Kind::Group, Action::Create, id)?);
        let result = self.try_create(session, &group, wanted, &mut write).await;
        let edited = self.end_write(write, result).await?;
        let nothing = SearchRequest::default();
        Ok(self.show_group(session, edited, &nothing, projection).await)
    }

    async fn try_create(
        &self,
        session: &mut Session<'_>,
        group: &Resource,
        wanted: Wanted,
        write: &mut GroupWrite<'_>,
    ) -> Result<Edited, Error> {
        let stored = StoredGroup::unborn(group.resource_type);
        let changes = self
            .difference(session, (&Members::new(), 0), wanted)
            .await?;
        loop {
            let edit = Edit {
                group: group.clone(),
                members: Some(Members::new()),
                changes: changes.clone(),
                compare_members: true,
                read: Vec::new(),
            };
            match self.edit_group(session, &stored, edit, write).await? {
                Some(edited) => return Ok(edited),
                None => self.start_again(&mut write.attempts).await?,
            }
        }
    }

    /// PUT (RFC 7644 §3.5.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::NotUnique`], what is wrong with the body,
    /// [`Error::ChangeTooLarge`], [`Error::Unavailable`].
    pub(crate) async fn replace_group(
        &self,
        session: &mut Session<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let mut sent = from_client(&self.registry, core.group, body, session.mode())?;
        complete(&self.registry, &sent)?;
        let wanted = self.wanted(sent.attributes.remove(core.members).as_ref());

        let mut write = GroupWrite::new(self.event(Kind::Group, Action::Replace, id)?);
        let result = self
            .try_replace(session, &sent, &wanted, precondition, &mut write)
            .await;
        let edited = self.end_write(write, result).await?;
        let nothing = SearchRequest::default();
        Ok(self.show_group(session, edited, &nothing, projection).await)
    }

    async fn try_replace(
        &self,
        session: &mut Session<'_>,
        sent: &Resource,
        wanted: &Wanted,
        precondition: &Precondition,
        write: &mut GroupWrite<'_>,
    ) -> Result<Edited, Error> {
        let id = write.event.resource.clone();
        loop {
            let stored = self.load_group(session, &id).await?;
            precondition.check(stored.version())?;
            let members = self
                .load_members(session, &id, &stored.generation, stored.read_at)
                .await?;
            let mut group = sent.clone();
            keep_unchangeable(&self.registry, &stored.resource, &mut group)?;
            self.keep_identity(&stored.resource, &mut group);
            let read = (&members, stored.read_at);
            let edit = Edit {
                group,
                changes: self.difference(session, read, wanted.clone()).await?,
                members: Some(members),
                compare_members: true,
                read: Vec::new(),
            };
            match self.edit_group(session, &stored, edit, write).await? {
                Some(edited) => return Ok(edited),
                None => self.start_again(&mut write.attempts).await?,
            }
        }
    }

    pub(crate) fn render_group(
        &self,
        session: &Session<'_>,
        edited: Edited,
        projection: &Projection,
    ) -> Rendered {
        let Edited {
            mut group,
            version,
            members,
            ..
        } = edited;
        if let Some(value) = self.members_value(session, &members) {
            group.attributes.set(self.registry.core().members, value);
        }
        self.render(session, Kind::Group, group, version, projection)
    }
}
