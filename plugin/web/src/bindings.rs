//! The class `Scim` of JavaScript: its arguments to text, its results from text.
//!
//! Arguments are taken as they come, whatever the types say, and looked at before they are
//! copied: `wasm-bindgen` would throw where a string is due and another value comes, and
//! put U+FFFD in the place of what is no character.

use crate::outcome::{MAX_LENGTH, Problem, Refusal, to_json};
use crate::protocol::Protocol;
use js_sys::{JSON, JsString, Object, Reflect};
use scim::json::{self, Json};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsError, JsValue};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.ts");

/// SCIM 2.0 as scim-edge speaks it, for one set of schemas and resource types.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Scim {
    protocol: Protocol,
}

#[wasm_bindgen]
impl Scim {
    /// With the schemas and resource types of RFC 7643. It would throw if one of them were
    /// wrong, which a test excludes.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, JsError> {
        let protocol = Protocol::standard().map_err(|problem| JsError::new(&problem.detail))?;
        Ok(Self { protocol })
    }

    /// With schemas and resource types of one's own beside those of RFC 7643.
    #[wasm_bindgen(unchecked_return_type = "Outcome<Scim>")]
    pub fn compile(
        #[wasm_bindgen(unchecked_param_type = "Documents | string")] documents: &JsValue,
    ) -> JsValue {
        let compiled = json_text(documents).and_then(|text| Protocol::with(&text));
        match compiled {
            Ok(protocol) => done(&Self { protocol }.into()),
            Err(problem) => reply(|| Err::<(), _>(problem)),
        }
    }

    /// Reads a resource as the body of a POST and tells what is wrong with it.
    #[wasm_bindgen(unchecked_return_type = "Outcome<Validation>")]
    pub fn validate(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Json")] resource: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "ValidateOptions")] options: &JsValue,
    ) -> JsValue {
        reply(|| {
            let first_only = with_options(options, |options| {
                options.get("firstOnly") == Some(&Json::Bool(true))
            })?;
            let resource = json_text(resource)?;
            self.protocol
                .validate(&text(resource_type)?, &resource, first_only)
        })
    }

    /// Reads a filter and gives it back in one way of writing it.
    #[wasm_bindgen(js_name = "parseFilter", unchecked_return_type = "Outcome<string>")]
    pub fn parse_filter(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] filter: &JsValue,
    ) -> JsValue {
        reply(|| {
            self.protocol
                .parse_filter(&text(resource_type)?, &text(filter)?)
        })
    }

    /// Tells what a filter asks.
    #[wasm_bindgen(
        js_name = "explainFilter",
        unchecked_return_type = "Outcome<ExplainedFilter>"
    )]
    pub fn explain_filter(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] filter: &JsValue,
    ) -> JsValue {
        reply(|| {
            self.protocol
                .explain_filter(&text(resource_type)?, &text(filter)?)
        })
    }

    /// Whether a resource, as a service gives it, meets a filter.
    #[wasm_bindgen(js_name = "evaluateFilter", unchecked_return_type = "Outcome<boolean>")]
    pub fn evaluate_filter(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] filter: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Json")] resource: &JsValue,
    ) -> JsValue {
        reply(|| {
            let resource = json_text(resource)?;
            self.protocol
                .evaluate_filter(&text(resource_type)?, &text(filter)?, &resource)
        })
    }

    /// Applies a PATCH request to a resource as a service gives it, and shows the difference.
    #[wasm_bindgen(js_name = "applyPatch", unchecked_return_type = "Outcome<Patched>")]
    pub fn apply_patch(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Json")] resource: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Json")] request: &JsValue,
    ) -> JsValue {
        reply(|| {
            let (resource, request) = (json_text(resource)?, json_text(request)?);
            self.protocol
                .apply_patch(&text(resource_type)?, &resource, &request)
        })
    }

    /// A resource with the attributes that are asked for (RFC 7644 §3.9).
    #[wasm_bindgen(unchecked_return_type = "Outcome<Resource>")]
    pub fn project(
        &self,
        #[wasm_bindgen(js_name = "resourceType", unchecked_param_type = "string")]
        resource_type: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Json")] resource: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "Projection")] projection: &JsValue,
    ) -> JsValue {
        reply(|| {
            let (attributes, excluded) = with_options(projection, |projection| {
                let names = |name| projection.get(name).and_then(list_of_names);
                (names("attributes"), names("excludedAttributes"))
            })?;
            let resource = json_text(resource)?;
            self.protocol.project(
                &text(resource_type)?,
                &resource,
                attributes.as_deref(),
                excluded.as_deref(),
            )
        })
    }

    /// The documents of `/Schemas`.
    #[wasm_bindgen(unchecked_return_type = "Outcome<Resource[]>")]
    pub fn schemas(&self) -> JsValue {
        reply(|| self.protocol.schemas())
    }

    /// The documents of `/ResourceTypes`.
    #[wasm_bindgen(
        js_name = "resourceTypes",
        unchecked_return_type = "Outcome<Resource[]>"
    )]
    pub fn resource_types(&self) -> JsValue {
        reply(|| self.protocol.resource_types())
    }
}

fn reply<T: Serialize>(call: impl FnOnce() -> Result<T, Problem>) -> JsValue {
    // JSON that we wrote is refused only by a JSON.parse that somebody put in the place of
    // JavaScript's own.
    JSON::parse(&to_json(call())).unwrap_or_else(|thrown| thrown)
}

/// The outcome whose value is an object of ours and not of JSON.
fn done(value: &JsValue) -> JsValue {
    let outcome = Object::new();
    // A new object takes every property.
    let _ = Reflect::set(&outcome, &"ok".into(), &JsValue::TRUE);
    let _ = Reflect::set(&outcome, &"value".into(), value);
    outcome.into()
}

/// The text of a string.
fn text(value: &JsValue) -> Result<String, Problem> {
    let string = value
        .dyn_ref::<JsString>()
        .ok_or_else(|| refused(&Refusal::Argument("a string")))?;
    copied(string)
}

/// A string is JSON text already; another value is written as such.
fn json_text(value: &JsValue) -> Result<String, Problem> {
    if let Some(string) = value.dyn_ref::<JsString>() {
        return copied(string);
    }
    // `undefined` and functions have no text, and this is no string then.
    let written = JSON::stringify(value).map(JsValue::from);
    match written.as_ref().ok().and_then(JsCast::dyn_ref) {
        Some(string) => copied(string),
        None => Err(refused(&Refusal::NoJson)),
    }
}

fn copied(string: &JsString) -> Result<String, Problem> {
    if string.length() > MAX_LENGTH {
        return Err(refused(&Refusal::TooLong));
    }
    let text = String::from(string);
    // Half a surrogate pair has become U+FFFD, which may also have been there. Looking at
    // each code unit from here is slow, so only then.
    if text.contains(char::REPLACEMENT_CHARACTER) && !string.is_valid_utf16() {
        return Err(refused(&Refusal::LoneSurrogate));
    }
    Ok(text)
}

/// Reads an argument that may be left out.
fn with_options<T>(value: &JsValue, read: impl FnOnce(&Json<'_>) -> T) -> Result<T, Problem> {
    if value.is_undefined() || value.is_null() {
        return Ok(read(&Json::Null));
    }
    let text = json_text(value)?;
    let options = json::parse(text.as_bytes(), json::MAX_DEPTH);
    match options {
        Ok(options) if options.as_object().is_some() => Ok(read(&options)),
        Ok(_) => Err(refused(&Refusal::Argument("an object of options"))),
        Err(error) => Err(refused(&error.into())),
    }
}

/// Names separated by commas, given so or as a list.
fn list_of_names(names: &Json<'_>) -> Option<String> {
    match names {
        Json::String(names) => Some(names.clone().into_owned()),
        Json::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
            Some(names.join(","))
        }
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) | Json::Object(_) => None,
    }
}

fn refused(refusal: &Refusal) -> Problem {
    Problem::new(refusal, "")
}
