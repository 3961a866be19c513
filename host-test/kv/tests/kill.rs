//! `kill -9` in the middle of writing, many times on the same data: what was
//! acknowledged is there, and the revisions go on without a gap.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test says what failed by panicking"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_kv::{Config, History, Listen, Server};
use etcd_proto::kv_client::KvClient;
use etcd_proto::{PutRequest, RangeRequest};
use rand::Rng;
use tonic::transport::{Channel, Endpoint};

const DATA: &str = "EDGE_KV_KILL_TEST_DATA";
const CLIENTS: usize = 8;
const KILLS: usize = 20;

/// Not a test of its own: the process that the test below kills.
#[tokio::test(flavor = "multi_thread")]
async fn served_by_a_process_to_kill() {
    let Ok(data) = std::env::var(DATA) else {
        return;
    };
    let config = Config {
        listen: vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())],
        history: History {
            revisions: 200,
            age: Duration::ZERO,
        },
        ..Config::new(data)
    };
    let mut server = Server::start(config).await.unwrap();
    println!("\nlistening {}", server.addresses()[0]);
    panic!("{}", server.failed().await);
}

/// The process; killed with this.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // SIGKILL.
        let _already_dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn start(data: &Path) -> (Victim, Channel) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "served_by_a_process_to_kill", "--nocapture"])
        .env(DATA, data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let victim = Victim(process);
    let address = lines
        .find_map(|line| line.unwrap().strip_prefix("listening ").map(str::to_owned))
        .expect("the server starts again after every kill");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    (victim, endpoint.connect_lazy())
}

/// Counts up on one key; answers the last acknowledged (number, revision).
async fn count_up(channel: Channel, client: usize, from: u64) -> (u64, i64) {
    let mut kv = KvClient::new(channel);
    let mut acknowledged = (from, 0);
    loop {
        let number = acknowledged.0 + 1;
        let value = number.to_string().into_bytes();
        let key = format!("client/{client}").into_bytes();
        match kv
            .put(PutRequest {
                key,
                value,
                ..Default::default()
            })
            .await
        {
            Ok(reply) => {
                acknowledged = (number, reply.into_inner().header.unwrap().revision);
            }
            Err(_killed) => return acknowledged,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let mut numbers: BTreeMap<usize, u64> = (0..CLIENTS).map(|client| (client, 0)).collect();
    let mut newest = 1;
    for _ in 0..KILLS {
        let (victim, channel) = start(data.path());
        let writers: Vec<_> = numbers
            .iter()
            .map(|(client, from)| tokio::spawn(count_up(channel.clone(), *client, *from)))
            .collect();
        let pause = rand::rng().random_range(20..150);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        drop(victim);
        for (client, writer) in writers.into_iter().enumerate() {
            let (number, revision) = writer.await.unwrap();
            numbers.insert(client, number);
            newest = newest.max(revision);
        }

        let (_victim, channel) = start(data.path());
        let mut kv = KvClient::new(channel);
        let all = RangeRequest {
            key: vec![0],
            range_end: vec![0],
            ..Default::default()
        };
        let reply = kv.range(all).await.unwrap().into_inner();
        let revision = reply.header.unwrap().revision;
        assert!(
            revision >= newest,
            "revision {revision} after {newest} was acknowledged"
        );
        // Every revision is one put: none is missing, none was given twice.
        let puts: i64 = reply.kvs.iter().map(|kv| kv.version).sum();
        assert_eq!(puts, revision - 1);
        newest = revision;
        for kv in reply.kvs {
            let client: usize = std::str::from_utf8(&kv.key["client/".len()..])
                .unwrap()
                .parse()
                .unwrap();
            let found: u64 = std::str::from_utf8(&kv.value).unwrap().parse().unwrap();
            let acknowledged = numbers.insert(client, found).unwrap();
            // The put under way may have got through.
            assert!(
                found == acknowledged || found == acknowledged + 1,
                "client {client}: {found} after {acknowledged} was acknowledged"
            );
        }
    }
    assert!(newest > 100, "too little was written to tell: {newest}");
}
