//! Records: what the store keeps of a resource, its index keys, and how it
//! becomes what a client sees.

use crate::Directory;
use crate::commit::Change;
use crate::environment::{Clock, Entropy};
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, KeyValue, Kv, Op, Range, RangeReply};
use crate::precondition::etag;
use crate::session::Session;
use scim::Error;
use scim::json::Quoted;
use scim::projection::Projection;
use scim::resource::{Complex, Resource, Value, from_store, to_client, to_store};
use scim::schema::{AttrId, Registry, ResourceTypeId};
use scim::text::fold;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A resource as the client gets it.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// Its id.
    pub(crate) id: String,
    /// The revision that stands for its state: its entity tag.
    pub(crate) version: i64,
    /// Its URL.
    pub(crate) location: String,
    /// It, as JSON; empty where the answer has no body.
    pub(crate) body: Vec<u8>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The kind of a resource type.
    pub(crate) fn kind(&self, resource_type: ResourceTypeId) -> Kind<'_> {
        Kind::of(&self.registry, resource_type)
    }

    pub(crate) fn resource_type(&self, kind: Kind<'_>) -> ResourceTypeId {
        match kind {
            Kind::User => self.registry.core().user,
            Kind::Group => self.registry.core().group,
            Kind::Other(id, _) => id,
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub(crate) fn decode(&self, kind: Kind<'_>, record: &KeyValue) -> Result<Resource, Error> {
        from_store(&self.registry, self.resource_type(kind), &record.value)
    }

    /// That there is no such resource.
    pub(crate) fn not_found(&self, kind: Kind<'_>, id: &str) -> Error {
        let resource_type = self.registry.resource_type(self.resource_type(kind));
        Error::NoResource {
            resource_type: resource_type.name.clone(),
            id: Quoted::from(id),
        }
    }

    /// Gives a new resource its id and its time of creation.
    pub(crate) fn stamp_created(&self, resource: &mut Resource, id: &str) {
        let core = self.registry.core();
        let mut meta = Complex::default();
        meta.set(core.meta_created, Value::String(self.now()));
        resource
            .attributes
            .set(core.id, Value::String(id.to_owned()));
        resource.attributes.set(core.meta, Value::Complex(meta));
        self.stamp_modified(resource, &self.now());
    }

    /// Sets the time of the last change.
    pub(crate) fn stamp_modified(&self, resource: &mut Resource, at: &str) {
        let core = self.registry.core();
        if let Some(Value::Complex(meta)) = resource.attributes.get_mut(core.meta) {
            meta.set(core.meta_last_modified, Value::String(at.to_owned()));
        }
    }

    /// Sets the time of the last change if it is later than the one there.
    pub(crate) fn stamp_modified_later(&self, resource: &mut Resource, at: &str) {
        let core = self.registry.core();
        let known = resource.get(core.meta).and_then(Value::as_complex);
        // Times that the service writes have one form, in which text sorts.
        if known.and_then(|meta| meta.text(core.meta_last_modified)) < Some(at) {
            self.stamp_modified(resource, at);
        }
    }

    /// Takes what identifies a resource, which no client may change, from its
    /// record.
    pub(crate) fn keep_identity(&self, stored: &Resource, resource: &mut Resource) {
        let core = self.registry.core();
        for id in [core.id, core.meta] {
            match stored.get(id) {
                Some(value) => resource.attributes.set(id, value.clone()),
                None => resource.attributes.remove(id),
            };
        }
    }

    /// Whether two states of a resource have the same record.
    pub(crate) fn same_record(&self, a: &Resource, b: &Resource) -> bool {
        to_store(&self.registry, a) == to_store(&self.registry, b)
    }

    /// Names of the attributes in which two states differ.
    pub(crate) fn changed(&self, old: &Resource, new: &Resource) -> Vec<String> {
        let registry = &self.registry;
        let given = [registry.core().id, registry.core().meta];
        registry
            .resource_type(new.resource_type)
            .attributes
            .iter()
            .filter(|id| !given.contains(id) && old.get(**id) != new.get(**id))
            .map(|id| registry.attribute(*id).name.clone())
            .collect()
    }

    /// The URL of a resource.
    pub(crate) fn location(&self, session: &Session<'_>, kind: Kind<'_>, id: &str) -> String {
        let resource_type = self.registry.resource_type(self.resource_type(kind));
        format!("{}{}/{id}", session.base_url, resource_type.endpoint)
    }

    /// Adds what is computed when a resource is read.
    pub(crate) fn present(
        &self,
        session: &Session<'_>,
        kind: Kind<'_>,
        resource: &mut Resource,
        version: i64,
    ) {
        let core = self.registry.core();
        let name = &self.registry.resource_type(self.resource_type(kind)).name;
        let id = resource.text(core.id).unwrap_or_default();
        let location = self.location(session, kind, id);
        if let Some(Value::Complex(meta)) = resource.attributes.get_mut(core.meta) {
            meta.set(core.meta_resource_type, Value::String(name.clone()));
            meta.set(core.meta_location, Value::String(location));
            meta.set(core.meta_version, Value::String(etag(version)));
        }
    }

    /// Writes a resource for the client.
    pub(crate) fn render(
        &self,
        session: &Session<'_>,
        kind: Kind<'_>,
        mut resource: Resource,
        version: i64,
        projection: &Projection,
    ) -> Rendered {
        self.present(session, kind, &mut resource, version);
        let id = resource.text(self.registry.core().id).unwrap_or_default();
        Rendered {
            id: id.to_owned(),
            version,
            location: self.location(session, kind, id),
            body: to_client(&self.registry, &resource, projection),
        }
    }

    /// Writes a record and what of its index keys differs from before. What to
    /// [`explain`](Change::explain) begins with its unique values.
    pub(crate) fn put_record(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        old: Option<&Resource>,
        new: &Resource,
    ) -> Change {
        let mut change = Change::default();
        let record = to_store(&self.registry, new);
        change.ops.push(Op::put(keys.record(kind, id), record));

        let before = old.map(|old| index(&self.registry, keys, kind, id, old));
        let before = before.unwrap_or_default();
        let after = index(&self.registry, keys, kind, id, new);
        for (key, value) in &after {
            if !before.contains_key(key) {
                change.many.push(Op::put(key.clone(), value.clone()));
            }
        }
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            change.many.push(Op::delete(key.clone()));
        }
        for (_, _, key) in unique(&self.registry, keys, kind, new) {
            if !before.contains_key(&key) {
                change.compares.push(Compare::absent(key.clone()));
            }
            change.explain.push(Range::one(key));
        }
        change
    }

    /// Deletes a record and its index keys.
    pub(crate) fn delete_record(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        old: &Resource,
    ) -> Vec<Op> {
        let mut ops = vec![Op::delete(keys.record(kind, id))];
        ops.extend(
            index(&self.registry, keys, kind, id, old)
                .into_keys()
                .map(Op::delete),
        );
        ops
    }

    /// Whether a conflict is about a value that must be unique: what
    /// [`put_record`](Self::put_record) asked to explain shows that another
    /// resource has it.
    ///
    /// # Errors
    /// [`Error::NotUnique`].
    pub(crate) fn check_unique(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        resource: &Resource,
        explained: &[RangeReply],
    ) -> Result<(), Error> {
        let values = unique(&self.registry, keys, kind, resource);
        for ((attribute, value, _), reply) in values.into_iter().zip(explained) {
            let holder = reply.kvs.first();
            if holder.is_some_and(|holder| holder.value != id.as_bytes()) {
                return Err(Error::NotUnique {
                    attribute: self.registry.path(attribute),
                    value: Quoted::from(value),
                });
            }
        }
        Ok(())
    }
}

/// The key that leads to the one resource that has a value of an attribute, where
/// no two resources of a kind may share it: RFC 7643 wants that of `userName`; of
/// a group's `displayName` Entra ID and authentik do.
pub(crate) fn unique_key(
    registry: &Registry,
    keys: &Keys,
    kind: Kind<'_>,
    attribute: AttrId,
    text: &str,
) -> Option<Vec<u8>> {
    let core = registry.core();
    let folded = comparison_key(registry, attribute, text);
    match kind {
        Kind::User if attribute == core.user_name => Some(keys.user_name(&folded)),
        Kind::Group if attribute == core.group_display_name => Some(keys.group_name(&folded)),
        _ => None,
    }
}

/// The values of a resource that no other of its kind may have, with their keys.
fn unique<'v>(
    registry: &Registry,
    keys: &Keys,
    kind: Kind<'_>,
    resource: &'v Resource,
) -> Vec<(AttrId, &'v str, Vec<u8>)> {
    let core = registry.core();
    [core.user_name, core.group_display_name]
        .into_iter()
        .filter_map(|attribute| {
            let text = resource.text(attribute)?;
            let key = unique_key(registry, keys, kind, attribute, text)?;
            Some((attribute, text, key))
        })
        .collect()
}

/// What of a text is compared, by the attribute's `caseExact`.
pub(crate) fn comparison_key<'t>(
    registry: &Registry,
    attribute: AttrId,
    text: &'t str,
) -> Cow<'t, str> {
    if registry.attribute(attribute).case_exact {
        Cow::Borrowed(text)
    } else {
        fold(text)
    }
}

/// The keys by which a resource is found, with their values.
pub(crate) fn index(
    registry: &Registry,
    keys: &Keys,
    kind: Kind<'_>,
    id: &str,
    resource: &Resource,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let core = registry.core();
    let mut index: BTreeMap<_, _> = unique(registry, keys, kind, resource)
        .into_iter()
        .map(|(_, _, key)| (key, id.as_bytes().to_vec()))
        .collect();
    if let Some(text) = resource.text(core.external_id) {
        let key = comparison_key(registry, core.external_id, text);
        index.insert(keys.external(kind, &key, id), Vec::new());
    }
    if kind == Kind::User
        && let Some(emails) = resource.get(core.emails)
    {
        for email in emails.elements().iter().filter_map(Value::as_complex) {
            if let Some(text) = email.text(core.emails_value) {
                let key = comparison_key(registry, core.emails_value, text);
                index.insert(keys.user_email(&key, id), Vec::new());
            }
        }
    }
    index
}
