//! What clients send instead of a value of the attribute's type, and what is
//! meant. Each function names the client that needs it; what none of them takes
//! is refused, and in strict mode none takes anything.

use crate::Mode;
use crate::json::Json;
use crate::mac::MacAddress;
use crate::schema::{AttrId, Attribute, Registry, ResourceTypeId, Type, Uniqueness};
use std::borrow::Cow;

/// Decimals from here on may have lost digits when they were parsed.
const EXACT_BELOW: f64 = 1e15;

/// `"True"` and `"False"` in any case for a boolean: Entra ID without its
/// `aadOptscim062020` flag, OneLogin's templates.
pub(super) fn boolean(mode: Mode, text: &str) -> Option<bool> {
    if mode.is_strict() {
        None
    } else if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// `""` for no value of any type: Entra ID clears attributes so. Empty text is
/// no value in either mode (RFC 7643 §4.1.1 wants `userName` not to be empty).
pub(super) fn is_empty_text(mode: Mode, kind: Type, json: &Json<'_>) -> bool {
    json.as_str() == Some("") && (kind == Type::String || !mode.is_strict())
}

/// A number for text: Okta with entitlements sends `externalId` and
/// `postalCode` as numbers. A number that may have lost digits is not taken, and
/// none for what must be unique: `5` and `5.0` would be one account or two.
pub(super) fn number_as_text(mode: Mode, attribute: &Attribute, json: &Json<'_>) -> Option<String> {
    if mode.is_strict() || attribute.uniqueness != Uniqueness::None {
        return None;
    }
    match json {
        Json::Integer(number) => Some(number.to_string()),
        Json::Decimal(number) if number.abs() < EXACT_BELOW => Some(number.to_string()),
        Json::Null
        | Json::Bool(_)
        | Json::Decimal(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_) => None,
    }
}

/// An Ethernet address in any form that gear shows it in.
pub(super) fn mac_address(mode: Mode, text: &str) -> Option<MacAddress> {
    MacAddress::parse(text).filter(|_| !mode.is_strict())
}

/// One value where a list is due: OneLogin sends `emails` as one object. `null`
/// is an empty list.
pub(super) fn as_list<'j, 'a>(mode: Mode, json: &'j Json<'a>) -> Option<&'j [Json<'a>]> {
    match json {
        Json::Array(elements) => Some(elements),
        Json::Null => Some(&[]),
        Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) | Json::String(_) | Json::Object(_) => {
            (!mode.is_strict()).then_some(std::slice::from_ref(json))
        }
    }
}

/// What an object under the URN of the core schema holds: core attributes written as
/// those of an extension, as the suite scimverify does.
pub(super) fn core_object<'j, 'a>(
    registry: &Registry,
    resource_type: ResourceTypeId,
    name: &str,
    json: &'j Json<'a>,
) -> &'j [(Cow<'a, str>, Json<'a>)] {
    let urn = &registry.resource_type(resource_type).schema;
    let object = json.as_object().filter(|_| name.eq_ignore_ascii_case(urn));
    object.unwrap_or_default()
}

/// A list of one where a single value is due: Entra ID sends the manager as
/// `[{"value":"…"}]`. Nothing stands for an empty list, in either mode (RFC 7643
/// §2.5).
pub(super) fn as_single<'j, 'a>(mode: Mode, json: &'j Json<'a>) -> Option<&'j Json<'a>> {
    match json {
        Json::Array(elements) => match elements.as_slice() {
            [] => Some(&Json::Null),
            [one] if !mode.is_strict() => Some(one),
            _ => None,
        },
        Json::Null
        | Json::Bool(_)
        | Json::Integer(_)
        | Json::Decimal(_)
        | Json::String(_)
        | Json::Object(_) => Some(json),
    }
}

/// Bare text where an object is due is the object's `value`. In a body only a
/// resource may be named so, by its id ([`is_reference`]): Entra ID sends the
/// manager so, Microsoft's Postman collection the members. `"emails": "none"` is
/// a mistake there. In a PATCH operation, whose path has named the attribute, any
/// text may. A number is taken only for an id.
pub(super) fn bare_value(
    mode: Mode,
    registry: &Registry,
    complex: AttrId,
    json: &Json<'_>,
) -> Option<AttrId> {
    if mode.is_strict() {
        return None;
    }
    match json {
        Json::String(_) => registry.child(complex, "value"),
        Json::Integer(_) | Json::Decimal(_) if is_reference(registry, complex) => {
            registry.child(complex, "value")
        }
        Json::Null
        | Json::Bool(_)
        | Json::Integer(_)
        | Json::Decimal(_)
        | Json::Array(_)
        | Json::Object(_) => None,
    }
}

/// Whether a complex attribute refers to a resource.
pub(super) fn is_reference(registry: &Registry, complex: AttrId) -> bool {
    registry.child(complex, "$ref").is_some()
}

/// Other names of sub-attributes, asked for in lenient mode only: `displayName`
/// for `display` in members (Microsoft's Postman collection) and roles (Entra ID),
/// `managerId` for a manager's `value` (OneLogin's templates).
pub(super) fn alias(registry: &Registry, complex: AttrId, name: &str) -> Option<AttrId> {
    let meant = if name.eq_ignore_ascii_case("displayName") {
        "display"
    } else if name.eq_ignore_ascii_case("managerId")
        && registry
            .attribute(complex)
            .name
            .eq_ignore_ascii_case("manager")
    {
        "value"
    } else {
        return None;
    };
    registry
        .child(complex, meant)
        .filter(|id| registry.attribute(*id).kind == Type::String)
}
