//! Decisions that are remembered: that they hold, and for how long.

use crate::support::{Service, World, call, configured};
use directory::kv::memory::Fault;
use directory::simulation::{SharedTable, block_on};
use directory::trace::Source;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

/// A tenant with two groups that have a policy, and users `u0` to `u3`.
struct Network {
    world: World,
    scim: String,
    guard: String,
    guard_id: String,
    users: Vec<String>,
    groups: Vec<String>,
}

/// What an instance says of a name: the status, the policy's VLAN, and where it comes from.
type Said = (u16, Option<u64>, Option<Source>);

impl Network {
    fn new() -> Self {
        let world = World::new();
        let (scim, _) = world.token("acme", &["scim"]);
        let (guard, guard_id) = world.token("acme", &["access"]);
        world.policy(
            "Staff",
            &json!({"name": "Corporate", "priority": 20, "vlan": 100}),
        );
        world.policy(
            "Guests",
            &json!({"name": "Guest", "priority": 30, "vlan": 200}),
        );
        let users: Vec<String> = (0..4)
            .map(|n| world.user(&scim, &format!("u{n}")))
            .collect();
        let first = users.first().map_or("", String::as_str);
        let staff = world.group(&scim, "Staff", &[first]);
        let guests = world.group(&scim, "Guests", &[]);
        Self {
            world,
            scim,
            guard,
            guard_id,
            users,
            groups: vec![staff, guests],
        }
    }

    /// One more instance on the same store.
    fn instance(&self, decisions: &Value) -> Service {
        let config = json!({"decisions": decisions});
        configured(&self.world.kv, &self.world.clock, 7, config)
    }

    fn ask(&self, service: &Service, name: &str) -> Said {
        let path = format!("/access/v1/users/{name}");
        let answer = call(service, "GET", &path).bearer(&self.guard).answer();
        let body: Value = serde_json::from_slice(&answer.response.body).unwrap_or_default();
        (
            answer.response.status,
            body["policy"]["vlan"].as_u64(),
            answer.trace.decided,
        )
    }

    fn patch(&self, path: &str, operation: &Value) {
        let reply = self.world.patch(&self.scim, path, operation);
        assert!(matches!(reply.status, 200 | 204), "{reply:?}");
    }

    fn activate(&self, user: usize, active: bool) {
        let path = format!("/Users/{}", self.users[user]);
        self.patch(
            &path,
            &json!({"op": "replace", "path": "active", "value": active}),
        );
    }

    fn let_in(&self, group: usize, member: &str) {
        let path = format!("/Groups/{}", self.groups[group]);
        self.patch(
            &path,
            &json!({"op": "add", "path": "members", "value": [{"value": member}]}),
        );
    }

    fn let_out(&self, group: usize, member: &str) {
        let path = format!("/Groups/{}", self.groups[group]);
        let members = format!("members[value eq \"{member}\"]");
        self.patch(&path, &json!({"op": "remove", "path": members}));
    }

    fn pass(&self, millis: u64) {
        self.world.clock.advance(Duration::from_millis(millis));
    }
}

#[test]
fn a_decision_that_nothing_has_changed_is_given_again_for_one_read() {
    let network = Network::new();
    let service = network.instance(&json!({}));
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(100), Some(Source::Store))
    );
    let path = "/access/v1/users/U0";
    let answer = call(&service, "GET", path).bearer(&network.guard).answer();
    assert_eq!(answer.trace.decided, Some(Source::Confirmed));
    assert_eq!(answer.trace.store_calls, 1);
}

#[test]
fn a_user_who_changes_takes_no_other_decision_along() {
    let network = Network::new();
    let service = network.instance(&json!({}));
    network.let_in(1, &network.users[1]);
    for name in ["u0", "u1"] {
        network.ask(&service, name);
    }
    network.activate(1, false);
    assert_eq!(
        network.ask(&service, "u1"),
        (403, None, Some(Source::Store))
    );
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(100), Some(Source::Confirmed))
    );
    // A token that is made is nobody's business; a policy is everybody's.
    network.world.token("acme", &["scim"]);
    assert_eq!(network.ask(&service, "u0").2, Some(Source::Confirmed));
    network
        .world
        .policy("Staff", &json!({"name": "Corporate", "vlan": 150}));
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(150), Some(Source::Store))
    );
}

#[test]
fn after_more_changes_than_are_looked_at_nothing_is_taken_to_hold() {
    let network = Network::new();
    let service = network.instance(&json!({}));
    network.ask(&service, "u0");
    for n in 0..1_001 {
        network.world.user(&network.scim, &format!("new{n}"));
    }
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(100), Some(Source::Store))
    );
}

#[test]
fn who_writes_with_a_clock_far_behind_is_not_missed() {
    let network = Network::new();
    let service = network.instance(&json!({}));
    network.ask(&service, "u0");
    // The next event's key is an hour older than the last one's.
    let late = directory::simulation::ManualClock::at(1_795_000_000_000 - 3_600_000);
    let other = configured(&network.world.kv, &late, 9, json!({}));
    let path = format!("/scim/v2/Users/{}", network.users[0]);
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}]});
    let reply = call(&other, "PATCH", &path)
        .bearer(&network.scim)
        .body(&body)
        .send();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        network.ask(&service, "u0"),
        (403, None, Some(Source::Store))
    );
}

#[test]
fn within_the_staleness_that_is_allowed_no_store_is_asked_and_afterwards_it_is() {
    let network = Network::new();
    let service = network.instance(&json!({"max_staleness_ms": 400}));
    network.ask(&service, "u0");
    network.activate(0, false);
    network.pass(400);
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(100), Some(Source::Recent))
    );
    network.pass(1);
    assert_eq!(
        network.ask(&service, "u0"),
        (403, None, Some(Source::Store))
    );
}

#[test]
fn what_another_worker_of_the_same_proxy_writes_counts_at_once() {
    let network = Network::new();
    let table = SharedTable::default();
    let stale = json!({"max_staleness_ms": 1000});
    let [reader, writer] = [0, 1].map(|_| network.instance(&stale).sharing(table.clone()));
    network.ask(&reader, "u0");
    assert_eq!(network.ask(&reader, "u0").2, Some(Source::Recent));
    let path = format!("/scim/v2/Users/{}", network.users[0]);
    let reply = call(&writer, "DELETE", &path).bearer(&network.scim).send();
    assert_eq!(reply.status, 204);
    assert_eq!(network.ask(&reader, "u0"), (403, None, Some(Source::Store)));
    // A revoked token too.
    network.ask(&reader, "u1");
    let path = format!("/admin/v1/tenants/acme/tokens/{}", network.guard_id);
    let revoked = call(&writer, "DELETE", &path)
        .bearer(crate::support::ADMIN_KEY)
        .send();
    assert_eq!(revoked.status, 204);
    assert_eq!(network.ask(&reader, "u1").0, 401);
}

#[test]
fn a_token_that_is_revoked_elsewhere_asks_for_no_longer_than_the_staleness_allows() {
    let network = Network::new();
    let service = network.instance(&json!({"max_staleness_ms": 1000}));
    network.ask(&service, "u0");
    network.world.revoke("acme", &network.guard_id);
    network.pass(1_001);
    assert_eq!(network.ask(&service, "u0").0, 401);
}

#[test]
fn when_the_store_is_away_decisions_go_on_for_a_time() {
    let network = Network::new();
    let closed = network.instance(&json!({"store_away_seconds": 60}));
    let open = network.instance(&json!({"store_away_seconds": 60, "store_away_then": "allow"}));
    let never = network.instance(&json!({"store_away_seconds": 0}));
    network.let_in(1, &network.users[1]);
    network.activate(1, false);
    for service in [&closed, &open, &never] {
        for name in ["u0", "u1"] {
            network.ask(service, name);
        }
    }
    for fault in [Fault::Unavailable, Fault::RequestLost] {
        network.world.kv.set_outage(Some(fault));
        for service in [&closed, &open] {
            assert_eq!(
                network.ask(service, "u0"),
                (200, Some(100), Some(Source::StoreAway))
            );
            assert_eq!(
                network.ask(service, "u1"),
                (403, None, Some(Source::StoreAway))
            );
            // Nothing is known of them.
            assert_eq!(network.ask(service, "u2").0, 503);
            assert_eq!(network.ask(service, "nobody").0, 503);
        }
        assert_eq!(network.ask(&never, "u0").0, 503);
        network.world.kv.set_outage(None);
    }
    network.world.kv.set_outage(Some(Fault::Unavailable));
    network.pass(60_001);
    assert_eq!(network.ask(&closed, "u0"), (503, None, None));
    assert_eq!(
        network.ask(&open, "u0"),
        (200, Some(100), Some(Source::StoreAwayOpen))
    );
    assert_eq!(
        network.ask(&open, "u1"),
        (403, None, Some(Source::StoreAwayOpen))
    );
    network.world.kv.set_outage(None);
    assert_eq!(network.ask(&closed, "u0").0, 200);
}

#[test]
fn a_store_that_is_looked_at_now_and_then_was_seen_not_long_before_it_went_away() {
    let network = Network::new();
    let service = network.instance(&json!({"store_away_seconds": 60}));
    network.ask(&service, "u0");
    network.ask(&service, "u1");
    network.pass(3_600_000);
    network.activate(1, false);
    block_on(service.keep_remembered()).unwrap();
    network.world.kv.set_outage(Some(Fault::Unavailable));
    assert!(block_on(service.keep_remembered()).is_err());
    network.pass(59_000);
    assert_eq!(
        network.ask(&service, "u0"),
        (200, Some(100), Some(Source::StoreAway))
    );
    assert_eq!(
        network.ask(&service, "u1").0,
        503,
        "changed since it was decided about"
    );
}

#[test]
fn no_more_is_remembered_than_is_allowed() {
    let network = Network::new();
    let service = network.instance(&json!({"max_remembered": 2}));
    for user in &network.users {
        network.let_in(1, user);
    }
    for name in ["u0", "u1", "u2"] {
        network.ask(&service, name);
    }
    let source = |name: &str| network.ask(&service, name).2;
    assert_eq!(source("u2"), Some(Source::Confirmed));
    assert_eq!(source("u1"), Some(Source::Confirmed));
    assert_eq!(source("u0"), Some(Source::Store));
    let none = network.instance(&json!({"max_remembered": 0}));
    for _ in 0..2 {
        assert_eq!(network.ask(&none, "u0").2, Some(Source::Store));
    }
}

/// Something that happens to the directory.
#[derive(Clone, Debug)]
enum Step {
    Activate(usize, bool),
    LetIn(usize, usize),
    LetOut(usize, usize),
    /// A group becomes a member of the other one.
    Nest(usize),
    Rename(usize, usize),
    Policy(usize, u64),
    DropPolicy(usize),
    Delete(usize),
    Pass(u64),
    Ask(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (user, group) = (0_usize..4, 0_usize..2);
    prop_oneof![
        (user.clone(), any::<bool>()).prop_map(|(user, active)| Step::Activate(user, active)),
        (group.clone(), user.clone()).prop_map(|(group, user)| Step::LetIn(group, user)),
        (group.clone(), user.clone()).prop_map(|(group, user)| Step::LetOut(group, user)),
        group.clone().prop_map(Step::Nest),
        (user.clone(), 0_usize..6).prop_map(|(user, name)| Step::Rename(user, name)),
        (group.clone(), 1_u64..4000).prop_map(|(group, vlan)| Step::Policy(group, vlan)),
        group.prop_map(Step::DropPolicy),
        user.clone().prop_map(Step::Delete),
        (0_u64..20_000).prop_map(Step::Pass),
        user.prop_map(Step::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happened, who remembers says the same as who does not.
    #[test]
    fn what_is_remembered_is_what_would_be_decided(steps in prop::collection::vec(step(), 1..40)) {
        let network = Network::new();
        let remembers = network.instance(&json!({}));
        let does_not = network.instance(&json!({"max_remembered": 0}));
        let groups = ["Staff", "Guests"];
        for step in steps {
            let at = |user: usize| format!("/Users/{}", network.users[user]);
            match step {
                // Of whoever is deleted, or a name that is taken, nothing comes.
                Step::Activate(user, active) => {
                    let change = json!({"op": "replace", "path": "active", "value": active});
                    network.world.patch(&network.scim, &at(user), &change);
                }
                Step::LetIn(group, user) => network.let_in(group, &network.users[user]),
                Step::LetOut(group, user) => network.let_out(group, &network.users[user]),
                Step::Nest(group) => network.let_in(group, &network.groups[1 - group]),
                Step::Rename(user, name) => {
                    let name = format!("u{name}");
                    let change = json!({"op": "replace", "path": "userName", "value": name});
                    network.world.patch(&network.scim, &at(user), &change);
                }
                Step::Policy(group, vlan) => {
                    network.world.policy(groups[group], &json!({"name": "P", "vlan": vlan}));
                }
                Step::DropPolicy(group) => {
                    let path = format!("/tenants/acme/policies/{}", groups[group]);
                    network.world.admin("DELETE", &path).send();
                }
                Step::Delete(user) => {
                    network.world.scim("DELETE", &at(user)).bearer(&network.scim).send();
                }
                Step::Pass(millis) => network.pass(millis),
                Step::Ask(user) => {
                    network.ask(&remembers, &format!("u{user}"));
                }
            }
            for name in 0..6 {
                let name = format!("u{name}");
                let (status, vlan, _) = network.ask(&remembers, &name);
                let (sure_status, sure_vlan, source) = network.ask(&does_not, &name);
                prop_assert_eq!(source, Some(Source::Store));
                prop_assert_eq!((status, vlan), (sure_status, sure_vlan), "{}", name);
            }
        }
    }
}
