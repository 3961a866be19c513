//! Filters (RFC 7644 §3.4.2.2): from text to something that answers whether a
//! resource matches.
//!
//! A filter takes three forms: text, an expression with names (`ast`), and a
//! [`Filter`], in which every name is an attribute of one resource type and
//! every literal has the attribute's type. Only the last can be evaluated, and
//! it needs no name for it.

mod across;
mod ast;
mod bind;
mod eval;
mod explain;
mod grammar;
mod lexer;
mod limits;
mod listed;
mod predicate;
mod strict;

#[cfg(test)]
pub(crate) mod tests;

pub use eval::{ElementFilter, Filter};
pub use explain::{Condition, Explanation};
pub use limits::Limits;

pub(crate) use bind::bind_element;
pub(crate) use grammar::{SyntaxError, parse_path};
pub(crate) use listed::among;

use crate::Mode;
use crate::error::Error;
use crate::schema::{Registry, ResourceTypeId};

impl Filter {
    /// Reads a filter for resources of one type.
    ///
    /// # Errors
    /// [`Error::FilterLimit`] before anything is built, [`Error::FilterSyntax`],
    /// [`Error::FilterAttribute`] for a name the type does not have,
    /// [`Error::FilterComparison`] where the attribute's type forbids the
    /// comparison, and [`Error::Secret`] where its characteristics do.
    ///
    /// ```
    /// use scim::{Mode, filter::{Filter, Limits}, resource::{Resource, Value}, schema::Registry};
    ///
    /// let registry = Registry::standard().unwrap();
    /// let core = registry.core();
    /// let text = r#"userName sw "BJ" and not (active eq true)"#;
    /// let limits = Limits::default();
    /// let filter = Filter::parse(&registry, core.user, text, &limits, Mode::Lenient).unwrap();
    ///
    /// let mut user = Resource::new(core.user);
    /// user.attributes.set(core.user_name, Value::String("bjensen".to_owned()));
    /// assert!(filter.matches(&user));
    /// ```
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        text: &str,
        limits: &Limits,
        mode: Mode,
    ) -> Result<Self, Error> {
        let expression = read(text, limits, mode)?;
        bind::bind_filter(registry, resource_type, &expression, mode)
    }
}

fn read<'t>(text: &'t str, limits: &Limits, mode: Mode) -> Result<ast::Expression<'t>, Error> {
    limits.check(text)?;
    let expression = grammar::parse_filter(text).map_err(|error| Error::FilterSyntax {
        position: error.position,
        reason: error.reason.to_owned(),
    })?;
    if mode.is_strict() {
        strict::check(text)?;
    }
    Ok(expression)
}
