//! The message.

use crate::bulk::{BulkRequest, Method, Operation};
use crate::error::Error;
use crate::json::{self, Json};

/// What every bulk request begins with.
const SCHEMAS: &str = r#""schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]"#;

fn parsed(body: &str) -> Result<BulkRequest<'_>, Error> {
    BulkRequest::parse(json::parse(body.as_bytes(), json::MAX_DEPTH)?, 2)
}

#[test]
fn an_operation_has_method_path_and_what_goes_with_them() {
    let request = parsed(
        r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": 1,
            "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "q", "data": {"userName": "a"}, "x": 1},
                {"METHOD": "delete", "path": "/Users/1", "version": "W/\"7\"", "bulkId": null}]}"#,
    )
    .unwrap();
    assert_eq!(request.fail_on_errors, Some(1));
    let [create, delete] = request.operations.try_into().unwrap();
    assert_eq!(
        create,
        Operation {
            method: Method::Post,
            bulk_id: Some("q".into()),
            version: None,
            path: "/Users".into(),
            data: Some(Json::Object(vec![(
                "userName".into(),
                Json::String("a".into())
            )])),
        }
    );
    assert_eq!(
        delete,
        Operation {
            method: Method::Delete,
            bulk_id: None,
            version: Some("W/\"7\"".into()),
            path: "/Users/1".into(),
            data: None,
        }
    );
}

#[test]
fn fail_on_errors_of_zero_is_none() {
    for (text, expected) in [
        ("", None),
        (r#""failOnErrors": null,"#, None),
        (r#""failOnErrors": 0,"#, None),
        (r#""failOnErrors": 3,"#, Some(3)),
    ] {
        let body = format!(
            r#"{{{SCHEMAS}, {text} "Operations": [{{"method":"DELETE","path":"/Users/1"}}]}}"#
        );
        assert_eq!(parsed(&body).unwrap().fail_on_errors, expected, "{text}");
    }
}

#[test]
fn what_is_not_of_the_form_is_refused_with_its_place() {
    let delete = r#"{"method": "DELETE", "path": "/Users/1"}"#;
    for (operations, expected) in [
        (r#""x""#.to_owned(), "\"Operations\" must be a list"),
        ("{}".to_owned(), "\"Operations\" must be a list"),
        ("[]".to_owned(), "\"Operations\" is empty"),
        (format!("[{delete}, 7]"), "operation 2 must be an object"),
        (
            format!(r#"[{delete}, {{"path": "/Users/1"}}]"#),
            "operation 2 must have the \"method\" POST, PUT, PATCH or DELETE",
        ),
        (
            r#"[{"method": "GET", "path": "/Users/1"}]"#.to_owned(),
            "operation 1 must have the \"method\" POST, PUT, PATCH or DELETE",
        ),
        (
            r#"[{"method": "DELETE"}]"#.to_owned(),
            "operation 1 must have a \"path\"",
        ),
        (
            r#"[{"method": "DELETE", "path": ""}]"#.to_owned(),
            "operation 1 must have a \"path\"",
        ),
        (
            r#"[{"method": "DELETE", "path": 1}]"#.to_owned(),
            "operation 1 must have a string as \"path\"",
        ),
        (
            r#"[{"method": "DELETE", "path": "/Users/1", "version": 7}]"#.to_owned(),
            "operation 1 must have a string as \"version\"",
        ),
        (
            r#"[{"method": "POST", "path": "/Users", "data": {}}]"#.to_owned(),
            "operation 1 must have a \"bulkId\", because it is a POST",
        ),
        (
            r#"[{"method": "POST", "path": "/Users", "bulkId": "", "data": {}}]"#.to_owned(),
            "operation 1 must have a \"bulkId\", because it is a POST",
        ),
        (
            r#"[{"method": "PUT", "path": "/Users/1"}]"#.to_owned(),
            "operation 1 must have \"data\"",
        ),
        (
            r#"[{"method": "PATCH", "path": "/Users/1", "data": null}]"#.to_owned(),
            "operation 1 must have \"data\"",
        ),
    ] {
        let error = parsed(&format!(r#"{{{SCHEMAS}, "Operations": {operations}}}"#)).unwrap_err();
        assert_eq!(error.status(), 400, "{operations}");
        assert_eq!(
            error.to_string(),
            format!("The bulk request is malformed: {expected}."),
            "{operations}"
        );
    }
    for number in ["-1", "\"1\""] {
        let body = format!(r#"{{{SCHEMAS}, "failOnErrors": {number}, "Operations": [{delete}]}}"#);
        let error = parsed(&body).unwrap_err().to_string();
        assert!(error.contains("\"failOnErrors\""), "{body}: {error}");
    }
    assert_eq!(parsed("[]"), Err(Error::NotAnObject));
}

#[test]
fn a_bulk_request_names_its_message() {
    let delete = r#"{"method": "DELETE", "path": "/Users/1"}"#;
    for schemas in [
        "",
        r#""schemas": null,"#,
        r#""schemas": [],"#,
        r#""schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"#,
    ] {
        let body = format!(r#"{{{schemas} "Operations": [{delete}]}}"#);
        let error = parsed(&body).unwrap_err();
        assert_eq!(error.status(), 400, "{body}");
        assert!(
            error.to_string().contains("must name urn:"),
            "{body}: {error}"
        );
    }
}

#[test]
fn more_operations_than_the_limit_are_refused_by_its_name() {
    let delete = r#"{"method": "DELETE", "path": "/Users/1"}"#;
    let body = format!(r#"{{{SCHEMAS}, "Operations": [{delete}, {delete}, {delete}]}}"#);
    let error = parsed(&body).unwrap_err();
    assert_eq!(error, Error::TooManyBulkOperations { count: 3, limit: 2 });
    assert_eq!(error.status(), 413);
    assert!(error.to_string().contains("maxOperations (2)"));
}
