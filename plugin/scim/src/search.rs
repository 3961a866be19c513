//! What a query asks for (RFC 7644 §3.4.2 and §3.4.3, RFC 9865 §2), whether it
//! stands in a URL or in a body.

use crate::error::Error;
use crate::json::Json;
use crate::message::SEARCH_REQUEST;
use crate::projection::Projection;
use crate::schema::{Registry, ResourceTypeId};
use crate::sort::SortOrder;

/// The parameters of a query, not yet bound to a resource type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// `filter`, as it was written.
    pub filter: Option<String>,
    /// `sortBy`: the name of an attribute.
    pub sort_by: Option<String>,
    /// `sortOrder`
    pub sort_order: SortOrder,
    /// `startIndex`, from 1; smaller ones are 1.
    pub start_index: Option<i64>,
    /// `count`
    pub count: Option<i64>,
    /// `cursor`; an empty one asks for the first page.
    pub cursor: Option<String>,
    /// `attributes`: names, with commas between them.
    pub attributes: Option<String>,
    /// `excludedAttributes`: names, with commas between them.
    pub excluded_attributes: Option<String>,
}

/// The names of parameters, without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `filter`
    Filter,
    /// `sortBy`
    SortBy,
    /// `sortOrder`
    SortOrder,
    /// `startIndex`
    StartIndex,
    /// `count`
    Count,
    /// `cursor`
    Cursor,
    /// `attributes`
    Attributes,
    /// `excludedAttributes`
    ExcludedAttributes,
}

impl Parameter {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Filter,
        Self::SortBy,
        Self::SortOrder,
        Self::StartIndex,
        Self::Count,
        Self::Cursor,
        Self::Attributes,
        Self::ExcludedAttributes,
    ];

    fn is_number(self) -> bool {
        matches!(self, Self::StartIndex | Self::Count)
    }

    /// The parameter with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|parameter| parameter.as_str().eq_ignore_ascii_case(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::SortBy => "sortBy",
            Self::SortOrder => "sortOrder",
            Self::StartIndex => "startIndex",
            Self::Count => "count",
            Self::Cursor => "cursor",
            Self::Attributes => "attributes",
            Self::ExcludedAttributes => "excludedAttributes",
        }
    }

    /// That the parameter cannot have its value.
    #[must_use]
    pub fn refuse(self, reason: &str) -> Error {
        let reason = reason.to_owned();
        match self {
            Self::Count => Error::BadCount { reason },
            _ => Error::BadParameter {
                name: self.as_str().to_owned(),
                reason,
            },
        }
    }
}

impl SearchRequest {
    /// Reads the body of a `POST` to `/.search` (RFC 7644 §3.4.3). Names have no
    /// case; `null` is not given; what has another name is ignored. Names of
    /// attributes come as an array, or with commas between them as in a URL.
    ///
    /// # Errors
    /// [`Error::NotAnObject`]; [`Error::InvalidSearch`] for `schemas` of another
    /// message; [`Error::BadParameter`], or [`Error::BadCount`], for a value of
    /// another type.
    pub fn from_json(body: &Json<'_>) -> Result<Self, Error> {
        let members = body.as_object().ok_or(Error::NotAnObject)?;
        let mut request = Self::default();
        for (name, value) in members {
            if name.eq_ignore_ascii_case("schemas") && !names_message(value) {
                return Err(Error::InvalidSearch);
            }
            let Some(parameter) = Parameter::named(name) else {
                continue;
            };
            let is_list = matches!(
                parameter,
                Parameter::Attributes | Parameter::ExcludedAttributes
            );
            match value {
                Json::Null => {}
                Json::Integer(number) if parameter.is_number() => request.place(parameter, *number),
                // As in a URL, a number beyond 64 bits is the largest: the cast
                // saturates.
                Json::Decimal(number) if parameter.is_number() && number.fract() == 0.0 => {
                    request.place(parameter, *number as i64);
                }
                _ if parameter.is_number() => return Err(parameter.refuse(NOT_A_NUMBER)),
                Json::Array(elements) if is_list => {
                    let names: Option<Vec<&str>> = elements.iter().map(Json::as_str).collect();
                    let names = names.ok_or_else(|| parameter.refuse(NOT_NAMES))?;
                    request.set(parameter, names.join(","))?;
                }
                Json::String(text) => request.set(parameter, text.clone().into_owned())?,
                _ if is_list => return Err(parameter.refuse(NOT_NAMES)),
                _ => return Err(parameter.refuse("must be a string")),
            }
        }
        Ok(request)
    }

    /// Takes a parameter that came as text.
    ///
    /// # Errors
    /// [`Error::BadParameter`], or [`Error::BadCount`], for a number that is none
    /// and for an order that is none.
    pub fn set(&mut self, parameter: Parameter, text: String) -> Result<(), Error> {
        match parameter {
            Parameter::Filter => self.filter = Some(text),
            // An empty name is what is left of a form that was not filled in.
            Parameter::SortBy => self.sort_by = Some(text).filter(|name| !name.trim().is_empty()),
            Parameter::SortOrder if text.is_empty() => {}
            Parameter::SortOrder => {
                let order = SortOrder::named(&text);
                let reason = "must be \"ascending\" or \"descending\"";
                self.sort_order = order.ok_or_else(|| parameter.refuse(reason))?;
            }
            Parameter::StartIndex | Parameter::Count => {
                let number = number(&text).ok_or_else(|| parameter.refuse(NOT_A_NUMBER))?;
                self.place(parameter, number);
            }
            Parameter::Cursor => self.cursor = Some(text),
            Parameter::Attributes => self.attributes = Some(text),
            Parameter::ExcludedAttributes => self.excluded_attributes = Some(text),
        }
        Ok(())
    }

    fn place(&mut self, parameter: Parameter, number: i64) {
        match parameter {
            Parameter::Count => self.count = Some(number),
            _ => self.start_index = Some(number),
        }
    }

    /// What the client wants to see of a resource (RFC 7644 §3.9).
    #[must_use]
    pub fn projection(&self, registry: &Registry, resource_type: ResourceTypeId) -> Projection {
        Projection::parse(
            registry,
            resource_type,
            self.attributes.as_deref(),
            self.excluded_attributes.as_deref(),
        )
    }
}

const NOT_NAMES: &str = "must be an array of strings";
const NOT_A_NUMBER: &str = "must be a whole number";

fn names_message(schemas: &Json<'_>) -> bool {
    let is_message = |json: &Json<'_>| {
        let text = json.as_str();
        text.is_some_and(|text| text.eq_ignore_ascii_case(SEARCH_REQUEST))
    };
    match schemas {
        Json::Array(elements) => elements.iter().any(is_message),
        other => other.is_null() || is_message(other),
    }
}

/// A whole number; one that is too large for the machine counts as the largest.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let largest = match text.starts_with('-') {
        true => i64::MIN,
        false => i64::MAX,
    };
    Some(text.parse().unwrap_or(largest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{MAX_DEPTH, parse};
    use serde_json::json;

    fn read(body: &serde_json::Value) -> Result<SearchRequest, Error> {
        let text = body.to_string();
        SearchRequest::from_json(&parse(text.as_bytes(), MAX_DEPTH).unwrap())
    }

    #[test]
    fn a_body_says_what_a_url_says() {
        let request = read(&json!({
            "Schemas": [SEARCH_REQUEST.to_uppercase()],
            "attributes": ["displayName", "emails.value"], "EXCLUDEDATTRIBUTES": "meta, id",
            "filter": "userName sw \"a\"", "sortby": "name.familyName", "sortOrder": "DESCENDING",
            "startIndex": 3, "count": 10, "cursor": "", "unknown": {"a": [1]}
        }));
        let expected = SearchRequest {
            filter: Some("userName sw \"a\"".to_owned()),
            sort_by: Some("name.familyName".to_owned()),
            sort_order: SortOrder::Descending,
            start_index: Some(3),
            count: Some(10),
            cursor: Some(String::new()),
            attributes: Some("displayName,emails.value".to_owned()),
            excluded_attributes: Some("meta, id".to_owned()),
        };
        assert_eq!(request, Ok(expected));
    }

    #[test]
    fn null_and_nothing_are_not_given() {
        for body in [
            json!({}),
            json!({"schemas": null, "filter": null, "sortBy": null, "sortOrder": null,
                "startIndex": null, "count": null, "cursor": null, "attributes": null}),
            json!({"sortBy": " ", "sortOrder": ""}),
        ] {
            assert_eq!(read(&body), Ok(SearchRequest::default()), "{body}");
        }
    }

    #[test]
    fn numbers_beyond_64_bits_are_the_largest() {
        let request = read(&json!({"startIndex": -1e30, "count": 18_446_744_073_709_551_615_u64}));
        let request = request.unwrap();
        assert_eq!(request.start_index, Some(i64::MIN));
        assert_eq!(request.count, Some(i64::MAX));
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name() {
        for (body, scim_type, name) in [
            (json!({"count": "10"}), "invalidCount", "count"),
            (json!({"count": 1.5}), "invalidCount", "count"),
            (json!({"startIndex": true}), "invalidValue", "startIndex"),
            (json!({"filter": 1}), "invalidValue", "filter"),
            (json!({"sortBy": ["userName"]}), "invalidValue", "sortBy"),
            (json!({"sortOrder": "up"}), "invalidValue", "sortOrder"),
            (json!({"cursor": 1}), "invalidValue", "cursor"),
            (
                json!({"attributes": ["a", 1]}),
                "invalidValue",
                "attributes",
            ),
            (json!({"attributes": {}}), "invalidValue", "attributes"),
            (
                json!({"schemas": ["urn:x"]}),
                "invalidSyntax",
                "SearchRequest",
            ),
        ] {
            let error = read(&body).unwrap_err();
            assert_eq!(error.status(), 400, "{body}");
            assert_eq!(error.scim_type().unwrap().as_str(), scim_type, "{body}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(read(&json!([])), Err(Error::NotAnObject));
    }
}
