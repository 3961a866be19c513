//! RADIUS packets as bytes and back (RFC 2865, RFC 2866, RFC 5176): codes, attributes, vendors'
//! attributes, and every authenticator there is. No sockets and no randomness: whoever sends
//! packets brings both.
//!
//! ```
//! use edge_radius::{Code, Packet, dictionary};
//!
//! let mut packet = Packet::new(Code::DisconnectRequest, 7);
//! packet.attributes.push(&dictionary::ACCT_SESSION_ID, "4d2-01".into())?;
//! let sent = packet.encode_request(b"shared secret", [0; 16])?;
//! let received = Packet::decode_request(&sent, b"shared secret")?;
//! assert_eq!(
//!     received.attributes.first(&dictionary::ACCT_SESSION_ID).as_deref(),
//!     Some("4d2-01")
//! );
//! # Ok::<(), edge_radius::Error>(())
//! ```

mod attributes;
mod authenticator;
mod code;
pub mod dictionary;
mod error;
mod packet;

pub use attributes::Attributes;
pub use authenticator::hide_password;
pub use code::Code;
pub use error::Error;
pub use packet::{AUTHENTICATOR, LARGEST, Packet};
