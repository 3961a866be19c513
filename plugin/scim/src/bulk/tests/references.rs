//! Where a reference is one, and what takes its place.

use super::with_parsed;
use crate::bulk::{Operation, Place};
use crate::json::Json;
use serde_json::{Value, json};

/// The references of an operation, and the operation with each replaced by
/// `id-of-…` or `url-of-…`.
fn replaced(method: &str, path: &str, data: &Value) -> (Vec<String>, String, Value) {
    let operation = json!([{"method": method, "path": path, "bulkId": "own", "data": data}]);
    with_parsed(&operation, |request| {
        let [mut operation]: [Operation<'_>; 1] = request.operations.try_into().unwrap();
        let mut seen = Vec::new();
        operation.visit_references(&mut |bulk_id, place| {
            seen.push(bulk_id.to_owned());
            Some(match place {
                Place::Id => format!("id-of-{bulk_id}"),
                Place::Url => format!("url-of-{bulk_id}"),
            })
        });
        let path = operation.path.clone().into_owned();
        (seen, path, value(&operation.data.unwrap()))
    })
}

fn value(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => json!(flag),
        Json::Integer(number) => json!(number),
        Json::Decimal(number) => json!(number),
        Json::String(text) => json!(text),
        Json::Array(elements) => elements.iter().map(value).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(key, json)| (key.clone().into_owned(), value(json)))
            .collect(),
    }
}

#[test]
fn a_whole_string_of_the_data_is_a_reference() {
    for (data, expected) in [
        (
            json!({"members": [{"value": "bulkId:a"}, {"value": "b"}, {"value": "bulkId:c d"}]}),
            json!({"members": [{"value": "id-of-a"}, {"value": "b"}, {"value": "id-of-c d"}]}),
        ),
        (
            json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                {"manager": {"value": "bulkId:a", "$ref": "bulkId:a"}}}),
            json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                {"manager": {"value": "id-of-a", "$ref": "url-of-a"}}}),
        ),
        (
            json!({"members": [{"$ref": "../Users/bulkId:a"}], "x": {"$REF": "/Users/bulkId%3Ab/"}}),
            json!({"members": [{"$ref": "../Users/id-of-a"}], "x": {"$REF": "/Users/id-of-b"}}),
        ),
        (
            json!({"Operations": [{"op": "add", "path": "manager", "value": "bulkId:a"}]}),
            json!({"Operations": [{"op": "add", "path": "manager", "value": "id-of-a"}]}),
        ),
        (json!(["bulkId:a"]), json!(["id-of-a"])),
    ] {
        assert_eq!(replaced("PUT", "/Users/1", &data).2, expected);
    }
}

#[test]
fn what_only_looks_like_a_reference_stays() {
    let data = json!({"a": "bulkId:", "b": "BulkId:x", "c": " bulkId:x", "d": "x bulkId:y",
        "e": "/Users/bulkId:x", "f": 1, "$ref": "/Users/x", "path": "members[value eq \"bulkId:x\"]"});
    let (seen, path, after) = replaced("PUT", "/Users/1", &data);
    assert_eq!(
        (seen, path, after),
        (Vec::new(), "/Users/1".to_owned(), data)
    );
}

#[test]
fn the_last_segment_of_a_path_may_be_a_reference() {
    for (path, expected) in [
        ("/Users/bulkId:a", "/Users/id-of-a"),
        ("Users/bulkId:a/", "Users/id-of-a"),
        ("/Users/bulkId%3aa%20b", "/Users/id-of-a b"),
        (
            "https://x.example/Users/bulkId:a",
            "https://x.example/Users/id-of-a",
        ),
        ("/bulkId:a/x", "/bulkId:a/x"),
        ("/Users/%ff", "/Users/%ff"),
    ] {
        assert_eq!(replaced("PUT", path, &json!({})).1, expected);
    }
}

#[test]
fn the_filter_of_a_patch_path_may_name_references() {
    for (path, expected) in [
        (
            r#"members[value eq "bulkId:a"]"#,
            r#"members[value eq "id-of-a"]"#,
        ),
        (
            r#"members[value eq "bulkId:a" or value eq "b" or value eq "bulkId:c"].display"#,
            r#"members[value eq "id-of-a" or value eq "b" or value eq "id-of-c"].display"#,
        ),
        ("members[value eq \"bulkId:a", "members[value eq \"bulkId:a"),
        ("members", "members"),
    ] {
        let by_path = json!({"Operations": [{"op": "remove", "path": path}]});
        let (_, _, after) = replaced("PATCH", "/Groups/1", &by_path);
        assert_eq!(after["Operations"][0]["path"], expected);
        // Entra ID names values of an operation without path by such keys.
        let by_key = json!([{"op": "add", "value": {path: "x"}}]);
        let (_, _, after) = replaced("PATCH", "/Groups/1", &by_key);
        assert_eq!(after[0]["value"], json!({expected: "x"}));
    }
}

#[test]
fn what_is_not_replaced_stays_as_it_is() {
    let data = json!([{"op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]",
        "value": ["bulkId:a", "bulkId:b"]}]);
    let operations = json!([{"method": "PATCH", "path": "/Groups/bulkId:a", "data": data}]);
    with_parsed(&operations, |request| {
        let before = request.operations[0].clone();
        let [mut operation]: [Operation<'_>; 1] = request.operations.try_into().unwrap();
        operation.visit_references(&mut |_, _| None);
        assert_eq!(operation, before);
        operation.visit_references(&mut |bulk_id, _| (bulk_id == "b").then(|| "1".to_owned()));
        assert_eq!(
            value(operation.data.as_ref().unwrap()),
            json!([{"op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"1\"]",
                "value": ["bulkId:a", "1"]}])
        );
    });
}
