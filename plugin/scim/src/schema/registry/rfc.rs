//! The standard schemas, attribute by attribute as RFC 7643 §8.7.1 and RFC 9944 §3 and §7.3
//! have them, and each deviation with its reason. `/Schemas` is written from the same
//! registry that requests are read by, so what is told is what is done.

use crate::schema::{
    AttrId, DEVICE, ENTERPRISE_USER, ETHERNET_MAB, GROUP, Mutability, Registry, Returned, USER,
    Uniqueness,
};
use std::collections::BTreeMap;

/// Type and characteristics; those that are not named are RFC 7643's defaults (§2.2).
const RFC: &[(&str, &[(&str, &str)])] = &[
    (
        USER,
        &[
            ("userName", "string required unique"),
            ("name", "complex"),
            ("name.formatted", "string"),
            ("name.familyName", "string"),
            ("name.givenName", "string"),
            ("name.middleName", "string"),
            ("name.honorificPrefix", "string"),
            ("name.honorificSuffix", "string"),
            ("displayName", "string"),
            ("nickName", "string"),
            ("profileUrl", "reference to external"),
            ("title", "string"),
            ("userType", "string"),
            ("preferredLanguage", "string"),
            ("locale", "string"),
            ("timezone", "string"),
            ("active", "boolean"),
            ("password", "string writeOnly never"),
            ("emails", "complex list"),
            ("emails.value", "string"),
            ("emails.display", "string"),
            ("emails.type", "string of work home other"),
            ("emails.primary", "boolean"),
            ("phoneNumbers", "complex list"),
            ("phoneNumbers.value", "string"),
            ("phoneNumbers.display", "string"),
            (
                "phoneNumbers.type",
                "string of work home mobile fax pager other",
            ),
            ("phoneNumbers.primary", "boolean"),
            ("ims", "complex list"),
            ("ims.value", "string"),
            ("ims.display", "string"),
            (
                "ims.type",
                "string of aim gtalk icq xmpp msn skype qq yahoo",
            ),
            ("ims.primary", "boolean"),
            ("photos", "complex list"),
            ("photos.value", "reference to external"),
            ("photos.display", "string"),
            ("photos.type", "string of photo thumbnail"),
            ("photos.primary", "boolean"),
            ("addresses", "complex list"),
            ("addresses.formatted", "string"),
            ("addresses.streetAddress", "string"),
            ("addresses.locality", "string"),
            ("addresses.region", "string"),
            ("addresses.postalCode", "string"),
            ("addresses.country", "string"),
            ("addresses.type", "string of work home other"),
            ("groups", "complex list readOnly"),
            ("groups.value", "string readOnly"),
            ("groups.$ref", "reference readOnly to User Group"),
            ("groups.display", "string readOnly"),
            ("groups.type", "string readOnly of direct indirect"),
            ("entitlements", "complex list"),
            ("entitlements.value", "string"),
            ("entitlements.display", "string"),
            ("entitlements.type", "string"),
            ("entitlements.primary", "boolean"),
            ("roles", "complex list"),
            ("roles.value", "string"),
            ("roles.display", "string"),
            ("roles.type", "string"),
            ("roles.primary", "boolean"),
            ("x509Certificates", "complex list"),
            ("x509Certificates.value", "binary"),
            ("x509Certificates.display", "string"),
            ("x509Certificates.type", "string"),
            ("x509Certificates.primary", "boolean"),
        ],
    ),
    (
        GROUP,
        &[
            ("displayName", "string"),
            ("members", "complex list"),
            ("members.value", "string immutable"),
            ("members.$ref", "reference immutable to User Group"),
            ("members.type", "string immutable of User Group"),
        ],
    ),
    (
        ENTERPRISE_USER,
        &[
            ("employeeNumber", "string"),
            ("costCenter", "string"),
            ("organization", "string"),
            ("division", "string"),
            ("department", "string"),
            ("manager", "complex"),
            ("manager.value", "string"),
            ("manager.$ref", "reference to User"),
            ("manager.displayName", "string readOnly"),
        ],
    ),
    (
        DEVICE,
        &[
            ("displayName", "string"),
            ("active", "boolean required"),
            ("mudUrl", "reference caseExact to external"),
            // As those of a user.
            ("groups", "complex list readOnly"),
            ("groups.value", "string readOnly"),
            ("groups.$ref", "reference readOnly to User Group"),
            ("groups.display", "string readOnly"),
            ("groups.type", "string readOnly of direct indirect"),
        ],
    ),
    (ETHERNET_MAB, &[("deviceMacAddress", "string required")]),
];

const CASE: &str = "ids, URIs and base64 differ by case; so do URLs (EID 6001)";
const TYPES: &str = "the interoperability profile has every list with types name them";

/// What differs, and why.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("profileUrl", "reference caseExact to external", CASE),
    ("photos.value", "reference caseExact to external", CASE),
    (
        "password",
        "string caseExact writeOnly never",
        "a password in another case is another one",
    ),
    (
        "addresses.primary",
        "boolean",
        "RFC 7643 section 2.4 has it for every list, and section 8.2 uses it",
    ),
    ("groups.value of User", "string caseExact readOnly", CASE),
    (
        "groups.$ref of User",
        "reference caseExact readOnly to Group",
        "no user is a group of a user",
    ),
    ("groups.value of Device", "string caseExact readOnly", CASE),
    (
        "groups.$ref of Device",
        "reference caseExact readOnly to Group",
        "no user is a group of a device",
    ),
    (
        "deviceMacAddress",
        "string required unique",
        "of two devices with one address nobody could tell which is on the network",
    ),
    ("entitlements.type", "string of work home other", TYPES),
    ("roles.type", "string of work home other", TYPES),
    ("x509Certificates.type", "string of work home other", TYPES),
    ("x509Certificates.value", "binary caseExact", CASE),
    (
        "displayName of Group",
        "string required unique",
        "section 4.2 requires it; Entra ID and authentik need it unique",
    ),
    ("members.value", "string caseExact immutable", CASE),
    (
        "members.$ref",
        "reference caseExact immutable to User Group Device",
        "RFC 9944 section 4 has groups of devices; and as for members.value",
    ),
    (
        "members.type",
        "string immutable of User Group Device",
        "RFC 9944 section 4 has groups of devices",
    ),
    (
        "members.display",
        "string",
        "section 2.4 has it for every list",
    ),
    ("manager.value", "string caseExact", CASE),
    ("manager.$ref", "reference caseExact to User", CASE),
];

/// An attribute in the words of the tables.
fn described(registry: &Registry, id: AttrId) -> String {
    let attribute = registry.attribute(id);
    let mut words = vec![attribute.kind.word().to_owned()];
    let mut flag = |holds: bool, name: &str| words.extend(holds.then(|| name.to_owned()));
    flag(attribute.multi_valued, "list");
    flag(attribute.required, "required");
    flag(attribute.case_exact, "caseExact");
    if attribute.mutability != Mutability::ReadWrite {
        words.push(attribute.mutability.word().to_owned());
    }
    if attribute.returned != Returned::Default {
        words.push(attribute.returned.word().to_owned());
    }
    if attribute.uniqueness == Uniqueness::Server {
        words.push("unique".to_owned());
    }
    for (intro, names) in [
        ("of", &attribute.canonical_values),
        ("to", &attribute.reference_types),
    ] {
        if !names.is_empty() {
            words.push(intro.to_owned());
            words.extend(names.iter().cloned());
        }
    }
    words.join(" ")
}

#[test]
fn the_schemas_are_those_of_the_rfc_but_for_what_is_named() {
    let registry = Registry::standard().unwrap();
    let mut deviations: BTreeMap<_, _> = DEVIATIONS.iter().map(|(p, is, _)| (*p, *is)).collect();
    for (urn, rfc) in RFC {
        let schema = registry.schema(urn).unwrap();
        let mut rfc: BTreeMap<_, _> = rfc.iter().copied().collect();
        let mut ids = schema.attributes.clone();
        while let Some(id) = ids.pop() {
            ids.extend(&registry.attribute(id).children);
            let path = registry.path(id);
            let path = path.strip_prefix(&format!("{urn}:")).unwrap_or(&path);
            let ours = described(&registry, id);
            let theirs = rfc.remove(path);
            if theirs != Some(ours.as_str()) {
                let of_type = format!("{path} of {}", schema.name);
                let name = match deviations.contains_key(of_type.as_str()) {
                    true => of_type.as_str(),
                    false => path,
                };
                assert_eq!(
                    deviations.remove(name),
                    Some(ours.as_str()),
                    "{path}: {theirs:?}"
                );
            }
        }
        assert!(rfc.is_empty(), "{rfc:?} are missing");
    }
    assert!(deviations.is_empty(), "{deviations:?} do not deviate");
}

/// RFC 7643 §8.7.2 as corrected: EID 5607 and EID 8011.
#[test]
fn the_schemas_of_discovery_are_corrected() {
    let registry = Registry::standard().unwrap();
    let core = registry.core();
    let is = |of, path: &str| described(&registry, registry.resolve(of, path).unwrap());
    let characteristic = |name: &str| is(core.schema, &format!("attributes.{name}"));
    assert_eq!(
        characteristic("referenceTypes"),
        "string list caseExact readOnly"
    );
    assert_eq!(
        characteristic("canonicalValues"),
        "string list caseExact readOnly"
    );
    let scheme = |name: &str| {
        is(
            core.service_provider_config,
            &format!("authenticationSchemes.{name}"),
        )
    };
    assert_eq!(
        scheme("type"),
        "string required readOnly of oauth oauth2 oauthbearertoken httpbasic httpdigest"
    );
    assert_eq!(scheme("primary"), "boolean readOnly");
}
