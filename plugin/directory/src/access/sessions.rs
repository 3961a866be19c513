//! The users and devices that are on the network, as RADIUS accounting tells it. A session is a key
//! on a lease: one that nothing more is heard of ends by itself.

use super::rlm_rest::{self, Accounted};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::kv::{KeyValue, Kv, Op, Range, Txn};
use crate::session::Session;
use crate::stored::{decode, encode};
use crate::token::Digest;
use crate::walk::PAGE;
use scim::Error;
use serde::{Deserialize, Serialize};

/// How many hex digits name a session.
const ID_DIGITS: usize = 32;

/// The most that is kept of a text that a network access server sends: RADIUS has no longer one.
const MAX_TEXT: usize = 253;

/// What is stored of a session, and what the administrator sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkSession {
    pub(crate) id: String,
    pub(crate) user_id: String,
    /// As the network access server names the user.
    pub(crate) user_name: String,
    /// The decision by which the user was let in, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<String>,
    pub(crate) acct_session_id: String,
    pub(crate) nas_ip_address: String,
    pub(crate) nas_identifier: String,
    pub(crate) calling_station_id: String,
    pub(crate) framed_ip_address: String,
    /// When it was last heard of.
    pub(crate) updated: String,
}

impl NetworkSession {
    /// The session that an accounting request is about.
    pub(super) fn of(
        accounted: &Accounted,
        user_id: String,
        decision: Option<String>,
        now: String,
    ) -> Self {
        let text = |text: &str| text.chars().take(MAX_TEXT).collect::<String>();
        let [name, nas, identifier, session] = [
            accounted.user_name.text(),
            accounted.nas_address.text(),
            accounted.nas_identifier.text(),
            accounted.session.text(),
        ];
        Self {
            id: id(nas, identifier, session),
            user_id,
            user_name: text(rlm_rest::repaired(name).as_deref().unwrap_or(name)),
            decision,
            acct_session_id: text(session),
            nas_ip_address: text(nas),
            nas_identifier: text(identifier),
            calling_station_id: text(accounted.calling_station.text()),
            framed_ip_address: text(accounted.framed_address.text()),
            updated: now,
        }
    }
}

/// A session's id: its network access server and what that calls it, as one short name.
fn id(nas_address: &str, nas_identifier: &str, acct_session: &str) -> String {
    // Each text ends where no text has anything.
    let named = [nas_address, nas_identifier, acct_session].join("\0");
    let mut hex = Digest::of(&named).hex();
    hex.truncate(ID_DIGITS);
    hex
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Remembers a session, or that it goes on.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(super) async fn remember_session(
        &self,
        session: &mut Session<'_>,
        found: &NetworkSession,
    ) -> Result<(), Error> {
        let value = encode(found)?;
        let seconds = i64::try_from(self.config.sessions.expiry_seconds).unwrap_or(i64::MAX);
        let lease = self.lease(session, seconds).await?;
        let put = Op::Put {
            key: session.keys.session(&found.user_id, &found.id),
            value,
            lease,
        };
        self.put_sessions(session, vec![put]).await
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// As [`Self::remember_session`].
    pub(super) async fn forget_session(
        &self,
        session: &mut Session<'_>,
        found: &NetworkSession,
    ) -> Result<(), Error> {
        let key = session.keys.session(&found.user_id, &found.id);
        self.put_sessions(session, vec![Op::delete(key)]).await
    }

    /// Forgets all sessions of a network access server.
    ///
    /// # Errors
    /// As [`Self::remember_session`].
    pub(super) async fn forget_sessions_of(
        &self,
        session: &mut Session<'_>,
        nas_address: &str,
        nas_identifier: &str,
    ) -> Result<(), Error> {
        let all = self.sessions_of(session, "").await?;
        let ended = all.iter().filter(|(_, one)| {
            one.nas_ip_address == nas_address && one.nas_identifier == nas_identifier
        });
        let ended: Vec<Op> = ended.map(|(kv, _)| Op::delete(kv.key.clone())).collect();
        for some in ended.chunks(100) {
            self.put_sessions(session, some.to_vec()).await?;
        }
        Ok(())
    }

    /// The sessions of a user, or of all users with no id, with their keys.
    ///
    /// # Errors
    /// As [`Self::remember_session`].
    async fn sessions_of(
        &self,
        session: &mut Session<'_>,
        user: &str,
    ) -> Result<Vec<(KeyValue, NetworkSession)>, Error> {
        let all = Range {
            limit: PAGE,
            ..Range::prefix(session.keys.sessions(user))
        };
        let found = self.walk(session, all).await?;
        let read = found.into_iter().map(|kv| {
            let one: NetworkSession = decode(&kv.value)?;
            Ok((kv, one))
        });
        read.collect()
    }

    /// Writes what, done twice, is done once.
    async fn put_sessions(&self, session: &mut Session<'_>, ops: Vec<Op>) -> Result<(), Error> {
        let txn = Txn {
            then: ops,
            ..Txn::default()
        };
        self.transact_surely(session, txn).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_different_servers_have_different_ids() {
        let one = id("192.0.2.1", "ap", "1");
        assert_eq!(one, id("192.0.2.1", "ap", "1"));
        for other in [
            id("192.0.2.2", "ap", "1"),
            id("192.0.2.1", "a", "p1"),
            id("192.0.2.1ap", "", "1"),
        ] {
            assert_ne!(one, other);
        }
    }
}
