//! What the service knows of users and devices beyond their schema: their groups, which
//! are kept apart from the record, and what `active` of a user means to identity providers.

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
        user.attributes.remove(core.groups.list);
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

    /// Adds the `groups` of a user or device, direct and indirect, if they are in the
    /// answer.
    pub(crate) async fn add_groups(
        &self,
        session: &mut Session<'_>,
        kind: Kind<'_>,
        member: &mut Stored,
        projection: &Projection,
    ) -> Result<(), Error> {
        let groups = kind.groups(&self.registry);
        if groups.is_none_or(|groups| !projection.includes(&self.registry, groups.list)) {
            return Ok(());
        }
        let direct = member.groups.iter().map(|one| one.group.clone()).gather();
        let ancestry = self.ancestry(session, direct, member.read_at).await?;
        self.set_groups(session, &mut member.resource, &member.groups, &ancestry);
        Ok(())
    }
}
