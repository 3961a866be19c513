//! The attributes that network gear and the edge tell each other of, each with its type.

use std::net::Ipv4Addr;

/// Where an attribute is: its number, and the vendor's when it is not one of the standard ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub(crate) vendor: Option<u32>,
    pub(crate) number: u8,
}

/// An attribute of a type.
pub trait Attribute {
    /// What it holds.
    type Value;
    /// Which it is.
    fn number(&self) -> Number;
    /// Its value as it is sent.
    fn encode(&self, value: Self::Value) -> Vec<u8>;
    /// Its value as it was received; nothing when it is not of the type.
    fn decode(&self, bytes: &[u8]) -> Option<Self::Value>;
}

/// Holds text in UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Text(Number);

/// Holds a number of 32 bits; also a point in time, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Integer(Number);

/// Holds an IPv4 address.
#[derive(Clone, Copy, Debug)]
pub struct Address(Number);

/// Holds bytes that mean something to whoever made them alone.
#[derive(Clone, Copy, Debug)]
pub struct Octets(Number);

/// Holds a tag (RFC 2868), here always none, and a number of 24 bits.
#[derive(Clone, Copy, Debug)]
pub struct TaggedInteger(Number);

/// Holds text that a tag may precede (RFC 2868 §3.6); we send none.
#[derive(Clone, Copy, Debug)]
pub struct TaggedText(Number);

/// The largest byte that is a tag and not the beginning of a text.
const LARGEST_TAG: u8 = 0x1f;

impl Attribute for Text {
    type Value = String;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: String) -> Vec<u8> {
        value.into_bytes()
    }

    fn decode(&self, bytes: &[u8]) -> Option<String> {
        String::from_utf8(bytes.to_vec()).ok()
    }
}

impl Attribute for Integer {
    type Value = u32;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: u32) -> Vec<u8> {
        value.to_be_bytes().to_vec()
    }

    fn decode(&self, bytes: &[u8]) -> Option<u32> {
        bytes.try_into().ok().map(u32::from_be_bytes)
    }
}

impl Attribute for Address {
    type Value = Ipv4Addr;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: Ipv4Addr) -> Vec<u8> {
        value.octets().to_vec()
    }

    fn decode(&self, bytes: &[u8]) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
    }
}

impl Attribute for Octets {
    type Value = Vec<u8>;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: Vec<u8>) -> Vec<u8> {
        value
    }

    fn decode(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        Some(bytes.to_vec())
    }
}

impl Attribute for TaggedInteger {
    type Value = u32;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: u32) -> Vec<u8> {
        let [_, high, middle, low] = value.to_be_bytes();
        vec![0, high, middle, low]
    }

    fn decode(&self, bytes: &[u8]) -> Option<u32> {
        let [_tag, high, middle, low] = <[u8; 4]>::try_from(bytes).ok()?;
        Some(u32::from_be_bytes([0, high, middle, low]))
    }
}

impl Attribute for TaggedText {
    type Value = String;

    fn number(&self) -> Number {
        self.0
    }

    fn encode(&self, value: String) -> Vec<u8> {
        value.into_bytes()
    }

    fn decode(&self, bytes: &[u8]) -> Option<String> {
        let text = match bytes.split_first() {
            Some((tag, text)) if *tag <= LARGEST_TAG => text,
            Some(_) | None => bytes,
        };
        String::from_utf8(text.to_vec()).ok()
    }
}

const fn standard(number: u8) -> Number {
    Number {
        vendor: None,
        number,
    }
}

/// The vendor number of the WISPr attributes (Wi-Fi Alliance, as registered with IANA).
const WISPR: u32 = 14122;

const fn wispr(number: u8) -> Number {
    Number {
        vendor: Some(WISPR),
        number,
    }
}

/// The user, as they said who they are. Bytes, for it may be anything.
pub const USER_NAME: Octets = Octets(standard(1));
/// The password of PAP, hidden ([`crate::hide_password`]).
pub const USER_PASSWORD: Octets = Octets(standard(2));
/// The address of the network access server.
pub const NAS_IP_ADDRESS: Address = Address(standard(4));
/// What the user's address is.
pub const FRAMED_IP_ADDRESS: Address = Address(standard(8));
/// What the gear gives back in accounting as it got it.
pub const CLASS: Octets = Octets(standard(25));
/// Seconds after which a session ends.
pub const SESSION_TIMEOUT: Integer = Integer(standard(27));
/// Seconds without traffic after which a session ends.
pub const IDLE_TIMEOUT: Integer = Integer(standard(28));
/// The user's device, mostly its MAC address.
pub const CALLING_STATION_ID: Text = Text(standard(31));
/// What the network access server calls itself.
pub const NAS_IDENTIFIER: Text = Text(standard(32));
/// What accounting tells of: 1 start, 2 stop, 3 an interim update.
pub const ACCT_STATUS_TYPE: Integer = Integer(standard(40));
/// What the network access server calls the session.
pub const ACCT_SESSION_ID: Text = Text(standard(44));
/// When what is told of happened.
pub const EVENT_TIMESTAMP: Integer = Integer(standard(55));
/// What kind of tunnel (13: a VLAN).
pub const TUNNEL_TYPE: TaggedInteger = TaggedInteger(standard(64));
/// Over what kind of medium (6: IEEE 802).
pub const TUNNEL_MEDIUM_TYPE: TaggedInteger = TaggedInteger(standard(65));
/// The EAP packet.
pub const EAP_MESSAGE: Octets = Octets(standard(79));
/// The HMAC-MD5 of the packet (RFC 3579 §3.2).
pub const MESSAGE_AUTHENTICATOR: Octets = Octets(standard(80));
/// The VLAN.
pub const TUNNEL_PRIVATE_GROUP_ID: TaggedText = TaggedText(standard(81));
/// Seconds between interim updates.
pub const ACCT_INTERIM_INTERVAL: Integer = Integer(standard(85));
/// Why a NAK (RFC 5176 §3.5).
pub const ERROR_CAUSE: Integer = Integer(standard(101));
/// Bits per second from the user's device.
pub const WISPR_BANDWIDTH_MAX_UP: Integer = Integer(wispr(7));
/// Bits per second to the user's device.
pub const WISPR_BANDWIDTH_MAX_DOWN: Integer = Integer(wispr(8));

/// [`TUNNEL_TYPE`] of a VLAN (RFC 3580 §3.31).
pub const VLAN: u32 = 13;
/// [`TUNNEL_MEDIUM_TYPE`] of Ethernet and Wi-Fi.
pub const IEEE_802: u32 = 6;
/// [`ERROR_CAUSE`]: there is no such session.
pub const SESSION_CONTEXT_NOT_FOUND: u32 = 503;
