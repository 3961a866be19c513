//! What can be asked, as JavaScript gets it: the JSON text of each outcome.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use scim_web::{Protocol, to_json};
use serde::Serialize;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn protocol() -> Protocol {
    Protocol::standard().unwrap()
}

fn outcome<T: Serialize>(result: Result<T, scim_web::Problem>) -> Value {
    serde_json::from_str(&to_json(result)).unwrap()
}

fn value<T: Serialize>(result: Result<T, scim_web::Problem>) -> Value {
    let mut outcome = outcome(result);
    assert_eq!(outcome["ok"], true, "{outcome}");
    outcome["value"].take()
}

fn sentence(filter: &str) -> String {
    let explained = value(protocol().explain_filter("User", filter));
    explained["sentence"].as_str().unwrap().to_owned()
}

#[test]
fn a_valid_resource_comes_back_as_a_service_understands_it() {
    let resource = r#"{"USERNAME":"ada","active":"True","id":"mine","hobbies":[1]}"#;
    assert_eq!(
        value(protocol().validate("User", resource, false)),
        json!({
            "problems": [],
            "resource": { "schemas": [USER], "userName": "ada", "active": true },
        })
    );
}

#[test]
fn problems_are_listed_all_or_the_first() {
    let resource = r#"{"active":"perhaps","emails":[{"value":1.5e300}]}"#;
    let problems = |first_only| {
        let mut validation = value(protocol().validate("User", resource, first_only));
        assert_eq!(validation["resource"], Value::Null);
        validation["problems"].take()
    };
    assert_eq!(
        problems(true),
        json!([{
            "status": 400,
            "scimType": "invalidValue",
            "detail": "\"active\" must be true or false.",
            "attribute": "active",
        }])
    );
    let all = problems(false);
    let attributes: Vec<&Value> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["attribute"])
        .collect();
    assert_eq!(attributes, ["active", "emails.value", "userName"]);
    assert_eq!(all[1]["pointer"], "/emails/0/value");
}

#[test]
fn what_is_no_json_is_a_problem_of_the_resource() {
    let deep = "[".repeat(10_000);
    for text in ["", "{", "\"\\ud800\"", deep.as_str(), r#"{"a":1,"A":2}"#] {
        let validation = value(protocol().validate("User", text, false));
        assert_eq!(
            validation["problems"][0]["scimType"], "invalidSyntax",
            "{text:.20}"
        );
    }
}

#[test]
fn an_unknown_resource_type_is_an_error_of_the_call() {
    for name in ["user", "__proto__", "constructor", ""] {
        let refused = outcome(protocol().validate(name, "{}", false));
        assert_eq!(refused["ok"], false);
        assert_eq!(refused["error"]["status"], 400);
    }
}

#[test]
fn a_filter_is_told_in_a_sentence() {
    assert_eq!(
        sentence(r#"userName sw "BJ" and not (active eq true)"#),
        "A User matches when userName starts with \"BJ\" (ignoring case) and not (active is true)."
    );
    assert_eq!(
        sentence(
            r#"title pr and (emails[type ne "work"] or meta.created gt "2026-01-01T00:00:00Z")"#
        ),
        "A User matches when title has a value and (emails has a value for which \
         (type is other than \"work\" (ignoring case) or has no value) or \
         meta.created is later than \"2026-01-01T00:00:00Z\")."
    );
}

#[test]
fn a_comparison_with_many_values_asks_for_one_of_them() {
    assert_eq!(
        sentence(r#"emails.value ew "@one.example" or schemas eq "urn:x""#),
        "A User matches when one of emails.value ends with \"@one.example\" (ignoring case) or \
         one of schemas is \"urn:x\"."
    );
}

#[test]
fn a_filter_is_told_as_a_tree() {
    let explained = value(protocol().explain_filter(
        "User",
        r#"EMAILS[primary Eq "TRUE"] Or not (manager eq "26118915")"#,
    ));
    assert_eq!(
        explained["tree"],
        json!({
            "op": "or",
            "terms": [
                {
                    "op": "has",
                    "attribute": "emails",
                    "condition": {
                        "op": "eq", "attribute": "emails.primary", "type": "boolean",
                        "multiValued": false, "caseExact": false, "value": true,
                    },
                },
                {
                    "op": "not",
                    "term": {
                        "op": "eq",
                        "attribute":
                            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                        "type": "string", "multiValued": false, "caseExact": true,
                        "value": "26118915",
                    },
                },
            ],
        })
    );
    assert_eq!(
        explained["canonical"],
        r#"EMAILS[primary eq "TRUE"] or not (manager eq "26118915")"#
    );
}

#[test]
fn a_malformed_filter_says_where_in_units_of_javascript() {
    let refused = outcome(protocol().parse_filter("User", "userName eq \"𝄞\" )"));
    assert_eq!(refused["error"]["scimType"], "invalidFilter");
    assert_eq!(refused["error"]["position"], 17);
}

#[test]
fn a_filter_sees_what_the_service_adds_to_a_resource() {
    let resource = r#"{"id":"7","userName":"ada","meta":{"created":"2026-01-01T00:00:00Z"}}"#;
    let matches = |filter| value(protocol().evaluate_filter("User", filter, resource));
    assert_eq!(matches(r#"id eq "7" and meta.created pr"#), true);
    assert_eq!(matches(r#"id eq "8""#), false);
}

#[test]
fn a_patch_shows_what_it_changes() {
    let resource = json!({
        "id": "7",
        "userName": "ada",
        "name": { "givenName": "Ada", "familyName": "B" },
        "emails": [{ "value": "a@one.example" }, { "value": "a@two.example" }],
    });
    let request = json!({ "Operations": [
        { "op": "replace", "path": "name.familyName", "value": "L" },
        { "op": "add", "path": "title", "value": "Countess" },
        { "op": "remove", "path": "emails[value eq \"a@one.example\"]" },
        { "op": "add", "path": "emails", "value": [{ "value": "a@three.example", "type": "work" }] },
        { "op": "replace", "path": "password", "value": "secret" },
    ] });
    let patched =
        value(protocol().apply_patch("User", &resource.to_string(), &request.to_string()));
    assert_eq!(patched["changed"], true);
    assert_eq!(patched["before"]["name"]["familyName"], "B");
    assert_eq!(patched["after"]["name"]["familyName"], "L");
    assert!(!patched.to_string().contains("secret"), "{patched}");
    let mut changes = patched["changes"].as_array().unwrap().clone();
    changes.sort_by_key(|change| change["path"].as_str().unwrap().to_owned());
    assert_eq!(
        changes,
        [
            json!({
                "path": "emails",
                "removed": [{ "value": "a@one.example" }],
                "added": [{ "value": "a@three.example", "type": "work" }],
            }),
            json!({ "path": "name.familyName", "before": "B", "after": "L" }),
            json!({ "path": "password" }),
            json!({ "path": "title", "after": "Countess" }),
        ]
    );
}

#[test]
fn a_patch_that_changes_nothing_says_so() {
    let request = r#"{"Operations":[{"op":"replace","path":"userName","value":"ada"}]}"#;
    let patched = value(protocol().apply_patch("User", r#"{"userName":"ada"}"#, request));
    assert_eq!(
        (&patched["changed"], &patched["changes"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn a_projection_shows_what_is_asked_for_and_always_the_id() {
    let resource = r#"{"id":"7","userName":"ada","title":"Countess","password":"secret"}"#;
    let shown =
        |attributes, excluded| value(protocol().project("User", resource, attributes, excluded));
    assert_eq!(
        shown(Some("title,password"), None),
        json!({ "schemas": [USER], "id": "7", "title": "Countess" })
    );
    assert_eq!(
        shown(None, Some("title")),
        json!({ "schemas": [USER], "id": "7", "userName": "ada" })
    );
}

#[test]
fn schemas_and_resource_types_are_those_of_the_service() {
    let ids = |documents: Value| {
        let ids = documents
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        ids(value(protocol().resource_types())),
        ["User", "Group", "Device"]
    );
    assert!(ids(value(protocol().schemas())).contains(&json!(USER)));
}

#[test]
fn schemas_of_ones_own_are_understood_beside_the_standard_ones() {
    let documents = json!({
        "schemas": [{
            "id": "urn:example:params:scim:schemas:1.0:Badge",
            "name": "Badge",
            "attributes": [{ "name": "badge", "type": "integer", "required": true }],
        }],
        "resource_types": [{
            "name": "User",
            "schemaExtensions": [{ "schema": "urn:example:params:scim:schemas:1.0:Badge" }],
        }],
        "limits": {},
    });
    let protocol = Protocol::with(&documents.to_string()).unwrap();
    let validation = value(protocol.validate(
        "User",
        r#"{"userName":"ada","urn:example:params:scim:schemas:1.0:Badge":{"badge":"x"}}"#,
        false,
    ));
    assert_eq!(
        validation["problems"][0]["attribute"],
        "urn:example:params:scim:schemas:1.0:Badge:badge"
    );
}

#[test]
fn documents_that_are_wrong_are_refused_with_the_place() {
    for (documents, place) in [
        (r#"[]"#, "JSON object"),
        (r#"{"schemas":7}"#, "schemas"),
        (
            r#"{"schemas":[{"id":"urn:x:y","name":"X","attributes":[{"name":"__proto__"}]}]}"#,
            "__proto__",
        ),
        (
            r#"{"resource_types":[{"name":"User","schemaExtensions":[{"schema":"urn:z"}]}]}"#,
            "urn:z",
        ),
    ] {
        let problem = Protocol::with(documents).unwrap_err();
        assert_eq!(problem.status, 400);
        assert!(
            problem.detail.contains(place),
            "{documents}: {}",
            problem.detail
        );
    }
}
