//! Passwords (RFC 7643 §4.1.1): written by clients, read by nobody. What is kept is
//! an Argon2id hash in the PHC string format, in a key of its own beside the user's
//! record, so that no answer, filter or log can come near it.
//!
//! Of what OWASP's Password Storage Cheat Sheet recommends, Argon2id with 7 MiB and
//! five passes holds a worker the shortest, and its memory is small enough to stay in
//! the VM. Measured in V8's WebAssembly: Argon2id 29 ms (native 41 ms, unhurried),
//! scrypt (2^13, 8, 10) 340 ms, PBKDF2-HMAC-SHA256 with 600,000 rounds 520 ms. The
//! last could be cut into slices, but would take eighteen times as much from the
//! requests between them.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Keys;
use crate::kv::{Kv, Op};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use scim::Error;
use scim::resource::{Resource, Value};
use scim::text::opaque;
use std::cell::Cell;

/// Memory of a hash, in KiB.
const MEMORY: u32 = 7 * 1024;
/// How often the memory is passed over.
const PASSES: u32 = 5;
/// How many lanes could be filled side by side; there is one thread.
const LANES: u32 = 1;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Bytes of a salt (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;

/// What becomes of a user's password.
#[derive(Debug)]
pub(crate) enum Password {
    /// It stays, if there is one.
    Kept,
    /// It becomes the one with this hash.
    Set(String),
    /// It goes.
    Removed,
}

impl Password {
    /// The write that does it.
    pub(crate) fn write(&self, keys: &Keys, user: &str) -> Option<Op> {
        let key = keys.user_password(user);
        match self {
            Self::Kept => None,
            Self::Set(hash) => Some(Op::put(key, hash.as_str())),
            Self::Removed => Some(Op::delete(key)),
        }
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Takes the password that a client sent out of the user and hashes it, whatever
    /// it was before. When none was sent, `otherwise` is what becomes of it.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no randomness, [`Error::Unavailable`] when
    /// there is no memory.
    pub(crate) fn take_password(
        &self,
        user: &mut Resource,
        otherwise: Password,
    ) -> Result<Password, Error> {
        let sent = user.attributes.remove(self.registry.core().password);
        match sent.as_ref().and_then(Value::as_str) {
            Some(password) => {
                let mut salt = [0; SALT_BYTES];
                if !self.entropy.fill(&mut salt) {
                    return Err(Error::Internal {
                        reason: "the source of random numbers is out of order".to_owned(),
                    });
                }
                Ok(Password::Set(self.hashing.hash(password, &salt)?))
            }
            None => Ok(otherwise),
        }
    }
}

/// Makes hashes, in memory that it keeps from the first one on. Given back, it would be broken up by
/// what is allocated after it, and the next hash would let linear memory grow, which never shrinks.
#[derive(Default)]
pub(crate) struct Hashing(Cell<Vec<Block>>);

impl Hashing {
    /// The hash of a password, as a PHC string.
    fn hash(&self, password: &str, salt: &[u8]) -> Result<String, Error> {
        let failed = |e: argon2::Error| Error::Internal {
            reason: e.to_string(),
        };
        let params = Params::new(MEMORY, PASSES, LANES, Some(HASH_BYTES)).map_err(failed)?;
        let mut memory = self.0.take();
        let blocks = params.block_count();
        // Where memory is short, this request fails and the worker does not.
        memory
            .try_reserve_exact(blocks.saturating_sub(memory.len()))
            .map_err(|_| Error::Unavailable {
                reason: "There is not enough memory to hash a password.",
            })?;
        memory.resize(blocks, Block::default());
        let mut hash = [0; HASH_BYTES];
        let password = opaque(password);
        let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, &mut memory);
        // Nothing of the password stays in it.
        memory.fill(Block::default());
        self.0.set(memory);
        hashed.map_err(failed)?;
        let [salt, hash] = [salt, &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        Ok(format!(
            "$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${hash}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash by the library's own reading of the string.
    fn verifies(password: &str, phc: &str) -> bool {
        use argon2::password_hash::{PasswordHash, PasswordVerifier};
        let parsed = PasswordHash::new(phc).unwrap();
        Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
    }

    #[test]
    fn a_hash_says_how_it_was_made_and_verifies() {
        let phc = Hashing::default()
            .hash("Se\u{301}same ouvre-toi", b"0123456789abcdef")
            .unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=7168,t=5,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"));
        assert!(verifies("S\u{e9}same ouvre-toi", &phc));
        assert!(!verifies("sésame ouvre-toi", &phc));
    }

    #[test]
    fn a_salt_makes_another_hash() {
        let hashing = Hashing::default();
        let salts = [b"0123456789abcdef", b"fedcba9876543210"];
        let [one, other] = salts.map(|salt| hashing.hash("x", salt).unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn the_memory_of_hashes_is_kept_and_what_was_in_it_is_not() {
        let hashing = Hashing::default();
        let salt = b"0123456789abcdef";
        let hash = hashing.hash("x", salt).unwrap();
        let memory = hashing.0.take();
        let place = memory.as_ptr();
        let empty = Block::default();
        assert!(memory.iter().all(|block| block.as_ref() == empty.as_ref()));
        hashing.0.set(memory);
        assert_eq!(hashing.hash("x", salt).unwrap(), hash);
        let memory = hashing.0.take();
        assert_eq!(memory.as_ptr(), place);
    }
}
