//! Keys that are made at each start.

use crate::error::Error;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A fresh admin key in the form of all our tokens: `scim_` and 64 hexadecimal digits.
pub(crate) fn new_key() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::Randomness(e.to_string()))?;
    Ok(format!("scim_{}", hex(&bytes)))
}

/// `length` random hexadecimal digits, rounded up to an even number.
pub(crate) fn random_hex(length: usize) -> Result<String, Error> {
    let mut bytes = vec![0_u8; length.div_ceil(2)];
    getrandom::fill(&mut bytes).map_err(|e| Error::Randomness(e.to_string()))?;
    Ok(hex(&bytes))
}

/// What stands in the plugin's configuration for a key.
pub(crate) fn sha256_hex(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_form_of_tokens_and_differ() {
        let (one, two) = (new_key().unwrap(), new_key().unwrap());
        assert_ne!(one, two);
        let digits = one.strip_prefix("scim_").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(
            digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        );
    }

    #[test]
    fn hash_is_sha256_in_lower_case_hex() {
        assert_eq!(
            sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
