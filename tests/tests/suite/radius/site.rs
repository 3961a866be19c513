//! A whole site: the directory on Envoy, FreeRADIUS that asks it, a network access server, and
//! who works with them.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::program::Program;
use tests::radius::freeradius::FreeRadius;
use tests::radius::nas::{Nas, Session};
use tests::scim;

/// The password of everybody in FreeRADIUS's list.
pub(crate) const PASSWORD: &str = "correct horse";
/// The schemas of a device that has an Ethernet address.
const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
const ETHERNET_MAB: &str = "urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device";
/// What the network access server shares with FreeRADIUS and the agent.
pub(crate) const SECRET: &str = "mcpVWQeYt7kz3sBd";

pub(crate) struct Site {
    pub(crate) endpoint: Endpoint,
    pub(crate) nas: Nas,
    pub(crate) freeradius: FreeRadius,
    pub(crate) scim: Client,
    pub(crate) admin: Client,
}

impl Site {
    /// A site whose FreeRADIUS knows these names.
    pub(crate) async fn start(store: Store, names: &[&str]) -> Self {
        let endpoint = Endpoint::start(Proxy::Envoy, store).await;
        let nas = Nas::start(SECRET).await;
        let ready = endpoint.running().ready();
        let users: Vec<(&str, &str)> = names.iter().map(|name| (*name, PASSWORD)).collect();
        let address = endpoint.running().address();
        let freeradius = FreeRadius::start(address, &ready.access_token, &nas, &users).await;
        let admin = Client::new(address, "/admin/v1/tenants/default", &ready.admin_key);
        Self {
            scim: endpoint.client(),
            admin,
            endpoint,
            nas,
            freeradius,
        }
    }

    /// Puts a policy on a group of that name.
    pub(crate) async fn policy(&mut self, group: &str, policy: &Value) {
        let put = self.admin.put(&format!("/policies/{group}"), policy).await;
        assert!(matches!(put.status, 200 | 201), "{put}");
    }

    /// The policies of an office, on groups of other names.
    pub(crate) async fn office(&mut self) {
        for (group, policy) in office() {
            self.policy(group, &policy).await;
        }
    }

    /// Creates a user, and returns their id.
    pub(crate) async fn user(&mut self, name: &str) -> String {
        let created = self.scim.post("/Users", &scim::user(name)).await;
        assert_eq!(created.status, 201, "{created}");
        created.text("/id")
    }

    /// Creates a device of this Ethernet address, and returns its id.
    pub(crate) async fn device(&mut self, address: &str) -> String {
        let body = json!({"schemas": [DEVICE, ETHERNET_MAB], "active": true,
            ETHERNET_MAB: {"deviceMacAddress": address}});
        let created = self.scim.post("/Devices", &body).await;
        assert_eq!(created.status, 201, "{created}");
        created.text("/id")
    }

    /// Creates a group with these members, and returns its path.
    pub(crate) async fn group(&mut self, name: &str, members: &[&str]) -> String {
        let created = self.scim.post("/Groups", &scim::group(name, members)).await;
        assert_eq!(created.status, 201, "{created}");
        format!("/Groups/{}", created.text("/id"))
    }

    /// Changes a group by one operation.
    pub(crate) async fn change(&mut self, group: &str, operation: &Value) {
        let changed = self.scim.patch(group, &json!([operation])).await;
        assert!(matches!(changed.status, 200 | 204), "{changed}");
    }

    /// Deactivates a user as Entra does.
    pub(crate) async fn deactivate(&mut self, id: &str) {
        let operation = json!([{"op": "Replace", "path": "active", "value": "False"}]);
        let changed = self.scim.patch(&format!("/Users/{id}"), &operation).await;
        assert!(matches!(changed.status, 200 | 204), "{changed}");
    }

    /// Connects with the right password.
    pub(crate) async fn connect(&self, name: &str) -> edge_radius::Packet {
        let answer = self
            .nas
            .access(self.freeradius.access, name.as_bytes(), PASSWORD)
            .await;
        answer.expect("an answer")
    }

    /// The live sessions that the service knows of.
    pub(crate) async fn sessions(&mut self) -> Vec<Value> {
        let reply = self.admin.get("/sessions").await;
        assert_eq!(reply.status, 200, "{reply}");
        let list = reply.json()["sessions"].as_array().cloned();
        list.expect("a list of sessions")
    }

    /// An agent for the site's gear, with these arguments more.
    pub(crate) fn agent(&self, more: &[&str]) -> Agent {
        Agent::start(self, more)
    }
}

/// What each group of the identity provider's gets, of another name.
pub(crate) fn office() -> [(&'static str, Value); 3] {
    let mbit = 1_000_000;
    let policy = |name: &str, vlan, bandwidth: u32, hours: u32| {
        json!({"name": name, "vlan": vlan, "bandwidthUp": bandwidth * mbit,
            "bandwidthDown": bandwidth * mbit, "sessionTimeout": hours * 3600})
    };
    [
        ("Employees", policy("Corporate-WiFi", 100, 100, 12)),
        ("Visitors", policy("Guest-WiFi", 200, 10, 2)),
        ("Externals", policy("Contractors", 150, 25, 8)),
    ]
}

/// A session of somebody, as the network access server makes it from an Access-Accept.
pub(crate) fn session(id: &str, name: &str, accept: &edge_radius::Packet) -> Session {
    Session {
        id: id.into(),
        user: name.into(),
        class: accept
            .attributes
            .first(&edge_radius::dictionary::CLASS)
            .unwrap_or_default(),
    }
}

/// `cargo edge disconnect` for a site.
pub(crate) struct Agent {
    _program: Program,
    folder: TempDir,
}

impl Agent {
    fn start(site: &Site, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready = site.endpoint.running().ready();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let token = file("token", &ready.admin_key);
        let gear = format!("# the lobby\n{}={SECRET}\n", site.nas.address());
        let gear = file("gear", &gear);
        let mut arguments = vec!["disconnect", "--url", &ready.admin_url];
        arguments.extend(["--token-file", &token, "--nas-file", &gear]);
        arguments.extend(more);
        let program = Program::start(&arguments, &folder.path().join("said"));
        let agent = Self {
            _program: program,
            folder,
        };
        agent.says("following the directory");
        agent
    }

    /// What it said so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.output()).unwrap_or_default()
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("said")
    }

    /// Waits until it has said something.
    pub(crate) fn says(&self, what: &str) {
        let begun = Instant::now();
        while !self.said().contains(what) {
            let said = self.said();
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
