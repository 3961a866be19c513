//! What was told to whom: so that nobody is told the same thing over and over.

use crate::disconnect::service::{Session, Verdict};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A session and what is to happen to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    session: String,
    verdict: Verdict,
    current: Option<String>,
}

impl Order {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            session: session.id.clone(),
            verdict: session.verdict,
            current: session.current.clone(),
        }
    }
}

/// When an order may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// It is being given.
    Never,
    /// From then on.
    From(Instant),
}

/// The orders that were given.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Order, Again>>);

impl Memory {
    /// Whether the order is to be given now. Whoever is told so gives it, and then says so with
    /// [`Memory::rest`].
    pub(crate) fn take(&self, order: &Order) -> bool {
        let mut orders = self.orders();
        match orders.get(order) {
            Some(Again::Never) => return false,
            Some(Again::From(then)) if *then > Instant::now() => return false,
            Some(Again::From(_)) | None => {}
        }
        orders.insert(order.clone(), Again::Never);
        true
    }

    /// The order was given: not again before this time has passed.
    pub(crate) fn rest(&self, order: Order, time: Duration) {
        self.orders()
            .insert(order, Again::From(Instant::now() + time));
    }

    /// Forgets orders that are not due any more, but for those that are being given.
    pub(crate) fn keep(&self, due: &HashSet<Order>) {
        self.orders()
            .retain(|order, again| *again == Again::Never || due.contains(order));
    }

    fn orders(&self) -> MutexGuard<'_, HashMap<Order, Again>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: &str, current: &str) -> Order {
        Order::of(&Session {
            id: id.into(),
            current: Some(current.into()),
            verdict: Verdict::Change,
            ..Session::default()
        })
    }

    #[test]
    fn order_is_given_once_until_its_time_is_over() {
        let memory = Memory::default();
        assert!(memory.take(&order("a", "1")));
        assert!(!memory.take(&order("a", "1")), "it is being given");
        memory.rest(order("a", "1"), Duration::from_secs(60));
        assert!(!memory.take(&order("a", "1")), "it was given");
        memory.rest(order("a", "1"), Duration::ZERO);
        assert!(memory.take(&order("a", "1")));
    }

    #[test]
    fn another_session_or_decision_is_another_order() {
        let memory = Memory::default();
        assert!(memory.take(&order("a", "1")));
        assert!(memory.take(&order("b", "1")));
        assert!(memory.take(&order("a", "2")));
    }

    #[test]
    fn what_is_not_due_any_more_is_forgotten_but_not_while_it_is_given() {
        let memory = Memory::default();
        for id in ["given", "rests", "due"] {
            assert!(memory.take(&order(id, "1")));
        }
        for id in ["rests", "due"] {
            memory.rest(order(id, "1"), Duration::from_secs(60));
        }
        memory.keep(&HashSet::from([order("due", "1")]));
        assert!(!memory.take(&order("given", "1")));
        assert!(!memory.take(&order("due", "1")));
        assert!(memory.take(&order("rests", "1")));
    }
}
