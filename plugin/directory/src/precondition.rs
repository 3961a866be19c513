//! Versions and what a request demands of them: `If-Match` and `If-None-Match`
//! (RFC 7644 §3.14, RFC 9110 §13.1).

use crate::http::Request;
use scim::Error;

/// The entity-tag of a version. Weak: the same version may be written in more
/// than one way, as a projection does.
pub(crate) fn etag(revision: i64) -> String {
    format!("W/\"{revision}\"")
}

/// What a request demands of the version that it meets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// ```text
/// Tags = "*" / 1#( [ "W/" ] DQUOTE *etagc DQUOTE )
/// ```
///
/// A tag without its quotes is taken too, as clients send them.
#[derive(Clone, Debug)]
enum Tags {
    Any,
    Listed(Vec<String>),
}

impl Precondition {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            if_match: Tags::of(request, "if-match"),
            if_none_match: Tags::of(request, "if-none-match"),
        }
    }

    /// Whether a write may go on that found this revision.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub(crate) fn check(&self, revision: i64) -> Result<(), Error> {
        let wrong = self.if_match.as_ref().is_some_and(|t| !t.hold(revision));
        if wrong || self.not_modified(revision) {
            return Err(Error::PreconditionFailed);
        }
        Ok(())
    }

    /// Whether it demands anything: then what it was checked against must still
    /// be there when the write is made.
    pub(crate) fn is_given(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Whether the client has this revision already, as `If-None-Match` says.
    pub(crate) fn not_modified(&self, revision: i64) -> bool {
        let known = self.if_none_match.as_ref();
        known.is_some_and(|tags| tags.hold(revision))
    }
}

impl Tags {
    fn of(request: &Request, name: &str) -> Option<Self> {
        let mut any = false;
        let mut listed = None;
        for value in request.headers(name) {
            let tags: &mut Vec<String> = listed.get_or_insert_default();
            for tag in String::from_utf8_lossy(value).split(',') {
                let tag = tag.trim();
                let opaque = tag.strip_prefix("W/").unwrap_or(tag);
                any |= tag == "*";
                tags.push(opaque.trim_matches('"').to_owned());
            }
        }
        if any {
            Some(Self::Any)
        } else {
            listed.map(Self::Listed)
        }
    }

    /// Compared weakly (RFC 9110 §8.8.3.2), for all our tags are weak. A comma
    /// within a tag is nothing to care for: ours have none.
    fn hold(&self, revision: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                let ours = revision.to_string();
                tags.contains(&ours)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(name: &str, values: &[&str]) -> Precondition {
        Precondition::of(&Request {
            headers: values
                .iter()
                .map(|v| (name.to_owned(), v.as_bytes().to_vec()))
                .collect(),
            ..Request::default()
        })
    }

    #[test]
    fn tags_are_listed_weak_strong_or_bare() {
        for (values, holds) in [
            (&["W/\"7\""][..], true),
            (&["\"7\""], true),
            (&["7"], true),
            (&["*"], true),
            (&["\"6\", W/\"7\""], true),
            (&["\"6\"", "\"7\""], true),
            (&["W/\"8\""], false),
            (&["w/\"7\""], false),
            (&["\"77\", \"\""], false),
            (&[""], false),
        ] {
            let wanted = precondition("if-match", values).check(7);
            assert_eq!(wanted.is_ok(), holds, "{values:?}");
            let known = precondition("if-none-match", values);
            assert_eq!(known.not_modified(7), holds, "{values:?}");
            assert_eq!(known.check(7).is_err(), holds, "{values:?}");
        }
    }

    #[test]
    fn without_a_demand_all_is_well() {
        let none = Precondition::default();
        assert_eq!(none.check(7), Ok(()));
        assert!(!none.not_modified(7));
    }

    #[test]
    fn what_we_send_is_what_we_take() {
        let tag = etag(42);
        assert_eq!(precondition("if-match", &[&tag]).check(42), Ok(()));
    }
}
