//! Any resource that the schema allows.

use crate::resource::{Complex, Resource, Value};
use crate::schema::fixture::REGISTRY;
use crate::schema::{AttrId, ResourceTypeId, Type};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A resource with any values of the right types, `schemas` left out.
pub(crate) fn resource(resource_type: ResourceTypeId) -> impl Strategy<Value = Resource> {
    let attributes = &REGISTRY.resource_type(resource_type).attributes;
    let attributes = attributes
        .iter()
        .filter(|id| **id != REGISTRY.core().schemas);
    members(attributes.copied().collect()).prop_map(move |attributes| Resource {
        resource_type,
        attributes,
    })
}

fn members(ids: Vec<AttrId>) -> impl Strategy<Value = Complex> {
    let values: Vec<_> = ids.iter().map(|id| option::of(value(*id))).collect();
    values.prop_map(move |values| {
        let members = ids.iter().copied().zip(values);
        members.filter_map(|(id, v)| Some((id, v?))).collect()
    })
}

fn value(id: AttrId) -> BoxedStrategy<Value> {
    if REGISTRY.attribute(id).multi_valued {
        let is_complex = REGISTRY.attribute(id).is_complex();
        let list = vec(single(id), 1..3).prop_map(move |mut list| {
            // A client that lists one twice reads it once.
            if is_complex {
                list.dedup();
            }
            Value::List(list)
        });
        list.boxed()
    } else {
        single(id)
    }
}

/// A URI says which resource is meant: where it stands, the id stands too.
fn without_lone_uri(id: AttrId, mut complex: Complex) -> Complex {
    let child = |name| REGISTRY.child(id, name);
    if let (Some(uri), Some(value)) = (child("$ref"), child("value"))
        && complex.get(value).is_none()
    {
        complex.remove(uri);
    }
    complex
}

fn single(id: AttrId) -> BoxedStrategy<Value> {
    let attribute = REGISTRY.attribute(id);
    let one_of = |texts: &'static [&'static str]| {
        proptest::sample::select(texts)
            .prop_map(|text| Value::String(text.to_owned()))
            .boxed()
    };
    match attribute.kind {
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        Type::Decimal => any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Value::Decimal)
            .boxed(),
        Type::Reference => "[!-~é]{1,12}".prop_map(Value::String).boxed(),
        Type::String => any::<String>()
            .prop_map(|text| text.replace('\0', ""))
            .prop_filter("no text is no value", |text| !text.is_empty())
            .prop_map(Value::String)
            .boxed(),
        Type::DateTime => one_of(&[
            "2026-11-24T05:00:00Z",
            "2008-01-23T04:56:22.123456789+01:00",
        ]),
        Type::Binary => one_of(&["AA==", "AA", "-_8", "MIID\r\nAAAA"]),
        Type::Complex => members(attribute.children.clone())
            .prop_map(move |complex| without_lone_uri(id, complex))
            .prop_filter("an empty object is no value", |complex| !complex.is_empty())
            .prop_map(Value::Complex)
            .boxed(),
    }
}
