//! The routes: which paths there are, which methods each has and what they do.
//! One table, read by the service and by the tests that go through all of it.

mod operation;
mod table;

pub(crate) use operation::Operation;

use crate::config::is_version;
use percent_encoding::percent_decode_str;
use scim::Error;
use scim::json::Quoted;
use scim::schema::Registry;
use std::borrow::Cow;

/// A path and its methods.
#[derive(Debug)]
pub struct Route {
    /// The path below the base path. A segment in braces stands for any text;
    /// the others are compared without regard to case.
    pub path: Cow<'static, str>,
    /// The methods, as in the header `Allow`.
    pub allow: &'static str,
    /// What each method does; `HEAD` is a `GET`, and `OPTIONS` is everywhere.
    pub(crate) operations: Vec<(&'static str, Operation)>,
}

/// All routes of a service.
#[derive(Debug)]
pub struct Routes {
    /// Those below the base path (RFC 7644 §3.2).
    pub scim: Vec<Route>,
    /// Those below the administrator's path.
    pub admin: Vec<Route>,
    /// Those below the path of the network's questions.
    pub access: Vec<Route>,
}

/// A request's route: what to do, and the texts that stood for the segments in
/// braces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) operation: Operation,
    pub(crate) captures: Vec<String>,
}

use Operation as Op;

impl Routes {
    /// The routes of a service with these resource types.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let of_types = registry.provisioned().flat_map(table::of_type);
        let of_service = table::of_service(registry.core().user);
        Self {
            scim: of_types.chain(of_service).collect(),
            admin: table::of_administrator(),
            access: table::of_access(),
        }
    }
}

impl Route {
    fn new(
        path: impl Into<Cow<'static, str>>,
        allow: &'static str,
        operations: &[(&'static str, Operation)],
    ) -> Self {
        Self {
            path: path.into(),
            allow,
            operations: operations.to_vec(),
        }
    }

    fn operation(&self, method: &str) -> Option<Operation> {
        let mut named = self.operations.iter().filter(|(name, _)| *name == method);
        named.next().map(|(_, operation)| *operation)
    }
}

/// The first route that fits.
///
/// # Errors
/// [`Error::NoEndpoint`], [`Error::MethodNotAllowed`].
pub(crate) fn find(routes: &[Route], method: &str, path: &str) -> Result<Matched, Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Result<Vec<Cow<'_, str>>, _> = path
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8())
        .collect();
    let segments = segments.map_err(|_| Error::NoEndpoint)?;
    let fitting = routes
        .iter()
        .find_map(|route| Some((route, captures(&route.path, &segments)?)));
    let (route, captures) = fitting.ok_or(Error::NoEndpoint)?;
    let operation = match method {
        "OPTIONS" => Some(Op::Options(route.allow)),
        "HEAD" => route.operation("GET"),
        method => route.operation(method),
    };
    let operation = operation.ok_or_else(|| Error::MethodNotAllowed {
        method: Quoted::from(method).to_string(),
        allow: route.allow,
    })?;
    Ok(Matched {
        operation,
        captures,
    })
}

/// The path without the version that a client may name before the endpoint.
///
/// # Errors
/// [`Error::OtherVersion`] (RFC 7644 §3.13: perform it in that version or reject it).
pub(crate) fn without_version(path: &str) -> Result<&str, Error> {
    let below = path.strip_prefix('/').unwrap_or_default();
    let (version, _) = below.split_once('/').unwrap_or((below, ""));
    if !is_version(version) {
        return Ok(path);
    }
    if !version.eq_ignore_ascii_case("v2") {
        return Err(Error::OtherVersion {
            version: Quoted::from(version),
        });
    }
    Ok(below.strip_prefix(version).unwrap_or_default())
}

/// The texts among a path's segments that stand for a pattern's segments in
/// braces, if it fits the pattern. A text is what its percent-encoding says,
/// whatever that is: a slash in it ends no segment. Nothing at all is no text.
fn captures(pattern: &str, segments: &[Cow<'_, str>]) -> Option<Vec<String>> {
    let mut captures = Vec::new();
    let mut segments = segments.iter();
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            captures.push(segment.clone().into_owned());
        } else if !segment.eq_ignore_ascii_case(expected) {
            return None;
        }
    }
    segments.next().is_none().then_some(captures)
}

impl Matched {
    /// Whether it is about the user that the token stands for: an operation on one
    /// resource, at a path that names none.
    pub(crate) fn is_me(&self) -> bool {
        let is_of_one = matches!(
            self.operation,
            Op::Read(_) | Op::Replace(_) | Op::Patch(_) | Op::Delete(_)
        );
        is_of_one && self.captures.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::standard().unwrap()
    }

    #[test]
    fn the_allow_header_names_the_methods() {
        let routes = Routes::new(&registry());
        for route in [&routes.scim, &routes.admin, &routes.access]
            .into_iter()
            .flatten()
        {
            let mut methods = Vec::new();
            for (method, _) in &route.operations {
                methods.push(*method);
                if *method == "GET" {
                    methods.push("HEAD");
                }
            }
            methods.push("OPTIONS");
            assert_eq!(route.allow, methods.join(", "), "{}", route.path);
        }
    }

    #[test]
    fn no_path_is_there_twice() {
        let routes = Routes::new(&registry());
        for table in [&routes.scim, &routes.admin, &routes.access] {
            let mut paths: Vec<_> = table.iter().map(|r| r.path.to_lowercase()).collect();
            paths.sort();
            let all = paths.len();
            paths.dedup();
            assert_eq!(paths.len(), all);
        }
    }

    fn find_scim(method: &str, path: &str) -> Result<Matched, Error> {
        find(&Routes::new(&registry()).scim, method, path)
    }

    fn found(path: &str) -> Option<(Operation, Vec<String>)> {
        let matched = find_scim("GET", path).ok()?;
        Some((matched.operation, matched.captures))
    }

    #[test]
    fn names_have_no_case_and_a_slash_at_the_end_does_not_matter() {
        let list = Op::List(Some(registry().core().user));
        for path in ["/Users", "/users", "/USERS/", "/%55sers"] {
            assert_eq!(found(path), Some((list, vec![])), "{path}");
        }
        for path in ["", "/"] {
            assert_eq!(found(path), Some((Op::List(None), vec![])), "{path}");
        }
    }

    #[test]
    fn an_id_is_any_text() {
        let read = Op::Read(registry().core().user);
        for (path, id) in [
            ("/Users/a", "a"),
            ("/Users/A%2fb", "A/b"),
            ("/users/..", ".."),
            ("/Users/%00", "\0"),
            ("/Users/%C3%A9/", "é"),
            ("/Users/%zz", "%zz"),
        ] {
            let expected = Some((read, vec![id.to_owned()]));
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn what_fits_no_route_is_no_endpoint() {
        for path in [
            "//",
            "/Users//",
            "//Users",
            "/Users/a/b",
            "/User",
            "/Users/%ff",
        ] {
            assert_eq!(find_scim("GET", path), Err(Error::NoEndpoint), "{path}");
        }
    }

    #[test]
    fn a_version_before_the_endpoint_is_2_or_none() {
        for (path, without) in [
            ("/v2/Users", "/Users"),
            ("/V2/Users", "/Users"),
            ("/v2", ""),
            ("/v2/", "/"),
            ("/v2/v1", "/v1"),
            ("/Users/v1", "/Users/v1"),
            ("/v", "/v"),
            ("/v2x/Users", "/v2x/Users"),
            ("/vUsers", "/vUsers"),
            ("", ""),
            ("/", "/"),
        ] {
            assert_eq!(without_version(path), Ok(without), "{path}");
        }
        for path in ["/v1/Users", "/V1", "/v1.1/Users", "/v3/", "/v20/Users"] {
            let refused = without_version(path);
            assert!(matches!(refused, Err(Error::OtherVersion { .. })), "{path}");
        }
    }

    #[test]
    fn options_are_the_methods_there_are() {
        for (path, allow) in [
            ("/Users", "GET, HEAD, POST, OPTIONS"),
            ("/.search", "POST, OPTIONS"),
        ] {
            let matched = find_scim("OPTIONS", path).unwrap();
            assert_eq!(matched.operation, Op::Options(allow));
        }
        assert_eq!(find_scim("OPTIONS", "/None"), Err(Error::NoEndpoint));
    }

    #[test]
    fn another_method_is_not_allowed() {
        for (method, path) in [("DELETE", "/Users"), ("get", "/Users"), ("GET", "/.search")] {
            assert!(matches!(
                find_scim(method, path),
                Err(Error::MethodNotAllowed { .. })
            ));
        }
        assert_eq!(find_scim("HEAD", "/Users"), find_scim("GET", "/Users"));
    }
}
