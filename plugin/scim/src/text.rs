//! Text compared without regard to case: `caseExact` false (RFC 7643 §2.2), in
//! filters and in the keys of unique values alike.

use icu_casemap::CaseMapper;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use std::borrow::Cow;

/// The comparison key of a text: two texts are the same without regard to case
/// when their keys are equal. Unicode's canonical caseless matching (Unicode
/// §3.13, D145), in NFC as RFC 7644 §5 asks for by way of PRECIS.
///
/// ```
/// assert_eq!(scim::text::fold("BJensen"), "bjensen");
/// assert_eq!(scim::text::fold("Stra\u{df}e"), scim::text::fold("STRASSE"));
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(fold_any(text));
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

/// A password as it is hashed: the OpaqueString profile of PRECIS (RFC 8265 §4.2),
/// as RFC 7644 §5 asks for, as far as it changes text. Every space becomes U+0020,
/// and the whole is in NFC; case matters.
#[must_use]
pub fn opaque(text: &str) -> String {
    let is_space = |c: char| {
        matches!(
            c,
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        )
    };
    let spaced = text.replace(is_space, " ");
    ComposingNormalizer::new_nfc()
        .normalize(&spaced)
        .into_owned()
}

/// Whether two texts are the same without regard to case.
#[must_use]
pub(crate) fn same(a: &str, b: &str) -> bool {
    match a.is_ascii() && b.is_ascii() {
        true => a.eq_ignore_ascii_case(b),
        false => fold(a) == fold(b),
    }
}

/// Whether two names of attributes are the same: without regard to case (RFC 7643 §2.1).
/// They are nearly always spelled alike, which is found out faster.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

fn fold_any(text: &str) -> String {
    let decomposed = DecomposingNormalizer::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    ComposingNormalizer::new_nfc()
        .normalize(&folded)
        .into_owned()
}

/// The text without the marks on its letters (accents, vowel points), for the
/// order of an alphabet: `\u{e9}` stands with `e`.
pub(crate) fn without_marks(text: &str) -> String {
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let decomposed = DecomposingNormalizer::new_nfd().normalize(text);
    let letters = decomposed.chars().filter(|c| classes.get_u8(*c) == 0);
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn composed_and_decomposed_are_the_same() {
        assert_eq!(fold("E\u{301}milie"), fold("\u{e9}MILIE"));
    }

    #[test]
    fn a_password_has_one_spelling_of_its_letters_and_spaces() {
        assert_eq!(
            opaque("Se\u{301}same\u{a0}ouvre-toi"),
            "S\u{e9}same ouvre-toi"
        );
        assert_ne!(opaque("a"), opaque("A"));
    }

    #[test]
    fn other_scripts_fold() {
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_ne!(fold("ı"), fold("I"));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }

        #[test]
        fn ascii_takes_the_same_way_as_all_text(text in "[ -~]*") {
            prop_assert_eq!(fold(&text), fold_any(&text));
        }
    }
}
