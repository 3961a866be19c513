//! The query parameters of RFC 7644 §3.4.2 and §3.9 and RFC 9865 §2 in a URL.
//! Unknown ones are ignored: Entra ID leaves flags of its own in the tenant's URL.

use percent_encoding::percent_decode;
use scim::Error;
use scim::search::{Parameter, SearchRequest};
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How many characters of the name of a parameter are shown that is not known.
const SHOWN: usize = 40;

/// Reads those of some parameters that stand behind the `?`. A blank may come as
/// `+` or `%20`, and quotes may come as they are.
///
/// # Errors
/// [`Error::BadParameter`] or [`Error::BadCount`] for one that comes twice, is no
/// text, or is none of the values that it may have.
pub(crate) fn parse(query: &str, wanted: &[Parameter]) -> Result<SearchRequest, Error> {
    let mut request = SearchRequest::default();
    let mut given = Vec::new();
    for (name, value) in pairs(query) {
        let Some(parameter) = named(name).filter(|parameter| wanted.contains(parameter)) else {
            continue;
        };
        if given.contains(&parameter) {
            return Err(parameter.refuse("is given twice"));
        }
        given.push(parameter);
        let text = decode(value).map_err(|reason| parameter.refuse(reason))?;
        request.set(parameter, text)?;
    }
    Ok(request)
}

/// The text of a parameter that is none of SCIM's, if it is given.
///
/// # Errors
/// [`Error::BadParameter`] for one that comes twice or is no text.
pub(crate) fn text(query: &str, wanted: &str) -> Result<Option<String>, Error> {
    let refuse = |reason: &str| Error::BadParameter {
        name: wanted.to_owned(),
        reason: reason.to_owned(),
    };
    let mut given = pairs(query).filter(|(name, _)| *name == wanted);
    let Some((_, value)) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(refuse("is given twice"));
    }
    decode(value).map(Some).map_err(refuse)
}

/// A whole number within bounds, if it is given.
///
/// # Errors
/// [`Error::BadParameter`].
pub(crate) fn number<N>(
    query: &str,
    name: &str,
    bounds: RangeInclusive<N>,
) -> Result<Option<N>, Error>
where
    N: FromStr + PartialOrd + Display,
{
    let Some(text) = text(query, name)? else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.map(Some).ok_or_else(|| Error::BadParameter {
        name: name.to_owned(),
        reason: format!(
            "must be a whole number from {} to {}",
            bounds.start(),
            bounds.end()
        ),
    })
}

/// Refuses parameters that are not known, where a mistyped one would show something else than was
/// meant.
///
/// # Errors
/// [`Error::BadParameter`].
pub(crate) fn only(query: &str, known: &[&str]) -> Result<(), Error> {
    let mut names = pairs(query).map(|(name, _)| name);
    match names.find(|name| !name.is_empty() && !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Error::BadParameter {
            name: name.chars().take(SHOWN).collect(),
            reason: match known {
                [] => "is none of this path, which has none".to_owned(),
                known => format!("is none of this path, which has {}", known.join(", ")),
            },
        }),
    }
}

/// Whether there is a filter, good or not.
pub(crate) fn names_filter(query: &str) -> bool {
    pairs(query).any(|(name, _)| named(name) == Some(Parameter::Filter))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn named(name: &str) -> Option<Parameter> {
    Parameter::named(&decode(name).ok()?)
}

fn decode(value: &str) -> Result<String, &'static str> {
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let escape = rest.get(at + 1..at + 3).unwrap_or_default();
        if escape.len() < 2 || !escape.iter().all(u8::is_ascii_hexdigit) {
            return Err("holds a \"%\" that begins no escape");
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    let blanks = value.replace('+', " ");
    percent_decode(blanks.as_bytes())
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| "is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<SearchRequest, Error> {
        parse(query, &Parameter::ALL)
    }

    #[test]
    fn blanks_and_quotes_come_in_every_way() {
        let expected = Some("userName eq \"a b+c\"".to_owned());
        for query in [
            "filter=userName+eq+%22a+b%2Bc%22",
            "filter=userName%20eq%20\"a%20b%2bc\"",
            "aadOptscim062020&FILTER=userName eq \"a b%2Bc\"&x=%",
        ] {
            assert_eq!(read(query).unwrap().filter, expected, "{query}");
        }
    }

    #[test]
    fn numbers_beyond_the_machine_are_the_largest() {
        let parameters = read("startIndex=-9&count=99999999999999999999").unwrap();
        assert_eq!(parameters.start_index, Some(-9));
        assert_eq!(parameters.count, Some(i64::MAX));
    }

    #[test]
    fn a_cursor_is_empty_with_and_without_an_equals_sign() {
        for query in ["cursor", "cursor=", "count=1&CURSOR"] {
            assert_eq!(read(query).unwrap().cursor, Some(String::new()), "{query}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_read() {
        let wanted = [Parameter::Attributes];
        let request = parse("count=x&attributes=id&sortOrder=up", &wanted).unwrap();
        assert_eq!(request.attributes.as_deref(), Some("id"));
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
            "sortOrder=up",
            "cursor&cursor",
        ] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
