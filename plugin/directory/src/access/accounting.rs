//! RADIUS accounting (RFC 2866): what network access servers tell of sessions, and the answer by
//! which a session ends whose user may no longer be on the network.

use super::rlm_rest::{Accounted, Attributes, Status};
use super::{NetworkSession, rlm_rest};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::{Request, Response};
use crate::kv::Kv;
use crate::response::answer;
use crate::session::Session;
use scim::Error;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    pub(super) async fn account(
        &self,
        session: &mut Session<'_>,
        request: &Request,
    ) -> Result<Response, Error> {
        let told: Accounted = self.attributes(request)?;
        let status = told.status();
        let nothing = || answer(200, &Attributes::default());
        match status {
            Status::Other => return nothing(),
            Status::NasRestart => {
                let (address, identifier) = (told.nas_address.text(), told.nas_identifier.text());
                self.forget_sessions_of(session, address, identifier)
                    .await?;
                return nothing();
            }
            Status::Start | Status::Interim | Status::Stop => {}
        }
        let (user, decided) = match told.class() {
            Some((user, decision)) => (Some(user), Some(decision)),
            None => (self.user_named(session, told.user_name.text()).await?, None),
        };
        let Some(user) = user else {
            // Nobody whom we know: not let in by us, or renamed since.
            return match status {
                Status::Stop => nothing(),
                _ => answer(200, &Attributes::disconnect()),
            };
        };
        let found = NetworkSession::of(&told, user, decided, self.now());
        if status == Status::Stop {
            self.forget_session(session, &found).await?;
            return nothing();
        }
        self.remember_session(session, &found).await?;
        let decision = self.decide(session, &found.user_id).await?;
        match decision.lets_stay(&found) {
            Some(_) => nothing(),
            None => answer(200, &Attributes::disconnect()),
        }
    }

    /// The id of the user or device of a name that a RADIUS server sends.
    async fn user_named(
        &self,
        session: &mut Session<'_>,
        sent: &str,
    ) -> Result<Option<String>, Error> {
        for name in rlm_rest::readings(sent) {
            let holder = self.holder_of_name(session, name.as_ref()).await?;
            if let Some(holder) = holder {
                return Ok(Some(holder.id));
            }
        }
        Ok(None)
    }
}
