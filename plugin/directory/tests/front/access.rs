//! Decisions: whether a user may be on the network, and with which policy.

use crate::support::{Reply, World, configured};
use directory::simulation::block_on;
use serde_json::{Value, json};

struct Network {
    world: World,
    scim: String,
    guard: String,
}

impl Network {
    /// Staff and guests, and a user `alice` who is staff.
    fn new() -> (Self, String) {
        let world = World::new();
        let (scim, _) = world.token("acme", &["scim"]);
        let (guard, _) = world.token("acme", &["access"]);
        let corporate = json!({"name": "Corporate-WiFi", "priority": 20, "vlan": 100, "bandwidthUp": 100_000_000,
            "bandwidthDown": 100_000_000, "sessionTimeout": 43_200});
        world.policy("Staff", &corporate);
        world.policy(
            "Guests",
            &json!({"name": "Guest-WiFi", "priority": 10, "vlan": 200, "idleTimeout": 600}),
        );
        let alice = world.user(&scim, "Alice@example.com");
        world.group(&scim, "Staff", &[&alice]);
        (Self { world, scim, guard }, alice)
    }

    fn ask(&self, name: &str) -> Reply {
        self.world.ask(&self.guard, name)
    }

    /// As `rlm_rest` asks.
    fn authorize(&self, body: &Value) -> Reply {
        let call = self.world.access("POST", "/authorize").bearer(&self.guard);
        call.body(body).send()
    }

    fn patch(&self, path: &str, operation: &Value) {
        let reply = self.world.patch(&self.scim, path, operation);
        assert!(matches!(reply.status, 200 | 204), "{reply:?}");
    }
}

#[test]
fn a_user_gets_the_policy_of_its_group() {
    let (network, alice) = Network::new();
    let reply = network.ask("alice@EXAMPLE.com");
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(reply.body["userId"], alice);
    assert_eq!(reply.body["userName"], "Alice@example.com");
    let policy = &reply.body["policy"];
    assert_eq!(
        (&policy["name"], &policy["vlan"]),
        (&json!("Corporate-WiFi"), &json!(100))
    );
    assert_eq!(policy["sources"]["vlan"], "Corporate-WiFi");
    assert_eq!(policy["idleTimeout"], Value::Null);
}

#[test]
fn an_accepted_user_arrives_as_radius_attributes_of_which_nothing_is_expanded() {
    let (network, alice) = Network::new();
    let reply = network.authorize(&json!({
        "User-Name": {"type": "string", "value": ["alice@example.com"]},
        "User-Password": {"type": "string", "value": ["hello"]},
    }));
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json"))
    );
    let attributes = reply.body.as_object().unwrap();
    for (name, attribute) in attributes {
        assert_eq!(
            (&attribute["op"], &attribute["do_xlat"]),
            (&json!(":="), &json!(false)),
            "{name}"
        );
    }
    let value = |name: &str| attributes[&format!("reply:{name}")]["value"][0].clone();
    for (name, expected) in [
        ("User-Name", json!("Alice@example.com")),
        ("Tunnel-Type", json!("VLAN")),
        ("Tunnel-Medium-Type", json!("IEEE-802")),
        ("Tunnel-Private-Group-Id", json!("100")),
        ("WISPr-Bandwidth-Max-Up", json!(100_000_000)),
        ("WISPr-Bandwidth-Max-Down", json!(100_000_000)),
        ("Session-Timeout", json!(43_200)),
        ("Acct-Interim-Interval", json!(300)),
    ] {
        assert_eq!(value(name), expected, "{name}");
    }
    assert!(
        value("Class")
            .as_str()
            .unwrap()
            .starts_with(&format!("scim-edge/{alice}/"))
    );
    assert!(!attributes.contains_key("reply:Idle-Timeout"));
}

#[test]
fn whoever_may_not_be_on_the_network_hears_403() {
    let (network, alice) = Network::new();
    let bob = network.world.user(&network.scim, "bob");
    let carol = network.world.user(&network.scim, "carol");
    network.world.group(&network.scim, "Others", &[&bob]);
    network.world.group(&network.scim, "Guests", &[&carol]);
    let denied = |name: &str, denial: &str| {
        let reply = network.ask(name);
        assert_eq!(
            (reply.status, &reply.body["denial"]),
            (403, &json!(denial)),
            "{name}"
        );
        let reply = network.authorize(&json!({"User-Name": name}));
        assert_eq!((reply.status, reply.body), (403, json!({})), "{name}");
    };
    for name in ["nobody", "%25", "..", "a%2F..%2Fb"] {
        denied(name, "unknownUser");
    }
    assert_eq!(network.ask(&"x".repeat(5_000)).status, 403);
    denied("bob", "noPolicy");
    network.patch(
        &format!("/Users/{alice}"),
        &json!({"op": "replace", "path": "active", "value": false}),
    );
    denied("alice@example.com", "inactive");
    let path = format!("/Users/{carol}");
    assert_eq!(network.ask("carol").status, 200);
    network.world.delete(&network.scim, &path);
    denied("carol", "unknownUser");
    let (theirs, _) = network.world.token("other", &["access"]);
    let reply = network
        .world
        .access("GET", "/users/bob")
        .bearer(&theirs)
        .send();
    assert_eq!(reply.body["denial"], "unknownUser");
}

#[test]
fn what_is_no_radius_request_is_refused_and_not_repeated() {
    let (network, _) = Network::new();
    for body in [
        json!({}),
        json!([]),
        json!({"User-Password": "hello"}),
        json!({"User-Name": []}),
    ] {
        let reply = network.authorize(&body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(!reply.body.to_string().contains("hello"));
    }
}

#[test]
fn a_name_that_was_sent_byte_by_byte_is_repaired() {
    let (network, _) = Network::new();
    let id = network.world.user(&network.scim, "jürgen");
    network.patch(
        &format!("/Users/{id}"),
        &json!({"op": "add", "path": "displayName", "value": "J"}),
    );
    network.world.group(&network.scim, "Guests", &[&id]);
    for name in ["jürgen", "j\u{C3}\u{BC}rgen", "JÜRGEN"] {
        assert_eq!(
            network.authorize(&json!({"User-Name": name})).status,
            200,
            "{name}"
        );
    }
}

#[test]
fn of_several_groups_also_through_others_each_value_comes_from_the_first_that_has_one() {
    let (network, alice) = Network::new();
    let inner = network.world.group(&network.scim, "Team", &[&alice]);
    network.world.group(&network.scim, "Guests", &[&inner]);
    let policy = network.ask("alice@example.com").body["policy"].clone();
    assert_eq!(
        (&policy["name"], &policy["vlan"]),
        (&json!("Guest-WiFi"), &json!(200))
    );
    assert_eq!(
        (&policy["sessionTimeout"], &policy["idleTimeout"]),
        (&json!(43_200), &json!(600))
    );
    assert_eq!(policy["sources"]["sessionTimeout"], "Corporate-WiFi");
    let path = format!("/tenants/acme/access/{}", "alice@example.com");
    let dry = network.world.admin("GET", &path).send();
    assert_eq!((dry.status, &dry.body["policy"]), (200, &policy));
    let dry = network
        .world
        .admin("GET", "/tenants/acme/access/nobody")
        .send();
    assert_eq!((dry.status, &dry.body["allowed"]), (200, &json!(false)));
}

#[test]
fn the_next_decision_sees_a_change_of_policy_group_and_name() {
    let (network, alice) = Network::new();
    let first = network.ask("alice@example.com");
    network
        .world
        .policy("Staff", &json!({"name": "Corporate-WiFi", "vlan": 150}));
    let second = network.ask("alice@example.com");
    assert_eq!(second.body["policy"]["vlan"], 150);
    assert_ne!(first.body["decision"], second.body["decision"]);
    network.patch(
        &format!("/Users/{alice}"),
        &json!({"op": "replace", "path": "userName", "value": "ally"}),
    );
    assert_eq!(
        (
            network.ask("alice@example.com").status,
            network.ask("ally").status
        ),
        (403, 200)
    );
    let list = network
        .world
        .scim("GET", "/Groups")
        .bearer(&network.scim)
        .send();
    let staff = list.body["Resources"][0]["id"].as_str().unwrap();
    network.patch(
        &format!("/Groups/{staff}"),
        &json!({"op": "replace", "path": "displayName", "value": "staff"}),
    );
    assert_eq!(network.ask("ally").body["denial"], "noPolicy");
    network.world.policy("staff", &json!({"name": "p"}));
    assert_eq!(network.ask("ally").status, 200);
    let path = format!("/Groups/{staff}");
    network.world.delete(&network.scim, &path);
    assert_eq!(network.ask("ally").status, 403);
}

#[test]
fn the_path_and_the_interim_interval_are_configured() {
    let (network, _) = Network::new();
    let config = json!({"access_path": "/guard", "sessions": {"interim_seconds": 60}});
    let service = configured(&network.world.kv, &network.world.clock, 3, config);
    let mut call = network.world.access("POST", "").bearer(&network.guard);
    call = call.body(&json!({"User-Name": "alice@example.com"}));
    call.request.target = "/guard/authorize".to_owned();
    let answer = block_on(service.handle(&call.request)).response;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["reply:Acct-Interim-Interval"]["value"][0], 60);
    assert!(!service.config().handles(b"/access/v1/authorize"));
}
