//! Documents compile, and names are found.

use super::*;

#[test]
fn the_standard_documents_compile() {
    let registry = Registry::standard().unwrap();
    assert_eq!(registry.resource_types().len(), 6);
    assert_eq!(registry.path(registry.core().emails_value), "emails.value");
}

#[test]
fn names_are_found_without_regard_to_case() {
    let registry = Registry::standard().unwrap();
    let user = registry.core().user;
    assert_eq!(
        registry.top(user, "USERNAME"),
        Some(registry.core().user_name)
    );
    let extension = registry
        .top(user, &super::super::ENTERPRISE_USER.to_uppercase())
        .unwrap();
    let manager = registry.child(extension, "Manager").unwrap();
    assert_eq!(
        registry.path(registry.child(manager, "VALUE").unwrap()),
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
    );
}

#[test]
fn full_names_are_resolved() {
    let registry = Registry::standard().unwrap();
    let user = registry.core().user;
    let path = |name: &str| Some(registry.path(registry.resolve(user, name)?));
    let urn = crate::schema::ENTERPRISE_USER;
    let is = |name: &str, expected: &str| {
        assert_eq!(path(name).as_deref(), Some(expected), "{name}");
    };
    is("Name.GivenName", "name.givenName");
    is(&format!("{}:userName", crate::schema::USER), "userName");
    is(&urn.to_lowercase(), urn);
    let manager = format!("{urn}:manager.value");
    is(&manager, &manager);
    is("manager.value", &manager);
    for unknown in [
        "",
        ".",
        "name.",
        "name.x",
        "members",
        &format!("{urn}:"),
        "é",
    ] {
        assert_eq!(path(unknown), None, "{unknown}");
    }
}
