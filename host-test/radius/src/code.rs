//! What a packet is for.

use crate::Error;

/// A packet's code (RFC 2865 §4, RFC 2866 §4, RFC 5176 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// May this user connect?
    AccessRequest = 1,
    /// Yes, and in this way.
    AccessAccept = 2,
    /// No.
    AccessReject = 3,
    /// A session begins, goes on or ends.
    AccountingRequest = 4,
    /// That was noted.
    AccountingResponse = 5,
    /// More has to be known first.
    AccessChallenge = 11,
    /// Are you there?
    StatusServer = 12,
    /// End this session.
    DisconnectRequest = 40,
    /// It has ended.
    DisconnectAck = 41,
    /// It has not, for this reason.
    DisconnectNak = 42,
    /// Change what this session may do.
    CoaRequest = 43,
    /// It was changed.
    CoaAck = 44,
    /// It was not, for this reason.
    CoaNak = 45,
}

impl Code {
    /// Whether it begins an exchange.
    #[must_use]
    pub const fn is_request(self) -> bool {
        matches!(
            self,
            Self::AccessRequest
                | Self::AccountingRequest
                | Self::StatusServer
                | Self::DisconnectRequest
                | Self::CoaRequest
        )
    }

    /// Whether its request authenticator is random, and not computed from the packet.
    pub(crate) const fn has_random_authenticator(self) -> bool {
        matches!(self, Self::AccessRequest | Self::StatusServer)
    }

    /// Whether we send it with a Message-Authenticator: all but accounting, where none is
    /// defined.
    pub(crate) const fn is_signed(self) -> bool {
        !matches!(self, Self::AccountingRequest | Self::AccountingResponse)
    }
}

impl TryFrom<u8> for Code {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        Ok(match number {
            1 => Self::AccessRequest,
            2 => Self::AccessAccept,
            3 => Self::AccessReject,
            4 => Self::AccountingRequest,
            5 => Self::AccountingResponse,
            11 => Self::AccessChallenge,
            12 => Self::StatusServer,
            40 => Self::DisconnectRequest,
            41 => Self::DisconnectAck,
            42 => Self::DisconnectNak,
            43 => Self::CoaRequest,
            44 => Self::CoaAck,
            45 => Self::CoaNak,
            other => return Err(Error::Code(other)),
        })
    }
}
