//! What is measured: the same filters, resources and PATCH requests for everybody.

use serde_json::{Map, Value, json};

/// The contents of `inputs.json`, which the npm packages read too.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) filters: Vec<String>,
    pub(crate) evaluated: String,
    pub(crate) user: Value,
    members: u64,
    pub(crate) patches: Vec<(String, Vec<Value>)>,
}

impl Inputs {
    pub(crate) fn read() -> Self {
        let all: Value = serde_json::from_str(include_str!("../inputs.json")).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let requests = |operations: &Value| {
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": operations,
            })
        };
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let patches: &Map<_, _> = all["patches"].as_object().expect("an object");
        Self {
            filters: list(&all["filters"]).iter().map(text).collect(),
            evaluated: text(&all["evaluated"]),
            user: all["user"].clone(),
            members: all["members"].as_u64().expect("a number"),
            patches: patches
                .iter()
                .map(|(task, all)| (task.clone(), list(all).iter().map(requests).collect()))
                .collect(),
        }
    }

    /// A group with as many members as the inputs say.
    pub(crate) fn group(&self) -> Value {
        let member =
            |n: u64| json!({"value": format!("019aa3c0-3a51-7c1e-9c51-{n:012}"), "type": "User"});
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "id": "019aa3c0-3a51-7c1e-9c51-aaaaaaaaaaaa",
            "displayName": "Staff",
            "members": (0..self.members).map(member).collect::<Vec<_>>(),
        })
    }
}
