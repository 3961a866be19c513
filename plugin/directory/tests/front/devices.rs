//! Devices on the network: decisions about an Ethernet address, sessions, and what keeps a device
//! from letting anybody else in.

use crate::support::{Reply, World, call, configured};
use directory::trace::Source;
use scim::schema::{DEVICE, ETHERNET_MAB};
use serde_json::{Value, json};

const ADDRESS: &str = "02:00:5E:10:00:7A";

/// The same address as gear spells it.
const SPELLINGS: [&str; 6] = [
    "02:00:5e:10:00:7a",
    "02-00-5E-10-00-7A",
    "0200.5e10.007a",
    "02005e10007a",
    "02005E-10007A",
    "0200-5e10-007a",
];

struct Network {
    world: World,
    scim: String,
    guard: String,
    printer: String,
}

impl Network {
    /// A printer in the group `Printers`, which is in `Things`, which has a policy.
    fn new() -> Self {
        let world = World::new();
        let (scim, _) = world.token("acme", &["scim"]);
        let (guard, _) = world.token("acme", &["access"]);
        world.policy(
            "Things",
            &json!({"name": "Things", "priority": 1, "vlan": 300}),
        );
        world.policy(
            "Staff",
            &json!({"name": "Staff", "priority": 1, "vlan": 100}),
        );
        let printer = device(&world, &scim, ADDRESS, true);
        let printers = world.group(&scim, "Printers", &[&printer]);
        world.group(&scim, "Things", &[&printers]);
        Self {
            world,
            scim,
            guard,
            printer,
        }
    }

    fn ask(&self, name: &str) -> Reply {
        self.world.ask(&self.guard, name)
    }

    fn authorize(&self, body: &Value) -> Reply {
        let call = self.world.access("POST", "/authorize").bearer(&self.guard);
        call.body(body).send()
    }

    #[track_caller]
    fn denied(&self, name: &str, denial: &str) {
        let reply = self.ask(name);
        assert_eq!(
            (reply.status, &reply.body["denial"]),
            (403, &json!(denial)),
            "{name}"
        );
        let reply = self.authorize(&json!({"User-Name": name, "Calling-Station-Id": name}));
        assert_eq!((reply.status, reply.body), (403, json!({})), "{name}");
    }

    fn activate(&self, active: bool) {
        let path = format!("/Devices/{}", self.printer);
        let operation = json!({"op": "replace", "path": "active", "value": active});
        let reply = self.world.patch(&self.scim, &path, &operation);
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    fn tell(&self, status: &str, more: &Value) -> Reply {
        let body = json!({"User-Name": SPELLINGS[3], "Acct-Status-Type": status,
            "Acct-Session-Id": "s1", "NAS-IP-Address": "192.0.2.1",
            "Calling-Station-Id": SPELLINGS[1]});
        self.world.tell(&self.guard, body, more)
    }

    fn sessions(&self) -> Vec<Value> {
        self.world.sessions()
    }
}

fn device(world: &World, token: &str, address: &str, active: bool) -> String {
    let body = json!({"schemas": [DEVICE, ETHERNET_MAB], "active": active,
        ETHERNET_MAB: {"deviceMacAddress": address}});
    let made = world
        .scim("POST", "/Devices")
        .bearer(token)
        .body(&body)
        .send();
    assert_eq!(made.status, 201, "{made:?}");
    made.body["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_device_gets_the_policy_of_its_groups_by_any_spelling_of_its_address() {
    let network = Network::new();
    for spelling in SPELLINGS {
        let reply = network.ask(spelling);
        assert_eq!(reply.status, 200, "{spelling}: {reply:?}");
        assert_eq!(reply.body["policy"]["vlan"], 300);
        assert_eq!(reply.body["userId"], network.printer);
        assert_eq!(reply.body["userName"], ADDRESS);
        assert_eq!(reply.body["device"], true);
        let path = format!("/tenants/acme/access/{spelling}");
        let dry_run = network.world.admin("GET", &path).send();
        assert_eq!((dry_run.status, &dry_run.body), (200, &reply.body));

        let reply = network.authorize(&json!({
            "User-Name": {"type": "string", "value": [spelling]},
            "User-Password": {"type": "string", "value": [spelling]},
            "Service-Type": {"type": "integer", "value": ["Call-Check"]},
            "Calling-Station-Id": {"type": "string", "value": [ADDRESS]},
        }));
        assert_eq!(reply.status, 200, "{spelling}: {reply:?}");
        let value = |name: &str| reply.body[name]["value"][0].clone();
        assert_eq!(value("reply:Tunnel-Private-Group-Id"), "300");
        let class = value("reply:Class");
        let ours = format!("scim-edge/{}/", network.printer);
        assert!(class.as_str().unwrap().starts_with(&ours), "{class}");
        assert!(
            reply.body["reply:User-Name"].is_null(),
            "as the gear has it"
        );
    }
    network.denied("02:00:5e:10:00:7b", "unknownUser");
    network.denied("02:00:5e:10:00", "unknownUser");
}

#[test]
fn a_device_that_is_not_active_or_in_no_group_with_a_policy_stays_out() {
    let network = Network::new();
    device(&network.world, &network.scim, "02:00:5e:10:00:01", true);
    network.denied("02005e100001", "noPolicy");
    network.activate(false);
    network.denied(SPELLINGS[2], "inactive");
    network.activate(true);
    assert_eq!(network.ask(SPELLINGS[2]).status, 200);
    let path = format!("/Devices/{}", network.printer);
    network.world.delete(&network.scim, &path);
    network.denied(SPELLINGS[2], "unknownUser");
    let (theirs, _) = network.world.token("other", &["access"]);
    device(&network.world, &network.scim, ADDRESS, true);
    let reply = network.world.access("GET", &format!("/users/{ADDRESS}"));
    assert_eq!(
        reply.bearer(&theirs).send().status,
        403,
        "of another tenant"
    );
}

#[test]
fn a_user_of_that_name_is_no_device() {
    let network = Network::new();
    let name = SPELLINGS[3];
    assert_eq!(network.ask(name).body["policy"]["vlan"], 300);
    let user = network.world.user(&network.scim, name);
    // Remembered or not, it is the user who is decided about.
    network.denied(name, "noPolicy");
    assert_eq!(network.ask(SPELLINGS[0]).status, 200, "spelt otherwise");
    network.world.group(&network.scim, "Staff", &[&user]);
    let reply = network.ask(name);
    assert_eq!(reply.body["policy"]["vlan"], 100);
    assert!(reply.body["device"].is_null());
    let path = format!("/Users/{user}");
    let inactive = json!({"op": "replace", "path": "active", "value": false});
    assert_eq!(
        network.world.patch(&network.scim, &path, &inactive).status,
        200
    );
    network.denied(name, "inactive");
    let other = json!({"op": "replace", "path": "userName", "value": "ada"});
    assert_eq!(
        network.world.patch(&network.scim, &path, &other).status,
        200
    );
    assert_eq!(network.ask(name).body["policy"]["vlan"], 300);
    let again = json!({"op": "replace", "path": "userName", "value": name});
    assert_eq!(
        network.world.patch(&network.scim, &path, &again).status,
        200
    );
    network.denied(name, "inactive");
}

#[test]
fn whoever_types_the_address_of_a_device_elsewhere_stays_out() {
    let network = Network::new();
    for (station, status) in [
        (json!("02-00-5e-10-00-7a"), 200),
        (json!({"type": "string", "value": ["0200.5E10.007A"]}), 200),
        (json!(""), 200),
        (json!("02-00-5e-10-00-7b"), 403),
        (json!("198.51.100.7"), 403),
        (
            json!({"type": "string", "value": ["02-00-5e-10-00-7b", "02-00-5e-10-00-7a"]}),
            403,
        ),
    ] {
        let reply =
            network.authorize(&json!({"User-Name": ADDRESS, "Calling-Station-Id": station}));
        assert_eq!(reply.status, status, "{station}: {reply:?}");
    }
    assert_eq!(
        network.authorize(&json!({"User-Name": ADDRESS})).status,
        200
    );
    // Of a user it says nothing.
    let user = network.world.user(&network.scim, "ada");
    network.world.group(&network.scim, "Staff", &[&user]);
    let reply = network.authorize(&json!({"User-Name": "ada", "Calling-Station-Id": ADDRESS}));
    assert_eq!(reply.status, 200);
}

#[test]
fn a_session_of_a_device_ends_when_the_device_may_no_longer_be_on() {
    let network = Network::new();
    let accept = network.authorize(&json!({"User-Name": ADDRESS}));
    let class = accept.body["reply:Class"]["value"][0].clone();
    for told in [json!({}), json!({"Class": class})] {
        assert_eq!(network.tell("Start", &told).body, json!({}));
        let sessions = network.sessions();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        assert_eq!(sessions[0]["userId"], network.printer);
        assert_eq!(sessions[0]["userName"], SPELLINGS[3], "as the gear has it");
        assert_eq!(sessions[0]["verdict"], "keep");
        network.activate(false);
        assert_eq!(network.sessions()[0]["verdict"], "disconnect");
        let answer = network.tell("Interim-Update", &told);
        assert_eq!(
            answer.body["control:Tmp-String-0"]["value"][0],
            "disconnect"
        );
        network.activate(true);
        assert_eq!(network.tell("Interim-Update", &told).body, json!({}));
    }
    network.world.policy(
        "Things",
        &json!({"name": "Things", "priority": 1, "vlan": 301}),
    );
    let moved = |address: &str| {
        let path = format!("/Devices/{}", network.printer);
        let operation = json!({"op": "replace", "path": format!("{ETHERNET_MAB}:deviceMacAddress"), "value": address});
        let reply = network.world.patch(&network.scim, &path, &operation);
        assert_eq!(reply.status, 200, "{reply:?}");
    };
    moved("02:00:5e:10:00:7b");
    assert_eq!(
        network.sessions()[0]["verdict"],
        "disconnect",
        "at the old address"
    );
    let answer = network.tell("Interim-Update", &json!({"Class": class}));
    assert_eq!(
        answer.body["control:Tmp-String-0"]["value"][0],
        "disconnect"
    );
    moved(SPELLINGS[4]);
    let session = &network.sessions()[0];
    assert_eq!(
        (&session["verdict"], &session["policy"]["vlan"]),
        (&json!("change"), &json!(301))
    );
    let path = format!("/Devices/{}", network.printer);
    network.world.delete(&network.scim, &path);
    assert_eq!(network.sessions()[0]["verdict"], "disconnect");
    network.tell("Stop", &json!({"Class": class}));
    assert!(network.sessions().is_empty());
}

#[test]
fn a_decision_about_a_device_is_remembered_until_it_changes() {
    let network = Network::new();
    let world = &network.world;
    let service = configured(&world.kv, &world.clock, 7, json!({}));
    let ask = |name: &str| {
        let path = format!("/access/v1/users/{name}");
        let answer = call(&service, "GET", &path).bearer(&network.guard).answer();
        (answer.response.status, answer.trace.decided)
    };
    assert_eq!(ask(ADDRESS), (200, Some(Source::Store)));
    assert_eq!(ask(ADDRESS), (200, Some(Source::Confirmed)));
    let ada = world.user(&network.scim, "ada");
    let path = format!("/Users/{ada}");
    assert_eq!(
        ask(ADDRESS),
        (200, Some(Source::Store)),
        "ada might have been it"
    );
    let title = json!({"op": "replace", "path": "title", "value": "Dr."});
    assert_eq!(world.patch(&network.scim, &path, &title).status, 200);
    assert_eq!(ask(ADDRESS), (200, Some(Source::Confirmed)));
    device(world, &network.scim, "02:00:5e:10:00:01", true);
    assert_eq!(ask(ADDRESS), (200, Some(Source::Confirmed)));
    network.activate(false);
    assert_eq!(ask(ADDRESS), (403, Some(Source::Store)));
    network.activate(true);
    assert_eq!(ask(ADDRESS), (200, Some(Source::Store)));
}
