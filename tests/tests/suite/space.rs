//! A store that has no space left: what is refused is not done, and once there is space again
//! everything that was acknowledged is there. etcd goes on with reads; the embedded store ends.

use edge_cli::Endpoint as Address;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::client::{Client, Reply};
use tests::endpoint::{Proxy, client, options, start};
use tests::etcd::Etcd;
use tests::{Findings, Needs, ports, scim, store, tools, within};
use tokio::net::TcpStream;

/// What etcd may keep: an empty one takes some of it. It counts ten times a second, so that whoever
/// writes fast may get two megabytes beyond.
const QUOTA: &str = "--quota-backend-bytes=8000000";
/// What somebody else keeps in the same etcd.
const BALLAST: &str = "ballast/";
/// The largest file of the embedded store, in blocks of 512 bytes.
const BLOCKS: u32 = 8_192;
/// More users than either takes.
const MANY: usize = 20_000;
/// How long the store may take to be of use again.
const PATIENCE: Duration = Duration::from_secs(30);

/// A user that takes space.
fn large(number: usize) -> serde_json::Value {
    let mut user = scim::user(&format!("space-{number}@example.com"));
    user["title"] = json!("x".repeat(20_000));
    user
}

/// Makes users until one is refused: the ids of those that were made, and the refusal.
async fn fill(client: &mut Client) -> (Vec<String>, Reply) {
    let mut made = Vec::new();
    for number in 0..MANY {
        let reply = client.post("/Users", &large(number)).await;
        if reply.status != 201 {
            return (made, reply);
        }
        made.push(reply.text("/id"));
    }
    panic!("the store took {MANY} users");
}

/// Every way of writing is refused with 503 and leaves what was there; reads go on.
async fn writes_are_refused_and_reads_go_on(client: &mut Client, ids: &[String]) {
    let mut findings = Findings::default();
    let path = format!("/Users/{}", ids[0]);
    let before = client.get(&path).await;
    findings.check(before.status == 200, || format!("GET: {before}"));
    let activity = json!([{"op": "replace", "path": "active", "value": false}]);
    let replies = [
        ("POST", client.post("/Users", &large(MANY)).await),
        ("PUT", client.put(&path, &large(MANY)).await),
        ("PATCH", client.patch(&path, &activity).await),
        ("DELETE", client.delete(&path).await),
    ];
    for (method, reply) in replies {
        if let Err(wrong) = scim::expect_error(&reply, &[503]) {
            findings.add(format!("{method}: {wrong}"));
        }
    }
    let after = client.get(&path).await;
    findings.check(after.body == before.body, || format!("changed: {after}"));
    let name = format!("space-{MANY}@example.com");
    let found = scim::query("/Users", &format!("userName eq \"{name}\""));
    let found = client.get(&found).await;
    findings.check(found.json()["totalResults"] == 0, || {
        format!("half a user: {found}")
    });
    findings.none();
}

/// Writes succeed again, without a restart of the proxy.
async fn writes_succeed_again(client: &mut Client) {
    let begun = Instant::now();
    let mut number = MANY;
    loop {
        number += 1;
        let user = scim::user(&format!("space-{number}@example.com"));
        let reply = client.post("/Users", &user).await;
        if reply.status == 201 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{reply}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn all_are_there(client: &mut Client, ids: &[String]) {
    let mut findings = Findings::default();
    for id in ids {
        let reply = client.get(&format!("/Users/{id}")).await;
        findings.check(reply.status == 200, || format!("{id} is lost: {reply}"));
    }
    findings.none();
}

fn etcdctl(etcd: &Etcd, arguments: &[&str]) -> String {
    let Address::Tcp(host, port) = etcd.endpoint() else {
        panic!("etcd listens on a port");
    };
    let output = Command::new(tools::etcd().with_file_name("etcdctl"))
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", &format!("http://{host}:{port}")])
        .args(arguments)
        .output()
        .expect("etcdctl runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn etcd_without_space_refuses_writes_whole_and_takes_them_again_once_it_has_space() {
    within(180, &[Needs::Etcd], async {
        let etcd = Etcd::start_with(&[QUOTA]).await;
        let ballast: Vec<_> = (0..60)
            .map(|n| (n.to_string(), "x".repeat(100_000)))
            .collect();
        // As many as one request may have.
        for some in ballast.chunks(10) {
            store::put(&etcd.endpoint(), BALLAST, some).await;
        }
        let data = tempfile::tempdir().unwrap();
        let mut options = options(data.path());
        options.etcd = vec![etcd.endpoint()];
        let running = start(Proxy::Wasmtime, options).await;
        let mut client = client(&running);
        let (ids, refused) = fill(&mut client).await;
        scim::expect_error(&refused, &[503]).unwrap();
        assert!(etcdctl(&etcd, &["alarm", "list"]).contains("NOSPACE"));
        writes_are_refused_and_reads_go_on(&mut client, &ids).await;

        etcdctl(&etcd, &["del", "--prefix", BALLAST]);
        let status = etcdctl(&etcd, &["endpoint", "status", "--write-out=json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let revision = status[0]["Status"]["header"]["revision"].to_string();
        // Until it is done, there is nothing for `defrag` to give back, and the alarm comes again.
        etcdctl(&etcd, &["compact", "--physical", &revision]);
        etcdctl(&etcd, &["defrag"]);
        etcdctl(&etcd, &["alarm", "disarm"]);
        writes_succeed_again(&mut client).await;
        all_are_there(&mut client, &ids).await;
        let mut findings = Findings::default();
        store::check(
            &store::keys(&etcd.endpoint(), store::TENANT).await,
            &mut findings,
        );
        findings.none();
        running.stop().await;
    });
}

/// An embedded store in a process of its own; killed with this.
struct Kv(Child);

impl Drop for Kv {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Kv {
    /// Waits until the process ends by itself, with a failure.
    async fn ends(&mut self) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return assert!(!status.success(), "{status}");
            }
            assert!(begun.elapsed() < PATIENCE, "the store goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts one whose files may be so large.
    async fn start(data: &Path, port: u16, limit: &str) -> Self {
        let script = format!("ulimit -f {limit}; trap '' XFSZ; exec \"$@\"");
        let child = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(tools::launcher())
            .args(["kv", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let kv = Self(child);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "the store does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        kv
    }
}

#[test]
fn embedded_store_on_a_full_disk_ends_and_has_everything_that_was_acknowledged_after_a_restart() {
    within(180, &[], async {
        let (data, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let port = ports::free();
        let mut full = Kv::start(kept.path(), port, &BLOCKS.to_string()).await;
        let address = Address::Tcp("127.0.0.1".into(), port);
        let mut options = options(data.path());
        options.etcd = vec![address.clone()];
        let running = start(Proxy::Wasmtime, options).await;
        let mut client = client(&running);
        let (ids, refused) = fill(&mut client).await;
        scim::expect_error(&refused, &[503]).unwrap();
        full.ends().await;
        let path = format!("/Users/{}", ids[0]);
        scim::expect_error(&client.get(&path).await, &[503]).unwrap();
        scim::expect_error(&client.delete(&path).await, &[503]).unwrap();

        let _space = Kv::start(kept.path(), port, "unlimited").await;
        writes_succeed_again(&mut client).await;
        all_are_there(&mut client, &ids).await;
        let mut findings = Findings::default();
        store::check(&store::keys(&address, store::TENANT).await, &mut findings);
        findings.none();
        running.stop().await;
    });
}
