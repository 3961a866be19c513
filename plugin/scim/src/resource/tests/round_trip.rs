//! What is written reads back.

use super::any;
use crate::Mode;
use crate::json;
use crate::projection::Projection;
use crate::resource::{Complex, Resource, Value, from_client, from_store, to_client, to_store};
use crate::schema::fixture::{EXTENSION, REGISTRY};
use crate::schema::{AttrId, Attribute, Mutability, Returned};
use proptest::prelude::*;

/// The resource without the attributes for which `drops` holds.
fn without(resource: &Resource, drops: &dyn Fn(&Attribute) -> bool) -> Resource {
    Resource {
        resource_type: resource.resource_type,
        attributes: complex_without(&resource.attributes, drops),
    }
}

fn complex_without(complex: &Complex, drops: &dyn Fn(&Attribute) -> bool) -> Complex {
    let kept = complex
        .iter()
        .filter(|(id, _)| !drops(REGISTRY.attribute(*id)));
    kept.filter_map(|(id, value)| Some((id, value_without(value, drops)?)))
        .collect()
}

fn value_without(value: &Value, drops: &dyn Fn(&Attribute) -> bool) -> Option<Value> {
    match value {
        Value::Complex(complex) => {
            let complex = complex_without(complex, drops);
            (!complex.is_empty()).then_some(Value::Complex(complex))
        }
        Value::List(elements) => {
            let elements = elements.iter();
            let mut kept: Vec<Value> = elements.filter_map(|e| value_without(e, drops)).collect();
            // Of two that differ in nothing else, a client reads one.
            kept.dedup_by(|a, b| matches!(a, Value::Complex(_)) && a == b);
            (!kept.is_empty()).then_some(Value::List(kept))
        }
        simple => Some(simple.clone()),
    }
}

fn is_computed(id: AttrId) -> bool {
    let core = REGISTRY.core();
    [
        core.meta_resource_type,
        core.meta_location,
        core.meta_version,
    ]
    .contains(&id)
}

fn user_or_group() -> impl Strategy<Value = Resource> {
    let core = REGISTRY.core();
    prop_oneof![any::resource(core.user), any::resource(core.group)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_gives_back_what_it_got(resource in user_or_group()) {
        let bytes = to_store(&REGISTRY, &resource);
        let expected = without(&resource, &|a| {
            a.mutability == Mutability::WriteOnly || is_computed(a.id)
        });
        let again = from_store(&REGISTRY, resource.resource_type, &bytes).unwrap();
        prop_assert_eq!(&again, &expected);
        prop_assert_eq!(to_store(&REGISTRY, &again), bytes);
    }

    /// Okta and Keycloak PUT back what they read.
    #[test]
    fn a_client_may_send_back_what_it_read(resource in user_or_group()) {
        let bytes = to_client(&REGISTRY, &resource, &Projection::all());
        let body = json::parse(&bytes, 20).unwrap();
        let expected = without(&resource, &|a| {
            a.mutability == Mutability::ReadOnly
                || matches!(a.returned, Returned::Never | Returned::Request)
        });
        let again = from_client(&REGISTRY, resource.resource_type, &body, Mode::Lenient).unwrap();
        prop_assert_eq!(again, expected);
    }

    #[test]
    fn any_json_is_read_or_refused(text in r#"\{("(userName|name|emails|active|x509Certificates|NAME\.givenName)":(null|true|"a"|[0-9]{1,3}|\[\]|\{\}|\[\{"value":(1|"b"|\[\])\}\]),?)*\}"#) {
        if let Ok(body) = json::parse(text.replace(",}", "}").as_bytes(), 20) {
            let _ = from_client(&REGISTRY, REGISTRY.core().user, &body, Mode::Lenient);
        }
    }
}

#[test]
fn a_damaged_record_is_our_fault() {
    let user = REGISTRY.core().user;
    for record in ["{", "[]", r#"{"active":"maybe"}"#] {
        let error = from_store(&REGISTRY, user, record.as_bytes()).unwrap_err();
        assert_eq!(error.status(), 500, "{record}");
    }
}

#[test]
fn attributes_of_a_removed_extension_are_left_out() {
    let user = REGISTRY.core().user;
    let record = br#"{"id":"1","urn:gone:User":{"a":[1]},"userName":"u"}"#;
    let read = from_store(&REGISTRY, user, record).unwrap();
    assert_eq!(to_store(&REGISTRY, &read), br#"{"id":"1","userName":"u"}"#);
}

/// A configuration may have given the attribute another type since.
#[test]
fn a_value_that_is_no_longer_of_its_attributes_type_is_left_out() {
    let user = REGISTRY.core().user;
    let record = format!(r#"{{"userName":"u","{EXTENSION}":{{"count":"many","tags":["t"]}}}}"#);
    let read = from_store(&REGISTRY, user, record.as_bytes()).unwrap();
    let left = format!(r#"{{"userName":"u","{EXTENSION}":{{"tags":["t"]}}}}"#);
    assert_eq!(to_store(&REGISTRY, &read), left.as_bytes());
}
