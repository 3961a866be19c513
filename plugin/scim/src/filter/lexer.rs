//! The lexemes of filters and paths, as nom parsers, and the error they give.

use nom::bytes::complete::{take_while, take_while1};
use nom::combinator::verify;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};

/// What a parser gives: the rest of the text and what it found.
pub(super) type Found<'a, T> = IResult<&'a str, T, Syntax<'a>>;

/// Where a text departs from the grammar, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Syntax<'a> {
    /// The text from the place on.
    pub(super) rest: &'a str,
    /// What is wrong there, as the end of a sentence.
    pub(super) reason: &'static str,
}

impl<'a> ParseError<&'a str> for Syntax<'a> {
    fn from_error_kind(rest: &'a str, _kind: ErrorKind) -> Self {
        Self {
            rest,
            reason: "the text is not what the grammar of RFC 7644 section 3.4.2.2 wants here",
        }
    }

    fn append(_rest: &'a str, _kind: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Makes whatever goes wrong in `parser` final, with a reason that helps.
pub(super) fn expect<'a, T>(
    reason: &'static str,
    mut parser: impl Parser<&'a str, Output = T, Error = Syntax<'a>>,
) -> impl FnMut(&'a str) -> Found<'a, T> {
    move |input| {
        parser.parse(input).map_err(|error| match error {
            nom::Err::Error(_) => nom::Err::Failure(Syntax {
                rest: input,
                reason,
            }),
            already_final => already_final,
        })
    }
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a character can be part of a name, a URN, a keyword or an unquoted
/// literal: all but what has a meaning of its own.
pub(super) fn is_word(c: char) -> bool {
    !is_blank(c) && !matches!(c, '"' | '(' | ')' | '[' | ']')
}

/// `*SP`, where clients also send several or other blanks.
pub(super) fn blanks(input: &str) -> Found<'_, &str> {
    take_while(is_blank).parse(input)
}

/// A name, keyword, number or unquoted literal.
pub(super) fn word(input: &str) -> Found<'_, &str> {
    take_while1(is_word).parse(input)
}

/// This word in any case, whole.
pub(super) fn keyword<'a>(expected: &'static str) -> impl FnMut(&'a str) -> Found<'a, &'a str> {
    move |input| verify(word, |found: &str| found.eq_ignore_ascii_case(expected)).parse(input)
}

/// `string`, with the escapes of JSON (RFC 8259 §7).
pub(super) fn string(input: &str) -> Found<'_, String> {
    let (rest, quoted) = quoted(input)?;
    match serde_json::from_str(quoted) {
        Ok(text) => Ok((rest, text)),
        Err(_) => Err(nom::Err::Failure(Syntax {
            rest: input,
            reason: "the string has an escape or a control character that JSON does not allow",
        })),
    }
}

/// From a quotation mark to the next one that is not escaped, both included.
fn quoted(input: &str) -> Found<'_, &str> {
    let mut escaped = false;
    let mut characters = input.char_indices();
    if characters.next().is_none_or(|(_, first)| first != '"') {
        return Err(nom::Err::Error(Syntax::from_error_kind(
            input,
            ErrorKind::Char,
        )));
    }
    for (at, c) in characters {
        if c == '"' && !escaped {
            let (quoted, rest) = input.split_at_checked(at + 1).unwrap_or((input, ""));
            return Ok((rest, quoted));
        }
        escaped = c == '\\' && !escaped;
    }
    Err(nom::Err::Failure(Syntax {
        rest: input,
        reason: "the string that begins here has no closing quotation mark",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_the_escapes_of_json() {
        assert_eq!(
            string(r#""a\"\\\/\n\u00e9\ud83d\ude00" x"#),
            Ok((" x", "a\"\\/\né😀".to_owned()))
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_no_character() {
        assert!(string(r#""\ud83d""#).is_err());
    }

    #[test]
    fn a_keyword_is_a_whole_word_in_any_case() {
        assert!(keyword("or")("OR x").is_ok());
        assert!(keyword("or")("order").is_err());
    }
}
