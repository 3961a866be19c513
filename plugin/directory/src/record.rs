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
    pub(crate) fn resource_type(&self, kind: Kind) -> ResourceTypeId {
        match kind {
            Kind::User => self.registry.core().user,
            Kind::Group => self.registry.core().group,
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub(crate) fn decode(&self, kind: Kind, record: &KeyValue) -> Result<Resource, Error> {
        from_store(&self.registry, self.resource_type(kind), &record.value)
    }

    /// That there is no such resource.
    pub(crate) fn not_found(&self, kind: Kind, id: &str) -> Error {
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
    pub(crate) fn location(&self, session: &Session<'_>, kind: Kind, id: &str) -> String {
        let resource_type = self.registry.resource_type(self.resource_type(kind));
        format!("{}{}/{id}", session.base_url, resource_type.endpoint)
    }

    /// Adds what is computed when a resource is read.
    pub(crate) fn present(
        &self,
        session: &Session<'_>,
        kind: Kind,
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
        kind: Kind,
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

    /// Writes a record and what of its index keys differs from before. The first
    /// thing to [`explain`](Change::explain) becomes the resource's name.
    pub(crate) fn put_record(
        &self,
        keys: &Keys,
        kind: Kind,
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
        let name = keys.name(kind, &self.name_key(kind, new));
        if !before.contains_key(&name) {
            change.compares.push(Compare::absent(name.clone()));
        }
        change.explain.push(Range::one(name));
        change
    }

    /// Deletes a record and its index keys.
    pub(crate) fn delete_record(
        &self,
        keys: &Keys,
        kind: Kind,
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

    /// Whether a conflict is about the name: what [`put_record`](Self::put_record)
    /// asked to explain shows that another resource has it.
    ///
    /// # Errors
    /// [`Error::NotUnique`].
    pub(crate) fn check_name(
        &self,
        kind: Kind,
        id: &str,
        resource: &Resource,
        explained: &[RangeReply],
    ) -> Result<(), Error> {
        let holder = explained.first().and_then(|reply| reply.kvs.first());
        if holder.is_none_or(|holder| holder.value == id.as_bytes()) {
            return Ok(());
        }
        let attribute = name_attribute(&self.registry, kind);
        Err(Error::NotUnique {
            attribute: self.registry.path(attribute),
            value: Quoted::from(resource.text(attribute).unwrap_or_default()),
        })
    }

    fn name_key(&self, kind: Kind, resource: &Resource) -> String {
        let attribute = name_attribute(&self.registry, kind);
        let name = resource.text(attribute).unwrap_or_default();
        comparison_key(&self.registry, attribute, name).into_owned()
    }
}

/// The attribute that no two resources of a kind share: RFC 7643 wants it of
/// `userName`; of a group's `displayName` Entra ID and authentik do.
pub(crate) fn name_attribute(registry: &Registry, kind: Kind) -> AttrId {
    match kind {
        Kind::User => registry.core().user_name,
        Kind::Group => registry.core().group_display_name,
    }
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
    kind: Kind,
    id: &str,
    resource: &Resource,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let core = registry.core();
    let mut index = BTreeMap::new();
    let name = name_attribute(registry, kind);
    if let Some(text) = resource.text(name) {
        let key = comparison_key(registry, name, text);
        index.insert(keys.name(kind, &key), id.as_bytes().to_vec());
    }
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
