//! What shows that a packet is from somebody who has the secret: MD5 over the packet
//! (RFC 2865 §3), HMAC-MD5 over it (RFC 3579 §3.2), and the password hidden with MD5
//! (RFC 2865 §5.2).

use crate::error::Error;
use crate::packet::AUTHENTICATOR;
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};

/// The longest password that User-Password takes.
const LARGEST_PASSWORD: usize = 128;

/// The MD5 of a packet, in which `authenticator` stands in the place for it.
pub(crate) fn digest(
    head: &[u8],
    authenticator: &[u8; AUTHENTICATOR],
    attributes: &[u8],
    secret: &[u8],
) -> [u8; AUTHENTICATOR] {
    Md5::new()
        .chain_update(head)
        .chain_update(authenticator)
        .chain_update(attributes)
        .chain_update(secret)
        .finalize()
        .into()
}

/// The HMAC-MD5 of a packet whose own place for it in `attributes` is zero.
pub(crate) fn hmac(
    head: &[u8],
    authenticator: &[u8; AUTHENTICATOR],
    attributes: &[u8],
    secret: &[u8],
) -> [u8; AUTHENTICATOR] {
    let zero = Hmac::<Md5>::new_from_slice(secret);
    let Ok(hmac) = zero else {
        // HMAC takes keys of any length.
        return [0; AUTHENTICATOR];
    };
    hmac.chain_update(head)
        .chain_update(authenticator)
        .chain_update(attributes)
        .finalize()
        .into_bytes()
        .into()
}

/// A password as User-Password holds it, in a request with this authenticator.
///
/// # Errors
/// [`Error::PasswordTooLong`].
pub fn hide_password(
    password: &[u8],
    secret: &[u8],
    authenticator: &[u8; AUTHENTICATOR],
) -> Result<Vec<u8>, Error> {
    if password.len() > LARGEST_PASSWORD {
        return Err(Error::PasswordTooLong(password.len()));
    }
    let mut hidden = Vec::new();
    let mut previous = *authenticator;
    // An empty password is sixteen zero bytes as well.
    let blocks = password.len().div_ceil(AUTHENTICATOR).max(1);
    let mut padded = password.to_vec();
    padded.resize(blocks * AUTHENTICATOR, 0);
    for block in padded.chunks(AUTHENTICATOR) {
        let pad = Md5::new()
            .chain_update(secret)
            .chain_update(previous)
            .finalize();
        for (to, (byte, pad)) in previous.iter_mut().zip(block.iter().zip(pad)) {
            *to = byte ^ pad;
        }
        hidden.extend_from_slice(&previous);
    }
    Ok(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2865 §7.1: nemo's password `arctangent` with the secret `xyzzy5461`.
    #[test]
    fn password_is_hidden_as_in_the_rfcs_example() {
        let authenticator = 0x0f40_3f94_7397_8057_bd83_d5cb_98f4_227a_u128.to_be_bytes();
        let hidden = hide_password(b"arctangent", b"xyzzy5461", &authenticator).unwrap();
        assert_eq!(
            hidden,
            0x0dbe_708d_93d4_13ce_3196_e43f_782a_0aee_u128.to_be_bytes()
        );
    }

    #[test]
    fn password_fills_whole_blocks_and_has_a_limit() {
        for (length, hidden) in [(0, 16), (16, 16), (17, 32), (128, 128)] {
            let password = vec![b'p'; length];
            assert_eq!(
                hide_password(&password, b"s", &[1; 16]).unwrap().len(),
                hidden
            );
        }
        assert_eq!(
            hide_password(&[0; 129], b"s", &[1; 16]),
            Err(Error::PasswordTooLong(129))
        );
    }
}
