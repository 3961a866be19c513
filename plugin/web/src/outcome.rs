//! What a call gives: a value, or an error of one shape. Written as JSON.

use scim::schema::DefinitionError;
use scim::{Error, ScimType};
use serde::Serialize;

/// The most UTF-16 code units that a text may have. A text is copied and parsed inside
/// WebAssembly, where running out of memory would be a trap.
pub(crate) const MAX_LENGTH: u32 = 8 << 20;

/// Why a call has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The protocol refuses it.
    Scim(Error),
    /// There is no such resource type.
    ResourceType(String),
    /// The documents make no registry.
    Documents(String),
    /// A JavaScript value has no JSON text.
    NoJson,
    /// A text is longer than the limit.
    TooLong,
    /// A text has half of a surrogate pair, which UTF-8 cannot hold.
    LoneSurrogate,
    /// An argument is not of its type; what it must be.
    Argument(&'static str),
}

impl Refusal {
    fn status(&self) -> u16 {
        match self {
            Self::Scim(error) => error.status(),
            Self::TooLong => 413,
            Self::ResourceType(_)
            | Self::Documents(_)
            | Self::NoJson
            | Self::LoneSurrogate
            | Self::Argument(_) => 400,
        }
    }

    fn scim_type(&self) -> Option<ScimType> {
        match self {
            Self::Scim(error) => error.scim_type(),
            Self::TooLong => None,
            Self::NoJson | Self::LoneSurrogate => Some(ScimType::InvalidSyntax),
            Self::ResourceType(_) | Self::Documents(_) | Self::Argument(_) => {
                Some(ScimType::InvalidValue)
            }
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Scim(error) => error.to_string(),
            Self::ResourceType(name) => format!(
                "There is no resource type {}; resourceTypes() lists them.",
                scim::json::Quoted::from(name.as_str())
            ),
            Self::Documents(reason) => format!("The documents cannot be used: {reason}."),
            Self::NoJson => "The value cannot be written as JSON: it refers to itself, is nested \
                 too deeply, or holds what JSON has no form for."
                .to_owned(),
            Self::TooLong => format!(
                "The text is longer than the {MAX_LENGTH} UTF-16 code units that are allowed."
            ),
            Self::LoneSurrogate => {
                "The text holds half of a surrogate pair, which is no character.".to_owned()
            }
            Self::Argument(what) => format!("The argument must be {what}."),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Scim(error)
    }
}

impl From<DefinitionError> for Refusal {
    fn from(error: DefinitionError) -> Self {
        Self::Documents(error.to_string())
    }
}

/// An error as JavaScript sees it. Nothing in it is an object of the input.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The HTTP status that a service would answer with.
    pub status: u16,
    /// The keyword of RFC 7644 §3.12, table 9.
    pub scim_type: Option<&'static str>,
    /// A sentence for people.
    pub detail: String,
    /// The path of the attribute that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// Where a filter or path is malformed, in UTF-16 code units from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Where in the resource it is (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Problem {
    /// The problem that a refusal is. `text` is what was to be read as a filter.
    pub(crate) fn new(refusal: &Refusal, text: &str) -> Self {
        let (attribute, position) = match refusal {
            Refusal::Scim(error) => (
                error.attribute().map(str::to_owned),
                // That of an operation's path is in no text that we were given.
                match error {
                    Error::FilterSyntax { position, .. } => Some(utf16_offset(text, *position)),
                    _ => None,
                },
            ),
            _ => (None, None),
        };
        Self {
            status: refusal.status(),
            scim_type: refusal.scim_type().map(ScimType::as_str),
            detail: refusal.detail(),
            attribute,
            position,
            pointer: None,
        }
    }
}

/// JavaScript's index of the character with this number, counted from 1.
fn utf16_offset(text: &str, number: usize) -> usize {
    let before = text.chars().take(number.saturating_sub(1));
    before.map(char::len_utf16).sum()
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<T> {
    Done { ok: bool, value: T },
    Refused { ok: bool, error: Problem },
}

/// The JSON text of an outcome: `{"ok":true,"value":…}` or `{"ok":false,"error":…}`.
pub fn to_json<T: Serialize>(outcome: Result<T, Problem>) -> String {
    let outcome = match outcome {
        Ok(value) => Outcome::Done { ok: true, value },
        Err(error) => Outcome::Refused { ok: false, error },
    };
    // Only a map with keys that are no text, or a Serialize of our own, could fail.
    serde_json::to_string(&outcome).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_an_index_of_javascript() {
        assert_eq!(utf16_offset("a𝄞b", 1), 0);
        assert_eq!(utf16_offset("a𝄞b", 3), 3);
        assert_eq!(utf16_offset("a𝄞b", 9), 4);
    }

    #[test]
    fn an_error_has_one_shape() {
        let problem = Problem::new(&Refusal::ResourceType("Pet\u{0}".to_owned()), "");
        assert_eq!(
            to_json::<()>(Err(problem)),
            concat!(
                r#"{"ok":false,"error":{"status":400,"scimType":"invalidValue","#,
                r#""detail":"There is no resource type \"Pet\\0\"; resourceTypes() lists them."}}"#,
            )
        );
        let problem = Problem::new(&Refusal::TooLong, "");
        assert_eq!((problem.status, problem.scim_type), (413, None));
    }
}
