//! One simple value of an attribute's type (RFC 7643 §2.3).

use super::read::Reader;
use super::{Value, reference, strict, tolerance};
use crate::Mode;
use crate::datetime;
use crate::error::Error;
use crate::json::Json;
use crate::mac::MacAddress;
use crate::schema::{Attribute, Registry, Type};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Reads a simple value; `null` and `""` are no value.
pub(super) fn scalar(
    reader: &Reader<'_>,
    attribute: &Attribute,
    json: &Json<'_>,
) -> Result<Option<Value>, Error> {
    let (registry, mode) = (reader.registry, reader.mode);
    let wrong = || wrong_type(registry, attribute);
    if json.is_null() || tolerance::is_empty_text(mode, attribute.kind, json) {
        return Ok(None);
    }
    let value = match attribute.kind {
        Type::Boolean => match json {
            Json::Bool(value) => Some(*value),
            _ => json
                .as_str()
                .and_then(|text| tolerance::boolean(mode, text)),
        }
        .map(Value::Boolean),
        // A fraction, even of zero, makes a number no integer (RFC 7643 §2.3.4).
        Type::Integer => match json {
            Json::Integer(number) => Some(Value::Integer(*number)),
            _ => None,
        },
        Type::Decimal => match json {
            Json::Integer(number) => Some(Value::Decimal(*number as f64)),
            Json::Decimal(number) => Some(Value::Decimal(*number)),
            _ => None,
        },
        Type::String => json
            .as_str()
            .map(str::to_owned)
            .or_else(|| tolerance::number_as_text(mode, attribute, json))
            .map(Value::String),
        // What was stored once is read, whatever is asked of clients since.
        Type::Reference => text_if(json, |text| {
            !reader.is_client() || reference::is_valid(mode, attribute, text)
        }),
        Type::DateTime => text_if(json, |text| datetime::parse(text).is_some()),
        Type::Binary => text_if(json, |text| is_base64(mode, text)),
        Type::Complex => None,
    }
    .ok_or_else(wrong)?;
    // A NUL would end the text early where it goes next: store keys, RADIUS.
    if value.as_str().is_some_and(|text| text.contains('\0')) {
        return Err(Error::BadValue {
            attribute: registry.path(attribute.id),
            reason: "must not contain the character U+0000".to_owned(),
        });
    }
    if mode.is_strict()
        && let Some(text) = value.as_str()
        && !strict::is_canonical(attribute, text)
    {
        return Err(Error::BadValue {
            attribute: registry.path(attribute.id),
            reason: format!("must be one of {}", attribute.canonical_values.join(", ")),
        });
    }
    match value {
        Value::String(text)
            if reader.is_client() && attribute.id == registry.core().device_mac_address =>
        {
            mac_address(reader, attribute, text).map(Some)
        }
        value => Ok(Some(value)),
    }
}

/// An Ethernet address, in the one form that RFC 9944 has for it (§7.3); another one that gear
/// shows it in is rewritten.
fn mac_address(reader: &Reader<'_>, attribute: &Attribute, text: String) -> Result<Value, Error> {
    if MacAddress::is_canonical(&text) {
        return Ok(Value::String(text));
    }
    tolerance::mac_address(reader.mode, &text)
        .map(|address| Value::String(address.to_string()))
        .ok_or_else(|| Error::BadValue {
            attribute: reader.registry.path(attribute.id),
            reason: "must be an Ethernet address such as \"2C:54:91:88:C9:E2\"".to_owned(),
        })
}

/// The error for a value that is not of the attribute's type.
pub(super) fn wrong_type(registry: &Registry, attribute: &Attribute) -> Error {
    let expected = match attribute.kind {
        Type::Boolean => "true or false",
        Type::Integer => "a whole number of at most 64 bits",
        Type::Decimal => "a number",
        Type::String => "a string",
        Type::DateTime => "a date and time such as \"2026-11-24T05:00:00Z\"",
        Type::Binary => "a string in base64",
        Type::Reference => "a URI, without blanks",
        Type::Complex => "an object",
    };
    Error::WrongType {
        attribute: registry.path(attribute.id),
        expected: expected.to_owned(),
    }
}

fn text_if(json: &Json<'_>, holds: impl FnOnce(&str) -> bool) -> Option<Value> {
    let text = json.as_str()?;
    holds(text).then(|| Value::String(text.to_owned()))
}

/// Base64 (RFC 4648 §4), padded or not (RFC 7643 §2.3.6). As it is found it may
/// also be of the alphabet for URLs (§5), or broken into lines.
fn is_base64(mode: Mode, text: &str) -> bool {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    if mode.is_strict() {
        return PLAIN.decode(text).is_ok();
    }
    let solid: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    PLAIN.decode(&solid).is_ok() || URL_SAFE.decode(&solid).is_ok()
}
