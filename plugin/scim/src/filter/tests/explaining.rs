//! Explained filters.

use super::registry;
use crate::error::Error;
use crate::filter::{Condition, Explanation, Limits};
use crate::resource::Value;
use crate::schema::Registry;

fn explain(registry: &Registry, text: &str) -> Result<Explanation, Error> {
    Explanation::parse(registry, registry.core().user, text, &Limits::default())
}

#[test]
fn operands_have_the_attributes_type_and_complex_attributes_mean_their_value() {
    let registry = registry();
    let core = registry.core();
    let text = r#"active eq "True" and emails[value sw "a"] or not (groups ne "g")"#;
    let comparison = |attribute, operator, operand| Condition::Comparison {
        attribute,
        operator,
        operand: Some(operand),
    };
    let word = |text: &str| Value::String(text.to_owned());
    let value = comparison(core.emails_value, "sw", word("a"));
    let group = comparison(core.groups.value, "ne", word("g"));
    assert_eq!(
        explain(&registry, text).unwrap().condition,
        Condition::Any(vec![
            Condition::All(vec![
                comparison(core.active, "eq", Value::Boolean(true)),
                Condition::Element {
                    attribute: core.emails,
                    condition: Box::new(value),
                },
            ]),
            Condition::Not(Box::new(group)),
        ])
    );
}

#[test]
fn comparison_with_null_is_about_presence() {
    let registry = registry();
    let present = Condition::Comparison {
        attribute: registry.core().external_id,
        operator: "pr",
        operand: None,
    };
    let condition = |text| explain(&registry, text).unwrap().condition;
    assert_eq!(condition("externalId ne null"), present);
    assert_eq!(
        condition("externalId eq null"),
        Condition::Not(Box::new(present))
    );
}

#[test]
fn what_cannot_be_evaluated_is_not_explained() {
    let registry = registry();
    assert_eq!(
        explain(&registry, r#"password sw "a""#)
            .unwrap_err()
            .attribute(),
        Some("password")
    );
    let malformed = explain(&registry, "userName eq").unwrap_err();
    assert_eq!(malformed.position(), Some(12));
}

#[test]
fn canonical_text_reads_as_the_same_filter() {
    let registry = registry();
    let text = r#"(USERNAME  Eq "a") AND (title pr OR (nickName co "\u0041"))"#;
    let explained = explain(&registry, text).unwrap();
    assert_eq!(
        explained.canonical,
        r#"USERNAME eq "a" and (title pr or nickName co "A")"#
    );
    assert_eq!(explain(&registry, &explained.canonical).unwrap(), explained);
}
