//! When tokens were used last, for administrators who look for those that nobody needs. No request
//! waits for it: a request leaves word in memory, and every now and then it is written down, of a
//! token at most once an hour by each instance. What was not written when an instance ends is lost.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Keys;
use crate::kv::{Compare, Kv, KvError, Op, Txn};
use crate::stored::encode;
use crate::token::TokenUse;

/// How many are written in one transaction.
const TOGETHER: usize = 50;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Writes down which tokens were used, as far as that is not known already. To be called every
    /// now and then.
    ///
    /// # Errors
    /// [`KvError`]; what was not written is written next time.
    pub async fn note_token_uses(&self) -> Result<(), KvError> {
        let uses = self.tokens.borrow().uses();
        for some in uses.chunks(TOGETHER) {
            let txn = Txn {
                then: some.iter().filter_map(|one| self.note(one)).collect(),
                ..Txn::default()
            };
            self.kv.txn(txn).await?;
            let mut tokens = self.tokens.borrow_mut();
            for one in some {
                tokens.noted(one);
            }
        }
        Ok(())
    }

    /// It is no change of the directory, so no event tells of it. Of a token that was revoked
    /// meanwhile nothing is left.
    fn note(&self, one: &TokenUse) -> Option<Op> {
        let keys = Keys::new(&self.config.prefix, one.grant.tenant.as_str());
        let at = scim::datetime::format(i64::try_from(one.at).ok()?);
        Some(Op::Txn(Txn {
            compares: vec![Compare::present(keys.tenant_token(&one.grant.id))],
            then: vec![Op::put(keys.token_used(&one.grant.id), encode(&at).ok()?)],
            otherwise: Vec::new(),
        }))
    }
}
