//! A new configuration, and a new version of the plugin, while requests run: Envoy takes
//! both from a file that describes its listeners.

use edge_cli::envoy::bootstrap::Bootstrap;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tests::client::Client;
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::envoy::Envoy;
use tests::{Findings, Needs, ports, scim, store, tools, within};

/// How long a listener that was replaced goes on with the connections it has: longer than a
/// request takes while other tests run beside this one. Then Envoy closes them, whatever is
/// under way.
const DRAIN: [&str; 4] = ["--drain-time-s", "15", "--drain-strategy", "immediate"];
/// From one update to the next: the first listeners end while the later ones serve.
const PAUSE: Duration = Duration::from_secs(6);

const CLIENTS: usize = 4;

/// An Envoy whose listeners stand in a file of their own.
struct Deployment<'e> {
    folder: &'e Path,
    address: SocketAddr,
    store: &'e Endpoint,
}

impl Deployment<'_> {
    /// Both files with this module and this largest page; Envoy's bootstrap first.
    fn write(&self, module: &Path, max_count: usize) -> PathBuf {
        let configuration = json!({
            "limits": {"max_count": max_count, "default_count": 1},
            "store": {"cluster": "etcd", "authority": "etcd", "timeout_ms": 5000},
        });
        let bootstrap = Bootstrap::production()
            .and_then(Bootstrap::without_tls)
            .and_then(|b| b.listen(self.address))
            .and_then(|b| b.plugin(module, &configuration))
            .and_then(|b| b.store(self.store.running().store_endpoints()))
            .unwrap();
        let mut tree: Value = serde_json::from_str(&bootstrap.to_json()).unwrap();
        let resources = tree["static_resources"].as_object_mut().unwrap();
        let mut listener = resources.remove("listeners").unwrap()[0].take();
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        let listeners = self.folder.join("listeners.json");
        tree["node"] = json!({"id": "test", "cluster": "test"});
        tree["dynamic_resources"] = json!({"lds_config": {
            "resource_api_version": "V3",
            "path_config_source": {"path": listeners.display().to_string()},
        }});
        // Moved to its place, so that Envoy never sees half of it.
        let new = self.folder.join("listeners.new");
        let version = format!("{max_count}");
        let resources = json!({"version_info": version, "resources": [listener]});
        std::fs::write(&new, resources.to_string()).unwrap();
        std::fs::rename(&new, &listeners).unwrap();
        let file = self.folder.join("envoy.json");
        std::fs::write(&file, tree.to_string()).unwrap();
        file
    }

    fn client(&self) -> Client {
        let token = &self.store.running().ready().token;
        Client::new(self.address, "/scim/v2", token)
    }

    /// Waits until the configuration with this largest page answers.
    async fn serves(&self, max_count: usize) {
        let begun = Instant::now();
        loop {
            let config = self.client().get("/ServiceProviderConfig").await.json();
            if config["filter"]["maxResults"] == max_count {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{config}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The plugin with a custom section more: other code for Envoy, so that it makes new VMs.
fn another_version(folder: &Path) -> PathBuf {
    const SECTION: &[u8] = b"\x00\x08\x07version";
    let mut module = std::fs::read(tools::plugin()).unwrap();
    module.extend(SECTION);
    let file = folder.join("another.wasm");
    std::fs::write(&file, module).unwrap();
    file
}

/// Writes users and reads each back, until it is told to stop; what went wrong.
async fn traffic(
    mut client: Client,
    number: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut n = 0;
    while !stop.load(Relaxed) {
        let user = scim::user(&format!("{number}-{n}@example.com"));
        n += 1;
        let made = client.post("/Users", &user).await;
        if made.status != 201 {
            wrong.push(format!("POST {n}: {made}"));
            continue;
        }
        let read = client.get(&format!("/Users/{}", made.text("/id"))).await;
        if read.status != 200 {
            wrong.push(format!("GET {n}: {read}"));
        }
        done.fetch_add(1, Relaxed);
    }
    wrong
}

#[test]
fn neither_a_new_configuration_nor_a_new_plugin_loses_a_request_on_envoy() {
    within(180, &[Needs::Envoy], async {
        let endpoint = Endpoint::start(Proxy::Wasmtime, Store::Embedded).await;
        let folder = tempfile::tempdir().unwrap();
        let deployment = Deployment {
            folder: folder.path(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free())),
            store: &endpoint,
        };
        let bootstrap = deployment.write(tools::plugin(), 100);
        let envoy = Envoy::start_with(&bootstrap, deployment.address, &DRAIN).await;
        deployment.serves(100).await;

        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(traffic(deployment.client(), n, stop, done))
            })
            .collect();
        let another = another_version(folder.path());
        let mut before = 0;
        for (module, max_count) in [
            (tools::plugin(), 101),
            (tools::plugin(), 102),
            (&another, 103),
            (&another, 104),
            (tools::plugin(), 105),
        ] {
            deployment.write(module, max_count);
            deployment.serves(max_count).await;
            tokio::time::sleep(PAUSE).await;
            let now = done.load(Relaxed);
            assert!(now > before, "requests go on after {max_count}");
            before = now;
        }
        stop.store(true, Relaxed);
        let mut findings = Findings::default();
        for client in clients {
            for wrong in client.await.unwrap() {
                findings.add(wrong);
            }
        }
        let keys = store::keys(&endpoint.running().store_endpoints()[0], store::TENANT).await;
        store::check(&keys, &mut findings);
        let users = keys.keys().filter(|key| key.starts_with("user/")).count();
        let done = done.load(Relaxed);
        findings.check(users == done, || format!("{users} users of {done}"));
        let said = envoy.said();
        findings.check(!said.contains("[critical]"), || said.clone());
        findings.none();
    });
}
