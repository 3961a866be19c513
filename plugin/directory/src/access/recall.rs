//! Where a decision comes from: from the store; from memory, where the store says that nothing has
//! changed or said so a moment ago; or from memory alone, for a while, when the store is away.

use super::decision::{Decision, Denial, MAX_NAME};
use super::remembered::{Happened, Sighting};
use crate::Directory;
use crate::commit::Told;
use crate::config::StoreAwayThen;
use crate::environment::{Clock, Entropy};
use crate::feed::LastEvent;
use crate::ids;
use crate::keys::Keys;
use crate::kv::{Kv, KvError, Range};
use crate::session::{Session, is_away};
use crate::trace::Source;
use scim::Error;
use scim::text::fold;

/// How many events are read to learn which decisions still hold; after more none does.
const MOST_EVENTS: usize = 1_000;

/// By how much the clock of a later writer may be behind, in milliseconds. If it is more, no
/// decision is taken to hold.
const SKEW: u64 = 10_000;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Decides about whoever has a name, from memory where that holds.
    ///
    /// # Errors
    /// As [`decide_by_name`](Self::decide_by_name).
    pub(super) async fn recall(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Decision, Error> {
        if name.len() > MAX_NAME {
            return self.decide_by_name(session, name).await;
        }
        let folded = fold(name);
        let now = self.sighting(session.tenant());
        let stale = millis(self.config.decisions.max_staleness_ms, 1);
        if stale > 0 {
            let remembered = self.remembered.borrow();
            let recent = remembered.recent(session.tenant(), &folded, session.digest, stale, now);
            if let Some(decision) = recent {
                session.verified = true;
                session.trace.decided = Some(Source::Recent);
                return Ok(decision);
            }
        }
        match self.confirm(session, name, &folded, now).await {
            Err(error) if is_away(&error) => self.without_store(session, &folded, now).ok_or(error),
            result => result,
        }
    }

    /// The same, sure of it: the store is asked for the last event at least.
    async fn confirm(
        &self,
        session: &mut Session<'_>,
        name: &str,
        folded: &str,
        now: Sighting,
    ) -> Result<Decision, Error> {
        let last = Range::one(session.keys.last_event());
        let last = LastEvent::of(self.range(session, last).await?);
        self.follow(session.tenant(), &session.keys, &last).await;
        let remembered = {
            let mut all = self.remembered.borrow_mut();
            let is_so = all.see(session.tenant(), &last, now, Some(session.digest));
            is_so
                .then(|| all.decision(session.tenant(), folded))
                .flatten()
        };
        if let Some(decision) = remembered {
            session.trace.decided = Some(Source::Confirmed);
            return Ok(decision);
        }
        let decision = self.decide_by_name(session, name).await?;
        session.trace.decided = Some(Source::Store);
        // Anybody can make up names that nobody has.
        if decision != Decision::Denied(Denial::UnknownUser) {
            let mut all = self.remembered.borrow_mut();
            all.remember(session.tenant(), &last, folded, &decision);
        }
        Ok(decision)
    }

    /// What was known when the store was seen last, for as long as the configuration allows.
    fn without_store(
        &self,
        session: &mut Session<'_>,
        folded: &str,
        now: Sighting,
    ) -> Option<Decision> {
        let config = &self.config.decisions;
        let allowed = millis(config.store_away_seconds, 1_000);
        let remembered = self.remembered.borrow();
        let tenant = session.tenant();
        let soon = (allowed > 0)
            .then(|| remembered.seen_within(tenant, folded, allowed, now.millis))
            .flatten();
        let (decision, source) = match soon {
            Some(decision) => (decision, Source::StoreAway),
            None if config.store_away_then == StoreAwayThen::Allow => {
                let decision = remembered.decision(tenant, folded)?;
                (decision, Source::StoreAwayOpen)
            }
            None => return None,
        };
        // As far as anybody can tell: the store would be asked in vain.
        session.verified = true;
        session.trace.decided = Some(source);
        Some(decision)
    }

    /// Asks the store about each tenant of which something is remembered, so that when it goes
    /// away it was seen not long ago. To be called every now and then.
    ///
    /// # Errors
    /// [`KvError`]: it is away.
    pub async fn keep_remembered(&self) -> Result<(), KvError> {
        let tenants = self.remembered.borrow().tenants();
        for tenant in tenants {
            let now = self.sighting(&tenant);
            let keys = Keys::new(&self.config.prefix, &tenant);
            let last = LastEvent::of(self.kv.range(Range::one(keys.last_event())).await?);
            self.follow(&tenant, &keys, &last).await;
            self.remembered.borrow_mut().see(&tenant, &last, now, None);
        }
        Ok(())
    }

    /// Takes over what happened to a tenant since it was known.
    async fn follow(&self, tenant: &str, keys: &Keys, last: &LastEvent) {
        let behind = self.remembered.borrow().behind(tenant, last);
        let Some((known, number)) = behind else {
            return;
        };
        let happened = match number <= MOST_EVENTS {
            true => self.happened(keys, &known, last, number).await,
            false => None,
        };
        self.remembered
            .borrow_mut()
            .catch_up(tenant, &known, last, happened.as_deref());
    }

    /// What happened after an event, up to another one; `None` unless all of it was found.
    async fn happened(
        &self,
        keys: &Keys,
        after: &LastEvent,
        until: &LastEvent,
        number: usize,
    ) -> Option<Vec<Happened>> {
        let since = ids::millis_of(&after.id).unwrap_or_default();
        let events = Range {
            key: keys.event(&ids::first_of(since.saturating_sub(SKEW))),
            limit: i64::try_from(MOST_EVENTS * 2).ok()?,
            ..Range::prefix(keys.event(""))
        };
        let events = self.kv.range(events).await.ok()?.kvs;
        let new: Vec<Happened> = events
            .iter()
            .filter(|kv| kv.mod_revision > after.revision && kv.mod_revision <= until.revision)
            .map(|kv| Happened::told(&kv.value))
            .collect();
        (new.len() == number).then_some(new)
    }

    fn sighting(&self, tenant: &str) -> Sighting {
        Sighting {
            millis: self.clock.now_millis(),
            writes: self.writes.count(tenant),
        }
    }
}

impl Happened {
    /// What an event means for decisions.
    fn told(event: &[u8]) -> Self {
        let Ok(told) = serde_json::from_slice::<Told>(event) else {
            return Self::ToAny;
        };
        let is_named = told.attributes.iter().any(|name| name == "userName");
        match told.op.split_once('.') {
            Some(("user", "patch" | "replace" | "delete")) if !is_named => Self::ToOne(told.id),
            Some(("user", _)) => Self::ToName(told.id),
            Some(("device", _)) => Self::ToOne(told.id),
            Some(("token" | "tenant", _)) => Self::Elsewhere,
            _ => Self::ToAny,
        }
    }
}

fn millis(number: usize, each: u64) -> u64 {
    u64::try_from(number).map_or(u64::MAX, |number| number.saturating_mul(each))
}
