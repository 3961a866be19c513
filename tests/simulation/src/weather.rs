//! What a history has to bear: how often each kind of fault comes, how long calls
//! take, how many take part. Drawn from the seed, so that some histories are calm, some
//! have one kind of trouble, and some have all.

use crate::dice::Dice;
use std::ops::Range;

/// Microseconds of virtual time.
pub(crate) type Micros = u64;

/// Rates are in a thousand calls of the store or, where it says so, requests.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) edges: usize,
    pub(crate) clients: usize,
    /// How many requests all clients send before the weather clears.
    pub(crate) requests: usize,
    /// How long a call and its reply are under way.
    pub(crate) delay: Range<Micros>,
    /// How long a client waits before its next request.
    pub(crate) think: Range<Micros>,
    /// After which time an edge takes a call for lost.
    pub(crate) timeout: Micros,
    /// A call takes about as long as the timeout.
    pub(crate) slow: u64,
    pub(crate) request_lost: u64,
    pub(crate) reply_lost: u64,
    /// The edge cannot send a call, and knows it.
    pub(crate) not_sent: u64,
    /// Per request: the store stops, and starts again.
    pub(crate) crash: u64,
    /// Per request: the store forgets its past.
    pub(crate) compaction: u64,
    /// Per request: an edge dies with all it remembers, and another takes its place.
    pub(crate) edge_dies: u64,
    /// Per request: the client goes away.
    pub(crate) client_leaves: u64,
    /// How far the clock of an edge may be wrong, in milliseconds.
    pub(crate) skew: u64,
}

impl Weather {
    /// The weather of a history.
    pub(crate) fn of(dice: &Dice) -> Self {
        let mut weather = Self {
            edges: 1 + dice.below(3),
            clients: 2 + dice.below(5),
            requests: 20 + dice.below(31),
            delay: 100..[1_000, 5_000, 20_000][dice.below(3)],
            think: 0..[500, 5_000, 30_000][dice.below(3)],
            skew: [0, 50, 60_000][dice.below(3)],
            ..Self::calm()
        };
        let often = [20, 60, 150][dice.below(3)];
        let kinds: &[usize] = match dice.below(8) {
            0 | 1 => &[],
            2 => &[0],
            3 => &[1],
            4 => &[2],
            5 => &[3],
            6 => &[4],
            _ => &[0, 1, 2, 3, 4],
        };
        for kind in kinds {
            match kind {
                0 => (weather.request_lost, weather.reply_lost) = (often, often),
                1 => (weather.slow, weather.not_sent) = (often, often / 2),
                2 => weather.crash = often,
                3 => (weather.edge_dies, weather.client_leaves) = (often / 2, often),
                _ => weather.compaction = often * 2,
            }
        }
        weather
    }

    /// No faults.
    pub(crate) fn calm() -> Self {
        Self {
            edges: 1,
            clients: 1,
            requests: 0,
            delay: 100..5_000,
            think: 0..5_000,
            timeout: 200_000,
            slow: 0,
            request_lost: 0,
            reply_lost: 0,
            not_sent: 0,
            crash: 0,
            compaction: 0,
            edge_dies: 0,
            client_leaves: 0,
            skew: 0,
        }
    }

    /// The same, without faults from now on.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            edges: self.edges,
            clients: self.clients,
            delay: self.delay.clone(),
            think: self.think.clone(),
            ..Self::calm()
        };
    }
}
