//! Users and devices on the network, and whether each may stay: for an administrator who looks, and
//! for an agent that tells the network's gear. It says what is, not what changed, so whoever missed
//! a change finds it at the next look.

use super::page::{self, Page};
use crate::Directory;
use crate::access::{Decision, Effective, NetworkSession};
use crate::environment::{Clock, Entropy};
use crate::http::Response;
use crate::keys::last_segments;
use crate::kv::Kv;
use crate::query::parameters;
use crate::response::answer;
use crate::session::Session;
use crate::stored::decode;
use scim::Error;
use scim::gather::Gather as _;
use serde::Serialize;

/// A session, and what becomes of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged<'a> {
    #[serde(flatten)]
    session: &'a NetworkSession,
    verdict: Verdict,
    /// The decision that holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    /// What the user gets now, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a Effective>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Keep,
    /// The user may stay, with another policy.
    Change,
    /// The user may no longer be on the network.
    Disconnect,
}

#[derive(Serialize)]
struct Sessions<'a> {
    sessions: Vec<Judged<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// How many are on a page, unless the client wants fewer.
const MOST: i64 = 1_000;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// In the order of their users.
    pub(super) async fn list_sessions(
        &self,
        session: &mut Session<'_>,
        query: &str,
    ) -> Result<Response, Error> {
        let page = Page::of(query, &["user"], MOST, MOST)?;
        let user = parameters::text(query, "user")?.unwrap_or_default();
        let keys = session.keys.clone();
        let range = page.range(&keys.sessions(&user), |after| {
            let (user, session) = after.split_once('/')?;
            Some(keys.session(user, session))
        })?;
        let reply = self.range(session, range).await?;
        let mut found: Vec<NetworkSession> = Vec::with_capacity(reply.kvs.len());
        for kv in &reply.kvs {
            found.push(decode(&kv.value)?);
        }
        let users = found.iter().map(|one| one.user_id.clone()).gather();
        let decisions = self.decide_all(session, users).await?;
        let sessions = found
            .iter()
            .map(|one| judge(one, decisions.get(&one.user_id)));
        let next = page::next(&reply, |key| {
            let [user, session] = last_segments(key)?;
            Some(format!("{user}/{session}"))
        });
        answer(
            200,
            &Sessions {
                sessions: sessions.collect(),
                next,
            },
        )
    }
}

/// What becomes of a session, by what holds now of its user.
fn judge<'a>(session: &'a NetworkSession, decision: Option<&'a Decision>) -> Judged<'a> {
    let policy = decision
        .and_then(|decision| decision.lets_stay(session))
        .map(|allowed| &allowed.policy);
    let current = policy.map(Effective::decision);
    // Of a session that another let in nobody knows what it has.
    let is_same = session.decision.is_none() || session.decision == current;
    let verdict = match (&current, is_same) {
        (None, _) => Verdict::Disconnect,
        (Some(_), true) => Verdict::Keep,
        (Some(_), false) => Verdict::Change,
    };
    Judged {
        session,
        verdict,
        current,
        policy: policy.filter(|_| verdict == Verdict::Change),
    }
}
