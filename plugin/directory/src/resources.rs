//! Resources whose state is their record, all but groups: create, read, replace, patch.
//! Groups, whose members are kept apart, have modules of their own.

use crate::Directory;
use crate::commit::{Action, Attempts, Commit};
use crate::environment::{Clock, Entropy};
use crate::generation::InGroup;
use crate::keys::Kind;
use crate::kv::{Compare, Kv, Range};
use crate::memberships::{groups_of, in_groups};
use crate::password::Password;
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
use scim::json::Json;
use scim::patch::Patch;
use scim::projection::Projection;
use scim::resource::{Resource, complete, from_client, keep_unchangeable};

/// A resource as it was read.
#[derive(Debug)]
pub(crate) struct Stored {
    /// A user or device is without its groups.
    pub(crate) resource: Resource,
    /// The revision of the record.
    pub(crate) revision: i64,
    /// The groups that a user or device is a member of, if they still have the generation that
    /// each names.
    pub(crate) groups: Vec<InGroup>,
    /// The store's revision when it was read.
    pub(crate) read_at: i64,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// POST (RFC 7644 §3.3).
    ///
    /// # Errors
    /// [`Error::NotUnique`] for a value that another resource has and no two may;
    /// what is wrong with the body; [`Error::Unavailable`].
    pub(crate) async fn create_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        body: &Json<'_>,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let resource_type = self.resource_type(kind);
        let mut resource = from_client(&self.registry, resource_type, body, session.mode())?;
        complete(&self.registry, &resource)?;
        let password = self.take_password(&mut resource, Password::Kept)?;
        if kind == Kind::User {
            self.begin_user(&mut resource);
        }
        id.clone_into(&mut session.trace.resource_id);
        self.stamp_created(&mut resource, id);

        let mut event = self.event(kind, Action::Create, id)?;
        event.attributes = self.changed(&Resource::new(resource_type), &resource);
        let mut change = self.put_record(&session.keys, kind, id, None, &resource);
        let arrival = session
            .awaited
            .arrival(&session.keys, kind, id, &self.now());
        change.many.extend(arrival?);
        if let Some(write) = password.write(&session.keys, id) {
            event.attributes.push(self.password_name());
            change.ops.push(write);
        }
        let mut attempts = Attempts::default();
        loop {
            match self.commit(session, &event, &change).await? {
                Commit::Made { revision, .. } => {
                    return Ok(self.render(session, kind, resource, revision, projection));
                }
                Commit::Conflict(explained) => {
                    self.after_conflict(session, kind, id, &change, &explained)
                        .await?;
                    self.start_again(&mut attempts).await?;
                }
            }
        }
    }

    /// GET (RFC 7644 §3.4.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`].
    pub(crate) async fn read_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let stored = self.load(session, kind, id).await?;
        self.render_stored(session, kind, stored, projection).await
    }

    /// PUT (RFC 7644 §3.5.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::NotUnique`], what is wrong with the body, [`Error::Unavailable`].
    pub(crate) async fn replace_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let sent = from_client(
            &self.registry,
            self.resource_type(kind),
            body,
            session.mode(),
        )?;
        complete(&self.registry, &sent)?;
        let replace = |stored: &Resource| {
            let mut resource = sent.clone();
            keep_unchangeable(&self.registry, stored, &mut resource)?;
            if kind == Kind::User {
                self.keep_active(stored, &mut resource);
            }
            Ok((resource, Password::Kept))
        };
        self.change_resource(
            session,
            kind,
            id,
            Action::Replace,
            precondition,
            projection,
            replace,
        )
        .await
    }

    /// PATCH (RFC 7644 §3.5.2).
    ///
    /// # Errors
    /// Those of [`Self::replace_resource`].
    pub(crate) async fn patch_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let most = self.config.limits.max_patch_operations;
        let of_type = self.resource_type(kind);
        let patch = Patch::parse(&self.registry, of_type, body, most, id, session.mode())?;
        let apply = |stored: &Resource| {
            let mut resource = stored.clone();
            patch.apply(&self.registry, &mut resource)?;
            // It was not there to be removed from.
            let password = match patch.mentions(self.registry.core().password) {
                true => Password::Removed,
                false => Password::Kept,
            };
            Ok((resource, password))
        };
        self.change_resource(
            session,
            kind,
            id,
            Action::Patch,
            precondition,
            projection,
            apply,
        )
        .await
    }

    /// Reads, changes and writes a resource, and starts again when another writer
    /// was faster. A change that makes no difference is not written (RFC 7644
    /// §3.5.2: `lastModified` then stays), but for a password, of which nobody can
    /// tell whether it is another. `make` gives the new state, and what becomes of
    /// the password if it has none.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one part of what a request says"
    )]
    pub(crate) async fn change_resource(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
        action: Action,
        precondition: &Precondition,
        projection: &Projection,
        make: impl Fn(&Resource) -> Result<(Resource, Password), Error>,
    ) -> Result<Rendered, Error> {
        let mut event = self.event(kind, action, id)?;
        let mut attempts = Attempts::default();
        let mut password = None;
        loop {
            let mut stored = self.load(session, kind, id).await?;
            precondition.check(stored.revision)?;
            let (mut resource, otherwise) = make(&stored.resource)?;
            self.keep_identity(&stored.resource, &mut resource);
            if let Some(groups) = kind.groups(&self.registry) {
                resource.attributes.remove(groups.list);
            }
            complete(&self.registry, &resource)?;
            // One hash is enough, however often the request starts again.
            let password = match &password {
                Some(known) => {
                    resource.attributes.remove(self.registry.core().password);
                    known
                }
                None => &*password.insert(self.take_password(&mut resource, otherwise)?),
            };
            let password = password.write(&session.keys, id);

            if password.is_none() && self.same_record(&stored.resource, &resource) {
                return self.render_stored(session, kind, stored, projection).await;
            }
            event.attributes = self.changed(&stored.resource, &resource);
            self.stamp_modified(&mut resource, &self.now());
            let old = Some(&stored.resource);
            let mut change = self.put_record(&session.keys, kind, id, old, &resource);
            let record = session.keys.record(kind, id);
            change
                .compares
                .push(Compare::unchanged(record, stored.revision));
            if let Some(write) = password {
                event.attributes.push(self.password_name());
                change.ops.push(write);
            }

            // What the answer needs is read first: after the commit nothing may
            // fail.
            stored.resource = resource;
            let mut answer = stored;
            self.add_groups(session, kind, &mut answer, projection)
                .await?;
            let resource = answer.resource;
            match self.commit(session, &event, &change).await? {
                Commit::Made { revision, .. } => {
                    return Ok(self.render(session, kind, resource, revision, projection));
                }
                Commit::Conflict(explained) => {
                    self.after_conflict(session, kind, id, &change, &explained)
                        .await?;
                    self.start_again(&mut attempts).await?;
                }
            }
        }
    }

    /// Reads a resource, and of a user or device which groups it is in, at one revision.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`].
    pub(crate) async fn load(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        id: &str,
    ) -> Result<Stored, Error> {
        let mut reads = vec![Range::one(session.keys.record(kind, id))];
        let memberships = groups_of(&session.keys, id, 0, PAGE);
        if kind.groups(&self.registry).is_some() {
            reads.push(memberships.clone());
        }
        let mut replies = self.ranges(session, reads).await?.into_iter();
        let record = replies.next().unwrap_or_default();
        let Some(found) = record.kvs.first() else {
            return Err(self.not_found(kind, id));
        };
        let groups = match replies.next() {
            Some(first) => in_groups(&self.rest(session, &memberships, first).await?),
            None => Vec::new(),
        };
        Ok(Stored {
            resource: self.decode(kind, found)?,
            revision: found.mod_revision,
            groups,
            read_at: record.revision,
        })
    }

    /// How events name the attribute that changed; nobody hears to what.
    fn password_name(&self) -> String {
        self.registry.path(self.registry.core().password)
    }

    /// Writes what was read for the client.
    async fn render_stored(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        mut stored: Stored,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        self.add_groups(session, kind, &mut stored, projection)
            .await?;
        let (resource, revision) = (stored.resource, stored.revision);
        Ok(self.render(session, kind, resource, revision, projection))
    }
}
