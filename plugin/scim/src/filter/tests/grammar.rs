//! Text to expressions, and back.

use super::super::Limits;
use super::super::ast::{Comparison, Expression, Literal, Operator};
use super::super::grammar::{SyntaxError, parse_filter, parse_path};
use proptest::prelude::*;

fn printed(text: &str) -> String {
    parse_filter(text).unwrap().to_string()
}

fn refused(text: &str) -> (usize, &'static str) {
    let SyntaxError { position, reason } = parse_filter(text).unwrap_err();
    (position, reason)
}

#[test]
fn not_binds_before_and_and_before_or() {
    assert_eq!(
        parse_filter("a pr or b pr and not (c pr) or d pr"),
        Ok(Expression::Or(vec![
            present("a"),
            Expression::And(vec![present("b"), Expression::Not(Box::new(present("c")))]),
            present("d"),
        ]))
    );
}

#[test]
fn parentheses_change_the_precedence() {
    assert_eq!(
        printed("(a pr or b pr) and c pr"),
        "(a pr or b pr) and c pr"
    );
    assert_eq!(printed("((a pr) and (b pr))"), "a pr and b pr");
}

#[test]
fn operators_have_no_case() {
    assert_eq!(
        printed("a EQ \"x\" AND NOT (b Pr) Or c gE 1"),
        "a eq \"x\" and not (b pr) or c ge 1"
    );
}

#[test]
fn not_needs_no_blank_eid_7319() {
    assert_eq!(printed("not(a pr)"), "not (a pr)");
    assert_eq!(printed("NOT  ( a pr )"), "not (a pr)");
    assert_eq!(printed("not eq \"x\""), "not eq \"x\"");
}

#[test]
fn a_value_filter_may_have_parentheses_eid_7322() {
    let text = r#"emails[type eq "work" or (type eq "home" and value ew "@x")]"#;
    assert_eq!(
        printed(text),
        r#"emails[type eq "work" or type eq "home" and value ew "@x"]"#
    );
}

#[test]
fn a_value_filter_has_no_value_filter_eid_4690() {
    assert_eq!(
        refused("emails[type[value pr]]"),
        (12, "brackets cannot stand within brackets")
    );
}

#[test]
fn what_follows_a_value_filter_is_one_more_condition() {
    assert_eq!(
        printed(r#"emails[type eq "work"].value eq "x" and a pr"#),
        r#"emails[type eq "work" and value eq "x"] and a pr"#
    );
    assert_eq!(
        printed(r#"emails[type eq "a" or type eq "b"].value pr"#),
        r#"emails[(type eq "a" or type eq "b") and value pr]"#
    );
}

#[test]
fn blanks_may_be_several_or_other() {
    assert_eq!(
        printed(" \ta  eq\t\"x\"   and (  b pr ) \n"),
        "a eq \"x\" and b pr"
    );
}

#[test]
fn literals_may_lack_their_quotation_marks() {
    assert_eq!(printed("externalId eq jyoung"), "externalId eq jyoung");
    assert_eq!(
        printed("(meta.created gt 2015-10-10T14:38:21.8617979-07:00)"),
        "meta.created gt 2015-10-10T14:38:21.8617979-07:00"
    );
    assert_eq!(printed("members[value eq a-1]"), "members[value eq a-1]");
}

#[test]
fn errors_count_characters() {
    assert_eq!(
        refused("é eq \"ü").0,
        6,
        "the string that is not closed begins at the sixth character"
    );
    assert_eq!(refused("").0, 1);
    assert_eq!(
        refused("a pr b"),
        (6, "something follows that does not belong to it")
    );
    assert_eq!(refused("(a pr"), (6, "a parenthesis is not closed here"));
    assert_eq!(refused("a[b pr"), (7, "a bracket is not closed here"));
    assert_eq!(
        refused("a pr and"),
        (9, "the name of an attribute is missing")
    );
    assert_eq!(refused("a eq").1, "a value to compare with is missing");
    assert_eq!(refused("a eq 'x'"), (6, "strings stand in \" and not in '"));
    assert!(refused("a xx 1").1.starts_with("an operator is missing"));
    assert!(refused("a").1.starts_with("an operator is missing"));
}

#[test]
fn a_path_has_a_filter_and_a_sub_attribute() {
    let path = parse_path(r#"emails[type eq "work"].value"#).unwrap();
    assert_eq!(path.attribute, "emails");
    assert_eq!(path.filter.unwrap().to_string(), r#"type eq "work""#);
    assert_eq!(path.sub_attribute, Some("value"));
    for text in [
        "",
        "members[value broken",
        "a[",
        "a[]",
        "a[b pr].",
        "a b",
        "[a pr]",
        "a]",
    ] {
        assert!(parse_path(text).is_err(), "{text}");
    }
}

#[test]
fn unterminated_strings_take_linear_time() {
    let text = format!("userName eq \"{}", "\n".repeat(50_000));
    let started = std::time::Instant::now();
    assert!(parse_filter(&text).is_err());
    let escaped = format!("userName eq \"{}", "\\\"".repeat(500_000));
    assert!(parse_filter(&escaped).is_err());
    assert!(started.elapsed().as_millis() < 500);
}

fn present(attribute: &str) -> Expression<'_> {
    Expression::Comparison(Comparison {
        attribute: attribute.into(),
        operator: Operator::Present,
        literal: Literal::Word("".into()),
    })
}

fn comparison() -> impl Strategy<Value = Expression<'static>> {
    let literal = prop_oneof![
        any::<String>().prop_map(|text| Literal::String(text.into())),
        "[A-Za-z0-9.:+-]{1,8}".prop_map(|word| Literal::Word(word.into())),
    ];
    (
        "[a-zA-Z$][a-zA-Z0-9_:.$-]{0,8}",
        0..Operator::ALL.len(),
        literal,
    )
        .prop_map(|(attribute, operator, literal)| {
            let (operator, _) = Operator::ALL[operator];
            let literal = if operator == Operator::Present {
                Literal::Word("".into())
            } else {
                literal
            };
            Expression::Comparison(Comparison {
                attribute: attribute.into(),
                operator,
                literal,
            })
        })
}

fn logical(leaf: BoxedStrategy<Expression<'static>>) -> BoxedStrategy<Expression<'static>> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        let terms = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            terms.clone().prop_map(Expression::all),
            terms.prop_map(Expression::any),
            inner.prop_map(|e| Expression::Not(Box::new(e))),
        ]
    })
    .boxed()
}

fn expression() -> BoxedStrategy<Expression<'static>> {
    let value_path = ("[a-z]{1,6}", logical(comparison().boxed())).prop_map(|(attribute, e)| {
        Expression::ValuePath {
            attribute: attribute.into(),
            filter: Box::new(e),
        }
    });
    logical(prop_oneof![3 => comparison(), 1 => value_path].boxed())
}

proptest! {
    #[test]
    fn a_filter_printed_and_read_again_is_the_same(filter in expression()) {
        let text = filter.to_string();
        prop_assert_eq!(parse_filter(&text), Ok(filter));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        if Limits::default().check(&text).is_ok() {
            let _ = parse_filter(&text);
            let _ = parse_path(&text);
        }
    }

    #[test]
    fn text_made_of_lexemes_is_answered(
        lexemes in proptest::collection::vec(
            prop_oneof![
                Just("("), Just(")"), Just("["), Just("]"), Just("not"), Just("and"), Just("or"),
                Just("eq"), Just("pr"), Just("a"), Just("emails"), Just("\"x\""), Just("\""),
                Just("\\"), Just(" "), Just("."), Just("1"), Just("é"),
            ],
            0..40,
        )
    ) {
        let text = lexemes.concat();
        if Limits::default().check(&text).is_ok() {
            let _ = parse_filter(&text);
            let _ = parse_path(&text);
        }
    }
}
