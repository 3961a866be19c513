//! Which attributes an answer holds (RFC 7644 §3.9).

use crate::gather::Gather as _;
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

    /// Whether neither parameter was given.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.only.is_none() && self.except.is_empty()
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
                    .gather();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::any;
    use crate::resource::{Resource, to_client};
    use crate::schema::fixture::{EXTENSION, REGISTRY};
    use crate::schema::{ENTERPRISE_USER, USER};
    use proptest::prelude::*;

    /// Whether the user attribute `path` is in the answer, parents included.
    fn shows(attributes: Option<&str>, excluded: Option<&str>, path: &str) -> bool {
        let user = REGISTRY.core().user;
        let projection = Projection::parse(&REGISTRY, user, attributes, excluded);
        let id = REGISTRY.resolve(user, path).unwrap();
        REGISTRY
            .lineage(id)
            .all(|id| projection.includes(&REGISTRY, id))
    }

    fn extension(name: &str) -> String {
        format!("{EXTENSION}:{name}")
    }

    #[test]
    fn by_default_all_but_never_and_request() {
        assert!(shows(None, None, "name.givenName"));
        assert!(shows(None, None, "meta.version"));
        assert!(!shows(None, None, "password"));
        assert!(!shows(None, None, &extension("secret")));
        assert!(!shows(None, None, &extension("costly")));
    }

    #[test]
    fn attributes_select_and_id_stays() {
        let asked = Some("USERNAME , emails.value");
        assert!(shows(asked, None, "userName"));
        assert!(shows(asked, None, "emails.value"));
        assert!(shows(asked, None, "id"));
        assert!(!shows(asked, None, "emails.type"));
        assert!(!shows(asked, None, "meta.created"));
        assert!(!shows(asked, None, "displayName"));
        assert!(shows(Some("emails"), None, "emails.type"));
    }

    #[test]
    fn excluded_attributes_go_but_not_the_id() {
        let excluded = Some("id,userName,name.givenName,meta");
        assert!(shows(None, excluded, "id"));
        assert!(!shows(None, excluded, "userName"));
        assert!(!shows(None, excluded, "name.givenName"));
        assert!(shows(None, excluded, "name.familyName"));
        assert!(!shows(None, excluded, "meta.created"));
    }

    #[test]
    fn extensions_are_named_by_urn() {
        let department = format!("{ENTERPRISE_USER}:department");
        let manager = format!("{ENTERPRISE_USER}:manager.value");
        assert!(shows(Some(&department), None, &department));
        assert!(!shows(Some(&department), None, &manager));
        assert!(shows(Some(ENTERPRISE_USER), None, &manager));
        assert!(!shows(None, Some(ENTERPRISE_USER), &manager));
        assert!(shows(Some(USER), None, "name.givenName"));
        assert!(!shows(Some(USER), None, &department));
    }

    #[test]
    fn what_is_returned_on_request_needs_its_own_name() {
        assert!(shows(
            Some(&extension("costly")),
            None,
            &extension("costly")
        ));
        assert!(!shows(Some(EXTENSION), None, &extension("costly")));
        assert!(!shows(
            Some(&extension("box")),
            None,
            &extension("box.costly")
        ));
        let named = extension("box.costly");
        assert!(shows(Some(&named), None, &named));
    }

    #[test]
    fn an_attribute_of_an_extension_that_is_always_returned_stays() {
        assert!(shows(Some("userName"), None, &extension("always")));
        assert!(shows(None, Some(EXTENSION), &extension("always")));
        assert!(!shows(None, Some(EXTENSION), &extension("count")));
    }

    #[test]
    fn a_filter_behind_a_name_counts_for_nothing() {
        let filtered = Some(r#"emails[type eq "a,]\"" and value pr].value,title"#);
        assert!(shows(filtered, None, "emails.value"));
        assert!(!shows(filtered, None, "emails.type"));
        assert!(shows(filtered, None, "title"));
        assert!(shows(
            Some(r#"emails[type eq "work"]"#),
            None,
            "emails.type"
        ));
    }

    #[test]
    fn unknown_names_select_nothing_and_no_names_are_no_parameter() {
        assert!(!shows(Some("hobbies"), None, "userName"));
        assert!(shows(Some("hobbies"), None, "id"));
        assert!(shows(Some(" , "), Some(""), "userName"));
    }

    #[test]
    fn of_both_parameters_both_count() {
        let both = |path| shows(Some("userName,name"), Some("name.givenName"), path);
        assert!(both("userName"));
        assert!(both("name.familyName"));
        assert!(!both("name.givenName"));
        assert!(!both("title"));
    }

    /// Lists of real names, sub-attributes and junk.
    fn list() -> impl Strategy<Value = String> {
        let definition = REGISTRY.resource_type(REGISTRY.core().user);
        let mut paths = vec!["hobbies".to_owned(), "[".to_owned(), USER.to_owned()];
        let mut ids = definition.attributes.clone();
        while let Some(id) = ids.pop() {
            paths.push(REGISTRY.path(id));
            ids.extend(&REGISTRY.attribute(id).children);
        }
        let some = proptest::collection::vec(proptest::sample::select(paths), 0..5);
        some.prop_map(|paths| paths.join(","))
    }

    fn has(resource: &Resource, shown: &serde_json::Value, path: &[&str]) -> (bool, bool) {
        let container = REGISTRY.top(resource.resource_type, path[0]).unwrap();
        let id = path
            .iter()
            .skip(1)
            .fold(container, |id, name| REGISTRY.child(id, name).unwrap());
        let in_resource = resource.get(container).is_some_and(|v| {
            path.len() == 1 || v.as_complex().is_some_and(|c| c.get(id).is_some())
        });
        let mut at = Some(shown);
        for name in path {
            at = at.and_then(|v| v.get(name));
        }
        (in_resource, at.is_some())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn never_leaks_and_always_stays(
            resource in any::resource(REGISTRY.core().user),
            attributes in proptest::option::of(list()),
            excluded in proptest::option::of(list()),
        ) {
            let projection = Projection::parse(
                &REGISTRY, resource.resource_type, attributes.as_deref(), excluded.as_deref(),
            );
            let bytes = to_client(&REGISTRY, &resource, &projection);
            let shown: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert!(!has(&resource, &shown, &["password"]).1);
            prop_assert!(!has(&resource, &shown, &[EXTENSION, "secret"]).1);
            if let Some(boxes) = shown[EXTENSION]["box"].as_array() {
                prop_assert!(boxes.iter().all(|b| b.get("hidden").is_none()));
            }
            let (is_there, is_shown) = has(&resource, &shown, &["id"]);
            prop_assert_eq!(is_there, is_shown);
            let (is_there, is_shown) = has(&resource, &shown, &[EXTENSION, "always"]);
            prop_assert_eq!(is_there, is_shown);
            let is_named = attributes.is_some_and(|list| list.contains("costly"));
            prop_assert!(is_named || !has(&resource, &shown, &[EXTENSION, "costly"]).1);
        }
    }
}
