//! What the service knows of users beyond their schema: their groups, which are
//! kept apart from the record, and what `active` means to identity providers.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::Kv;
use crate::resources::Stored;
use crate::session::Session;
use scim::Error;
use scim::gather::Gather as _;
use scim::projection::Projection;
use scim::resource::{Resource, Value};

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Makes a user of what a client sends: active, unless it says otherwise.
    pub(crate) fn begin_user(&self, user: &mut Resource) {
        let core = self.registry.core();
        user.attributes.remove(core.groups);
        if user.get(core.active).is_none() {
            user.attributes.set(core.active, Value::Boolean(true));
        }
    }

    /// Lets a PUT without `active` leave it as it is: a provider that leaves it
    /// out does not mean to let a deactivated user in again.
    pub(crate) fn keep_active(&self, stored: &Resource, user: &mut Resource) {
        let active = self.registry.core().active;
        if user.get(active).is_none()
            && let Some(value) = stored.get(active)
        {
            user.attributes.set(active, value.clone());
        }
    }

    /// Adds a user's `groups`, direct and indirect, if they are in the answer.
    pub(crate) async fn add_groups(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        user: &mut Stored,
        projection: &Projection,
    ) -> Result<(), Error> {
        let groups = self.registry.core().groups;
        if kind != Kind::User || !projection.includes(&self.registry, groups) {
            return Ok(());
        }
        let direct = user.groups.iter().map(|one| one.group.clone()).gather();
        let ancestry = self.ancestry(session, direct, user.read_at).await?;
        self.set_groups(session, &mut user.resource, &user.groups, &ancestry);
        Ok(())
    }
}
