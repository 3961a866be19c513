//! Text of a client inside an error message.

use std::fmt;

/// Text of a client inside an error message: quoted, cut to a bearable length,
/// control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// How many characters of the text are shown.
    const SHOWN: usize = 80;
}

impl From<&str> for Quoted {
    fn from(text: &str) -> Self {
        let mut shown: String = text.chars().take(Self::SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self(shown)
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}
