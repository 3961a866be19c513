//! Small SCIM documents, and what every SCIM error has in common.

use crate::client::Reply;
use serde_json::{Value, json};

/// The media type of RFC 7644, section 8.1.
pub const MEDIA_TYPE: &str = "application/scim+json";

/// A User with a userName, a mail address and an externalId.
#[must_use]
pub fn user(user_name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "externalId": format!("ext-{user_name}"),
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"value": user_name, "type": "work", "primary": true}],
        "active": true,
    })
}

/// A Group with a displayName and these members.
#[must_use]
pub fn group(display_name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": display_name,
        "members": members,
    })
}

/// A PATCH request with these operations.
#[must_use]
pub fn patch(operations: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

/// A query for `filter`, percent-encoded.
#[must_use]
pub fn query(path: &str, filter: &str) -> String {
    let mut encoded = format!("{path}?filter=");
    for byte in filter.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What is wrong with `reply` as a SCIM error of one of these statuses (RFC 7644, section 3.12).
///
/// # Errors
/// A sentence with the reply in it.
pub fn expect_error(reply: &Reply, statuses: &[u16]) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {reply}"));
    if !statuses.contains(&reply.status) {
        return wrong(&format!("status is not {statuses:?}"));
    }
    if reply.header("content-type") != MEDIA_TYPE {
        return wrong(&format!(
            "content type is {:?}",
            reply.header("content-type")
        ));
    }
    let body = reply.json();
    if body["schemas"] != json!(["urn:ietf:params:scim:api:messages:2.0:Error"]) {
        return wrong("not an Error message");
    }
    if body["status"] != json!(reply.status.to_string()) {
        return wrong("`status` is not the status as a string");
    }
    if body["detail"].as_str().is_none_or(str::is_empty) {
        return wrong("no detail");
    }
    if reply.status == 503 && reply.header("retry-after").parse::<u32>().is_err() {
        return wrong("503 without Retry-After");
    }
    Ok(())
}

/// All resources at `path`, over as many pages as it takes, in the order of the service.
///
/// # Panics
/// When a page is no ListResponse.
pub async fn all(client: &mut crate::client::Client, path: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let page = client
            .get(&format!("{path}?startIndex={}", found.len() + 1))
            .await;
        assert_eq!(page.status, 200, "{page}");
        let page = page.json();
        let resources = page["Resources"].as_array().cloned().unwrap_or_default();
        let total = page["totalResults"].as_u64().expect("a ListResponse");
        let done = resources.is_empty();
        found.extend(resources);
        if done || found.len() as u64 >= total {
            assert_eq!(found.len() as u64, total, "totalResults is true");
            return found;
        }
    }
}
