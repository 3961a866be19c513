//! The agent behind `cargo edge disconnect`: what the directory decides about live sessions
//! arrives at the network gear within a second.
//!
//! It goes by levels, not by edges: an event of the feed only makes it look, and whatever is due
//! it reads from the table of sessions. So nothing is lost when it, the service or the gear was
//! away: the next look shows it.

mod exchange;
mod gear;
mod memory;
mod request;
mod service;
mod token;

use exchange::{Answer, Silence, exchange};
use memory::{Memory, Order};
use service::{Session, Verdict};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

pub(crate) use gear::{Gear, read as read_gear};
pub(crate) use service::Service;
pub(crate) use token::{Token, VARIABLE};

/// How often it looks when no event says so.
const LOOK: Duration = Duration::from_secs(60);
/// The wait after the service refused to answer, such as a token that was revoked.
const REFUSED: Duration = Duration::from_secs(5);
/// How soon a change is ordered again that the gear acknowledged and never reported.
const CHANGED: Duration = Duration::from_secs(3600);
/// The exchanges with gear at the same time.
const AT_ONCE: usize = 256;
/// How soon an order is given again that was followed: the gear may take so long to report it.
const FOLLOWED: Duration = Duration::from_secs(30);
/// How soon after silence or a refusal.
const FAILED: Duration = Duration::from_secs(60);
/// How soon when the gear says that there is no such session, or none is known for it: until it
/// is forgotten, mostly.
const NOWHERE: Duration = Duration::from_secs(600);

/// What it works with.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) service: Service,
    pub(crate) gear: Vec<Gear>,
    /// End a session when the gear refuses to change it.
    pub(crate) reconnect: bool,
}

/// Works until the future is dropped.
///
/// # Errors
/// When the service refuses the very first question: a wrong token, tenant or URL.
pub(crate) async fn run(agent: Agent) -> Result<(), String> {
    let agent = Arc::new(agent);
    let memory = Arc::new(Memory::default());
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let happened = Notify::new();
    let sessions = agent.service.sessions().await;
    let sessions = sessions.map_err(|refused| refused.to_string())?;
    tracing::info!(
        sessions = sessions.len(),
        gear = agent.gear.len(),
        "following the directory"
    );
    let look = async {
        loop {
            let _ = tokio::time::timeout(LOOK, happened.notified()).await;
            match agent.service.sessions().await {
                Ok(sessions) => give_orders(&agent, &memory, &room, sessions),
                Err(refused) => {
                    tracing::error!(answer = %refused, "the service refuses to list the sessions");
                    tokio::time::sleep(REFUSED).await;
                }
            }
        }
    };
    tokio::join!(follow(&agent.service, &happened), look);
    Ok(())
}

/// Says whenever something happened.
async fn follow(service: &Service, happened: &Notify) {
    let mut after: Option<String> = None;
    loop {
        match service.events(after.as_deref()).await {
            Ok(page) => {
                // At its beginning, whatever happened before it counts as well.
                if !page.events.is_empty() || after.is_none() {
                    happened.notify_one();
                }
                after = Some(page.next);
            }
            // The place in the feed is too old: what was missed, the next look shows.
            Err(refused) if after.is_some() => {
                tracing::warn!(answer = %refused, "the feed begins anew");
                after = None;
            }
            Err(refused) => {
                tracing::error!(answer = %refused, "the service refuses to tell events");
                tokio::time::sleep(REFUSED).await;
            }
        }
    }
}

/// Gives each order that is due and was not given already, all at once: gear that is slow or gone
/// holds up nobody else.
fn give_orders(
    agent: &Arc<Agent>,
    memory: &Arc<Memory>,
    room: &Arc<Semaphore>,
    sessions: Vec<Session>,
) {
    let due = sessions.into_iter().filter(|s| s.verdict != Verdict::Keep);
    let due: Vec<(Order, Session)> = due.map(|session| (Order::of(&session), session)).collect();
    memory.keep(
        &due.iter()
            .map(|(order, _)| order.clone())
            .collect::<HashSet<_>>(),
    );
    for (order, session) in due {
        if !memory.take(&order) {
            continue;
        }
        let (agent, memory, room) = (Arc::clone(agent), Arc::clone(memory), Arc::clone(room));
        tokio::spawn(async move {
            // It is never closed.
            let _permit = room.acquire().await;
            memory.rest(order, give(&agent, &session).await);
        });
    }
}

/// Gives an order, and says how long it then rests.
async fn give(agent: &Agent, session: &Session) -> Duration {
    let Some((gear, at)) = gear::find(&agent.gear, session) else {
        tracing::error!(
            session = ?session.acct_session_id.as_deref().unwrap_or_default(),
            nas = ?session.nas_ip_address.as_deref().unwrap_or_default(),
            identifier = ?session.nas_identifier.as_deref().unwrap_or_default(),
            "no --nas is for the gear of this session"
        );
        return NOWHERE;
    };
    let secret = gear.secret.bytes();
    match session.verdict {
        Verdict::Keep => Duration::ZERO,
        Verdict::Disconnect => disconnect(session, at, secret).await,
        Verdict::Change => {
            let policy = session.policy.clone().unwrap_or_default();
            let request = request::change(session, &policy, identifier());
            match told("change", session, at, secret, request).await {
                // Gear need not report its new Class, so that the order looks due for as long as
                // the session lasts.
                Ok(Answer::Done) => CHANGED,
                Ok(Answer::NoSuchSession) => NOWHERE,
                Ok(Answer::Refused(_)) if agent.reconnect => disconnect(session, at, secret).await,
                Ok(Answer::Refused(_)) | Err(_) => FAILED,
            }
        }
    }
}

async fn disconnect(session: &Session, at: SocketAddr, secret: &[u8]) -> Duration {
    let request = request::disconnect(session, identifier());
    match told("disconnect", session, at, secret, request).await {
        Ok(Answer::Done) => FOLLOWED,
        Ok(Answer::NoSuchSession) => NOWHERE,
        Ok(Answer::Refused(_)) | Err(_) => FAILED,
    }
}

/// Sends a request and writes the line that tells of it.
async fn told(
    what: &'static str,
    session: &Session,
    at: SocketAddr,
    secret: &[u8],
    request: Result<edge_radius::Packet, edge_radius::Error>,
) -> Result<Answer, Silence> {
    let begun = Instant::now();
    let answer = match request {
        Ok(request) => exchange(at, secret, &request).await,
        Err(e) => Err(Silence::Request(e)),
    };
    let [user, session] =
        [&session.user_id, &session.acct_session_id].map(|id| id.as_deref().unwrap_or_default());
    let ms = begun.elapsed().as_millis();
    match &answer {
        Ok(Answer::Done) => {
            tracing::info!(action = what, nas = %at, ?session, ?user, ms, "acknowledged");
        }
        Ok(Answer::NoSuchSession) => {
            tracing::info!(action = what, nas = %at, ?session, ?user, ms, "already gone");
        }
        Ok(Answer::Refused(cause)) => {
            tracing::warn!(action = what, nas = %at, ?session, ?user, ms, ?cause, "refused");
        }
        Err(e) => {
            tracing::error!(action = what, nas = %at, ?session, ?user, ms, reason = %e, "failed");
        }
    }
    answer
}

/// Any will do, for each exchange has its own port; another one each time keeps gear from taking
/// it for a request that it knows.
fn identifier() -> u8 {
    let mut byte = [0];
    // Without randomness it is zero, which is as good.
    let _ = getrandom::fill(&mut byte);
    let [identifier] = byte;
    identifier
}
