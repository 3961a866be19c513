//! From operations as they were sent to operations on one attribute each, with
//! typed values.

use super::request::Requested;
use super::{Op, Operation, Operations, quirks};
use crate::Mode;
use crate::error::Error;
use crate::filter::Limits;
use crate::json::{Json, Quoted};
use crate::path::Path;
use crate::resource::{Value, element_from_client, value_from_client};
use crate::schema::{AttrId, Mutability, Registry, ResourceTypeId};

/// What an operation is planned against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planner<'r> {
    pub(super) registry: &'r Registry,
    pub(super) resource_type: ResourceTypeId,
    pub(super) resource_id: &'r str,
    pub(super) mode: Mode,
}

/// An operation on the way to its simplest form.
#[derive(Clone, Debug)]
pub(super) struct Draft<'j> {
    /// The place of the operation in the request, from 1.
    pub(super) number: usize,
    pub(super) op: Op,
    pub(super) path: Path,
    pub(super) value: Option<&'j Json<'j>>,
    /// Whether the attribute was named by a path; else it was a key within a
    /// value.
    pub(super) named_by_path: bool,
}

impl Planner<'_> {
    /// Plans one operation of the request.
    ///
    /// # Errors
    /// Those of [`Patch::parse`](super::Patch::parse) but for the envelope.
    pub(super) fn plan(
        &self,
        request: Requested<'_>,
        operations: &mut Operations,
    ) -> Result<(), Error> {
        let core_urn = &self.registry.resource_type(self.resource_type).schema;
        // The URN of the core schema alone is a longer way to name no path.
        let is_none = |path: &str| !self.mode.is_strict() && path.eq_ignore_ascii_case(core_urn);
        let path = request.path.filter(|path| !is_none(path));
        let Some(path) = path else {
            return self.plan_without_path(request, operations);
        };
        let limits = Limits::default();
        let path = Path::parse(self.registry, self.resource_type, path, &limits, self.mode)?;
        let draft = Draft {
            number: request.number,
            op: request.op,
            path,
            value: request.value,
            named_by_path: true,
        };
        self.refine(draft, operations)
    }

    /// Without a path the value holds the attributes to be added or replaced
    /// (RFC 7644 §3.5.2.1 and §3.5.2.3), and each is an operation of its own.
    fn plan_without_path(
        &self,
        request: Requested<'_>,
        operations: &mut Operations,
    ) -> Result<(), Error> {
        let number = request.number;
        if request.op == Op::Remove {
            return Err(Error::RemoveWithoutPath);
        }
        let value = request.value.ok_or(Error::MissingValue)?;
        for object in quirks::list_without_path(value) {
            let members = object.as_object().ok_or_else(|| Error::InvalidPatch {
                reason: "without a \"path\" the \"value\" must be an object".to_owned(),
            })?;
            let core_urn = &self.registry.resource_type(self.resource_type).schema;
            for (key, value) in members {
                if key.eq_ignore_ascii_case(core_urn) {
                    let inner = Requested {
                        value: Some(value),
                        ..request
                    };
                    self.plan_without_path(inner, operations)?;
                } else if let Some(path) =
                    quirks::key_as_path(self.registry, self.resource_type, key)?
                {
                    let draft = Draft {
                        number,
                        op: request.op,
                        path,
                        value: Some(value),
                        named_by_path: false,
                    };
                    self.refine(draft, operations)?;
                }
            }
        }
        Ok(())
    }

    /// Rewrites, checks, takes apart and types one operation.
    fn refine(&self, mut draft: Draft<'_>, operations: &mut Operations) -> Result<(), Error> {
        if !quirks::rewrite(self, &mut draft)? {
            return Ok(());
        }
        if self.is_read_only(draft.path.target()) {
            return self.refuse_read_only(&draft);
        }
        if draft.op == Op::Remove {
            operations.push(draft.with(None));
            return Ok(());
        }
        let json = draft.value.ok_or(Error::MissingValue)?;
        let target = draft.path.target();
        let is_element = draft.path.selection.is_some() && draft.path.sub_attribute.is_none();
        if is_element {
            let value =
                element_from_client(self.registry, target, only(self.mode, json), self.mode)?;
            operations.push(draft.with(value));
            return Ok(());
        }
        let attribute = self.registry.attribute(target);
        if attribute.is_complex() && !attribute.multi_valued {
            return self.take_apart(&draft, only(self.mode, json), operations);
        }
        let value = value_from_client(self.registry, target, json, self.mode)?;
        self.check_members(target, value.as_ref())?;
        operations.push(draft.with(value));
        Ok(())
    }

    /// A single complex value sets the sub-attributes that it holds and leaves
    /// the others, for `replace` too: "a set of sub-attributes to be replaced"
    /// (RFC 7644 §3.5.2.3). One that it holds as `null` or empty it clears. The
    /// profile has `replace` replace the whole, so strict mode does.
    fn take_apart(
        &self,
        draft: &Draft<'_>,
        json: &Json<'_>,
        operations: &mut Operations,
    ) -> Result<(), Error> {
        let registry = self.registry;
        let whole = draft.path.target();
        let below = |child: AttrId| Draft {
            path: Path::to(registry, child),
            named_by_path: false,
            value: None,
            ..draft.clone()
        };
        let Some(members) = json.as_object() else {
            match value_from_client(registry, whole, json, self.mode)? {
                None => operations.push(draft.with(None)),
                Some(value) => set_below(&value, below, operations),
            }
            return Ok(());
        };
        if registry.attribute(whole).is_extension {
            for (key, value) in members {
                let name = format!("{}:{key}", registry.attribute(whole).name);
                let child = registry
                    .resolve_in(self.resource_type, &name, self.mode)
                    .or_else(|| registry.resolve_in(self.resource_type, key, self.mode))
                    .filter(|child| registry.lineage(*child).any(|step| step == whole));
                if let Some(child) = child {
                    let inner = Draft {
                        value: Some(value),
                        ..below(child)
                    };
                    self.refine(inner, operations)?;
                } else if self.mode.is_strict() {
                    return Err(Error::UnknownAttribute {
                        name: Quoted::from(name.as_str()),
                    });
                }
            }
            return Ok(());
        }
        if draft.op == Op::Replace && self.mode.is_strict() {
            let value = value_from_client(registry, whole, json, self.mode)?;
            operations.push(draft.with(value));
            return Ok(());
        }
        if draft.op == Op::Replace {
            for (key, _) in members.iter().filter(|(_, value)| is_nothing(value)) {
                let child = registry.child(whole, key);
                let cleared = child.filter(|child| !self.is_read_only(*child));
                operations.extend(cleared.map(|child| below(child).with(None)));
            }
        }
        if let Some(value) = value_from_client(registry, whole, json, self.mode)? {
            set_below(&value, below, operations);
        }
        Ok(())
    }

    fn is_read_only(&self, target: AttrId) -> bool {
        let registry = self.registry;
        registry
            .lineage(target)
            .any(|step| registry.attribute(step).mutability == Mutability::ReadOnly)
    }

    /// What is `readOnly` cannot be the target of an operation (RFC 7644
    /// §3.5.2); within a value it is ignored, as in the body of a PUT, but for
    /// an `id` that is not the resource's.
    fn refuse_read_only(&self, draft: &Draft<'_>) -> Result<(), Error> {
        let target = draft.path.target();
        if draft.named_by_path || target == self.registry.core().id {
            return Err(Error::NotMutable {
                attribute: self.registry.path(target),
                reason: "is read-only",
            });
        }
        Ok(())
    }

    /// A member without `value` would be nobody.
    fn check_members(&self, target: AttrId, value: Option<&Value>) -> Result<(), Error> {
        let core = self.registry.core();
        let elements = value.map(Value::elements).unwrap_or_default();
        let is_nobody = |element: &Value| {
            let id = element
                .as_complex()
                .and_then(|c| c.text(core.members_value));
            id.is_none_or(str::is_empty)
        };
        if target == core.members && elements.iter().any(is_nobody) {
            return Err(Error::Required {
                attribute: self.registry.path(core.members_value),
            });
        }
        Ok(())
    }
}

impl Draft<'_> {
    fn with(&self, value: Option<Value>) -> Operation {
        Operation {
            number: self.number,
            op: self.op,
            path: self.path.clone(),
            value,
        }
    }
}

/// One operation for each sub-attribute of a complex value. They are in the
/// schema's order, in which `value` comes before what depends on it.
fn set_below<'j>(value: &Value, below: impl Fn(AttrId) -> Draft<'j>, operations: &mut Operations) {
    let complex = value.as_complex().into_iter();
    operations.extend(
        complex
            .flat_map(|complex| complex.iter())
            .map(|(child, value)| below(child).with(Some(value.clone()))),
    );
}

/// Whether JSON stands for no value (RFC 7643 §2.5, and `""` as clients send it).
pub(super) fn is_nothing(json: &Json<'_>) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(elements) => elements.iter().all(is_nothing),
        Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) | Json::Object(_) => false,
    }
}

/// The value itself, or in lenient mode the one value in a list of one.
pub(super) fn only<'j>(mode: Mode, json: &'j Json<'j>) -> &'j Json<'j> {
    match json.as_array() {
        Some([one]) if !mode.is_strict() => one,
        _ => json,
    }
}
