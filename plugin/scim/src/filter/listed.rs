//! Filters for elements that are listed by example, not described by text.

use super::ast::Operator;
use super::eval::{ElementFilter, Node, Test};
use super::predicate::{Number, OneOf, Predicate, Text};
use crate::gather::Gather as _;
use crate::resource::Value;
use crate::schema::{AttrId, Registry, Steps};
use crate::text::fold;
use smallvec::smallvec;

/// The elements of an attribute that are among `listed`: with the same `value`
/// where every listed one has a `value`, else with the same of everything that
/// is said of one.
pub(crate) fn among(registry: &Registry, attribute: AttrId, listed: &[Value]) -> ElementFilter {
    let value = registry.child(attribute, "value");
    let texts = value.and_then(|value| {
        let text = |element: &Value| Some(element.as_complex()?.text(value)?.to_owned());
        let texts: Option<Vec<String>> = listed.iter().map(text).collect();
        Some((value, texts?))
    });
    let root = match texts {
        Some((value, texts)) => Node::Test(Test {
            steps: smallvec![value],
            predicate: one_of(registry, value, texts),
        }),
        None => Node::Any(
            listed
                .iter()
                .map(|e| like(registry, attribute, e))
                .collect(),
        ),
    };
    ElementFilter { root }
}

fn one_of(registry: &Registry, attribute: AttrId, literals: Vec<String>) -> Predicate {
    let case_exact = registry.attribute(attribute).case_exact;
    let keys = literals.iter().map(|text| key(case_exact, text)).gather();
    Predicate::OneOf(Box::new(OneOf {
        case_exact,
        literals,
        keys,
    }))
}

fn like(registry: &Registry, attribute: AttrId, element: &Value) -> Node {
    match element {
        Value::Complex(complex) => {
            let said = complex.iter().map(|(id, value)| {
                Node::Test(Test {
                    steps: smallvec![id],
                    predicate: equal(registry, id, value),
                })
            });
            Node::All(said.collect())
        }
        Value::String(_)
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Decimal(_)
        | Value::List(_) => Node::Test(Test {
            steps: Steps::new(),
            predicate: equal(registry, attribute, element),
        }),
    }
}

fn equal(registry: &Registry, attribute: AttrId, value: &Value) -> Predicate {
    let operator = Operator::Equal;
    match value {
        Value::String(text) => {
            let case_exact = registry.attribute(attribute).case_exact;
            Predicate::Text(Text::new(operator, case_exact, text))
        }
        Value::Boolean(operand) => Predicate::Boolean {
            operator,
            operand: *operand,
        },
        Value::Integer(number) => Predicate::Number {
            operator,
            operand: Number::Integer(*number),
        },
        Value::Decimal(number) => Predicate::Number {
            operator,
            operand: Number::Decimal(*number),
        },
        Value::Complex(_) | Value::List(_) => Predicate::Present,
    }
}

fn key(case_exact: bool, text: &str) -> String {
    if case_exact {
        text.to_owned()
    } else {
        fold(text).into_owned()
    }
}
