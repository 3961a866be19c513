//! Quirks of operations whose path is known.

use super::super::Op;
use super::super::plan::{Draft, Planner, is_nothing, only};
use crate::error::Error;
use crate::filter;
use crate::resource::value_from_client;

/// `schemas` follows from the rest, and an `id` that is the resource's own
/// changes nothing: Okta renames groups with `{"id": "…", "displayName": "…"}`,
/// authentik sends `schemas` along.
pub(in super::super) fn repeated_identity(
    planner: &Planner<'_>,
    draft: &mut Draft<'_>,
) -> Result<bool, Error> {
    let core = planner.registry.core();
    let is_own_id = draft.path.attribute == core.id
        && draft.op != Op::Remove
        && draft
            .value
            .and_then(|json| only(planner.mode, json).as_str())
            == Some(planner.resource_id);
    let says_nothing = is_own_id || draft.path.attribute == core.schemas;
    Ok(!says_nothing)
}

/// `remove` of a list with some of its values removes those only. Read literally
/// it would remove all: Entra ID, JumpCloud, ssosync and authentik take single
/// members from a group so. An empty list removes nobody.
///
/// Values are told apart by their `value`, else by all that is said of them.
pub(in super::super) fn removal_of_listed_values(
    planner: &Planner<'_>,
    draft: &mut Draft<'_>,
) -> Result<bool, Error> {
    let registry = planner.registry;
    let attribute = draft.path.attribute;
    let removes_whole_list = draft.op == Op::Remove
        && registry.attribute(attribute).multi_valued
        && draft.path.selection.is_none()
        && draft.path.sub_attribute.is_none();
    let (true, Some(listed)) = (
        removes_whole_list,
        draft.value.filter(|json| !json.is_null()),
    ) else {
        return Ok(true);
    };
    let Some(listed) = value_from_client(registry, attribute, listed, planner.mode)? else {
        return Ok(false);
    };
    let selection = filter::among(registry, attribute, listed.elements());
    draft.path.selection = Some(Box::new(selection));
    Ok(true)
}

/// What is removed is said by the path; a value beside it counts for nothing.
/// Entra ID sends one, not always the current one.
pub(in super::super) fn stray_value_of_removal(
    _planner: &Planner<'_>,
    draft: &mut Draft<'_>,
) -> Result<bool, Error> {
    if draft.op == Op::Remove {
        draft.value = None;
    }
    Ok(true)
}

/// A single simple value may come as an object with `value`, or a list of one:
/// Entra ID's first form of every value was `[{"$ref": null, "value": "…"}]`.
pub(in super::super) fn scalar_in_an_object(
    planner: &Planner<'_>,
    draft: &mut Draft<'_>,
) -> Result<bool, Error> {
    let target = planner.registry.attribute(draft.path.target());
    if !target.is_complex() && !target.multi_valued {
        let inner = draft
            .value
            .and_then(|json| only(planner.mode, json).get("value"));
        draft.value = inner.or(draft.value);
    }
    Ok(true)
}

/// `add` of `null`, `""` or `[]` adds nothing; to take a value away there are
/// `remove` and `replace`.
pub(in super::super) fn addition_of_nothing(
    _planner: &Planner<'_>,
    draft: &mut Draft<'_>,
) -> Result<bool, Error> {
    let adds_nothing = draft.op == Op::Add && draft.value.is_some_and(is_nothing);
    Ok(!adds_nothing)
}
