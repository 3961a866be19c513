//! The network gear: where it takes orders, and the secret that it shares with us.

use crate::disconnect::service::Session;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Where gear listens unless said otherwise (RFC 5176 §3).
const PORT: u16 = 3799;

/// One piece of gear, or a network of pieces with one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gear {
    place: Place,
    port: u16,
    pub(crate) secret: Secret,
}

/// Which sessions are at it, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Those whose NAS-IP-Address is in this network; each at its own address.
    Network { address: IpAddr, prefix: u8 },
    /// Those with this NAS-Identifier, all at this address.
    Named { identifier: String, address: IpAddr },
}

/// A shared secret, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for Gear {
    type Err = String;

    /// `[IDENTIFIER@]ADDRESS[/PREFIX][:PORT]=SECRET`. No message holds the secret.
    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write [IDENTIFIER@]ADDRESS[/PREFIX][:PORT]=SECRET, for example 192.0.2.10=SECRET, 192.0.2.0/24:1700=SECRET or lobby@[2001:db8::5]=SECRET";
        let (place, secret) = text.split_once('=').ok_or(FORM)?;
        if secret.is_empty() {
            return Err(format!("{place:?} has no secret; {FORM}"));
        }
        let (place, port) = split(place).ok_or_else(|| format!("{place:?}: {FORM}"))?;
        Ok(Self {
            place,
            port: port.unwrap_or(PORT),
            secret: Secret(secret.to_owned()),
        })
    }
}

fn split(text: &str) -> Option<(Place, Option<u16>)> {
    let (identifier, text) = match text.rsplit_once('@') {
        Some((identifier, rest)) => (Some(identifier), rest),
        None => (None, text),
    };
    let (address, rest) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => text.split_at_checked(text.find(['/', ':']).unwrap_or(text.len()))?,
    };
    let address: IpAddr = address.parse().ok()?;
    let (prefix, port) = match rest.split_once(':') {
        Some((prefix, port)) => (prefix, Some(port.parse().ok()?)),
        None => (rest, None),
    };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix.strip_prefix('/') {
        Some(prefix) => Some(prefix.parse().ok().filter(|prefix| *prefix <= bits)?),
        None if prefix.is_empty() => None,
        None => return None,
    };
    let place = match (identifier, prefix) {
        (Some(identifier), None) if !identifier.is_empty() => Place::Named {
            identifier: identifier.to_owned(),
            address,
        },
        (Some(_), _) => return None,
        (None, prefix) => Place::Network {
            address,
            prefix: prefix.unwrap_or(bits),
        },
    };
    Some((place, port))
}

/// The gear in a file: one piece or network a line, `#` before what is a remark.
pub(crate) fn read(text: &str) -> Result<Vec<Gear>, String> {
    text.lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| line.parse().map_err(|e| format!("line {}: {e}", at + 1)))
        .collect()
}

/// The gear that a session is at, and its address there: the one with its NAS-Identifier, else
/// the smallest network with its NAS-IP-Address.
pub(crate) fn find<'a>(all: &'a [Gear], session: &Session) -> Option<(&'a Gear, SocketAddr)> {
    let named = all.iter().find_map(|gear| match &gear.place {
        Place::Named {
            identifier,
            address,
        } if session.nas_identifier.as_ref() == Some(identifier) => Some((gear, *address)),
        Place::Named { .. } | Place::Network { .. } => None,
    });
    let at = || {
        let here = session.nas_ip_address.as_deref()?.parse().ok()?;
        let (gear, _) = all
            .iter()
            .filter_map(|gear| match gear.place {
                Place::Network { address, prefix } if is_in(here, address, prefix) => {
                    Some((gear, prefix))
                }
                Place::Network { .. } | Place::Named { .. } => None,
            })
            .max_by_key(|(_, prefix)| *prefix)?;
        Some((gear, here))
    };
    let (gear, address) = named.or_else(at)?;
    Some((gear, SocketAddr::new(address, gear.port)))
}

fn is_in(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let (address, network, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (a.to_bits().into(), n.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let differ: u128 = address ^ network;
    // A shift by all bits is none that the type knows.
    differ
        .checked_shr(u32::from(bits - prefix.min(bits)))
        .is_none_or(|left| left == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session(address: &str, identifier: &str) -> Session {
        Session {
            nas_ip_address: Some(address.into()),
            nas_identifier: Some(identifier.into()),
            ..Session::default()
        }
    }

    fn found(all: &[&str], session: &Session) -> Option<String> {
        let all: Vec<Gear> = all.iter().map(|text| text.parse().unwrap()).collect();
        find(&all, session).map(|(gear, at)| format!("{at} {}", gear.secret.0))
    }

    #[test]
    fn gear_is_found_by_identifier_then_by_the_smallest_network() {
        let all = [
            "0.0.0.0/0=any",
            "192.0.2.0/24:1700=net",
            "192.0.2.7=one",
            "lobby@10.0.0.1=named",
            "[2001:db8::]/32=six",
        ];
        for (address, identifier, expected) in [
            ("192.0.2.7", "", "192.0.2.7:3799 one"),
            ("192.0.2.8", "", "192.0.2.8:1700 net"),
            ("203.0.113.1", "", "203.0.113.1:3799 any"),
            ("192.0.2.7", "lobby", "10.0.0.1:3799 named"),
            ("2001:db8::9", "", "[2001:db8::9]:3799 six"),
        ] {
            assert_eq!(
                found(&all, &session(address, identifier)).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(found(&["192.0.2.7=s"], &session("192.0.2.8", "")), None);
        assert_eq!(found(&["192.0.2.7=s"], &session("nowhere", "")), None);
    }

    #[test]
    fn secret_may_hold_what_separates_elsewhere() {
        let gear: Gear = "192.0.2.7=a=b:c@d/e".parse().unwrap();
        assert_eq!(gear.secret.0, "a=b:c@d/e");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        for text in [
            "192.0.2.7",
            "192.0.2.7=",
            "host=hidden",
            "192.0.2.0/33=hidden",
            "192.0.2.7:70000=hidden",
            "192.0.2.7x=hidden",
            "@192.0.2.7=hidden",
            "lobby@192.0.2.0/24=hidden",
            "[2001:db8::1=hidden",
        ] {
            let refused = text.parse::<Gear>().unwrap_err();
            assert!(!refused.contains("hidden"), "{refused}");
            assert!(refused.contains("write [IDENTIFIER@]ADDRESS"), "{refused}");
        }
        let gear: Gear = "192.0.2.7=hidden".parse().unwrap();
        assert!(!format!("{gear:?}").contains("hidden"));
    }

    #[test]
    fn file_has_a_piece_a_line_and_remarks() {
        let read = read("# the office\n\n192.0.2.7=a\n  192.0.2.8=b\n").unwrap();
        assert_eq!(read.len(), 2);
        let refused = super::read("192.0.2.7=a\noops\n").unwrap_err();
        assert!(refused.starts_with("line 2:"), "{refused}");
    }

    proptest! {
        #[test]
        fn network_is_what_has_its_first_bits(a: u32, n: u32, prefix in 0_u8..=32) {
            let kept = (0..u32::from(prefix)).all(|bit| (a ^ n) >> (31 - bit) & 1 == 0);
            let [a, n] = [a, n].map(|bits| IpAddr::V4(bits.into()));
            prop_assert_eq!(is_in(a, n, prefix), kept);
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = text.parse::<Gear>();
        }
    }
}
