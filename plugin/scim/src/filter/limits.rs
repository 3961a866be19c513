//! How large a filter may be, found out before anything is built from it.
//!
//! A tree that is too deep is dangerous beyond parsing: dropping, cloning and
//! evaluating it recurse as well, and inside the proxy a stack overflow kills a
//! worker. So one pass over the text counts first.

use super::lexer::{is_blank, is_word, quoted, split_run};
use crate::error::Error;

/// What a filter may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub max_length: usize,
    /// Levels of parentheses and brackets, never more than [`Limits::DEEPEST`].
    pub max_depth: usize,
    /// Comparisons, parentheses and brackets.
    pub max_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_length: 4096,
            max_depth: 20,
            max_nodes: 200,
        }
    }
}

impl Limits {
    /// No filter may be deeper than this, whatever the configuration says.
    pub const DEEPEST: usize = 64;

    /// Refuses a text that would become too large a tree.
    ///
    /// # Errors
    /// [`Error::FilterLimit`].
    pub(crate) fn check(&self, text: &str) -> Result<(), Error> {
        if text.len() > self.max_length {
            return Err(exceeded("length in bytes", self.max_length));
        }
        let max_depth = self.max_depth.min(Self::DEEPEST);
        // What opens nothing too often and is shorter than it may have terms, as nearly
        // all filters are, needs no closer look.
        let opens = |byte: &u8| matches!(byte, b'(' | b'[');
        if text.len() < self.max_nodes
            && (text.len() <= max_depth
                || text.as_bytes().iter().filter(|b| opens(b)).count() <= max_depth)
        {
            return Ok(());
        }
        let mut depth = 0_usize;
        let mut nodes = 1_usize;
        let mut rest = text;
        while let Some(first) = rest.bytes().next() {
            let (lexeme, tail) = split_lexeme(rest, first);
            match first {
                b'(' | b'[' => {
                    depth += 1;
                    nodes += 1;
                }
                b')' | b']' => depth = depth.saturating_sub(1),
                _ if lexeme.eq_ignore_ascii_case("and") || lexeme.eq_ignore_ascii_case("or") => {
                    nodes += 1;
                }
                _ => {}
            }
            if depth > max_depth {
                return Err(exceeded("nesting", max_depth));
            }
            if nodes > self.max_nodes {
                return Err(exceeded("number of terms", self.max_nodes));
            }
            rest = tail;
        }
        Ok(())
    }
}

#[cold]
fn exceeded(what: &'static str, limit: usize) -> Error {
    Error::FilterLimit { what, limit }
}

/// Splits off a word, a run of blanks or one other character, or skips a string. One
/// that does not end is taken to the end of the text; the grammar refuses it.
pub(super) fn split_lexeme(text: &str, first: u8) -> (&str, &str) {
    match first {
        b'"' => ("", quoted(text).map_or("", |string| string.rest)),
        blank if is_blank(blank) => split_run(text, is_blank),
        word if is_word(word) => split_run(text, is_word),
        _ => text.split_at_checked(1).unwrap_or((text, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit_hit(text: &str) -> Option<&'static str> {
        let limits = Limits {
            max_length: usize::MAX,
            ..Limits::default()
        };
        match limits.check(text) {
            Err(Error::FilterLimit { what, .. }) => Some(what),
            _ => None,
        }
    }

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        assert_eq!(limit_hit(&"(".repeat(20)), None);
        assert_eq!(limit_hit(&"(".repeat(21)), Some("nesting"));
        assert_eq!(limit_hit(&"not (".repeat(100_000)), Some("nesting"));
        assert_eq!(limit_hit(&format!("a eq \"{}\"", "(".repeat(500))), None);
        assert_eq!(limit_hit(&format!(r#"a eq "\"{}""#, "(".repeat(500))), None);
    }

    #[test]
    fn terms_are_counted() {
        let chain = |terms: usize| vec!["a pr"; terms].join(" or ");
        assert_eq!(limit_hit(&chain(200)), None);
        assert_eq!(limit_hit(&chain(201)), Some("number of terms"));
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(
            Limits::default().check(&"é".repeat(2049)).unwrap_err(),
            Error::FilterLimit {
                what: "length in bytes",
                limit: 4096
            }
        );
    }
}
