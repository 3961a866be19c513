//! Which attributes an answer holds (RFC 7644 §3.9).

use crate::schema::{AttrId, Registry, ResourceTypeId, Returned};
use std::collections::BTreeSet;

/// What a client asked to see of resources of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// Named in `attributes`, when that was given.
    only: Option<Named>,
    /// Named in `excludedAttributes`.
    except: BTreeSet<AttrId>,
}

/// Attributes asked for, and what stands above them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Named {
    attributes: BTreeSet<AttrId>,
    above: BTreeSet<AttrId>,
}

impl Projection {
    /// Everything that is returned by default.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Compiles the two query parameters. Names have no case and may be
    /// sub-attributes, an extension's URN, or a name with its URN; a filter
    /// behind a name (`emails[type eq "work"]`, as Microsoft's Postman collection
    /// asks) counts for nothing; unknown names are ignored. A parameter without
    /// any name counts as not given.
    ///
    /// RFC 7644 calls the two mutually exclusive but gives no error for both;
    /// what `attributes` selects is then reduced by `excludedAttributes`.
    #[must_use]
    pub fn parse(
        registry: &Registry,
        resource_type: ResourceTypeId,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Self {
        let resolve = |list: &str| {
            let mut ids = BTreeSet::new();
            for name in names(list) {
                let definition = registry.resource_type(resource_type);
                if name.eq_ignore_ascii_case(&definition.schema) {
                    let core = registry.schema(&definition.schema);
                    ids.extend(core.into_iter().flat_map(|schema| &schema.attributes));
                } else {
                    ids.extend(registry.resolve(resource_type, &name));
                }
            }
            ids
        };
        let only = attributes
            .filter(|list| names(list).next().is_some())
            .map(|list| {
                let attributes = resolve(list);
                let above = attributes
                    .iter()
                    .flat_map(|id| registry.lineage(*id).skip(1))
                    .collect();
                Named { attributes, above }
            });
        Self {
            only,
            except: excluded.map(resolve).unwrap_or_default(),
        }
    }

    /// Whether an attribute is in the answer, given that it has a value and that
    /// what it is a part of is in the answer.
    #[must_use]
    pub fn includes(&self, registry: &Registry, id: AttrId) -> bool {
        let attribute = registry.attribute(id);
        match attribute.returned {
            Returned::Never => return false,
            Returned::Always => return true,
            Returned::Default | Returned::Request => {}
        }
        // An extension is no attribute of its own: it is there for what it holds.
        if attribute.is_extension
            && attribute
                .children
                .iter()
                .any(|child| registry.attribute(*child).returned == Returned::Always)
        {
            return true;
        }
        if !self.except.is_empty() && registry.lineage(id).any(|id| self.except.contains(&id)) {
            return false;
        }
        let is_named = |named: &Named| named.attributes.contains(&id) || named.above.contains(&id);
        match &self.only {
            Some(named) if is_named(named) => true,
            _ if attribute.returned == Returned::Request => false,
            Some(named) => registry
                .lineage(id)
                .any(|id| named.attributes.contains(&id)),
            None => true,
        }
    }
}

/// The names in a list, without the filters in them.
fn names(list: &str) -> impl Iterator<Item = String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for c in list.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' if depth > 0 => in_string = !in_string,
            _ if in_string => {}
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            _ if depth == 0 && !c.is_whitespace() => name.push(c),
            _ => {}
        }
    }
    names.push(name);
    names.into_iter().filter(|name| !name.is_empty())
}
