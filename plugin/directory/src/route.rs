//! The routes: which paths there are, which methods each has and what they do.
//! One table, read by the service and by the tests that go through all of it.

use percent_encoding::percent_decode_str;
use scim::Error;

/// A path and its methods.
#[derive(Debug)]
pub struct Route {
    /// The path below the base path. A segment in braces stands for any text;
    /// the others are compared without regard to case.
    pub path: &'static str,
    /// The methods, as in the header `Allow`.
    pub allow: &'static str,
    /// What each method does; `HEAD` is a `GET`.
    pub(crate) operations: &'static [(&'static str, Operation)],
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    CreateGroup,
    CreateTenant,
    CreateToken,
    CreateUser,
    DeleteGroup,
    DeleteToken,
    DeleteUser,
    ListGroups,
    ListTenants,
    ListTokens,
    ListUsers,
    NotImplemented(&'static str),
    PatchGroup,
    PatchUser,
    ReadGroup,
    ReadUser,
    ReplaceGroup,
    ReplaceUser,
    ResourceType,
    ResourceTypes,
    Schema,
    Schemas,
    ServiceProviderConfig,
}

/// A request's route: what to do, and the texts that stood for the segments in
/// braces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) operation: Operation,
    pub(crate) captures: Vec<String>,
}

use Operation as Op;

/// The routes below the base path (RFC 7644 §3.2).
pub const SCIM: &[Route] = &[
    Route {
        path: "/Users",
        allow: "GET, HEAD, POST",
        operations: &[("GET", Op::ListUsers), ("POST", Op::CreateUser)],
    },
    Route {
        path: "/Users/.search",
        allow: "POST",
        operations: &[("POST", Op::NotImplemented("Search by POST"))],
    },
    Route {
        path: "/Users/{id}",
        allow: "GET, HEAD, PUT, PATCH, DELETE",
        operations: &[
            ("GET", Op::ReadUser),
            ("PUT", Op::ReplaceUser),
            ("PATCH", Op::PatchUser),
            ("DELETE", Op::DeleteUser),
        ],
    },
    Route {
        path: "/Groups",
        allow: "GET, HEAD, POST",
        operations: &[("GET", Op::ListGroups), ("POST", Op::CreateGroup)],
    },
    Route {
        path: "/Groups/.search",
        allow: "POST",
        operations: &[("POST", Op::NotImplemented("Search by POST"))],
    },
    Route {
        path: "/Groups/{id}",
        allow: "GET, HEAD, PUT, PATCH, DELETE",
        operations: &[
            ("GET", Op::ReadGroup),
            ("PUT", Op::ReplaceGroup),
            ("PATCH", Op::PatchGroup),
            ("DELETE", Op::DeleteGroup),
        ],
    },
    Route {
        path: "/ServiceProviderConfig",
        allow: "GET, HEAD",
        operations: &[("GET", Op::ServiceProviderConfig)],
    },
    Route {
        path: "/ResourceTypes",
        allow: "GET, HEAD",
        operations: &[("GET", Op::ResourceTypes)],
    },
    Route {
        path: "/ResourceTypes/{name}",
        allow: "GET, HEAD",
        operations: &[("GET", Op::ResourceType)],
    },
    Route {
        path: "/Schemas",
        allow: "GET, HEAD",
        operations: &[("GET", Op::Schemas)],
    },
    Route {
        path: "/Schemas/{urn}",
        allow: "GET, HEAD",
        operations: &[("GET", Op::Schema)],
    },
    Route {
        path: "/.search",
        allow: "POST",
        operations: &[("POST", Op::NotImplemented("Search by POST"))],
    },
    Route {
        path: "/Bulk",
        allow: "POST",
        operations: &[("POST", Op::NotImplemented("Bulk"))],
    },
    Route {
        path: "/Me",
        allow: "GET, HEAD, POST, PUT, PATCH, DELETE",
        operations: &[
            ("GET", Op::NotImplemented("/Me")),
            ("POST", Op::NotImplemented("/Me")),
            ("PUT", Op::NotImplemented("/Me")),
            ("PATCH", Op::NotImplemented("/Me")),
            ("DELETE", Op::NotImplemented("/Me")),
        ],
    },
];

/// The routes below the administrator's path.
pub const ADMIN: &[Route] = &[
    Route {
        path: "/tenants",
        allow: "GET, HEAD, POST",
        operations: &[("GET", Op::ListTenants), ("POST", Op::CreateTenant)],
    },
    Route {
        path: "/tenants/{tenant}/tokens",
        allow: "GET, HEAD, POST",
        operations: &[("GET", Op::ListTokens), ("POST", Op::CreateToken)],
    },
    Route {
        path: "/tenants/{tenant}/tokens/{id}",
        allow: "DELETE",
        operations: &[("DELETE", Op::DeleteToken)],
    },
];

/// The first route that fits.
///
/// # Errors
/// [`Error::NoEndpoint`], [`Error::MethodNotAllowed`].
pub(crate) fn find(routes: &'static [Route], method: &str, path: &str) -> Result<Matched, Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let fitting = routes
        .iter()
        .find_map(|r| Some((r, captures(r.path, path)?)));
    let (route, captures) = fitting.ok_or(Error::NoEndpoint)?;
    let as_get = if method == "HEAD" { "GET" } else { method };
    let found = route.operations.iter().find(|(name, _)| *name == as_get);
    let (_, operation) = found.ok_or_else(|| Error::MethodNotAllowed {
        method: scim::json::Quoted::from(method).to_string(),
        allow: route.allow,
    })?;
    Ok(Matched {
        operation: *operation,
        captures,
    })
}

/// The texts in a path that stand for a pattern's segments in braces, if it fits
/// the pattern. A text is what its percent-encoding says, whatever that is: a
/// slash in it ends no segment. Nothing at all is no text.
fn captures(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut captures = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = percent_decode_str(segments.next()?).decode_utf8().ok()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            captures.push(segment.into_owned());
        } else if !segment.eq_ignore_ascii_case(expected) {
            return None;
        }
    }
    segments.next().is_none().then_some(captures)
}

impl Operation {
    /// What metrics and log call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateGroup => "group.create",
            Self::CreateTenant => "tenant.create",
            Self::CreateToken => "token.create",
            Self::CreateUser => "user.create",
            Self::DeleteGroup => "group.delete",
            Self::DeleteToken => "token.delete",
            Self::DeleteUser => "user.delete",
            Self::ListGroups => "group.list",
            Self::ListTenants => "tenant.list",
            Self::ListTokens => "token.list",
            Self::ListUsers => "user.list",
            Self::NotImplemented(_) => "unsupported",
            Self::PatchGroup => "group.patch",
            Self::PatchUser => "user.patch",
            Self::ReadGroup => "group.read",
            Self::ReadUser => "user.read",
            Self::ReplaceGroup => "group.replace",
            Self::ReplaceUser => "user.replace",
            Self::ResourceType
            | Self::ResourceTypes
            | Self::Schema
            | Self::Schemas
            | Self::ServiceProviderConfig => "discovery",
        }
    }

    /// Whether it changes what is stored.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::CreateGroup
            | Self::CreateTenant
            | Self::CreateToken
            | Self::CreateUser
            | Self::DeleteGroup
            | Self::DeleteToken
            | Self::DeleteUser
            | Self::PatchGroup
            | Self::PatchUser
            | Self::ReplaceGroup
            | Self::ReplaceUser => true,
            Self::ListGroups
            | Self::ListTenants
            | Self::ListTokens
            | Self::ListUsers
            | Self::NotImplemented(_)
            | Self::ReadGroup
            | Self::ReadUser
            | Self::ResourceType
            | Self::ResourceTypes
            | Self::Schema
            | Self::Schemas
            | Self::ServiceProviderConfig => false,
        }
    }

    /// Whether it takes a body.
    pub(crate) fn has_body(self) -> bool {
        self.writes()
            && !matches!(
                self,
                Self::DeleteGroup | Self::DeleteToken | Self::DeleteUser
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allow_header_names_the_methods() {
        for route in SCIM.iter().chain(ADMIN) {
            let mut methods = Vec::new();
            for (method, _) in route.operations {
                methods.push(*method);
                if *method == "GET" {
                    methods.push("HEAD");
                }
            }
            assert_eq!(route.allow, methods.join(", "), "{}", route.path);
        }
    }

    fn found(path: &str) -> Option<(Operation, Vec<String>)> {
        let matched = find(SCIM, "GET", path).ok()?;
        Some((matched.operation, matched.captures))
    }

    #[test]
    fn names_have_no_case_and_a_slash_at_the_end_does_not_matter() {
        for path in ["/Users", "/users", "/USERS/", "/%55sers"] {
            assert_eq!(found(path), Some((Op::ListUsers, vec![])), "{path}");
        }
    }

    #[test]
    fn an_id_is_any_text() {
        for (path, id) in [
            ("/Users/a", "a"),
            ("/Users/A%2fb", "A/b"),
            ("/users/..", ".."),
            ("/Users/%00", "\0"),
            ("/Users/%C3%A9/", "é"),
            ("/Users/%zz", "%zz"),
        ] {
            let expected = Some((Op::ReadUser, vec![id.to_owned()]));
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn what_fits_no_route_is_no_endpoint() {
        for path in [
            "",
            "/",
            "//",
            "/Users//",
            "//Users",
            "/Users/a/b",
            "/User",
            "/Users/%ff",
        ] {
            assert_eq!(find(SCIM, "GET", path), Err(Error::NoEndpoint), "{path}");
        }
    }

    #[test]
    fn another_method_is_not_allowed() {
        for (method, path) in [("DELETE", "/Users"), ("get", "/Users"), ("GET", "/.search")] {
            assert!(matches!(
                find(SCIM, method, path),
                Err(Error::MethodNotAllowed { .. })
            ));
        }
        assert_eq!(find(SCIM, "HEAD", "/Users"), find(SCIM, "GET", "/Users"));
    }
}
