//! Packets come back as they were sent, to those who have the secret and to nobody else; and no
//! bytes break the reader.

#![allow(
    clippy::unwrap_used,
    reason = "what makes packets for tests is test code too"
)]

use edge_radius::dictionary as d;
use edge_radius::{AUTHENTICATOR, Code, Error, Packet};
use proptest::collection::vec;
use proptest::prelude::*;

const SECRET: &[u8] = b"an ordinary secret";
const REQUESTS: [Code; 5] = [
    Code::AccessRequest,
    Code::AccountingRequest,
    Code::StatusServer,
    Code::DisconnectRequest,
    Code::CoaRequest,
];
const RESPONSES: [Code; 8] = [
    Code::AccessAccept,
    Code::AccessReject,
    Code::AccessChallenge,
    Code::AccountingResponse,
    Code::DisconnectAck,
    Code::DisconnectNak,
    Code::CoaAck,
    Code::CoaNak,
];

/// A packet with some attributes of each type.
fn packet(code: Code) -> impl Strategy<Value = Packet> {
    let names = vec(vec(any::<u8>(), 0..=253), 0..4);
    let numbers = vec(any::<u32>(), 0..4);
    let text = proptest::option::of("\\PC{0,40}");
    (any::<u8>(), names, numbers, text).prop_map(move |(identifier, names, numbers, text)| {
        let mut packet = Packet::new(code, identifier);
        let attributes = &mut packet.attributes;
        for name in names {
            attributes.push(&d::USER_NAME, name).unwrap();
        }
        for number in numbers {
            attributes.push(&d::SESSION_TIMEOUT, number).unwrap();
            attributes.push(&d::WISPR_BANDWIDTH_MAX_UP, number).unwrap();
            attributes.push(&d::NAS_IP_ADDRESS, number.into()).unwrap();
        }
        if let Some(text) = text {
            attributes.push(&d::ACCT_SESSION_ID, text).unwrap();
        }
        packet
    })
}

/// Whether somebody with the secret made it: accounting has its authenticator for that.
fn signed(packet: &Packet) -> bool {
    packet.code == Code::AccountingRequest || packet.has_message_authenticator()
}

/// Whether `received` says what `sent` does: in the same order, but for the Message-Authenticator
/// before everything else.
fn says_the_same(sent: &Packet, received: &Packet) -> bool {
    let mut numbers = received.attributes.numbers().peekable();
    let _ = numbers.next_if_eq(&80);
    (sent.code, sent.identifier) == (received.code, received.identifier)
        && sent.attributes.numbers().eq(numbers)
        && sent.attributes.first(&d::USER_NAME) == received.attributes.first(&d::USER_NAME)
        && sent.attributes.first(&d::NAS_IP_ADDRESS)
            == received.attributes.first(&d::NAS_IP_ADDRESS)
        && sent.attributes.first(&d::WISPR_BANDWIDTH_MAX_UP)
            == received.attributes.first(&d::WISPR_BANDWIDTH_MAX_UP)
        && sent.attributes.first(&d::ACCT_SESSION_ID)
            == received.attributes.first(&d::ACCT_SESSION_ID)
}

proptest! {
    #[test]
    fn request_comes_back_as_it_was_sent(
        sent in prop::sample::select(&REQUESTS[..]).prop_flat_map(packet),
        random: [u8; AUTHENTICATOR],
    ) {
        let bytes = sent.encode_request(SECRET, random).unwrap();
        let received = Packet::decode_request(&bytes, SECRET).unwrap();
        prop_assert!(says_the_same(&sent, &received), "{received:?}");
        prop_assert!(signed(&received));
        prop_assert!(Packet::decode_response(&bytes, SECRET, &random).is_err());
    }

    #[test]
    fn response_comes_back_to_its_own_request_alone(
        sent in prop::sample::select(&RESPONSES[..]).prop_flat_map(packet),
        request: [u8; AUTHENTICATOR],
        other: [u8; AUTHENTICATOR],
    ) {
        let bytes = sent.encode_response(SECRET, &request).unwrap();
        let received = Packet::decode_response(&bytes, SECRET, &request).unwrap();
        prop_assert!(says_the_same(&sent, &received), "{received:?}");
        prop_assume!(request != other);
        prop_assert_eq!(
            Packet::decode_response(&bytes, SECRET, &other),
            Err(Error::Authenticator)
        );
    }

    #[test]
    fn another_secret_or_any_changed_byte_is_noticed(
        sent in prop::sample::select(&REQUESTS[..]).prop_flat_map(packet),
        random: [u8; AUTHENTICATOR],
        at: prop::sample::Index,
        change in 1_u8..,
    ) {
        let mut bytes = sent.encode_request(SECRET, random).unwrap();
        prop_assert!(Packet::decode_request(&bytes, b"another secret").is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        // An Access-Request whose Message-Authenticator became another attribute has nothing
        // that could be wrong: that is why its receiver has to look for it.
        let genuine = Packet::decode_request(&bytes, SECRET);
        prop_assert!(genuine.is_err() || !signed(&genuine.unwrap()), "byte {at}");
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Packet::decode_request(&bytes, SECRET);
        let _ = Packet::decode_response(&bytes, SECRET, &[0; AUTHENTICATOR]);
    }

    /// As above, but for most of them the length is right, so that their attributes are read.
    #[test]
    fn no_attributes_break_the_reader(
        code in prop::sample::select(&REQUESTS[..]),
        attributes in vec(any::<u8>(), 0..200),
    ) {
        let length = u16::try_from(20 + attributes.len()).unwrap().to_be_bytes();
        let bytes = [&[code as u8, 0][..], &length, &[0; 16], &attributes].concat();
        if let Ok(packet) = Packet::decode_request(&bytes, SECRET) {
            let _ = packet.attributes.first(&d::WISPR_BANDWIDTH_MAX_DOWN);
            let _ = packet.attributes.first(&d::TUNNEL_TYPE);
            let _ = packet.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID);
        }
    }
}

#[test]
fn padding_is_no_part_of_a_packet() {
    let sent = Packet::new(Code::DisconnectRequest, 1);
    let mut bytes = sent.encode_request(SECRET, [0; 16]).unwrap();
    bytes.extend_from_slice(b"padding");
    assert!(Packet::decode_request(&bytes, SECRET).is_ok());
}

#[test]
fn second_message_authenticator_is_refused() {
    let mut sent = Packet::new(Code::AccessRequest, 1);
    sent.attributes
        .push(&d::MESSAGE_AUTHENTICATOR, vec![0; 16])
        .unwrap();
    let bytes = sent.encode_request(SECRET, [7; 16]).unwrap();
    assert_eq!(
        Packet::decode_request(&bytes, SECRET),
        Err(Error::MessageAuthenticator)
    );
}

#[test]
fn packet_above_4096_bytes_is_not_sent() {
    let mut packet = Packet::new(Code::AccessRequest, 1);
    for _ in 0..16 {
        packet.attributes.push(&d::CLASS, vec![0; 253]).unwrap();
    }
    assert_eq!(
        packet.encode_request(SECRET, [0; 16]),
        Err(Error::PacketTooLong(20 + 18 + 16 * 255))
    );
}

/// The answer to nemo's request in RFC 2865 §7.1.
#[test]
fn response_of_the_rfcs_example_is_genuine() {
    let request = 0x0f40_3f94_7397_8057_bd83_d5cb_98f4_227a_u128.to_be_bytes();
    let authenticator = 0x86fe_220e_7624_ba2a_1005_f6bf_9b55_e0b2_u128.to_be_bytes();
    let attributes = [6, 6, 0, 0, 0, 1, 15, 6, 0, 0, 0, 0, 14, 6, 192, 168, 1, 3];
    let bytes = [&[2, 0, 0, 38][..], &authenticator, &attributes].concat();
    let packet = Packet::decode_response(&bytes, b"xyzzy5461", &request).unwrap();
    assert_eq!(packet.code, Code::AccessAccept);
    assert!(packet.attributes.numbers().eq([6, 15, 14]));
}
