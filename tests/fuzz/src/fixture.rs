//! Resources for the targets without a service: users and groups that fill most
//! attributes, and some that fill almost none.

use scim::Mode;
use scim::json::{self, MAX_DEPTH};
use scim::resource::{Resource, from_client};
use scim::schema::{Registry, ResourceTypeId};

/// What a client once sent as its password; no answer may hold it.
pub(crate) const SECRET: &str = "t1meMa$heen";

thread_local! {
    static ALL: (Registry, Vec<Resource>) = {
        let registry = Registry::standard().unwrap();
        let resources = resources(&registry);
        (registry, resources)
    };
}

/// Calls back with the registry and all resources, which are made once.
pub(crate) fn with(check: impl FnOnce(&Registry, &[Resource])) {
    ALL.with(|(registry, resources)| check(registry, resources));
}

const USERS: [&str; 4] = [
    r#"{"userName": "bjensen@example.com"}"#,
    r#"{"userName": "Bärbel", "externalId": "A-1", "password": "t1meMa$heen", "active": true,
        "displayName": "Babs", "title": "Guide", "userType": "Employee", "locale": "de-DE",
        "name": {"formatted": "Ms. Barbara J Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@example.org", "type": "home", "display": "at home"}],
        "phoneNumbers": [{"value": "+1-201-555-0123", "type": "work"}],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood", "postalCode": "91608", "country": "US"}],
        "roles": [{"value": "admin", "primary": false}, {"value": "guest"}],
        "x509Certificates": [{"value": "TWFu"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "701984", "department": "Tour Operations",
            "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d"}}}"#,
    r#"{"userName": "c", "active": false, "emails": [{"value": "c"}, {"type": "work"}],
        "ims": [{"value": "someaimhandle", "type": "aim"}], "nickName": "\u0009\"\\"}"#,
    r#"{"userName": "d", "name": {"givenName": ""}, "emails": [],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": null}}"#,
];

const GROUPS: [&str; 2] = [
    r#"{"displayName": "Tour Guides", "externalId": "g", "members": [
        {"value": "2819c223-7f76-453a-919d-413861904646", "type": "User", "display": "Babs"},
        {"value": "902c246b-6245-4190-8e05-00816be7344a"}]}"#,
    r#"{"displayName": "empty"}"#,
];

/// Reads a resource as a client sends it, its id given.
pub(crate) fn read(registry: &Registry, kind: ResourceTypeId, text: &str) -> Resource {
    let body = json::parse(text.as_bytes(), MAX_DEPTH).unwrap();
    let mut resource = from_client(registry, kind, &body, Mode::Lenient).unwrap();
    let id = scim::resource::Value::String("2819c223".to_owned());
    resource.attributes.set(registry.core().id, id);
    resource
}

/// All of them.
pub(crate) fn resources(registry: &Registry) -> Vec<Resource> {
    let core = registry.core();
    let users = USERS.iter().map(|text| read(registry, core.user, text));
    let groups = GROUPS.iter().map(|text| read(registry, core.group, text));
    users.chain(groups).collect()
}
