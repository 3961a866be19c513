//! Tests of filters, by stage.

mod across;
mod binding;
mod explaining;
mod grammar;
mod matching;
mod strict;
mod twin;

use super::{Filter, Limits};
use crate::Mode;
use crate::error::Error;
use crate::json;
use crate::resource::{Resource, from_client};
use crate::schema::Registry;
pub(crate) use crate::schema::fixture::with_extension;

fn registry() -> Registry {
    Registry::standard().unwrap()
}

fn users_filter(registry: &Registry, text: &str) -> Result<Filter, Error> {
    Filter::parse(
        registry,
        registry.core().user,
        text,
        &Limits::default(),
        Mode::Lenient,
    )
}

fn user(registry: &Registry, body: &str) -> Resource {
    let body = json::parse(body.as_bytes(), json::MAX_DEPTH).unwrap();
    from_client(registry, registry.core().user, &body, Mode::Lenient).unwrap()
}
