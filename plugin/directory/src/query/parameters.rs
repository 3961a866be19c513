//! The query parameters of RFC 7644 §3.4.2 and §3.9. Unknown ones are ignored:
//! Entra ID leaves flags of its own in the tenant's URL.

use percent_encoding::percent_decode;
use scim::Error;
use scim::projection::Projection;
use scim::schema::{Registry, ResourceTypeId};
use std::borrow::Cow;

/// The parameters of a request, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) filter: Option<String>,
    pub(crate) start_index: Option<i64>,
    pub(crate) count: Option<i64>,
    pub(crate) attributes: Option<String>,
    pub(crate) excluded_attributes: Option<String>,
}

impl Parameters {
    /// Reads what stands behind the `?`. A blank may come as `+` or `%20`, and
    /// quotes may come as they are.
    ///
    /// # Errors
    /// [`Error::BadParameter`] for one that comes twice, is no text, or no number
    /// where a number is due.
    pub(crate) fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Ok(name) = decode("", name) else { continue };
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("filter") {
                once(&mut parameters.filter, "filter", text(value))?;
            } else if is("startIndex") {
                once(&mut parameters.start_index, "startIndex", number(value))?;
            } else if is("count") {
                once(&mut parameters.count, "count", number(value))?;
            } else if is("attributes") {
                once(&mut parameters.attributes, "attributes", text(value))?;
            } else if is("excludedAttributes") {
                let name = "excludedAttributes";
                once(&mut parameters.excluded_attributes, name, text(value))?;
            }
        }
        Ok(parameters)
    }

    /// What the client wants to see of a resource (RFC 7644 §3.9).
    pub(crate) fn projection(
        &self,
        registry: &Registry,
        resource_type: ResourceTypeId,
    ) -> Projection {
        Projection::parse(
            registry,
            resource_type,
            self.attributes.as_deref(),
            self.excluded_attributes.as_deref(),
        )
    }
}

/// Whether there is a filter, good or not.
pub(crate) fn names_filter(query: &str) -> bool {
    query.split('&').any(|pair| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        decode("", name).is_ok_and(|name| name.eq_ignore_ascii_case("filter"))
    })
}

/// Reads a value for the parameter of a given name.
type Read<'q, T> = Box<dyn FnOnce(&str) -> Result<T, Error> + 'q>;

fn once<T>(place: &mut Option<T>, name: &str, read: Read<'_, T>) -> Result<(), Error> {
    if place.is_some() {
        return Err(bad(name, "is given twice"));
    }
    *place = Some(read(name)?);
    Ok(())
}

fn text(value: &str) -> Read<'_, String> {
    Box::new(move |name| decode(name, value))
}

/// A whole number; one that is too large for the machine counts as the largest.
fn number(value: &str) -> Read<'_, i64> {
    Box::new(move |name| {
        let text = decode(name, value)?;
        let text = text.trim();
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad(name, "must be a whole number"));
        }
        let largest = if text.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        Ok(text.parse().unwrap_or(largest))
    })
}

fn decode(name: &str, value: &str) -> Result<String, Error> {
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let escape = rest.get(at + 1..at + 3).unwrap_or_default();
        if escape.len() < 2 || !escape.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad(name, "holds a \"%\" that begins no escape"));
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    let blanks = value.replace('+', " ");
    percent_decode(blanks.as_bytes())
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| bad(name, "is not UTF-8"))
}

fn bad(name: &str, reason: &str) -> Error {
    Error::BadParameter {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Option<String> {
        Parameters::parse(query).unwrap().filter
    }

    #[test]
    fn blanks_and_quotes_come_in_every_way() {
        let expected = Some("userName eq \"a b+c\"".to_owned());
        for query in [
            "filter=userName+eq+%22a+b%2Bc%22",
            "filter=userName%20eq%20\"a%20b%2bc\"",
            "aadOptscim062020&FILTER=userName eq \"a b%2Bc\"&x=%",
        ] {
            assert_eq!(filter(query), expected, "{query}");
        }
    }

    #[test]
    fn numbers_beyond_the_machine_are_the_largest() {
        let parameters = Parameters::parse("startIndex=-9&count=99999999999999999999").unwrap();
        assert_eq!(parameters.start_index, Some(-9));
        assert_eq!(parameters.count, Some(i64::MAX));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for query in [
            "count=ten",
            "count=",
            "count=1.5",
            "filter=%zz",
            "filter=%f",
            "filter=%ff",
            "filter=a&filter=b",
            "count=1&count=1",
        ] {
            assert!(Parameters::parse(query).is_err(), "{query}");
        }
    }
}
