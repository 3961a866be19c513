//! Decisions that were made before, for as long as they are known to hold.
//!
//! Every commit puts the key of the tenant's last event. As long as that is the one that was read
//! before a decision was made, the decision holds; where it is another one, the events between
//! tell which decisions may not. So a decision that was made before takes one small read, none at
//! all within the staleness that the configuration allows, and can be given for a while when the
//! store is away.

use crate::token::Digest;
use std::collections::{BTreeMap, VecDeque};

use super::Decision;
use crate::feed::LastEvent;

/// How many tokens are known to stand, of a tenant; beyond it all are asked for again.
const TOKENS: usize = 1_024;

/// An event after that, as far as decisions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// To this user or device, and to no membership.
    ToOne(String),
    /// To this user, who may have another name since; it may be the address of a device.
    ToName(String),
    /// Nothing that a decision rests on.
    Elsewhere,
    /// To a group, a policy, or what is not known here.
    ToAny,
}

/// When the store said last that a tenant is as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// When it was asked, in milliseconds since the Unix epoch.
    pub(super) millis: u64,
    /// How often the instances of this proxy had written to the tenant by then.
    pub(super) writes: u64,
}

/// What is remembered of all tenants.
#[derive(Debug)]
pub(crate) struct Remembered {
    tenants: BTreeMap<String, OfTenant>,
    /// By age, also of some that are gone.
    order: VecDeque<(String, String)>,
    most: usize,
}

#[derive(Debug)]
struct OfTenant {
    last: LastEvent,
    seen: Sighting,
    /// When each token was seen to stand.
    tokens: BTreeMap<Digest, Sighting>,
    /// By the name that was asked for, folded.
    decisions: BTreeMap<String, Decision>,
}

impl LastEvent {
    /// How many events there are between an earlier one and this; `None` where the earlier one is
    /// not earlier.
    fn since(&self, earlier: &Self) -> Option<usize> {
        let later = self.revision > earlier.revision;
        let number = usize::try_from(self.number - earlier.number).ok();
        number.filter(|number| later && *number > 0)
    }
}

impl Sighting {
    /// Whether it was at most so long ago.
    fn within(self, millis: u64, now: u64) -> bool {
        // A clock that was put back tells nothing.
        now >= self.millis && now - self.millis <= millis
    }
}

impl Remembered {
    /// Nothing yet, and never more than so many decisions.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            tenants: BTreeMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    /// The tenants of which something is remembered.
    pub(super) fn tenants(&self) -> Vec<String> {
        self.tenants.keys().cloned().collect()
    }

    /// The decision about a name, as the tenant was seen last.
    pub(super) fn decision(&self, tenant: &str, name: &str) -> Option<Decision> {
        self.tenants.get(tenant)?.decisions.get(name).cloned()
    }

    /// The same, where the tenant was seen at most so many milliseconds ago.
    pub(super) fn seen_within(
        &self,
        tenant: &str,
        name: &str,
        millis: u64,
        now: u64,
    ) -> Option<Decision> {
        let of_tenant = self.tenants.get(tenant)?;
        let seen = of_tenant.seen.within(millis, now);
        of_tenant.decisions.get(name).filter(|_| seen).cloned()
    }

    /// The same for a token that was seen to stand then, and only if no instance of this proxy
    /// has written since.
    pub(super) fn recent(
        &self,
        tenant: &str,
        name: &str,
        token: Digest,
        millis: u64,
        now: Sighting,
    ) -> Option<Decision> {
        let of_tenant = self.tenants.get(tenant)?;
        let holds = |seen: Sighting| seen.within(millis, now.millis) && seen.writes == now.writes;
        let stands = of_tenant.tokens.get(&token).copied();
        let holds = stands.is_some_and(holds) && holds(of_tenant.seen);
        of_tenant.decisions.get(name).filter(|_| holds).cloned()
    }

    /// The last event of a tenant that is remembered, and between which and this one events are
    /// to be read; `None` where there is nothing to read.
    pub(super) fn behind(&self, tenant: &str, last: &LastEvent) -> Option<(LastEvent, usize)> {
        let known = &self.tenants.get(tenant)?.last;
        last.since(known).map(|number| (known.clone(), number))
    }

    /// Takes over what happened between an event that was the last and another one. With `None`
    /// nobody can tell what did.
    pub(super) fn catch_up(
        &mut self,
        tenant: &str,
        from: &LastEvent,
        to: &LastEvent,
        happened: Option<&[Happened]>,
    ) {
        let Some(of_tenant) = self.tenants.get_mut(tenant) else {
            return;
        };
        // Somebody else was faster.
        if of_tenant.last != *from {
            return;
        }
        of_tenant.last = to.clone();
        let decisions = &mut of_tenant.decisions;
        let Some(happened) = happened else {
            return decisions.clear();
        };
        for one in happened {
            match one {
                Happened::Elsewhere => {}
                Happened::ToAny => decisions.clear(),
                // Who was denied may have been it, under any name.
                Happened::ToOne(id) => decisions.retain(|_, decision| {
                    decision
                        .allowed()
                        .is_some_and(|allowed| allowed.user_id != *id)
                }),
                // A name is a user's before it is a device's.
                Happened::ToName(id) => decisions.retain(|_, decision| {
                    decision
                        .allowed()
                        .is_some_and(|allowed| allowed.user_id != *id && !allowed.is_device)
                }),
            }
        }
    }

    /// Notes that the store has said that this is a tenant's last event, and that a token stands.
    /// False if more is known by now, or it cannot be: then nothing is.
    pub(super) fn see(
        &mut self,
        tenant: &str,
        last: &LastEvent,
        seen: Sighting,
        token: Option<Digest>,
    ) -> bool {
        if let Some(known) = self.tenants.get(tenant)
            && known.last != *last
        {
            // A reply that was late; or a store that was put back to an earlier state.
            if known.last.revision >= last.revision && known.seen.millis > seen.millis {
                return false;
            }
            self.tenants.remove(tenant);
        }
        let of_tenant = self
            .tenants
            .entry(tenant.to_owned())
            .or_insert_with(|| OfTenant {
                last: last.clone(),
                seen,
                tokens: BTreeMap::new(),
                decisions: BTreeMap::new(),
            });
        if seen.millis >= of_tenant.seen.millis {
            of_tenant.seen = seen;
        }
        if let Some(token) = token {
            if of_tenant.tokens.len() >= TOKENS {
                of_tenant.tokens.clear();
            }
            of_tenant.tokens.insert(token, seen);
        }
        true
    }

    /// Remembers a decision that was made after the store had said that this is the last event.
    pub(super) fn remember(
        &mut self,
        tenant: &str,
        last: &LastEvent,
        name: &str,
        decision: &Decision,
    ) {
        let Some(of_tenant) = self.tenants.get_mut(tenant) else {
            return;
        };
        if of_tenant.last != *last {
            return;
        }
        let decision = decision.clone();
        if of_tenant
            .decisions
            .insert(name.to_owned(), decision)
            .is_none()
        {
            self.order.push_back((tenant.to_owned(), name.to_owned()));
        }
        while self.order.len() > self.most {
            let Some((tenant, name)) = self.order.pop_front() else {
                return;
            };
            if let Some(of_tenant) = self.tenants.get_mut(&tenant) {
                of_tenant.decisions.remove(&name);
            }
        }
    }
}
