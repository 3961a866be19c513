//! What can be wrong with a packet.

/// Why a packet cannot be sent, or was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An attribute's value does not fit into an attribute.
    #[error("an attribute has {0} bytes; it may have {largest}", largest = crate::attributes::LARGEST_VALUE)]
    AttributeTooLong(usize),
    /// A password has more bytes than User-Password takes.
    #[error("a password has {0} bytes; it may have 128")]
    PasswordTooLong(usize),
    /// The packet is larger than a RADIUS packet may be.
    #[error("the packet has {0} bytes; it may have {largest}", largest = crate::packet::LARGEST)]
    PacketTooLong(usize),
    /// What was received is shorter than it says, or than any packet.
    #[error("the packet is cut off")]
    Truncated,
    /// An attribute is longer than what is left of the packet, or shorter than its head.
    #[error("an attribute has no valid length")]
    AttributeLength,
    /// The code is none that is known here.
    #[error("packet code {0} is not known")]
    Code(u8),
    /// A request where a response was expected, or the other way round.
    #[error("{0:?} is not what was expected here")]
    Unexpected(crate::Code),
    /// The authenticator is wrong: another secret, or somebody else.
    #[error("the authenticator is wrong: check the shared secret")]
    Authenticator,
    /// The Message-Authenticator is wrong: another secret, or somebody else.
    #[error("the Message-Authenticator is wrong: check the shared secret")]
    MessageAuthenticator,
}
