//! What the service says of itself is complete and true.

use super::*;
use crate::projection::Projection;
use crate::resource::to_client;
use crate::schema::fixture::{EXTENSION, REGISTRY, any_schema, with};
use crate::schema::{
    AttributeDefinition, DEVICE, ENTERPRISE_USER, ETHERNET_MAB, GROUP, SchemaDefinition, USER,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn written(resource: &Resource) -> Json {
    serde_json::from_slice(&to_client(&REGISTRY, resource, &Projection::all())).unwrap()
}

fn all(resources: &[Resource]) -> Vec<Json> {
    resources.iter().map(written).collect()
}

#[test]
fn every_schema_but_the_common_one_is_described() {
    let schemas = all(&schemas(&REGISTRY));
    let core = |name: &str| format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
    let ids: Vec<&str> = schemas.iter().map(|s| s["id"].as_str().unwrap()).collect();
    let expected = [
        USER,
        ENTERPRISE_USER,
        GROUP,
        DEVICE,
        ETHERNET_MAB,
        &core("Schema"),
        &core("ResourceType"),
        &core("ServiceProviderConfig"),
        EXTENSION,
    ];
    assert_eq!(ids, expected);
    for schema in &schemas {
        assert_eq!(schema["schemas"], json!([core("Schema")]));
        assert_eq!(schema["meta"], json!({ "resourceType": "Schema" }));
    }
}

/// A description, read as a document.
fn read(described: &Json) -> SchemaDefinition {
    let text = described.to_string();
    let json = crate::json::parse(text.as_bytes(), crate::json::MAX_DEPTH).unwrap();
    SchemaDefinition::read(&json).unwrap()
}

/// What of a document its description tells.
fn told(mut definition: SchemaDefinition) -> String {
    fn unmark(attributes: &mut [AttributeDefinition]) {
        for attribute in attributes {
            attribute.indexed = false;
            unmark(&mut attribute.sub_attributes);
        }
    }
    unmark(&mut definition.attributes);
    format!("{definition:?}")
}

#[test]
fn a_schema_is_described_completely() {
    let (definitions, _) = crate::schema::standard_documents().unwrap();
    for described in all(&schemas(&REGISTRY)) {
        let is_it = |d: &&SchemaDefinition| described["id"] == d.id.as_str();
        if let Some(definition) = definitions.iter().find(is_it) {
            assert_eq!(told(read(&described)), told(definition.clone()));
        }
        for attribute in described["attributes"].as_array().unwrap() {
            for name in [
                "caseExact",
                "mutability",
                "multiValued",
                "required",
                "returned",
                "type",
                "uniqueness",
            ] {
                assert!(!attribute[name].is_null(), "{name}");
            }
            assert!(attribute["indexed"].is_null());
        }
    }
}

proptest! {
    #[test]
    fn a_schema_of_a_configuration_is_described_as_it_was_written(
        (document, as_type) in (any_schema(), any::<bool>()),
    ) {
        let types = if as_type {
            json!([{"name": "Thing", "endpoint": "/Things", "schema": document["id"]}])
        } else {
            json!([{"name": "User", "schemaExtensions": [{"schema": document["id"]}]}])
        };
        let registry = with(&json!([document]), &types).unwrap();
        let described = schemas(&registry).pop().unwrap();
        let bytes = to_client(&registry, &described, &Projection::all());
        let described: Json = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(told(read(&described)), told(read(&document)));
    }
}

#[test]
fn users_groups_and_devices_are_the_resource_types() {
    let types = all(&resource_types(&REGISTRY));
    assert_eq!(
        types[0],
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User", "name": "User", "description": "User Account",
            "endpoint": "/Users", "schema": USER,
            "schemaExtensions": [
                { "schema": ENTERPRISE_USER, "required": false },
                { "schema": EXTENSION, "required": false },
            ],
            "meta": { "resourceType": "ResourceType" },
        })
    );
    assert_eq!(types.len(), 3);
    assert_eq!(types[1]["id"], "Group");
    assert_eq!(types[1].get("schemaExtensions"), None);
    assert_eq!(types[2]["id"], "Device");
    assert_eq!(
        types[2]["schemaExtensions"],
        json!([{ "schema": ETHERNET_MAB, "required": false }])
    );
}

#[test]
fn the_configuration_has_what_the_rfc_requires() {
    let settings = Settings {
        documentation_uri: Some("https://example.com/docs".to_owned()),
        ..Settings::default()
    };
    let mut resource = service_provider_config(&REGISTRY, &settings);
    set_location(
        &REGISTRY,
        &mut resource,
        "https://a/ServiceProviderConfig".to_owned(),
    );
    let config = written(&resource);
    let schema = REGISTRY.core().service_provider_config;
    for id in &REGISTRY.resource_type(schema).attributes {
        let attribute = REGISTRY.attribute(*id);
        assert!(
            !attribute.required || !config[&attribute.name].is_null(),
            "{}",
            attribute.name
        );
    }
    assert_eq!(config["documentationUri"], "https://example.com/docs");
    assert_eq!(
        config["bulk"],
        json!({ "supported": true, "maxOperations": 1_000, "maxPayloadSize": 1_048_576 })
    );
    assert_eq!(
        config["filter"],
        json!({ "supported": true, "maxResults": 200 })
    );
    assert_eq!(
        config["authenticationSchemes"][0]["type"],
        "oauthbearertoken"
    );
    assert_eq!(
        config["meta"],
        json!({ "resourceType": "ServiceProviderConfig",
            "location": "https://a/ServiceProviderConfig" })
    );
}
