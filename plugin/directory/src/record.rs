//! Records: what the store keeps of a resource, and how it becomes what a client
//! sees.

use crate::Directory;
use crate::commit::Change;
use crate::environment::{Clock, Entropy};
use crate::index;
use crate::keys::{Keys, Kind};
use crate::kv::{Compare, KeyValue, Kv, Op};
use crate::precondition::etag;
use crate::session::Session;
use scim::Error;
use scim::json::Quoted;
use scim::projection::Projection;
use scim::resource::{Complex, Resource, Value, from_store, to_client, to_store};
use scim::schema::ResourceTypeId;

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
    /// The `Link` to what the answer leaves out.
    pub(crate) next: Option<String>,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// The kind of a resource type.
    pub(crate) fn kind(&self, resource_type: ResourceTypeId) -> Kind<'_> {
        Kind::of(&self.registry, resource_type)
    }

    pub(crate) fn resource_type(&self, kind: Kind<'_>) -> ResourceTypeId {
        kind.resource_type(&self.registry)
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
            next: None,
        }
    }

    /// Writes a record and what of its index keys differs from before. After a
    /// conflict see [`after_conflict`](Self::after_conflict).
    pub(crate) fn put_record(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        old: Option<&Resource>,
        new: &Resource,
    ) -> Change {
        let record = to_store(&self.registry, new);
        let mut change = Change {
            ops: vec![Op::put(keys.record(kind, id), record)],
            ..Change::default()
        };
        index::change(&self.registry, keys, id, (kind, old, new), &mut change);
        self.demand_indexes(keys, kind, &mut change);
        change
    }

    /// Deletes a record that is as it was read, and its index keys.
    pub(crate) fn delete_record(
        &self,
        keys: &Keys,
        kind: Kind<'_>,
        id: &str,
        (old, revision): (&Resource, i64),
    ) -> Change {
        let record = keys.record(kind, id);
        let index = index::entries(&self.registry, keys, kind, id, old);
        let mut change = Change {
            compares: vec![Compare::unchanged(record.clone(), revision)],
            ops: vec![Op::delete(record)],
            many: index.into_keys().map(Op::delete).collect(),
            ..Change::default()
        };
        self.demand_indexes(keys, kind, &mut change);
        change
    }
}
