//! Values of the configuration that are more than text or a number. Whoever
//! holds one need not look at it again.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A path without the slash at its end, such as `/scim/v2`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BasePath(String);

/// An `http` or `https` URL without query, and without the slash at its end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// A SHA-256, written as 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sha256([u8; 32]);

impl BasePath {
    pub(super) fn of(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// The path, with a slash before and none behind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path, with or without query, is this one or below it.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        rest(&self.0, path).is_some()
    }

    /// What follows this path in one that it contains.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        below(&self.0, path)
    }

    /// Whether it ends in a version, as `/scim/v2` does.
    pub(super) fn names_version(&self) -> bool {
        self.0.rsplit('/').next().is_some_and(is_version)
    }

    /// The path above, such as `/scim` of `/scim/v2`, if this one ends in a version
    /// and what is above is plainly SCIM's.
    pub(super) fn unversioned(&self) -> Option<&str> {
        let parent = self.0.strip_suffix("/v2")?;
        parent.ends_with("/scim").then_some(parent)
    }
}

/// What follows a path in one that is the same or below it.
pub(super) fn below<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    let rest = rest(base, path.as_bytes())?;
    path.get(path.len() - rest.len()..)
}

/// The same of bytes. Compared as RFC 3986 §6.2.2 has it: a character that needs no
/// percent-encoding is the same with it. A slash is not.
pub(super) fn rest<'p>(base: &str, path: &'p [u8]) -> Option<&'p [u8]> {
    let mut rest = path;
    for expected in base.bytes() {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => {
                (high_low(*high, *low).filter(|b| unreserved(*b))?, after)
            }
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        if byte != expected {
            return None;
        }
        rest = after;
    }
    matches!(rest.first(), None | Some(b'/' | b'?')).then_some(rest)
}

impl TryFrom<String> for BasePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Some(segments) = text.strip_prefix('/') else {
            return Err("must begin with \"/\"");
        };
        let segments = segments.strip_suffix('/').unwrap_or(segments);
        if segments.split('/').any(|s| matches!(s, "" | "." | "..")) {
            return Err("must name at least one segment, and no empty one, \".\" or \"..\"");
        }
        if !segments.bytes().all(|b| b == b'/' || unreserved(b)) {
            return Err("must be made of letters, digits and -._~ between its slashes");
        }
        Ok(Self(format!("/{segments}")))
    }
}

impl PublicUrl {
    /// The URL, with no slash behind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            return Err("must begin with \"https://\" or \"http://\"");
        };
        if rest.is_empty() || rest.starts_with(['/', ':']) {
            return Err("must name a host");
        }
        if !rest.bytes().all(|b| unreserved(b) || b"/:[]%".contains(&b)) {
            return Err("must be a URL without user, query, fragment and blanks");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl Sha256 {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "must be a SHA-256 in hex, 64 digits; `printf %s KEY | sha256sum` makes one";
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(WRONG);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else {
                return Err(WRONG);
            };
            *byte = high_low(high, low).ok_or(WRONG)?;
        }
        Ok(Self(bytes))
    }
}

/// Whether a segment of a path names a version of the protocol: `v` and a number
/// (RFC 7644 §3.13).
pub(crate) fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix(['v', 'V']).unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The byte that two hex digits stand for.
fn high_low(high: u8, low: u8) -> Option<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(nibble(high)? << 4 | nibble(low)?).ok()
}

/// RFC 3986 §2.3.
fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

pub(super) fn key_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.bytes().all(|b| b == b'/' || unreserved(b)) {
        return Ok(text);
    }
    Err(D::Error::custom(
        "must be made of letters, digits, -._~ and \"/\", such as \"scim/\"",
    ))
}

pub(super) fn retention_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let days = within(deserializer, 1, 3_650)?;
    u32::try_from(days).map_err(D::Error::custom)
}

pub(super) fn cursor_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let seconds = within(deserializer, 1, 86_400)?;
    u32::try_from(seconds).map_err(D::Error::custom)
}

/// A whole number from `MIN` to `MAX`.
pub(super) fn bounded<'de, D: Deserializer<'de>, const MIN: usize, const MAX: usize>(
    deserializer: D,
) -> Result<usize, D::Error> {
    within(deserializer, MIN, MAX)
}

/// A whole number between two others, themselves allowed.
fn within<'de, D: Deserializer<'de>>(
    deserializer: D,
    min: usize,
    max: usize,
) -> Result<usize, D::Error> {
    struct Whole {
        min: usize,
        max: usize,
    }

    impl Visitor<'_> for Whole {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from {} to {}", self.min, self.max)
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<usize, E> {
            usize::try_from(number)
                .ok()
                .filter(|n| (self.min..=self.max).contains(n))
                .ok_or_else(|| {
                    E::custom(format_args!(
                        "must be a whole number from {} to {}, not {number}",
                        self.min, self.max
                    ))
                })
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<usize, E> {
            match u64::try_from(number) {
                Ok(number) => self.visit_u64(number),
                Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
            }
        }
    }

    deserializer.deserialize_u64(Whole { min, max })
}
