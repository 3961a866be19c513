//! PATCH (RFC 7644 §3.5.2).
//!
//! A request goes through three stages. `request` reads its envelope.
//! `plan` turns each operation into `Operation`s of the simplest form there
//! is: one attribute, one typed value; on the way `quirks` rewrites what
//! clients send instead of standard operations. `apply` carries them out on a
//! copy of the resource and knows of no client; `direct` does without the copy
//! where it can.

mod apply;
mod direct;
mod elements;
mod members;
mod plan;
mod quirks;
mod request;

#[cfg(test)]
mod tests;

pub use members::{Member, MemberChange};

use crate::Mode;
use crate::error::Error;
use crate::json::Json;
use crate::path::Path;
use crate::resource::{Resource, Value, complete};
use crate::schema::{AttrId, Registry, ResourceTypeId};
use smallvec::SmallVec;

/// A PATCH request, typed and bound to a resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    operations: Operations,
    mode: Mode,
}

/// Nearly all requests come down to one.
type Operations = SmallVec<[Operation; 1]>;

/// What is to be done at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
}

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
struct Operation {
    /// The place of the request's operation that it comes from, from 1.
    number: usize,
    op: Op,
    path: Path,
    /// Nothing for `remove`, and for a `replace` by nothing.
    value: Option<Value>,
}

impl Patch {
    /// Reads a PATCH request for the resource with the id `resource_id`, which
    /// the request may repeat but not change.
    ///
    /// # Errors
    /// For the envelope [`Error::InvalidPatch`] and [`Error::TooManyOperations`].
    /// What is wrong with one operation comes as [`Error::InOperation`]: for paths
    /// the errors of [`Path::parse`] and [`Error::RemoveWithoutPath`]; for values
    /// [`Error::MissingValue`], [`Error::WrongType`], [`Error::BadValue`]; and
    /// [`Error::NotMutable`] for a `readOnly` attribute.
    ///
    /// ```
    /// use scim::{Mode, json, patch::Patch, resource::{Resource, Value}, schema::Registry};
    ///
    /// let registry = Registry::standard().unwrap();
    /// let core = registry.core();
    /// let body = br#"{"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}"#;
    /// let body = json::parse(body, json::MAX_DEPTH).unwrap();
    /// let mode = Mode::Lenient;
    /// let patch = Patch::parse(&registry, core.user, &body, 100, "2819c223", mode).unwrap();
    ///
    /// let mut user = Resource::new(core.user);
    /// user.attributes.set(core.user_name, Value::String("bjensen".to_owned()));
    /// assert_eq!(patch.apply(&registry, &mut user), Ok(true));
    /// assert_eq!(user.get(core.active), Some(&Value::Boolean(false)));
    /// assert_eq!(patch.apply(&registry, &mut user), Ok(false));
    /// ```
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        body: &Json<'_>,
        max_operations: usize,
        resource_id: &str,
        mode: Mode,
    ) -> Result<Self, Error> {
        let requested = request::operations(body, max_operations, mode)?;
        let planner = plan::Planner {
            registry,
            resource_type,
            resource_id,
            mode,
        };
        let mut operations = Operations::new();
        for (operation, number) in requested.iter().zip(1..) {
            request::read(operation, number, mode)
                .and_then(|request| planner.plan(request, &mut operations))
                .map_err(|error| error.in_operation(number))?;
        }
        Ok(Self { operations, mode })
    }

    /// Carries out all operations and says whether the resource is another than
    /// before. After an error it is as it was (RFC 7644 §3.5.2: all or none).
    ///
    /// # Errors
    /// In [`Error::InOperation`]: [`Error::NothingSelected`],
    /// [`Error::NotMutable`] for what is immutable or required,
    /// [`Error::Required`], and [`Error::BadValue`] for a second primary value.
    pub fn apply(&self, registry: &Registry, resource: &mut Resource) -> Result<bool, Error> {
        self.apply_where(registry, resource, |_| true)
    }

    /// Like [`apply`](Self::apply), for a group that was loaded without its
    /// members: leaves out the operations that
    /// [`member_changes`](Self::member_changes) gives.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_besides_members(
        &self,
        registry: &Registry,
        resource: &mut Resource,
    ) -> Result<bool, Error> {
        let members = registry.core().members;
        self.apply_where(registry, resource, |o| o.path.attribute != members)
    }

    /// Whether all operations work on this attribute.
    #[must_use]
    pub fn is_of(&self, attribute: AttrId) -> bool {
        let mut operations = self.operations.iter();
        operations.all(|operation| operation.path.attribute == attribute)
    }

    /// Whether an operation works on this attribute or below it.
    #[must_use]
    pub fn mentions(&self, attribute: AttrId) -> bool {
        self.operations.iter().any(|operation| {
            let path = &operation.path;
            path.container == Some(attribute)
                || path.attribute == attribute
                || path.sub_attribute == Some(attribute)
        })
    }

    fn apply_where(
        &self,
        registry: &Registry,
        resource: &mut Resource,
        included: impl Fn(&Operation) -> bool,
    ) -> Result<bool, Error> {
        let operations = self.operations.iter().filter(|o| included(o));
        let mut only = operations.clone();
        if let (Some(operation), None) = (only.next(), only.next())
            && let Some(changed) = direct::apply(registry, &mut resource.attributes, operation)
        {
            return Ok(changed);
        }
        let mut after = resource.clone();
        for operation in operations.clone() {
            apply::apply(registry, &mut after.attributes, operation, self.mode)
                .map_err(|error| error.in_operation(operation.number))?;
        }
        complete(registry, &after).map_err(|error| {
            match self.culprit(registry, resource, operations) {
                Some(number) => error.in_operation(number),
                None => error,
            }
        })?;
        let changed = after != *resource;
        *resource = after;
        Ok(changed)
    }

    /// The operation after which the resource is incomplete for good, when it was
    /// complete before.
    #[cold]
    fn culprit<'o>(
        &self,
        registry: &Registry,
        resource: &Resource,
        operations: impl Iterator<Item = &'o Operation>,
    ) -> Option<usize> {
        let mut after = resource.clone();
        let mut culprit = None;
        let mut was_complete = complete(registry, &after).is_ok();
        for operation in operations {
            apply::apply(registry, &mut after.attributes, operation, self.mode).ok()?;
            let is_complete = complete(registry, &after).is_ok();
            if was_complete && !is_complete {
                culprit = Some(operation.number);
            }
            was_complete = is_complete;
        }
        culprit
    }
}
