//! The grammar of RFC 7644 §3.4.2.2 (filters) and §3.5.2 (paths), one function
//! for each production.
//!
//! What is decided is decided by the next lexeme, so nothing is tried twice and
//! the time is linear. Beyond the RFC's letter, as clients send it: several
//! blanks, `not(` without a blank (EID 7319), parentheses inside a value filter
//! (EID 7322), literals without quotation marks, and `emails[type eq
//! "work"].value eq "x"`, which Microsoft Entra requires.

use super::ast::{Comparison, Expression, Literal, Operator};
use super::lexer::{Found, Syntax, blanks, expect, keyword, string, word};
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::char;
use nom::combinator::{cut, eof, map, map_opt, opt, peek, verify};
use nom::sequence::{delimited, pair, preceded, terminated};

/// Where a filter stands: in a value filter there are no value paths (EID 4690).
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Resource,
    Element,
}

/// A path as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PathExpression<'a> {
    /// The attribute's name, with its URN and sub-attribute where it has them.
    pub(crate) attribute: &'a str,
    /// What is between brackets.
    pub(crate) filter: Option<Expression<'a>>,
    /// The name behind the brackets.
    pub(crate) sub_attribute: Option<&'a str>,
}

/// A place in a text that is not of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The number of the character, from 1.
    pub(crate) position: usize,
    /// What is wrong, as the end of a sentence.
    pub(crate) reason: &'static str,
}

/// Reads a whole text as a filter. The caller has checked its
/// [`Limits`](super::Limits).
pub(crate) fn parse_filter(text: &str) -> Result<Expression<'_>, SyntaxError> {
    whole(text, |input| filter(input, Scope::Resource))
}

/// Reads a whole text as a path. The caller has checked its
/// [`Limits`](super::Limits).
pub(crate) fn parse_path(text: &str) -> Result<PathExpression<'_>, SyntaxError> {
    whole(text, path)
}

fn whole<'a, T>(
    text: &'a str,
    production: impl Parser<&'a str, Output = T, Error = Syntax<'a>>,
) -> Result<T, SyntaxError> {
    let end = expect("something follows that does not belong to it", eof);
    let found = delimited(blanks, production, pair(blanks, end)).parse(text);
    found.map(|(_, found)| found).map_err(|error| {
        let (rest, reason) = match error {
            nom::Err::Error(syntax) | nom::Err::Failure(syntax) => (syntax.rest, syntax.reason),
            nom::Err::Incomplete(_) => ("", "it ends too early"),
        };
        let before = text.len().saturating_sub(rest.len());
        SyntaxError {
            position: text
                .char_indices()
                .take_while(|(at, _)| *at < before)
                .count()
                + 1,
            reason,
        }
    })
}

/// ```abnf
/// PATH = attrPath / valuePath [subAttr]
/// ```
fn path(input: &str) -> Found<'_, PathExpression<'_>> {
    let (rest, attribute) = expect("the name of an attribute is missing", attr_path)(input)?;
    let (rest, filter) = opt(val_filter).parse(rest)?;
    let (rest, sub_attribute) = match filter {
        Some(_) => opt(sub_attr).parse(rest)?,
        None => (rest, None),
    };
    Ok((
        rest,
        PathExpression {
            attribute,
            filter,
            sub_attribute,
        },
    ))
}

/// ```abnf
/// FILTER = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
/// logExp = FILTER SP ("and" / "or") SP FILTER
/// ```
/// where `not` binds before `and`, and `and` before `or`.
fn filter(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    joined(input, scope, "or", conjunction, Expression::any)
}

/// The part of `logExp` that `and` joins.
fn conjunction(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    joined(input, scope, "and", term, Expression::all)
}

fn joined<'a>(
    input: &'a str,
    scope: Scope,
    joiner: &'static str,
    operand: fn(&'a str, Scope) -> Found<'a, Expression<'a>>,
    join: fn(Vec<Expression<'a>>) -> Expression<'a>,
) -> Found<'a, Expression<'a>> {
    let mut joiner = preceded(blanks, terminated(keyword(joiner), blanks));
    let (mut rest, first) = operand(input, scope)?;
    let Ok((mut after, _)) = joiner.parse(rest) else {
        return Ok((rest, first));
    };
    let mut terms = Vec::with_capacity(4);
    terms.push(first);
    loop {
        let term;
        (rest, term) = cut(|i| operand(i, scope)).parse(after)?;
        terms.push(term);
        (after, _) = match joiner.parse(rest) {
            Ok(found) => found,
            Err(_) => return Ok((rest, join(terms))),
        };
    }
}

/// One operand of `and`: everything of FILTER but `logExp`.
fn term(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    match input.bytes().next() {
        Some(b'(') => group(input, scope),
        Some(b'n' | b'N') => {
            alt((|i| negation(i, scope), |i| attribute_term(i, scope))).parse(input)
        }
        _ => attribute_term(input, scope),
    }
}

/// ```abnf
/// "(" FILTER ")"
/// ```
fn group(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    let close = expect("a parenthesis is not closed here", char(')'));
    delimited(
        pair(char('('), blanks),
        cut(|i| filter(i, scope)),
        pair(blanks, close),
    )
    .parse(input)
}

/// ```abnf
/// "not" "(" FILTER ")"
/// ```
fn negation(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    let not = terminated(keyword("not"), pair(blanks, peek(char('('))));
    map(preceded(not, |i| group(i, scope)), |inner| {
        Expression::Not(Box::new(inner))
    })
    .parse(input)
}

/// `valuePath` or `attrExp`, which begin alike.
fn attribute_term(input: &str, scope: Scope) -> Found<'_, Expression<'_>> {
    let (rest, attribute) = expect("the name of an attribute is missing", attr_path)(input)?;
    if rest.starts_with('[') {
        if scope == Scope::Element {
            return Err(nom::Err::Failure(Syntax {
                rest,
                reason: "brackets cannot stand within brackets",
            }));
        }
        value_path(rest, attribute)
    } else {
        let (rest, comparison) = attr_exp(rest, attribute)?;
        Ok((rest, Expression::Comparison(comparison)))
    }
}

/// ```abnf
/// valuePath = attrPath "[" valFilter "]"
/// ```
/// and, for Microsoft Entra, a sub-attribute of the selected elements that is
/// compared: one more condition on the same element.
fn value_path<'a>(input: &'a str, attribute: &'a str) -> Found<'a, Expression<'a>> {
    let (rest, mut filter) = val_filter(input)?;
    let (rest, sub_attribute) = opt(sub_attr).parse(rest)?;
    let mut rest = rest;
    if let Some(sub_attribute) = sub_attribute {
        let (after, comparison) = attr_exp(rest, sub_attribute)?;
        filter = Expression::all(vec![filter, Expression::Comparison(comparison)]);
        rest = after;
    }
    Ok((
        rest,
        Expression::ValuePath {
            attribute: attribute.into(),
            filter: Box::new(filter),
        },
    ))
}

/// ```abnf
/// "[" valFilter "]"
/// valFilter = attrExp / logExp / *1"not" "(" valFilter ")"
/// ```
fn val_filter(input: &str) -> Found<'_, Expression<'_>> {
    let close = expect("a bracket is not closed here", char(']'));
    delimited(
        pair(char('['), blanks),
        cut(|i| filter(i, Scope::Element)),
        pair(blanks, close),
    )
    .parse(input)
}

/// ```abnf
/// attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
/// ```
/// The attribute has been read.
fn attr_exp<'a>(input: &'a str, attribute: &'a str) -> Found<'a, Comparison<'a>> {
    const OPERATOR: &str = "an operator is missing, one of eq ne co sw ew gt ge lt le pr";
    let (rest, operator) = expect(OPERATOR, preceded(blanks, compare_op))(input)?;
    let (rest, literal) = if operator == Operator::Present {
        (rest, Literal::Word("".into()))
    } else {
        expect(
            "a value to compare with is missing",
            preceded(blanks, comp_value),
        )(rest)?
    };
    Ok((
        rest,
        Comparison {
            attribute: attribute.into(),
            operator,
            literal,
        },
    ))
}

/// ```abnf
/// attrPath = [URI ":"] ATTRNAME *1subAttr
/// ATTRNAME = ALPHA *(nameChar)
/// nameChar = "-" / "_" / DIGIT / ALPHA
/// ```
/// The URN cannot be told from the name before the schemas are known, so all of
/// it is one word here.
fn attr_path(input: &str) -> Found<'_, &str> {
    verify(word, |found: &str| {
        found.starts_with(|c: char| c.is_alphabetic() || matches!(c, '$' | '_'))
    })
    .parse(input)
}

/// ```abnf
/// subAttr = "." ATTRNAME
/// ```
fn sub_attr(input: &str) -> Found<'_, &str> {
    let name = expect("the name of a sub-attribute is missing", attr_path);
    preceded(char('.'), name).parse(input)
}

/// ```abnf
/// compareOp = "eq" / "ne" / "co" / "sw" / "ew" / "gt" / "lt" / "ge" / "le"
/// ```
/// and `pr`, in any case.
fn compare_op(input: &str) -> Found<'_, Operator> {
    map_opt(word, Operator::named).parse(input)
}

/// ```abnf
/// compValue = false / null / true / number / string
/// ```
/// and words that lack their quotation marks.
fn comp_value(input: &str) -> Found<'_, Literal<'_>> {
    alt((
        map(string, Literal::String),
        map(bare, |w| Literal::Word(w.into())),
    ))
    .parse(input)
}

fn bare(input: &str) -> Found<'_, &str> {
    if input.starts_with('\'') {
        return Err(nom::Err::Failure(Syntax {
            rest: input,
            reason: "strings stand in \" and not in '",
        }));
    }
    word(input)
}
