//! The whole service above its store on a seeded scheduler, in one thread: many
//! clients, several edges, a network and a store that fail as such things do, clocks
//! that differ. What happens is checked, at each commit and at each answer, against a
//! sequential model of a SCIM directory: see `check`.
//!
//! The same seed gives the same history, byte for byte.

mod answer;
mod check;
mod chronicle;
mod dice;
mod edge;
mod etcd;
mod explain;
mod history;
mod layout;
mod leeway;
mod model;
mod mutation;
mod operation;
mod plan;
pub mod recorded;
mod request;
mod simulation;
mod state;
mod tenants;
mod weather;
mod workload;
mod world;

pub use history::History;
pub use mutation::Mutation;
pub use plan::{Plan, Run};

/// How a person sees the history of a seed.
#[must_use]
pub fn replay(seed: u64) -> String {
    format!("see it with: cargo run -p simulation -- --seed {seed}")
}
