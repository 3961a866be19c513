//! Evaluation against a slow and obvious evaluator, which goes by names over
//! JSON and knows nothing of binding.

use super::super::ast::{Comparison, Expression, Literal, Operator};
use super::super::bind::bind_filter;
use super::{registry, user};
use crate::Mode;
use crate::schema::ENTERPRISE_USER;
use crate::text::fold;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Attributes of the generated users: the name, and whether case counts.
const TEXTS: [(&str, bool); 6] = [
    ("userName", false),
    ("externalId", true),
    ("name.givenName", false),
    ("emails.type", false),
    ("emails.value", false),
    ("employeeNumber", false),
];
const FLAGS: [&str; 2] = ["active", "emails.primary"];

/// The values that a dotted name leads to, `None` where it leads nowhere.
fn values<'j>(at: Option<&'j Json>, names: &[&str]) -> Vec<Option<&'j Json>> {
    match (at, names) {
        (Some(Json::Array(elements)), _) if !elements.is_empty() => elements
            .iter()
            .flat_map(|element| values(Some(element), names))
            .collect(),
        (at, []) => vec![at],
        (at, [first, rest @ ..]) => values(at.and_then(|object| object.get(first)), rest),
    }
}

fn lead<'j>(object: &'j Json, name: &str) -> Vec<Option<&'j Json>> {
    if name == "employeeNumber" {
        return values(Some(object), &[ENTERPRISE_USER, name]);
    }
    let names: Vec<&str> = name.split('.').collect();
    values(Some(object), &names)
}

fn holds(filter: &Expression<'_>, object: &Json, prefix: &str) -> bool {
    match filter {
        Expression::And(terms) => terms.iter().all(|term| holds(term, object, prefix)),
        Expression::Or(terms) => terms.iter().any(|term| holds(term, object, prefix)),
        Expression::Not(inner) => !holds(inner, object, prefix),
        Expression::ValuePath { attribute, filter } => {
            let elements = object.get(attribute.as_ref()).and_then(Json::as_array);
            elements.is_some_and(|elements| {
                let prefix = format!("{attribute}.");
                elements.iter().any(|e| holds(filter, e, &prefix))
            })
        }
        Expression::Comparison(comparison) => {
            let full_name = format!("{prefix}{}", comparison.attribute);
            let values = lead(object, &comparison.attribute);
            if comparison.literal.is_null() {
                let is_there = values.iter().any(Option::is_some);
                return is_there != (comparison.operator == Operator::Equal);
            }
            values
                .into_iter()
                .any(|value| compares(comparison, &full_name, value))
        }
    }
}

fn compares(comparison: &Comparison, full_name: &str, value: Option<&Json>) -> bool {
    let operator = comparison.operator;
    let literal = comparison.literal.text();
    let Some(value) = value else {
        return operator == Operator::NotEqual;
    };
    if operator == Operator::Present {
        return true;
    }
    let (value, literal) = match value {
        Json::String(text) if TEXTS.contains(&(full_name, true)) => {
            (text.clone(), literal.to_owned())
        }
        Json::String(text) => (fold(text).into_owned(), fold(literal).into_owned()),
        flag => (flag.to_string(), literal.to_lowercase()),
    };
    match operator {
        Operator::Equal => value == literal,
        Operator::NotEqual => value != literal,
        Operator::Contains => value.contains(&literal),
        Operator::StartsWith => value.starts_with(&literal),
        Operator::EndsWith => value.ends_with(&literal),
        Operator::Greater => value > literal,
        Operator::GreaterOrEqual => value >= literal,
        Operator::Less => value < literal,
        Operator::LessOrEqual => value <= literal,
        Operator::Present => true,
    }
}

fn text() -> impl Strategy<Value = String> {
    "[abABß]{1,3}"
}

fn object(
    members: impl Strategy<Value = Vec<(&'static str, Option<Json>)>>,
) -> impl Strategy<Value = Json> {
    members.prop_map(|members| {
        let present = members
            .into_iter()
            .filter_map(|(k, v)| Some((k.to_owned(), v?)));
        Json::Object(present.collect::<Map<_, _>>())
    })
}

fn maybe_text() -> impl Strategy<Value = Option<Json>> {
    proptest::option::of(text().prop_map(Json::String))
}

fn maybe_flag() -> impl Strategy<Value = Option<Json>> {
    proptest::option::of(any::<bool>().prop_map(Json::Bool))
}

fn generated_user() -> impl Strategy<Value = Json> {
    let email = object(
        (maybe_text(), maybe_text(), maybe_flag())
            .prop_map(|(t, v, p)| vec![("type", t), ("value", v), ("primary", p)]),
    )
    .prop_filter("an empty element is none", |e| e != &json!({}));
    let emails = proptest::collection::vec(email, 0..3)
        .prop_map(|emails| (!emails.is_empty()).then_some(Json::Array(emails)));
    let texts = (maybe_text(), maybe_text(), maybe_text(), maybe_text());
    object(
        (texts, maybe_flag(), emails).prop_map(|(texts, active, emails)| {
            let (user_name, external_id, given_name, number) = texts;
            vec![
                ("userName", user_name),
                ("externalId", external_id),
                ("name", given_name.map(|name| json!({"givenName": name}))),
                (
                    ENTERPRISE_USER,
                    number.map(|number| json!({"employeeNumber": number})),
                ),
                ("active", active),
                ("emails", emails),
            ]
        }),
    )
}

/// A comparison with one of the attributes that begin with `prefix`.
fn comparison(prefix: &'static str) -> BoxedStrategy<Expression<'static>> {
    let texts: Vec<&str> = TEXTS
        .iter()
        .filter_map(|(n, _)| n.strip_prefix(prefix))
        .collect();
    let flags: Vec<&str> = FLAGS
        .iter()
        .filter_map(|n| n.strip_prefix(prefix))
        .collect();
    let quoted = |text: String| Literal::String(text.into());
    let named = prop_oneof![Just(texts.clone()), Just(flags.clone())];
    let of_text = (proptest::sample::select(texts), 0..10_usize, text()).prop_map(
        move |(attribute, operator, text)| (attribute, Operator::ALL[operator].0, quoted(text)),
    );
    let equality = || prop_oneof![Just(Operator::Equal), Just(Operator::NotEqual)];
    let flag = any::<bool>().prop_map(move |flag| quoted(flag.to_string()));
    let of_flag = (proptest::sample::select(flags), equality(), flag);
    let null = Just(Literal::Word("null".into()));
    let of_null = (
        named.prop_flat_map(proptest::sample::select),
        equality(),
        null,
    );
    prop_oneof![3 => of_text, 3 => of_flag, 1 => of_null]
        .prop_map(|(attribute, operator, literal)| {
            Expression::Comparison(Comparison {
                attribute: attribute.into(),
                operator,
                literal,
            })
        })
        .boxed()
}

fn logical(leaf: BoxedStrategy<Expression<'static>>) -> BoxedStrategy<Expression<'static>> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let terms = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            terms.clone().prop_map(Expression::all),
            terms.prop_map(Expression::any),
            inner.prop_map(|e| Expression::Not(Box::new(e))),
        ]
    })
    .boxed()
}

fn filter() -> BoxedStrategy<Expression<'static>> {
    let of_email = logical(comparison("emails.")).prop_map(|filter| Expression::ValuePath {
        attribute: "emails".into(),
        filter: Box::new(filter),
    });
    logical(prop_oneof![2 => comparison(""), 1 => of_email].boxed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn evaluation_equals_the_obvious_one(body in generated_user(), expression in filter()) {
        let registry = registry();
        let resource = user(&registry, &body.to_string());
        let bound = bind_filter(&registry, registry.core().user, &expression, Mode::Lenient).unwrap();
        prop_assert_eq!(
            bound.matches(&resource),
            holds(&expression, &body, ""),
            "{} on {}", expression, body
        );
    }
}

#[test]
fn numbers_compare_numerically() {
    let schema = r#"{"id": "urn:n", "name": "N", "attributes": [
        {"name": "count", "type": "integer"}, {"name": "ratio", "type": "decimal"}]}"#;
    let registry = super::with_extension(schema);
    let body = r#"{"userName": "a", "urn:n": {"count": 9007199254740993, "ratio": 2.5}}"#;
    let user = user(&registry, body);
    let matches = |text: &str| super::users_filter(&registry, text).unwrap().matches(&user);
    for text in [
        "urn:n:count eq 9007199254740993",
        "urn:n:count gt 9007199254740992.0",
        "urn:n:count lt 1e30",
        "urn:n:count gt -1e30",
        "urn:n:ratio gt 2",
        "urn:n:ratio lt 3",
        "urn:n:ratio eq 25e-1",
        "ratio eq \"2.5\"",
    ] {
        assert!(matches(text), "{text}");
    }
    assert!(!matches("urn:n:count eq 9007199254740992"));
    assert!(!matches("urn:n:ratio le 2"));
}
