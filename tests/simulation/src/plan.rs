//! What is run, and what comes of it.

use crate::dice::Dice;
use crate::history::History;
use crate::mutation::Mutation;
use crate::simulation::Simulation;
use crate::tenants::{admin_key, sha256};
use crate::weather::Weather;
use crate::world::World;
use directory::Config;
use scim::schema::Registry;
use serde_json::json;

/// What runs are made of that is the same in all of them.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) registry: Registry,
    /// Of each, as many histories.
    configs: [Config; 2],
    pub(crate) mutation: Option<Mutation>,
}

/// How a run came out.
#[derive(Debug)]
pub struct Run {
    /// All that happened.
    pub history: History,
    /// What must not have happened; none is how it should be.
    pub violation: Option<String>,
}

impl Plan {
    /// The service as it is, or with something in it that is wrong.
    ///
    /// # Panics
    /// When the configuration, which is always the same, is refused.
    #[must_use]
    pub fn new(mutation: Option<Mutation>) -> Self {
        // With the second one, all groups but the smallest are staged.
        let configs = [2_000, 1].map(|at_once| {
            let config = json!({
                "admin_key_sha256": [sha256(admin_key())],
                "limits": {"max_members_at_once": at_once},
            });
            Config::from_value(config).expect("a plain configuration")
        });
        Self {
            registry: configs[0].registry().expect("the standard schemas"),
            configs,
            mutation,
        }
    }

    /// The configuration of a history.
    pub(crate) fn config(&self, seed: u64) -> &Config {
        &self.configs[usize::from(seed % 2 == 1)]
    }

    /// Runs the history of a seed.
    #[must_use]
    pub fn run(&self, seed: u64) -> Run {
        let dice = Dice::new(seed);
        let weather = Weather::of(&dice);
        let mut simulation = Simulation::new(self, self.config(seed), World::new(dice, weather));
        simulation.run();
        let mut world = simulation.world.borrow_mut();
        let mut history = std::mem::take(&mut world.history);
        history.commits = std::mem::take(&mut world.chronicle.commits);
        Run {
            history,
            violation: world.violation.take(),
        }
    }
}
