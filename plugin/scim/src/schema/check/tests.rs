//! What a configuration may not have is refused by its key and its attribute.

use crate::schema::fixture::with;
use serde_json::{Value, json};

const URN: &str = "urn:example:schemas:1.0:Site";

fn schema(attributes: &Value) -> Value {
    json!({"id": URN, "name": "Site", "attributes": attributes})
}

fn site() -> Value {
    json!([{"name": "Site", "endpoint": "/Sites", "schema": URN}])
}

fn refusal(schemas: &Value, types: &Value) -> String {
    with(schemas, types).unwrap_err().to_string()
}

#[test]
fn a_type_of_its_own_and_an_extension_are_taken() {
    let badge = json!({"id": "urn:example:schemas:1.0:Badge", "name": "Badge", "attributes": [
        {"name": "badge", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "number", "type": "string", "uniqueness": "server"},
            {"name": "$ref", "type": "reference"}]}]});
    let registry = with(
        &json!([schema(&json!([{"name": "code", "indexed": true}])), badge]),
        &json!([
            {"name": "Site", "endpoint": "/Sites", "schema": URN,
                "schemaExtensions": [{"schema": "URN:example:schemas:1.0:badge"}]},
            {"name": "User", "schemaExtensions":
                [{"schema": "urn:example:schemas:1.0:Badge", "required": true}]},
        ]),
    )
    .unwrap();
    let site = registry.resource_type_named("Site").unwrap();
    let indexes: Vec<_> = site.indexes.iter().map(|id| registry.path(*id)).collect();
    let badge = "urn:example:schemas:1.0:Badge:badge.number";
    assert_eq!(indexes, ["externalId", "code", badge]);
    let user = registry.resource_type(registry.core().user);
    assert_eq!(user.extensions.len(), 2);
    assert_eq!(
        registry.path(registry.resolve(user.id, badge).unwrap()),
        badge
    );
}

#[test]
fn a_bad_attribute_is_named() {
    for (attribute, expected) in [
        (
            json!({"name": "1st"}),
            "schemas[0].attributes[0].name: attribute \"1st\": must begin with a letter",
        ),
        (json!({"name": "__proto__"}), "must begin with a letter"),
        (json!({"name": "$ref"}), "must begin with a letter"),
        (json!({"name": "a b"}), "must begin with a letter"),
        (json!({"name": ""}), "must begin with a letter"),
        (
            json!({"type": "string"}),
            "schemas[0].attributes[0].name: must begin with a letter",
        ),
        (
            json!({"name": 5}),
            "schemas[0].attributes[0].name: must be a string",
        ),
        (
            json!({"name": "a", "type": "text"}),
            "schemas[0].attributes[0].type: attribute \"a\": must be one of string, boolean",
        ),
        (
            json!({"name": "a", "multivalued": true}),
            "schemas[0].attributes[0].multivalued: attribute \"a\": is no key of an attribute",
        ),
        (
            json!({"name": "a", "required": "yes"}),
            "schemas[0].attributes[0].required: attribute \"a\": must be true or false",
        ),
        (
            json!({"name": "a", "canonicalValues": ["b", 5]}),
            "schemas[0].attributes[0].canonicalValues[1]: attribute \"a\": must be a string",
        ),
        (
            json!({"name": "a", "type": "complex"}),
            "schemas[0].attributes[0].subAttributes: attribute \"a\": must have at least one",
        ),
        (
            json!({"name": "a", "subAttributes": [{"name": "b"}]}),
            "subAttributes: attribute \"a\": only a complex attribute",
        ),
        (
            json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b"}, {"name": "B"}]}),
            "schemas[0].attributes[0].subAttributes[1].name: attribute \"a.B\": is defined twice",
        ),
        (
            json!({"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}),
            "attribute \"a.b\": a sub-attribute cannot be complex",
        ),
        (
            json!({"name": "a", "required": true, "mutability": "readOnly"}),
            ".required: attribute \"a\": no client can give",
        ),
        (
            json!({"name": "a", "mutability": "writeOnly"}),
            ".returned: attribute \"a\": must be never",
        ),
        (
            json!({"name": "a", "type": "boolean", "indexed": true}),
            ".indexed: attribute \"a\": only a string",
        ),
        (
            json!({"name": "a", "type": "dateTime", "uniqueness": "server"}),
            ".uniqueness: attribute \"a\": only a string",
        ),
        (
            json!({"name": "a", "returned": "never", "uniqueness": "global"}),
            ".uniqueness: attribute \"a\": what is never returned",
        ),
        (
            json!({"name": "Meta", "type": "string"}),
            "schemas[0].attributes: attribute \"Meta\": every resource has it",
        ),
        (
            json!("a"),
            "schemas[0].attributes[0]: must be a JSON object",
        ),
    ] {
        let refused = refusal(&json!([schema(&json!([attribute]))]), &site());
        assert!(refused.contains(expected), "{attribute}: {refused}");
    }
    let twice = schema(&json!([{"name": "a"}, {"name": "A"}]));
    let refused = refusal(&json!([twice]), &site());
    assert!(
        refused.starts_with("schemas[0].attributes[1].name: attribute \"A\": is defined twice"),
        "{refused}"
    );
}

#[test]
fn a_bad_urn_is_refused() {
    let attributes = json!([{"name": "a"}]);
    for (urn, expected) in [
        ("", "must be a URN"),
        ("http://x", "must be a URN"),
        ("urn:a b", "must be a URN"),
        ("urn:a:", "must be a URN"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:user",
            "is defined already",
        ),
        (
            "urn:ietf:params:scim:schemas:core:2.0",
            "or be the beginning of",
        ),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:x",
            "must not begin",
        ),
        (URN, "no entry of resource_types has the schema"),
    ] {
        let schema = json!({"id": urn, "attributes": attributes});
        let refused = refusal(&json!([schema]), &json!([]));
        assert!(
            refused.starts_with("schemas[0].id: ") && refused.contains(expected),
            "{urn}: {refused}"
        );
    }
    for schemas in [
        json!({}),
        json!([7]),
        json!([{"id": URN, "attributes": []}]),
        json!([{"id": URN}]),
    ] {
        assert!(
            refusal(&schemas, &json!([])).starts_with("schemas"),
            "{schemas}"
        );
    }
}

#[test]
fn a_bad_resource_type_is_refused() {
    let schemas = json!([schema(&json!([{"name": "a"}]))]);
    let user = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (definition, expected) in [
        (
            json!({"name": "Site", "endpoint": "/users", "schema": URN}),
            "resource_types[1].endpoint: \"/users\" is taken",
        ),
        (
            json!({"name": "Site", "endpoint": "/schemas", "schema": URN}),
            "is taken",
        ),
        (
            json!({"name": "Site", "endpoint": "/Bulk", "schema": URN}),
            "is taken",
        ),
        (
            json!({"name": "Site", "endpoint": "/ME", "schema": URN}),
            "is taken",
        ),
        (
            json!({"name": "Site", "endpoint": "/firsts", "schema": URN}),
            "is taken",
        ),
        (
            json!({"name": "Site", "endpoint": "/.search", "schema": URN}),
            "endpoint: must be a slash",
        ),
        (
            json!({"name": "Site", "endpoint": "/a/b", "schema": URN}),
            "endpoint: must be a slash",
        ),
        (
            json!({"name": "Site", "endpoint": "/a%62", "schema": URN}),
            "endpoint: must be a slash",
        ),
        (
            json!({"name": "Site", "endpoint": "Sites", "schema": URN}),
            "endpoint: must be a slash",
        ),
        (
            json!({"name": "Site", "schema": URN}),
            "endpoint: must be a slash",
        ),
        (
            json!({"name": "A/b", "endpoint": "/Sites", "schema": URN}),
            "name: must begin",
        ),
        (
            json!({"endpoint": "/Sites", "schema": URN}),
            "name: must begin",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites"}),
            "schema: no schema \"\" is defined",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites", "schema": "urn:x"}),
            "schema: no schema \"urn:x\"",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites", "schema": user}),
            "schema: must be a schema of its own",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites", "schema": URN, "schemaExtensions": [{"schema": URN}]}),
            "schemaExtensions[0].schema: \"urn:example:schemas:1.0:Site\" is a core",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites", "schema": URN, "schemaExtensions": [{"schema": user}]}),
            "is a core schema",
        ),
        (
            json!({"name": "Site", "endpoint": "/Sites", "schema": URN, "schemaExtensions": [{"schema": "urn:x"}]}),
            "no schema \"urn:x\"",
        ),
        (
            json!({"name": "user", "schemaExtensions": []}),
            "name: there is a resource type \"User\" already",
        ),
        (
            json!({"name": "User", "endpoint": "/People"}),
            "endpoint: there is a resource type \"User\" already",
        ),
        (json!({"name": "User", "schema": URN}), "schema: there is"),
        (
            json!({"name": "First", "endpoint": "/Sites", "schema": URN}),
            "endpoint: there is a resource type \"First\"",
        ),
        (json!({"name": "Schema"}), "name: is a name of the service"),
        (
            json!({"name": "User", "schemaExtensions": [{"schema": crate::schema::ENTERPRISE_USER}]}),
            "\"User\" has it already",
        ),
        (
            json!({"name": "User", "extensions": []}),
            "extensions: is no key",
        ),
        (json!(5), "resource_types[1]: must be a JSON object"),
    ] {
        let first = json!({"name": "First", "endpoint": "/Firsts", "schema": URN});
        let refused = refusal(&schemas, &json!([first, definition]));
        assert!(
            refused.starts_with("resource_types[1]") && refused.contains(expected),
            "{definition}: {refused}"
        );
    }
}
