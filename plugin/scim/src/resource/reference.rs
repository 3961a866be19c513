//! References (RFC 7643 §2.3.7): URIs, and what the URI of a resource says of
//! the resource.

use super::{Complex, Value};
use crate::Mode;
use crate::error::Error;
use crate::schema::{AttrId, Attribute, Registry};

/// Whether a text can be a value of a reference attribute: a URI or a relative
/// reference (RFC 3986 §4.1). Strictly it is made of the characters of a URI, and
/// what is outside of SCIM (`external`) is named by a URI with its scheme; else
/// only what no URI can hold is refused, so that `https://example.com/é` is taken
/// as it is meant.
pub(super) fn is_valid(mode: Mode, attribute: &Attribute, text: &str) -> bool {
    if !mode.is_strict() {
        return !text.chars().any(|c| c.is_whitespace() || c.is_control());
    }
    let is_external = attribute
        .reference_types
        .iter()
        .all(|kind| kind == "external");
    is_uri_text(text) && (!is_external || has_scheme(text))
}

/// What a client says of another resource only by its URI (`$ref`) names the
/// resource none the less: by the last segment, which is its id. Strictly, a URI
/// that contradicts the id is refused.
///
/// # Errors
/// [`Error::BadValue`].
pub(super) fn complete_by_uri(
    mode: Mode,
    registry: &Registry,
    complex_id: AttrId,
    complex: &mut Complex,
) -> Result<(), Error> {
    let (Some(uri_id), Some(value_id)) = (
        registry.child(complex_id, "$ref"),
        registry.child(complex_id, "value"),
    ) else {
        return Ok(());
    };
    let Some(uri) = complex.text(uri_id) else {
        return Ok(());
    };
    let id = uri.trim_end_matches('/').rsplit('/').next();
    let id = id.unwrap_or_default().to_owned();
    match complex.text(value_id) {
        None if !id.is_empty() => {
            complex.set(value_id, Value::String(id));
        }
        Some(value) if mode.is_strict() && value != id => {
            return Err(Error::BadValue {
                attribute: registry.path(uri_id),
                reason: "is the URI of another resource than \"value\" names".to_owned(),
            });
        }
        None | Some(_) => {}
    }
    Ok(())
}

/// Whether a text consists of the characters of a URI (RFC 3986 §2), each
/// percent sign before two hex digits.
fn is_uri_text(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let holds = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .into_iter()
                .all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit())),
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            _ => byte.is_ascii_graphic(),
        };
        if !holds {
            return false;
        }
    }
    true
}

/// ```abnf
/// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
/// ```
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(is_part)
}
