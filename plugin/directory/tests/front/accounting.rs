//! Sessions on the network: what RADIUS accounting tells, and whose session must end.

use crate::support::{Reply, World};
use serde_json::{Value, json};

struct Network {
    world: World,
    scim: String,
    guard: String,
    alice: String,
}

impl Network {
    fn new() -> Self {
        let world = World::new();
        let (scim, _) = world.token("acme", &["scim"]);
        let (guard, _) = world.token("acme", &["access"]);
        world.policy("Staff", &json!({"name": "corporate", "vlan": 100}));
        let alice = world.user(&scim, "alice");
        world.group(&scim, "Staff", &[&alice]);
        Self {
            world,
            scim,
            guard,
            alice,
        }
    }

    /// The `Class` of an accepted user.
    fn connect(&self) -> Value {
        let call = self.world.access("POST", "/authorize").bearer(&self.guard);
        let reply = call.body(&json!({"User-Name": "alice"})).send();
        reply.body["reply:Class"]["value"][0].clone()
    }

    fn tell(&self, status: &str, session: &str, more: &Value) -> Reply {
        let body = json!({"User-Name": "alice", "Acct-Status-Type": status, "Acct-Session-Id": session,
            "NAS-IP-Address": {"type": "ipaddr", "value": ["192.0.2.1"]}, "Calling-Station-Id": "02-00-00-00-00-01"});
        self.world.tell(&self.guard, body, more)
    }

    fn sessions(&self) -> Vec<Value> {
        self.world.sessions()
    }

    fn deactivate(&self) {
        let path = format!("/Users/{}", self.alice);
        let inactive = json!({"op": "replace", "path": "active", "value": false});
        let reply = self.world.patch(&self.scim, &path, &inactive);
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

fn disconnects(reply: &Reply) -> bool {
    reply.body["control:Tmp-String-0"]["value"][0] == "disconnect"
}

#[test]
fn a_session_is_there_from_its_start_to_its_stop() {
    let network = Network::new();
    let class = json!({"Class": network.connect()});
    assert!(network.sessions().is_empty());
    assert!(!disconnects(&network.tell("Start", "s1", &class)));
    assert!(!disconnects(&network.tell("Interim-Update", "s1", &class)));
    network.tell("Start", "s2", &class);
    let sessions = network.sessions();
    assert_eq!(sessions.len(), 2);
    for one in &sessions {
        assert_eq!(
            (&one["userId"], &one["verdict"]),
            (&json!(network.alice), &json!("keep"))
        );
        assert_eq!(one["nasIpAddress"], "192.0.2.1");
        assert_eq!(one["callingStationId"], "02-00-00-00-00-01");
    }
    network.tell("Stop", "s1", &class);
    let sessions = network.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["acctSessionId"], "s2");
    let of_user = |id: &str| {
        let path = format!("/tenants/acme/sessions?user={id}");
        let list = network.world.admin("GET", &path).send();
        list.body["sessions"].as_array().unwrap().len()
    };
    assert_eq!((of_user(&network.alice), of_user("nobody")), (1, 0));
}

#[test]
fn the_session_of_a_user_who_may_no_longer_be_on_the_network_ends_at_its_next_sign_of_life() {
    let network = Network::new();
    let class = json!({"Class": network.connect()});
    network.tell("Start", "s1", &class);
    network.deactivate();
    assert_eq!(network.sessions()[0]["verdict"], "disconnect");
    assert!(disconnects(&network.tell("Interim-Update", "s1", &class)));
    assert!(disconnects(&network.tell(
        "Interim-Update",
        "s1",
        &json!({})
    )));
    let path = format!("/Users/{}", network.alice);
    network.world.delete(&network.scim, &path);
    assert!(disconnects(&network.tell("Interim-Update", "s1", &class)));
    assert!(disconnects(&network.tell("Start", "s1", &json!({}))));
    assert!(!disconnects(&network.tell("Stop", "s1", &class)));
    assert!(network.sessions().is_empty());
}

#[test]
fn a_session_is_to_change_when_the_user_would_get_something_else() {
    let network = Network::new();
    let class = json!({"Class": network.connect()});
    network.tell("Start", "s1", &class);
    network.tell("Start", "unknown-class", &json!({}));
    network
        .world
        .policy("Staff", &json!({"name": "renamed", "vlan": 100}));
    assert!(
        network
            .sessions()
            .iter()
            .all(|one| one["verdict"] == "keep")
    );
    network
        .world
        .policy("Staff", &json!({"name": "corporate", "vlan": 150}));
    for one in network.sessions() {
        let ours = one["acctSessionId"] == "s1";
        assert_eq!(one["verdict"], if ours { "change" } else { "keep" });
        assert_eq!(
            one["policy"]["vlan"],
            if ours { json!(150) } else { Value::Null }
        );
    }
}

#[test]
fn the_sessions_of_a_network_access_server_end_with_it() {
    let network = Network::new();
    let class = json!({"Class": network.connect()});
    network.tell("Start", "s1", &class);
    network.tell("Start", "s2", &json!({"NAS-IP-Address": "192.0.2.2"}));
    network.tell("Accounting-On", "", &json!({}));
    let sessions = network.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["nasIpAddress"], "192.0.2.2");
}

#[test]
fn a_session_that_nothing_is_heard_of_ends_with_its_lease() {
    let network = Network::new();
    let before = network.world.kv.leases().len();
    network.tell("Start", "s1", &json!({}));
    network.tell("Interim-Update", "s1", &json!({}));
    let leases = network.world.kv.leases().split_off(before);
    assert!(leases.iter().all(|(_, seconds)| *seconds == 3_600));
    // The first one no longer holds it.
    network.world.kv.revoke_lease(leases[0].0);
    assert_eq!(network.sessions().len(), 1);
    network.world.kv.revoke_lease(leases[1].0);
    assert!(network.sessions().is_empty());
}

#[test]
fn whoever_is_told_of_and_is_nobody_is_to_go() {
    let network = Network::new();
    assert!(disconnects(&network.tell(
        "Start",
        "s1",
        &json!({"User-Name": "nobody"})
    )));
    assert!(!disconnects(&network.tell(
        "Stop",
        "s1",
        &json!({"User-Name": "nobody"})
    )));
    assert!(!disconnects(&network.tell(
        "Failed",
        "s1",
        &json!({"User-Name": "nobody"})
    )));
    assert!(network.sessions().is_empty());
}
