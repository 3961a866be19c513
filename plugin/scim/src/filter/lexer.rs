//! The lexemes of filters and paths, as nom parsers, and the error they give.

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};
use std::borrow::Cow;

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

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether a byte can be part of a name, a URN, a keyword or an unquoted literal:
/// all but what has a meaning of its own. What has one is ASCII, so that a text cut
/// at such a byte is cut between characters.
pub(super) fn is_word(byte: u8) -> bool {
    !is_blank(byte) && !matches!(byte, b'"' | b'(' | b')' | b'[' | b']')
}

/// Splits a text behind its first bytes of one kind, an ASCII one or [`is_word`].
pub(super) fn split_run(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !belongs(byte));
    end.and_then(|end| text.split_at_checked(end))
        .unwrap_or((text, ""))
}

/// `*SP`, where clients also send several or other blanks.
pub(super) fn blanks(input: &str) -> Found<'_, &str> {
    let (blanks, rest) = split_run(input, is_blank);
    Ok((rest, blanks))
}

/// A name, keyword, number or unquoted literal.
pub(super) fn word(input: &str) -> Found<'_, &str> {
    let (word, rest) = split_run(input, is_word);
    if word.is_empty() {
        return Err(nom::Err::Error(Syntax::from_error_kind(
            input,
            ErrorKind::TakeWhile1,
        )));
    }
    Ok((rest, word))
}

/// This word in any case, whole.
pub(super) fn keyword<'a>(expected: &'static str) -> impl FnMut(&'a str) -> Found<'a, &'a str> {
    move |input| match input.split_at_checked(expected.len()) {
        Some((found, rest))
            if found.eq_ignore_ascii_case(expected)
                && !rest.bytes().next().is_some_and(is_word) =>
        {
            Ok((rest, found))
        }
        _ => Err(nom::Err::Error(Syntax::from_error_kind(
            input,
            ErrorKind::Tag,
        ))),
    }
}

/// `string`, with the escapes of JSON (RFC 8259 §7).
pub(super) fn string(input: &str) -> Found<'_, Cow<'_, str>> {
    if !input.starts_with('"') {
        return Err(nom::Err::Error(Syntax::from_error_kind(
            input,
            ErrorKind::Char,
        )));
    }
    let Some(quoted) = quoted(input) else {
        return Err(nom::Err::Failure(Syntax {
            rest: input,
            reason: "the string that begins here has no closing quotation mark",
        }));
    };
    match quoted.text() {
        Some(text) => Ok((quoted.rest, text)),
        None => Err(nom::Err::Failure(Syntax {
            rest: input,
            reason: "the string has an escape or a control character that JSON does not allow",
        })),
    }
}

/// A string in a text.
pub(super) struct QuotedString<'a> {
    /// It, with its quotation marks.
    quoted: &'a str,
    /// Whether every character stands for itself.
    plain: bool,
    /// What follows it.
    pub(super) rest: &'a str,
}

impl<'a> QuotedString<'a> {
    fn text(&self) -> Option<Cow<'a, str>> {
        if self.plain {
            let inner = self.quoted.strip_prefix('"')?.strip_suffix('"')?;
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.quoted).ok().map(Cow::Owned)
    }
}

/// From the quotation mark that a text begins with to the next one that is not
/// escaped; nothing when there is none.
pub(super) fn quoted(text: &str) -> Option<QuotedString<'_>> {
    let mut plain = true;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        if byte == b'"' && !escaped {
            let (quoted, rest) = text.split_at_checked(at + 1)?;
            return Some(QuotedString {
                quoted,
                plain,
                rest,
            });
        }
        escaped = byte == b'\\' && !escaped;
        plain &= byte != b'\\' && byte >= b' ';
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_the_escapes_of_json() {
        assert_eq!(
            string(r#""a\"\\\/\n\u00e9\ud83d\ude00" x"#),
            Ok((" x", "a\"\\/\né😀".into()))
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
