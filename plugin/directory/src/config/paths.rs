//! Which paths are ours: the base path, its aliases, the administrator's.

use super::{BasePath, Config, types};

/// A target, seen from where SCIM is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Below<'t> {
    /// The path below, with the query.
    pub(crate) target: &'t str,
    /// Whether the path above names the version of the protocol, so that the path
    /// below cannot (RFC 7644 §3.13).
    pub(crate) versioned: bool,
}

impl Config {
    /// Whether the service answers what is at this path (with or without query,
    /// as sent). What it does not answer is somebody else's.
    #[must_use]
    pub fn handles(&self, path: &[u8]) -> bool {
        self.base_path.contains(path)
            || self.admin_path.contains(path)
            || self.access_path.contains(path)
            || self
                .aliases()
                .any(|alias| types::rest(alias, path).is_some())
    }

    /// What follows the base path in a target, or else one of its aliases; nothing
    /// where SCIM is not.
    pub(crate) fn scim<'p>(&self, target: &'p str) -> Option<Below<'p>> {
        if let Some(rest) = self.base_path.below(target) {
            return Some(Below {
                target: rest,
                versioned: self.base_path.names_version(),
            });
        }
        // Below an alias there may be the other interfaces.
        let others = [&self.admin_path, &self.access_path];
        if others.iter().any(|path| path.contains(target.as_bytes())) {
            return None;
        }
        let rest = self
            .aliases()
            .find_map(|alias| types::below(alias, target))?;
        Some(Below {
            target: rest,
            versioned: false,
        })
    }

    fn aliases(&self) -> impl Iterator<Item = &str> {
        let given = self.base_path_aliases.iter().flatten();
        let parent = match self.base_path_aliases {
            Some(_) => None,
            None => self.base_path.unversioned(),
        };
        given.map(BasePath::as_str).chain(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_told_by_whole_segments() {
        let config = Config::default();
        for path in [
            "/scim/v2",
            "/scim/v2/",
            "/scim/v2/Users",
            "/scim/v2?x",
            "/scim",
            "/scim/Users",
            "/scim/v1/Users",
            "/%73cim/%76%32/Users",
            "/admin/v1/tenants",
        ] {
            assert!(config.handles(path.as_bytes()), "{path}");
        }
        for path in [
            "/scimv2",
            "/scim%",
            "/scim%2",
            "/",
            "",
            "/Scim/v2",
            "/x/scim/v2",
            "/scim%2Fv2",
        ] {
            assert!(!config.handles(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn an_alias_stands_for_the_base_path() {
        let config = |text: &str| Config::from_json(text.as_bytes()).unwrap();
        let below = |target, versioned| Some(Below { target, versioned });
        for (json, target, expected) in [
            ("{}", "/scim/v2/Users?x", below("/Users?x", true)),
            ("{}", "/scim/v2", below("", true)),
            ("{}", "/scim/Users", below("/Users", false)),
            ("{}", "/scim/v1/Users", below("/v1/Users", false)),
            ("{}", "/%73cim/v2/%55sers", below("/%55sers", true)),
            ("{}", "/admin/v1/tenants", None),
            (r#"{"base_path_aliases":[]}"#, "/scim/Users", None),
            (
                r#"{"base_path_aliases":["/x","/y"]}"#,
                "/y/a",
                below("/a", false),
            ),
            (
                r#"{"base_path":"/eu/scim/v2"}"#,
                "/eu/scim/a",
                below("/a", false),
            ),
            (r#"{"base_path":"/api/v2"}"#, "/api/a", None),
            (
                r#"{"base_path":"/scim"}"#,
                "/scim/v2/a",
                below("/v2/a", false),
            ),
            (
                r#"{"base_path":"/scim/v2.0"}"#,
                "/scim/v2.0/a",
                below("/a", true),
            ),
            (r#"{"admin_path":"/scim/ops"}"#, "/scim/ops/a", None),
            (
                r#"{"admin_path":"/scim/ops"}"#,
                "/scim/opsx",
                below("/opsx", false),
            ),
        ] {
            let config = config(json);
            assert_eq!(config.scim(target), expected, "{json} {target}");
            let is_admin = config.admin_path.contains(target.as_bytes());
            let handled = config.handles(target.as_bytes());
            assert_eq!(handled, expected.is_some() || is_admin, "{json} {target}");
        }
    }
}
