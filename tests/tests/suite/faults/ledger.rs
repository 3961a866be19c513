//! What a client knows of a thing that it alone writes: its state after the last write that was
//! acknowledged, and those of writes without an answer, which may have happened, or may yet.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// After this long no write without an answer is under way any more, anywhere.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// The possible states of one thing.
#[derive(Clone, Debug)]
pub(super) struct Register<S> {
    certain: S,
    possible: Vec<(Instant, S)>,
}

impl<S: Clone + Debug + PartialEq> Register<S> {
    pub(super) fn new(certain: S) -> Self {
        Self {
            certain,
            possible: Vec::new(),
        }
    }

    /// A write was acknowledged.
    pub(super) fn acknowledged(&mut self, state: S) {
        self.certain = state;
        // Whatever became of older ones, this one came after it.
        self.possible.retain(|(at, _)| at.elapsed() < UNDER_WAY);
    }

    /// A write got no answer, or one that leaves its outcome open.
    pub(super) fn in_doubt(&mut self, state: S) {
        self.possible.push((Instant::now(), state));
    }

    /// A read that began after all that is known showed this state.
    pub(super) fn seen(&mut self, state: &S) -> Result<(), String> {
        if self.certain == *state {
            return Ok(());
        }
        let Some(place) = self.possible.iter().position(|(_, one)| one == state) else {
            return Err(format!("is {state:?}, which nobody wrote after {self:?}"));
        };
        self.certain = self.possible.swap_remove(place).1;
        Ok(())
    }
}

/// Who had a name that only one may have, and from when until when at least.
#[derive(Debug)]
pub(super) struct Tenure {
    pub(super) name: String,
    pub(super) from: Instant,
    pub(super) until: Instant,
}

/// Two who had the same name at the same time.
pub(super) fn overlap(tenures: &mut [Tenure]) -> Option<String> {
    tenures.sort_by(|a, b| (&a.name, a.from).cmp(&(&b.name, b.from)));
    let mut pairs = tenures.windows(2);
    let pair = pairs.find(|pair| pair[0].name == pair[1].name && pair[1].from < pair[0].until)?;
    Some(format!("two had {} at the same time", pair[0].name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_last_or_may_have_been_is_allowed() {
        let mut register = Register::new(0);
        register.acknowledged(1);
        assert!(register.seen(&0).is_err(), "an acknowledged write is gone");
        register.in_doubt(2);
        register.seen(&1).unwrap();
        register.seen(&2).unwrap();
        assert!(register.seen(&1).is_err(), "time runs backwards");
        assert!(register.seen(&3).is_err(), "nobody wrote it");
    }

    #[test]
    fn a_name_may_change_hands_and_not_be_shared() {
        let start = Instant::now();
        let tenure = |name: &str, from, until| Tenure {
            name: name.to_owned(),
            from: start + Duration::from_secs(from),
            until: start + Duration::from_secs(until),
        };
        let mut apart = [tenure("a", 2, 3), tenure("b", 0, 3), tenure("a", 0, 2)];
        assert_eq!(overlap(&mut apart), None);
        let mut shared = [tenure("a", 1, 3), tenure("a", 0, 2)];
        assert!(overlap(&mut shared).is_some());
    }
}
