//! Contexts and foreign functions.

use super::guest::Guest;
use crate::status::{Outcome, Status};

pub(super) fn set_effective(guest: &mut Guest<'_>, id: u32) -> Outcome {
    let state = guest.state_mut();
    if !state.has_context(id) {
        return Err(Status::BadArgument.into());
    }
    state.effective = id;
    Ok(())
}

/// Ends a context that kept itself alive by answering false to `on_done`. Envoy honours that for
/// root contexts at the end of their life only, and this host ends them with the VM.
pub(super) fn done(_: &mut Guest<'_>) -> Outcome {
    Err(Status::NotFound.into())
}

/// The functions that Envoy has and this host does not.
const ENVOYS: [&str; 10] = [
    "clear_route_cache",
    "compress",
    "declare_property",
    "expr_create",
    "expr_delete",
    "expr_evaluate",
    "set_envoy_filter_state",
    "sign",
    "uncompress",
    "verify_signature",
];

pub(super) fn foreign_function(
    guest: &mut Guest<'_>,
    name: u32,
    name_size: u32,
    arguments: u32,
    arguments_size: u32,
    _results: u32,
    _results_size: u32,
) -> Outcome {
    guest.bytes(arguments, arguments_size)?;
    let name = guest.text(name, name_size)?;
    let known = ENVOYS.contains(&name.as_str());
    Err(if known {
        Status::Unimplemented
    } else {
        Status::NotFound
    }
    .into())
}
