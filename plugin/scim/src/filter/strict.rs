//! What the grammar takes beyond RFC 7644 §3.4.2.2 and strict mode does not. What
//! it takes beyond the types of attributes, the binder refuses.

use super::limits::split_lexeme;
use crate::error::Error;

/// Refuses a sub-attribute behind a value path, as in
/// `emails[type eq "work"].value eq "x"`: the grammar has it in paths only.
///
/// # Errors
/// [`Error::FilterSyntax`].
pub(super) fn check(text: &str) -> Result<(), Error> {
    let mut behind_bracket = false;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        if behind_bracket && first == b'.' {
            let before = text.strip_suffix(rest).unwrap_or_default();
            return Err(Error::FilterSyntax {
                position: before.chars().count() + 1,
                reason: "a comparison cannot follow the brackets; put it between them".to_owned(),
            });
        }
        behind_bracket = first == b']';
        (_, rest) = split_lexeme(rest, first);
    }
    Ok(())
}
