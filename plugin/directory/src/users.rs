//! Users: create, read, replace, patch.

use crate::Directory;
use crate::commit::{Action, Attempts, Commit};
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{Compare, Kv, Range};
use crate::precondition::Precondition;
use crate::record::Rendered;
use crate::session::Session;
use crate::walk::PAGE;
use scim::Error;
use scim::json::Json;
use scim::patch::Patch;
use scim::projection::Projection;
use scim::resource::{Resource, Value, complete, from_client};

/// A user as it was read.
#[derive(Debug)]
pub(crate) struct StoredUser {
    /// Without groups.
    pub(crate) resource: Resource,
    /// The revision of the record.
    pub(crate) revision: i64,
    /// The ids of the groups it is a member of.
    pub(crate) groups: Vec<String>,
    /// The store's revision when it was read.
    pub(crate) read_at: i64,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// POST (RFC 7644 §3.3).
    ///
    /// # Errors
    /// [`Error::NotUnique`] for a `userName` that another user has; what is wrong
    /// with the body; [`Error::Unavailable`].
    pub(crate) async fn create_user(
        &self,
        session: &mut Session<'_>,
        body: &Json<'_>,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let mut user = from_client(&self.registry, core.user, body)?;
        complete(&self.registry, &user)?;
        user.attributes.remove(core.password);
        if user.get(core.active).is_none() {
            user.attributes.set(core.active, Value::Boolean(true));
        }
        let id = self.new_id()?;
        session.trace.resource_id.clone_from(&id);
        self.stamp_created(&mut user, &id);

        let mut event = self.event(Kind::User, Action::Create, &id)?;
        event.attributes = self.changed(&Resource::new(core.user), &user);
        let change = self.put_record(&session.keys, Kind::User, &id, None, &user);
        let mut attempts = Attempts::default();
        loop {
            match self.commit(session, &event, &change).await? {
                Commit::Made { revision, .. } => {
                    return Ok(self.render(session, Kind::User, user, revision, projection));
                }
                Commit::Conflict(explained) => {
                    self.check_name(Kind::User, &id, &user, &explained)?;
                    self.start_again(&mut attempts).await?;
                }
            }
        }
    }

    /// GET (RFC 7644 §3.4.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`].
    pub(crate) async fn read_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let mut stored = self.load_user(session, id).await?;
        self.add_groups(session, &mut stored, projection).await?;
        let StoredUser {
            resource, revision, ..
        } = stored;
        Ok(self.render(session, Kind::User, resource, revision, projection))
    }

    /// PUT (RFC 7644 §3.5.1).
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::PreconditionFailed`],
    /// [`Error::NotUnique`], what is wrong with the body, [`Error::Unavailable`].
    pub(crate) async fn replace_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let sent = from_client(&self.registry, core.user, body)?;
        complete(&self.registry, &sent)?;
        let replace = |stored: &Resource| {
            let mut user = sent.clone();
            // A provider that leaves `active` out does not mean to let a
            // deactivated user in again.
            if user.get(core.active).is_none()
                && let Some(active) = stored.get(core.active)
            {
                user.attributes.set(core.active, active.clone());
            }
            Ok(user)
        };
        self.change_user(
            session,
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
    /// Those of [`Self::replace_user`].
    pub(crate) async fn patch_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
        body: &Json<'_>,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let most = self.config.limits.max_patch_operations;
        let patch = Patch::parse(&self.registry, core.user, body, most, id)?;
        let apply = |stored: &Resource| {
            let mut user = stored.clone();
            patch.apply(&self.registry, &mut user)?;
            Ok(user)
        };
        self.change_user(session, id, Action::Patch, precondition, projection, apply)
            .await
    }

    /// Reads, changes and writes a user, and starts again when another writer was
    /// faster. A change that makes no difference is not written (RFC 7644
    /// §3.5.2: `lastModified` then stays).
    pub(crate) async fn change_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
        action: Action,
        precondition: &Precondition,
        projection: &Projection,
        make: impl Fn(&Resource) -> Result<Resource, Error>,
    ) -> Result<Rendered, Error> {
        let core = self.registry.core();
        let mut event = self.event(Kind::User, action, id)?;
        let mut attempts = Attempts::default();
        loop {
            let mut stored = self.load_user(session, id).await?;
            precondition.check(stored.revision)?;
            let mut user = make(&stored.resource)?;
            self.keep_identity(&stored.resource, &mut user);
            user.attributes.remove(core.groups);
            user.attributes.remove(core.password);
            complete(&self.registry, &user)?;

            if self.same_record(&stored.resource, &user) {
                self.add_groups(session, &mut stored, projection).await?;
                let StoredUser {
                    resource, revision, ..
                } = stored;
                return Ok(self.render(session, Kind::User, resource, revision, projection));
            }
            event.attributes = self.changed(&stored.resource, &user);
            self.stamp_modified(&mut user, &self.now());
            let old = Some(&stored.resource);
            let mut change = self.put_record(&session.keys, Kind::User, id, old, &user);
            let record = session.keys.record(Kind::User, id);
            change
                .compares
                .push(Compare::unchanged(record, stored.revision));

            // What the answer needs is read first: after the commit nothing may
            // fail.
            stored.resource = user;
            let mut answer = stored;
            self.add_groups(session, &mut answer, projection).await?;
            match self.commit(session, &event, &change).await? {
                Commit::Made { revision, .. } => {
                    let user = answer.resource;
                    return Ok(self.render(session, Kind::User, user, revision, projection));
                }
                Commit::Conflict(explained) => {
                    self.check_name(Kind::User, id, &answer.resource, &explained)?;
                    self.start_again(&mut attempts).await?;
                }
            }
        }
    }

    /// Reads a user and which groups it is in, at one revision.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Unavailable`].
    pub(crate) async fn load_user(
        &self,
        session: &mut Session<'_>,
        id: &str,
    ) -> Result<StoredUser, Error> {
        let memberships = Range {
            keys_only: true,
            limit: PAGE,
            ..Range::prefix(session.keys.members_of(id))
        };
        let record = Range::one(session.keys.record(Kind::User, id));
        let reads = vec![record, memberships.clone()];
        let [record, groups] =
            self.ranges(session, reads)
                .await?
                .try_into()
                .map_err(|_: Vec<_>| Error::Internal {
                    reason: "the store's reply lacks what was asked for".to_owned(),
                })?;
        let Some(found) = record.kvs.first() else {
            return Err(self.not_found(Kind::User, id));
        };
        let read_at = groups.revision;
        let groups = self.rest(session, &memberships, groups).await?;
        Ok(StoredUser {
            resource: self.decode(Kind::User, found)?,
            revision: found.mod_revision,
            groups: crate::memberships::last_segments(&groups),
            read_at,
        })
    }

    async fn add_groups(
        &self,
        session: &mut Session<'_>,
        user: &mut StoredUser,
        projection: &Projection,
    ) -> Result<(), Error> {
        let groups = self.registry.core().groups;
        if !projection.includes(&self.registry, groups) {
            return Ok(());
        }
        self.set_groups(session, &mut user.resource, &user.groups, user.read_at)
            .await
    }
}
