//! Versions and what a request demands of them: `If-Match` and `If-None-Match`
//! (RFC 7644 §3.14, RFC 9110 §13).
//!
//! A demand is looked at when the resource was found: where the answer would be an
//! error without it, a 404 say, it is ignored (RFC 9110 §13.2.1).

use crate::http::Request;
use crate::token::Digest;
use scim::Error;

/// The entity-tag of a version. Weak: the same version may be written in more
/// than one way, as a projection does.
pub(crate) fn etag(revision: i64) -> String {
    format!("W/\"{revision}\"")
}

/// The entity-tag of a document that has no version, made from its text.
pub(crate) fn content_etag(content: &[u8]) -> String {
    let digest = Digest::of(content).hex();
    let (start, _) = digest.split_at(32);
    format!("W/\"{start}\"")
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
/// A tag without its quotes is taken too, as clients send them. What is no tag is
/// the tag of nothing: an `If-Match` of it lets no write pass.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// The demand of an operation in a bulk request, whose `version` stands for
    /// `If-Match` (RFC 7644 §3.7).
    pub(crate) fn version(version: Option<&str>) -> Self {
        Self {
            if_match: version.map(Tags::read),
            if_none_match: None,
        }
    }

    /// Whether a write may go on that found this revision.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub(crate) fn check(&self, revision: i64) -> Result<(), Error> {
        match self.known(&etag(revision))? {
            true => Err(Error::PreconditionFailed),
            false => Ok(()),
        }
    }

    /// Whether the client has what it reads already. In the order of RFC 9110
    /// §13.2.2: first what must match, then what must not.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`].
    pub(crate) fn known(&self, etag: &str) -> Result<bool, Error> {
        if self.if_match.as_ref().is_some_and(|t| !t.hold(etag)) {
            return Err(Error::PreconditionFailed);
        }
        Ok(self.if_none_match.as_ref().is_some_and(|t| t.hold(etag)))
    }

    /// Whether it demands anything: then what it was checked against must still
    /// be there when the write is made.
    pub(crate) fn is_given(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }
}

impl Tags {
    fn of(request: &Request, name: &str) -> Option<Self> {
        let mut values = request.headers(name);
        let first = values.next()?;
        // Several lines are one list (RFC 9110 §5.3).
        let text = values.fold(first.to_vec(), |mut text, value| {
            text.push(b',');
            text.extend(value);
            text
        });
        Some(Self::read(&String::from_utf8_lossy(&text)))
    }

    fn read(text: &str) -> Self {
        match text.trim() {
            "*" => Self::Any,
            text => Self::Listed(list(text)),
        }
    }

    /// Compared weakly (RFC 9110 §8.8.3.2), in `If-Match` too: RFC 7644 §3.14 wants
    /// weak tags taken there, and all of ours are weak.
    fn hold(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                let ours = list(etag);
                tags.iter().any(|tag| ours.contains(tag))
            }
        }
    }
}

/// The opaque parts of the tags in a list. A comma within quotes is a part of its
/// tag.
fn list(text: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return tags;
        }
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        let quoted = tag.strip_prefix('"').and_then(|tag| tag.split_once('"'));
        let (opaque, after) = quoted.unwrap_or(("", tag));
        let (trail, next) = after.split_once(',').unwrap_or((after, ""));
        match (quoted, trail.trim()) {
            (Some(_), "") => tags.push(opaque.to_owned()),
            (None, bare) if !bare.contains('"') => tags.push(bare.to_owned()),
            _ => {}
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

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
            (&[" * "], true),
            (&[", W/\"6\",, W/\"7\" ,"], true),
            (&["\"6\" ,\t7"], true),
            (&["W/7"], true),
            (&["\"77\", \"\""], false),
            (&[""], false),
            (&["\"6,7\""], false),
            (&["\"6\"7"], false),
            (&["\"7"], false),
            (&["7\""], false),
            (&["\"6\", *"], false),
            (&["\"*\""], false),
            (&["*", "*"], false),
            (&["\u{fffd}"], false),
        ] {
            let wanted = precondition("if-match", values);
            assert_eq!(wanted.check(7).is_ok(), holds, "{values:?}");
            assert_eq!(wanted.known(&etag(7)).is_ok(), holds, "{values:?}");
            let unwanted = precondition("if-none-match", values);
            assert_eq!(unwanted.known(&etag(7)), Ok(holds), "{values:?}");
            assert_eq!(unwanted.check(7).is_err(), holds, "{values:?}");
        }
    }

    #[test]
    fn what_must_match_goes_before_what_must_not() {
        let mut both = precondition("if-match", &["\"6\""]);
        both.if_none_match = Some(Tags::Any);
        assert_eq!(both.known(&etag(7)), Err(Error::PreconditionFailed));
        assert_eq!(both.known(&etag(6)), Ok(true));
    }

    #[test]
    fn the_version_of_an_operation_is_a_tag() {
        for (version, holds) in [
            (Some("W/\"7\""), true),
            (Some("7"), true),
            (Some("W/\"8\""), false),
            (None, true),
        ] {
            let demand = Precondition::version(version);
            assert_eq!(demand.check(7).is_ok(), holds, "{version:?}");
            assert_eq!(demand.is_given(), version.is_some());
        }
    }

    #[test]
    fn a_document_has_the_tag_of_its_text() {
        let tag = content_etag(b"{}");
        assert_eq!(tag, content_etag(b"{}"));
        assert_ne!(tag, content_etag(b"{ }"));
        let known = precondition("if-none-match", &[&tag]);
        assert_eq!(known.known(&tag), Ok(true));
    }

    #[test]
    fn without_a_demand_all_is_well() {
        let none = Precondition::default();
        assert_eq!(none.check(7), Ok(()));
        assert_eq!(none.known(&etag(7)), Ok(false));
    }

    #[test]
    fn what_we_send_is_what_we_take() {
        let tag = etag(42);
        assert_eq!(precondition("if-match", &[&tag]).check(42), Ok(()));
    }

    proptest! {
        #[test]
        fn a_list_of_tags_is_read_back(tags in vec("[!#-~]{0,8}", 0..5), weak in any::<bool>()) {
            let written: Vec<_> = tags
                .iter()
                .map(|tag| format!("{}\"{tag}\"", if weak { "W/" } else { "" }))
                .collect();
            prop_assert_eq!(list(&written.join(", ")), tags);
        }

        #[test]
        fn no_value_is_more_than_a_demand(values in vec(any::<Vec<u8>>(), 0..3)) {
            let headers = values.into_iter().map(|v| ("if-match".to_owned(), v)).collect();
            let precondition = Precondition::of(&Request { headers, ..Request::default() });
            let _ = precondition.check(7);
        }
    }
}
