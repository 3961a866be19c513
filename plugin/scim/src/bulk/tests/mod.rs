//! Bulk requests, by rule.

mod references;
mod request;
mod schedule;

use super::{BulkRequest, Method, Outcome, bulk_response};
use crate::json;
use serde_json::Value;

/// Reads the operations of a request.
fn with_parsed<T>(operations: &Value, then: impl FnOnce(BulkRequest<'_>) -> T) -> T {
    let body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    })
    .to_string();
    let body = json::parse(body.as_bytes(), json::MAX_DEPTH).unwrap();
    then(BulkRequest::parse(body, 1_000).unwrap())
}

#[test]
fn a_response_has_what_there_is_and_a_status_in_text() {
    let created = Outcome {
        method: Method::Post,
        bulk_id: Some("q\"".into()),
        version: Some("W/\"7\"".to_owned()),
        location: Some("https://x.example/Users/1".to_owned()),
        status: 201,
        error: None,
    };
    let failed = Outcome {
        method: Method::Delete,
        bulk_id: None,
        version: None,
        location: Some("https://x.example/Users/2".to_owned()),
        status: 404,
        error: Some(crate::message::error(&crate::Error::NoEndpoint)),
    };
    let written = bulk_response([&created, &failed]);
    assert_eq!(
        serde_json::from_slice::<Value>(&written).unwrap(),
        serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": [
                {"method": "POST", "bulkId": "q\"", "version": "W/\"7\"", "status": "201",
                    "location": "https://x.example/Users/1"},
                {"method": "DELETE", "status": "404", "location": "https://x.example/Users/2",
                    "response": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                        "status": "404", "detail": "There is no endpoint at this path."}},
            ],
        })
    );
}
