//! Ethernet addresses (EUI-48), which gear spells in many ways: `2C:54:91:88:C9:E2`,
//! `2c-54-91-88-c9-e2`, `2c54.9188.c9e2`, `2c54-9188-c9e2`, `2c5491-88c9e2`, `2c549188c9e2`.

use std::fmt;

/// How many bytes an address has.
const BYTES: usize = 6;

/// An Ethernet address. However two are spelt, they are equal if they are one.
///
/// ```abnf
/// address   = pairs / fours / sixes / 12HEXDIG
/// pairs     = 2HEXDIG 5(sep 2HEXDIG)   ; one and the same sep
/// fours     = 4HEXDIG 2(sep 4HEXDIG)
/// sixes     = 6HEXDIG sep 6HEXDIG
/// sep       = ":" / "-" / "."
/// ```
///
/// ```
/// use scim::mac::MacAddress;
///
/// let address = MacAddress::parse("2c54.9188.c9e2").unwrap();
/// assert_eq!(address.to_string(), "2C:54:91:88:C9:E2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress([u8; BYTES]);

impl MacAddress {
    /// The address that a text is, in whatever spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let separator = text.chars().find(|c| !c.is_ascii_hexdigit());
        let mut digits = Vec::with_capacity(2 * BYTES);
        let mut groups = match separator {
            None => text.split('\0'),
            Some(separator @ (':' | '-' | '.')) => text.split(separator),
            Some(_) => return None,
        };
        let first = groups.next()?;
        if !matches!(first.len(), 2 | 4 | 6 | 12) {
            return None;
        }
        for group in std::iter::once(first).chain(groups) {
            if group.len() != first.len() || digits.len() + group.len() > 2 * BYTES {
                return None;
            }
            for digit in group.chars() {
                digits.push(u8::try_from(digit.to_digit(16)?).ok()?);
            }
        }
        let bytes = digits.chunks_exact(2).map(|pair| match pair {
            [high, low] => high << 4 | low,
            _ => 0,
        });
        let bytes: Vec<u8> = bytes.collect();
        Some(Self(bytes.try_into().ok()?))
    }

    /// Whether a text is an address in the form of RFC 9944: pairs with colons, in any case.
    #[must_use]
    pub fn is_canonical(text: &str) -> bool {
        text.as_bytes().get(2) == Some(&b':') && Self::parse(text).is_some()
    }
}

/// Pairs with colons, in capitals, as the examples of RFC 9944 have it.
impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A spelling of an address: groups of so many digits with something between them.
    fn spelt(bytes: [u8; BYTES], group: usize, separator: &str, capitals: bool) -> String {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        let digits: Vec<char> = digits.collect::<String>().chars().collect();
        let groups: Vec<String> = digits.chunks(group).map(String::from_iter).collect();
        let text = groups.join(separator);
        if capitals { text.to_uppercase() } else { text }
    }

    fn group() -> impl Strategy<Value = usize> {
        prop::sample::select(vec![2_usize, 4, 6, 12])
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            ":",
            "2C:54:91:88:C9",
            "2C:54:91:88:C9:E2:00",
            "2C:54:91:88:C9:E2:",
            ":2C:54:91:88:C9:E2",
            "2C:54:91:88:C9:E",
            "2C:54:91:88:C9:G2",
            "2C:54:91:88-C9-E2",
            "2C:5491:88C9:E2",
            "2C 54 91 88 C9 E2",
            "2C:54:91:88:C9:E2 ",
            "2c5491:88c9-e2",
            "2c549188c9e",
            "2c549188c9e2f",
            "2c5:491:88c:9e2",
            "\u{ff12}C:54:91:88:C9:E2",
            "alice@example.com",
        ] {
            assert_eq!(MacAddress::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn all_spellings_are_one_address(
            bytes in any::<[u8; BYTES]>(),
            group in group(),
            separator in prop::sample::select(vec![":", "-", "."]),
            capitals in any::<bool>(),
        ) {
            let text = spelt(bytes, group, separator, capitals);
            prop_assert_eq!(MacAddress::parse(&text), Some(MacAddress(bytes)));
            let is_canonical = group == 2 && separator == ":";
            prop_assert_eq!(MacAddress::is_canonical(&text), is_canonical);
        }

        #[test]
        fn an_address_is_written_in_the_form_of_the_rfc(bytes in any::<[u8; BYTES]>()) {
            let written = MacAddress(bytes).to_string();
            prop_assert_eq!(&written, &spelt(bytes, 2, ":", true));
            prop_assert!(MacAddress::is_canonical(&written));
        }

        #[test]
        fn with_one_character_more_or_less_it_is_no_address(
            bytes in any::<[u8; BYTES]>(),
            group in group(),
            at in 0_usize..12,
            c in any::<char>().prop_filter("no separator", |c| !":-.".contains(*c)),
        ) {
            let text = spelt(bytes, group, "-", false);
            let mut more = text.clone();
            more.insert(at, c);
            prop_assert_eq!(MacAddress::parse(&more), None);
            // Between two sixes, a separator may go.
            let mut less = text;
            less.remove(0);
            prop_assert_eq!(MacAddress::parse(&less), None);
        }
    }
}
