//! A single operation that is known not to fail before anything is changed, carried out
//! on the resource itself: one value replaced, values added to a list or taken from it.
//! A long list is not copied for one element, which is what nearly all PATCH requests for
//! groups are about.

use super::{Op, Operation, elements};
use crate::filter::ElementFilter;
use crate::resource::{Complex, Value, is_complete, may_have};
use crate::schema::{AttrId, Mutability, Registry};

/// Carries out an operation on the attributes at the top of a resource and says whether
/// that changed it. Nothing, when the operation is not of this kind; then nothing was done.
pub(super) fn apply(registry: &Registry, top: &mut Complex, operation: &Operation) -> Option<bool> {
    let path = &operation.path;
    let id = path.attribute;
    let attribute = registry.attribute(id);
    if path.container.is_some()
        || path.sub_attribute.is_some()
        || attribute.mutability != Mutability::ReadWrite
    {
        return None;
    }
    match (operation.op, &operation.value, &path.selection) {
        (Op::Add | Op::Replace, Some(value), None)
            if !attribute.multi_valued && !attribute.is_complex() =>
        {
            Some(replace(top, id, value))
        }
        (Op::Add, Some(value), None) if attribute.multi_valued => add(registry, top, id, value),
        (Op::Remove, None, Some(selection)) if attribute.multi_valued && !attribute.required => {
            Some(remove(top, id, selection))
        }
        _ => None,
    }
}

fn replace(top: &mut Complex, id: AttrId, value: &Value) -> bool {
    match top.get_mut(id) {
        Some(old) if old == value => false,
        Some(old) => {
            *old = value.clone();
            true
        }
        None => {
            top.set(id, value.clone());
            true
        }
    }
}

/// What is complete and is added to what was complete leaves it so.
fn add(registry: &Registry, top: &mut Complex, id: AttrId, value: &Value) -> Option<bool> {
    let Some(Value::List(list)) = top.get_mut(id).filter(|_| is_complete(registry, id, value))
    else {
        return None;
    };
    if !may_have(registry, id, list.len() + value.elements().len()) {
        return None;
    }
    let added = elements::add(registry, id, list, value.elements());
    let demoted = elements::keep_one_primary(registry, id, list, &added.primary);
    Some(added.changed || demoted)
}

fn remove(top: &mut Complex, id: AttrId, selection: &ElementFilter) -> bool {
    let Some(Value::List(list)) = top.get_mut(id) else {
        return false;
    };
    let before = list.len();
    list.retain(|element| !selection.matches(element));
    let changed = list.len() != before;
    if list.is_empty() {
        top.remove(id);
    }
    changed
}
