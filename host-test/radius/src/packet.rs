//! A packet: made, sent as bytes, and read from them once it is known to be genuine.

use crate::attributes::Attributes;
use crate::authenticator::{digest, hmac};
use crate::code::Code;
use crate::dictionary::MESSAGE_AUTHENTICATOR;
use crate::error::Error;
use subtle::ConstantTimeEq as _;

/// The most bytes that a packet has (RFC 2865 §3).
pub const LARGEST: usize = 4096;
/// The bytes of an authenticator.
pub const AUTHENTICATOR: usize = 16;
/// Code, identifier and length.
const HEAD: usize = 4;
/// The bytes before the attributes.
const FIXED: usize = HEAD + AUTHENTICATOR;
/// The number and length of a Message-Authenticator, by which it is found.
const SIGNATURE_HEAD: [u8; 2] = [80, 18];

/// A RADIUS packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it is for.
    pub code: Code,
    /// By which a response finds its request.
    pub identifier: u8,
    /// As it was received; zero in a packet that was not.
    pub authenticator: [u8; AUTHENTICATOR],
    /// What it says.
    pub attributes: Attributes,
}

impl Packet {
    /// A packet without attributes.
    #[must_use]
    pub fn new(code: Code, identifier: u8) -> Self {
        Self {
            code,
            identifier,
            authenticator: [0; AUTHENTICATOR],
            attributes: Attributes::default(),
        }
    }

    /// A request as bytes, with a Message-Authenticator at its beginning unless it is
    /// accounting. `random` becomes the authenticator of an Access-Request; all others compute
    /// theirs.
    ///
    /// # Errors
    /// [`Error::PacketTooLong`], [`Error::Unexpected`] for a response.
    pub fn encode_request(
        &self,
        secret: &[u8],
        random: [u8; AUTHENTICATOR],
    ) -> Result<Vec<u8>, Error> {
        if !self.code.is_request() {
            return Err(Error::Unexpected(self.code));
        }
        let given = if self.code.has_random_authenticator() {
            random
        } else {
            [0; AUTHENTICATOR]
        };
        let (head, attributes) = self.sign(secret, &given)?;
        let authenticator = if self.code.has_random_authenticator() {
            random
        } else {
            digest(&head, &given, &attributes, secret)
        };
        Ok([&head[..], &authenticator, &attributes].concat())
    }

    /// A response as bytes, to the request with this authenticator.
    ///
    /// # Errors
    /// [`Error::PacketTooLong`], [`Error::Unexpected`] for a request.
    pub fn encode_response(
        &self,
        secret: &[u8],
        request: &[u8; AUTHENTICATOR],
    ) -> Result<Vec<u8>, Error> {
        if self.code.is_request() {
            return Err(Error::Unexpected(self.code));
        }
        let (head, attributes) = self.sign(secret, request)?;
        let authenticator = digest(&head, request, &attributes, secret);
        Ok([&head[..], &authenticator, &attributes].concat())
    }

    /// Reads a request, and checks what shows that its sender has the secret. An Access-Request
    /// without Message-Authenticator shows nothing: look for it
    /// ([`Packet::has_message_authenticator`]).
    ///
    /// # Errors
    /// When it is no whole request, or not genuine.
    pub fn decode_request(bytes: &[u8], secret: &[u8]) -> Result<Self, Error> {
        let parts = Parts::split(bytes)?;
        let packet = parts.packet()?;
        if !packet.code.is_request() {
            return Err(Error::Unexpected(packet.code));
        }
        let computed = if packet.code.has_random_authenticator() {
            packet.authenticator
        } else {
            [0; AUTHENTICATOR]
        };
        if !packet.code.has_random_authenticator() {
            parts.check(&computed, secret)?;
        }
        parts.check_signature(&computed, secret)?;
        Ok(packet)
    }

    /// Reads a response to the request with this authenticator, and checks that its sender has
    /// the secret.
    ///
    /// # Errors
    /// When it is no whole response, or not genuine.
    pub fn decode_response(
        bytes: &[u8],
        secret: &[u8],
        request: &[u8; AUTHENTICATOR],
    ) -> Result<Self, Error> {
        let parts = Parts::split(bytes)?;
        let packet = parts.packet()?;
        if packet.code.is_request() {
            return Err(Error::Unexpected(packet.code));
        }
        parts.check(request, secret)?;
        parts.check_signature(request, secret)?;
        Ok(packet)
    }

    /// Whether a Message-Authenticator is in it, which was right when the packet was read.
    #[must_use]
    pub fn has_message_authenticator(&self) -> bool {
        self.attributes.first(&MESSAGE_AUTHENTICATOR).is_some()
    }

    /// Head and attributes, the Message-Authenticator computed with this authenticator. It
    /// stands first, so that nothing can be put before it (CVE-2024-3596).
    fn sign(
        &self,
        secret: &[u8],
        authenticator: &[u8; AUTHENTICATOR],
    ) -> Result<([u8; HEAD], Vec<u8>), Error> {
        let mut attributes = self.attributes.clone();
        if self.code.is_signed() {
            attributes.push_first(&MESSAGE_AUTHENTICATOR, vec![0; AUTHENTICATOR])?;
        }
        let mut bytes = attributes.encode();
        let length = FIXED + bytes.len();
        if length > LARGEST {
            return Err(Error::PacketTooLong(length));
        }
        let [high, low] = u16::try_from(length)
            .map_err(|_| Error::PacketTooLong(length))?
            .to_be_bytes();
        let head = [self.code as u8, self.identifier, high, low];
        if self.code.is_signed() {
            let signature = hmac(&head, authenticator, &bytes, secret);
            for (to, byte) in bytes.iter_mut().skip(SIGNATURE_HEAD.len()).zip(signature) {
                *to = byte;
            }
        }
        Ok((head, bytes))
    }
}

/// A received packet's parts.
struct Parts<'a> {
    head: [u8; HEAD],
    authenticator: [u8; AUTHENTICATOR],
    attributes: &'a [u8],
}

impl<'a> Parts<'a> {
    /// What is behind the length that the packet says is padding (RFC 2865 §3).
    fn split(bytes: &'a [u8]) -> Result<Self, Error> {
        let (&head, rest) = bytes.split_first_chunk().ok_or(Error::Truncated)?;
        let (&authenticator, rest) = rest.split_first_chunk().ok_or(Error::Truncated)?;
        let [_, _, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > LARGEST {
            return Err(Error::PacketTooLong(length));
        }
        let attributes = length
            .checked_sub(FIXED)
            .and_then(|length| rest.get(..length))
            .ok_or(Error::Truncated)?;
        Ok(Self {
            head,
            authenticator,
            attributes,
        })
    }

    fn packet(&self) -> Result<Packet, Error> {
        let [code, identifier, ..] = self.head;
        Ok(Packet {
            code: Code::try_from(code)?,
            identifier,
            authenticator: self.authenticator,
            attributes: Attributes::decode(self.attributes)?,
        })
    }

    /// Compares the authenticator with the one that is computed with `with` in its place.
    fn check(&self, with: &[u8; AUTHENTICATOR], secret: &[u8]) -> Result<(), Error> {
        let expected = digest(&self.head, with, self.attributes, secret);
        if bool::from(expected.ct_eq(&self.authenticator)) {
            Ok(())
        } else {
            Err(Error::Authenticator)
        }
    }

    /// Compares the Message-Authenticator, when there is one.
    fn check_signature(&self, with: &[u8; AUTHENTICATOR], secret: &[u8]) -> Result<(), Error> {
        let mut blank = self.attributes.to_vec();
        let mut found = None;
        let mut rest = blank.as_mut_slice();
        // Each length is two at least: `packet` has read these attributes before.
        while let Some((&mut [number, length], _)) = rest.split_first_chunk_mut() {
            let Some((attribute, after)) = rest.split_at_mut_checked(usize::from(length)) else {
                break;
            };
            if number == SIGNATURE_HEAD[0] {
                // A second one, or one of another length, is somebody's attempt.
                if found.is_some() || length != SIGNATURE_HEAD[1] {
                    return Err(Error::MessageAuthenticator);
                }
                let (_, value) = attribute.split_at_mut(SIGNATURE_HEAD.len());
                found = Some(value.to_vec());
                value.fill(0);
            }
            rest = after;
        }
        let Some(found) = found else {
            return Ok(());
        };
        let expected = hmac(&self.head, with, &blank, secret);
        if bool::from(expected[..].ct_eq(&found)) {
            Ok(())
        } else {
            Err(Error::MessageAuthenticator)
        }
    }
}
