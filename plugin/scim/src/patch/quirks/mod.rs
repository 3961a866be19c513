//! What clients send instead of RFC 7644's PATCH. Each quirk is one function
//! that rewrites it into a standard form before the standard code sees it. In
//! strict mode only those are left that change nothing ([`repeated_identity`],
//! [`addition_of_nothing`]).
//!
//! | function | what comes | from |
//! |---|---|---|
//! | [`op_named`] | `"op": "Add"` | Microsoft Entra ID |
//! | [`operations_in_another_form`] | one operation without a list; a list without a message | Oracle; RFC 7644 §3.7's own example (EID 5050) |
//! | [`empty_path`] | `"path": ""` | hand-written clients |
//! | [`key_as_path`] | without a path: `"name.givenName"`, `"urn:…:User:department"`, `"emails[type eq \"work\"].value"` as keys | Entra ID (`aadOptscim062020`) |
//! | [`list_without_path`] | without a path: `"value": [{…}]` | hand-written clients |
//! | [`repeated_identity`] | `id` and `schemas` among the values | Okta, authentik |
//! | [`removal_of_listed_values`] | `remove`, `path: "members"`, `value: [{"value": "…"}]` | Entra ID, JumpCloud, ssosync, authentik |
//! | [`stray_value_of_removal`] | `remove` of one attribute with a value | Entra ID |
//! | [`scalar_in_an_object`] | `"value": [{"$ref": null, "value": "x"}]` for a single text | Entra ID before 2019 |
//! | [`addition_of_nothing`] | `add` of `null`, `""` or `[]` | Entra ID, OneLogin |
//!
//! What is wrong with a value alone (`"True"`, a bare string for a manager, one
//! object for a list) is put right where all values are read, in
//! [`resource`](crate::resource); a bare `manager` for the extension's attribute
//! where all names are, in [`Registry::resolve`](crate::schema::Registry::resolve).

mod envelope;
mod operation;

pub(super) use envelope::{
    empty_path, key_as_path, list_without_path, op_named, operations_in_another_form,
};
pub(super) use operation::{
    addition_of_nothing, removal_of_listed_values, repeated_identity, scalar_in_an_object,
    stray_value_of_removal,
};

use super::plan::{Draft, Planner};
use crate::Mode;
use crate::error::Error;

/// Rewrites an operation with a path and says whether something is left to do.
type Quirk = fn(&Planner<'_>, &mut Draft<'_>) -> Result<bool, Error>;

/// The quirks of operations, in the order in which they are applied.
const QUIRKS: [Quirk; 5] = [
    repeated_identity,
    removal_of_listed_values,
    stray_value_of_removal,
    scalar_in_an_object,
    addition_of_nothing,
];

/// Those of them that are no tolerance.
const STRICT: [Quirk; 2] = [repeated_identity, addition_of_nothing];

/// Rewrites an operation into a standard one and says whether something is left to do.
pub(super) fn rewrite(planner: &Planner<'_>, draft: &mut Draft<'_>) -> Result<bool, Error> {
    let quirks: &[Quirk] = match planner.mode {
        Mode::Lenient => &QUIRKS,
        Mode::Strict => &STRICT,
    };
    for quirk in quirks {
        if !quirk(planner, draft)? {
            return Ok(false);
        }
    }
    Ok(true)
}
