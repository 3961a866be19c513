//! Bulk requests (RFC 7644 §3.7).

mod faults;
mod graphs;
mod references;
mod rules;

use crate::support::{Reply, World, request};
use directory::http::Request;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn message(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations})
}

fn bulk_request(operations: &Value) -> Request {
    request("POST", "/Bulk", Some(&message(operations)))
}

/// Sends operations that are of the form.
#[track_caller]
fn bulk(world: &World, operations: &Value) -> Vec<Value> {
    let reply = world.post("/Bulk", &message(operations));
    results(&reply)
}

#[track_caller]
fn results(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        reply.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"])
    );
    reply.body["Operations"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<&str> {
    let statuses = results.iter().map(|result| &result["status"]);
    statuses.map(|status| status.as_str().unwrap()).collect()
}

/// The id at the end of a result's `location`.
fn id(result: &Value) -> String {
    let location = result["location"].as_str().unwrap();
    location.rsplit('/').next().unwrap().to_owned()
}

/// A `POST` of a user.
fn user(name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name}})
}

/// A `POST` of a group, with members by their bulkIds.
fn group(name: &str, members: &[&str]) -> Value {
    let members = members.iter();
    let members: Vec<Value> = members
        .map(|bulk_id| json!({"value": format!("bulkId:{bulk_id}")}))
        .collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": name,
        "data": {"displayName": name, "members": members}})
}
