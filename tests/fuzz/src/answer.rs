//! What must hold of every answer of the service, whatever the request.

use directory::http::{Request, Response};
use serde_json::Value;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// RFC 7644 §3.12, table 9, and RFC 9865 §2.1.
const SCIM_TYPES: [&str; 14] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
    "",
];

/// Panics when an answer is not well-formed.
pub(crate) fn check(request: &Request, response: &Response) {
    let status = response.status;
    assert!((200..600).contains(&status), "{request:?}: {status}");
    // Nothing fails in a store in memory that no one else writes to.
    assert!(!matches!(status, 500 | 503), "{request:?}: {response:?}");
    for (name, value) in &response.headers {
        let name_is_right = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let value_is_right = value
            .bytes()
            .all(|b| (0x20..0x7f).contains(&b) || b == b'\t');
        assert!(
            name_is_right && value_is_right,
            "{request:?}: header {name}: {value:?}"
        );
    }
    let bodiless = matches!(status, 204 | 304) || (request.method == "OPTIONS" && status < 400);
    if response.body.is_empty() {
        assert!(bodiless, "{request:?}: {status} without a body");
        assert_eq!(header(response, "content-type"), None);
        return;
    }
    assert!(!matches!(status, 204 | 304), "{status} with a body");
    let kind = header(response, "content-type").expect("a body has a type");
    let body: Value = serde_json::from_slice(&response.body).expect("JSON");
    assert!(!holds_key(&body, "password"), "{request:?}: {body}");
    if status >= 400 {
        assert_eq!(kind, "application/scim+json");
        error(request, response, &body);
    } else if kind == "application/scim+json" {
        assert!(
            body["schemas"]
                .as_array()
                .is_some_and(|s| s.iter().all(Value::is_string)),
            "{body}"
        );
        success(response, &body);
    } else {
        assert_eq!(kind, "application/json");
    }
}

fn error(request: &Request, response: &Response, body: &Value) {
    let status = response.status;
    assert_eq!(body["schemas"], serde_json::json!([ERROR]));
    assert_eq!(
        body["status"],
        status.to_string(),
        "RFC 7644 §3.12: a string"
    );
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "{request:?}"
    );
    let scim_type = body
        .get("scimType")
        .map_or("", |t| t.as_str().expect("a string"));
    assert!(SCIM_TYPES.contains(&scim_type), "{scim_type}");
    let needed = match status {
        401 => "www-authenticate",
        405 => "allow",
        429 | 503 => "retry-after",
        _ => return,
    };
    assert!(
        header(response, needed).is_some(),
        "{status} needs {needed}"
    );
}

fn success(response: &Response, body: &Value) {
    if body["schemas"][0] == LIST {
        let resources = body["Resources"].as_array().expect("Resources");
        let total = body["totalResults"].as_u64().expect("totalResults");
        assert!(resources.len() as u64 <= total, "{body}");
        if let Some(per_page) = body.get("itemsPerPage") {
            assert_eq!(per_page.as_u64(), Some(resources.len() as u64));
        }
        resources.iter().for_each(resource);
    } else if body["id"].is_string() && body["meta"].is_object() {
        resource(body);
        if let (Some(etag), Some(version)) = (header(response, "etag"), body["meta"].get("version"))
        {
            assert_eq!(version, etag);
        }
    }
    if response.status == 201 {
        let location = header(response, "location").expect("RFC 7644 §3.3: Location");
        if let Some(shown) = body["meta"].get("location") {
            assert_eq!(shown, location);
        }
    }
}

fn resource(body: &Value) {
    assert!(
        body["id"].as_str().is_some_and(|id| !id.is_empty()),
        "{body}"
    );
    assert!(
        body["schemas"]
            .as_array()
            .is_some_and(|schemas| !schemas.is_empty()),
        "{body}"
    );
    if let Some(location) = body["meta"].get("location").and_then(Value::as_str) {
        assert!(location.starts_with("http"), "{location}");
    }
}

fn holds_key(json: &Value, name: &str) -> bool {
    match json {
        Value::Object(members) => members
            .iter()
            .any(|(key, v)| key == name || holds_key(v, name)),
        Value::Array(elements) => elements.iter().any(|element| holds_key(element, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The first value of a header.
pub(crate) fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let mut headers = response.headers.iter();
    headers
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}
