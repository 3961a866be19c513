//! Media types: what a client accepts and what it sends (RFC 7644 §3.1, RFC 9110
//! §12.5.1). Every SCIM answer is `application/scim+json`, whichever of the two types
//! the client asks for.

use crate::http::Request;
use scim::Error;

/// The type of all SCIM messages.
pub(crate) const SCIM_JSON: &str = "application/scim+json";
/// The type of the administrator's answers.
pub(crate) const JSON: &str = "application/json";

/// Refuses a client that accepts neither type.
pub(crate) fn accept(request: &Request) -> Result<(), Error> {
    let mut ranges = Vec::new();
    for value in request.headers("accept") {
        let value = std::str::from_utf8(value).map_err(|_| Error::NotAcceptable)?;
        let elements = split(value, ',');
        ranges.extend(elements.filter(|e| !e.is_empty()).map(MediaRange::parse));
    }
    let acceptable = |name| {
        // RFC 9110 §12.5.1: of the ranges that match, the most specific counts.
        let matching = ranges
            .iter()
            .filter_map(|r| Some((r.specificity(name)?, r)));
        matching
            .max_by_key(|(specificity, _)| *specificity)
            .is_some_and(|(_, range)| range.wanted)
    };
    if ranges.is_empty() || acceptable(SCIM_JSON) || acceptable(JSON) {
        return Ok(());
    }
    Err(Error::NotAcceptable)
}

/// Refuses a body of another type, or an encoded one. A missing header says nothing against it, and
/// parameters say nothing: JSON is UTF-8 (RFC 8259 §8.1). Where the header comes
/// twice, in two lines or, as some proxies join them, in one, each has to do.
pub(crate) fn content_type(request: &Request) -> Result<(), Error> {
    let identity = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
    if !request.headers("content-encoding").all(identity) {
        return Err(Error::UnsupportedEncoding);
    }
    for value in request.headers("content-type") {
        let value = std::str::from_utf8(value).map_err(|_| Error::UnsupportedMediaType)?;
        for element in split(value, ',') {
            let name = split(element, ';').next().unwrap_or_default();
            if !["", SCIM_JSON, JSON]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
            {
                return Err(Error::UnsupportedMediaType);
            }
        }
    }
    Ok(())
}

/// ```text
/// media-range = ( "*/*" / ( type "/" "*" ) / ( type "/" subtype ) ) parameters
/// ```
struct MediaRange<'a> {
    name: &'a str,
    /// Whether its weight is above zero.
    wanted: bool,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = split(text, ';');
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case("q")
                .then(|| value.trim().parse::<f32>().ok())?
        });
        Self {
            name,
            wanted: weight.is_none_or(|weight| weight > 0.0),
        }
    }

    /// How closely it describes a media type, if it does.
    fn specificity(&self, name: &str) -> Option<u8> {
        if self.name.eq_ignore_ascii_case(name) {
            Some(2)
        } else if self.name.eq_ignore_ascii_case("application/*") {
            Some(1)
        } else if matches!(self.name, "*/*" | "*") {
            Some(0)
        } else {
            None
        }
    }
}

/// The parts of a list, trimmed. A separator within a quoted string separates
/// nothing (RFC 9110 §5.6.4).
pub(crate) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c| {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return false;
        }
        quoted = c == '"';
        c == separator
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, values: &[&str]) -> Request {
        Request {
            headers: values
                .iter()
                .map(|v| (name.to_owned(), v.as_bytes().to_vec()))
                .collect(),
            ..Request::default()
        }
    }

    #[test]
    fn acceptable_is_what_allows_one_of_the_two_types() {
        for (values, acceptable) in [
            (&[][..], true),
            (&[""], true),
            (&["*/*"], true),
            (&["*"], true),
            (&["application/*"], true),
            (&["application/scim+json"], true),
            (&["Application/JSON"], true),
            (&["application/scim+json; charset=utf-8"], true),
            (&["application/json;q=0.5, text/html"], true),
            (&["text/html, image/gif, *; q=.2, */*; q=.2"], true),
            (&["text/html", "application/json"], true),
            (&["text/html;x=\"a,application/json\""], false),
            (&["text/html"], false),
            (&["text/*"], false),
            (&["application/xml"], false),
            (&["application/json;q=0"], false),
            (&["application/json;q=0, application/scim+json"], true),
            (&["*/*;q=0"], false),
            (
                &["*/*, application/json;q=0, application/scim+json; Q=0.0"],
                false,
            ),
            (&["*/*;q=0, application/json"], true),
        ] {
            let result = accept(&request("accept", values));
            assert_eq!(result.is_ok(), acceptable, "{values:?}");
        }
    }

    #[test]
    fn a_body_is_json_by_either_name() {
        assert_eq!(content_type(&Request::default()), Ok(()));
        for (value, supported) in [
            ("", true),
            ("application/scim+json", true),
            ("application/json", true),
            ("APPLICATION/SCIM+JSON ; charset=\"utf-8\"", true),
            ("application/json;charset=utf-8", true),
            ("application/json;charset=\"a,b;c\"; odd", true),
            (
                "application/json,application/scim+json; charset=utf-8",
                true,
            ),
            ("application/json, text/plain", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonx", false),
            ("json", false),
        ] {
            let result = content_type(&request("content-type", &[value]));
            assert_eq!(result.is_ok(), supported, "{value}");
        }
        let twice = request("content-type", &["application/json", "text/plain"]);
        assert_eq!(content_type(&twice), Err(Error::UnsupportedMediaType));
    }

    #[test]
    fn a_body_comes_as_it_is() {
        assert_eq!(
            content_type(&request("content-encoding", &["Identity"])),
            Ok(())
        );
        for coding in ["gzip", "identity, gzip", ""] {
            let refused = content_type(&request("content-encoding", &[coding]));
            assert_eq!(refused, Err(Error::UnsupportedEncoding), "{coding}");
        }
    }
}
