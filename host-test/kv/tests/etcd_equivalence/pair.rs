//! A real etcd and an edge-kv, side by side.

use std::fmt::Debug;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_kv::{Config, History, Listen, Server};
use etcd_proto::kv_client::KvClient;
use etcd_proto::lease_client::LeaseClient;
use etcd_proto::response_op::Response;
use etcd_proto::watch_client::WatchClient;
use etcd_proto::{
    CompactionRequest, DeleteRangeRequest, LeaseLeasesRequest, LeaseRevokeRequest, RangeRequest,
    ResponseHeader, TxnResponse,
};
use proptest::prelude::TestCaseError;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::calls::Call;

/// An etcd of its own on a free port; gone when dropped.
struct Etcd {
    process: Child,
    _data: TempDir,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _already_dead = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Etcd {
    async fn start() -> (Self, Channel) {
        let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let data = TempDir::new().unwrap();
        let client = format!("http://127.0.0.1:{}", free_port());
        let peer = format!("http://127.0.0.1:{}", free_port());
        let process = Command::new(&program)
            .arg("--data-dir")
            .arg(data.path())
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot run `{program}` ({error}): this test compares with a real etcd. Run \
                     `cargo edge test`, which installs it, or install Debian's etcd-server, or \
                     name the program in the environment variable ETCD."
                )
            });
        let etcd = Self {
            process,
            _data: data,
        };
        let channel = Endpoint::from_shared(client).unwrap().connect_lazy();
        // Answers once it has elected itself.
        for _ in 0..200 {
            let get = RangeRequest {
                key: b"a".to_vec(),
                ..Default::default()
            };
            if KvClient::new(channel.clone()).range(get).await.is_ok() {
                return (etcd, channel);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("etcd did not answer within ten seconds");
    }
}

/// The clients of one of the two servers.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) kv: KvClient<Channel>,
    pub(crate) lease: LeaseClient<Channel>,
    pub(crate) watch: WatchClient<Channel>,
}

impl Clients {
    fn new(channel: Channel) -> Self {
        Self {
            kv: KvClient::new(channel.clone()),
            lease: LeaseClient::new(channel.clone()),
            watch: WatchClient::new(channel),
        }
    }
}

pub(crate) struct Pair {
    _etcd: Etcd,
    edge: Option<Server>,
    data: TempDir,
    pub(crate) on_etcd: Clients,
    pub(crate) on_edge: Clients,
    /// The revision of both, as of the last reply.
    pub(crate) revision: i64,
    /// The last revision that both were compacted to.
    pub(crate) compacted: i64,
}

/// A reply without what names the server, or the error.
pub(crate) type Reply = Result<String, (tonic::Code, String)>;

async fn start_edge(data: &TempDir) -> (Server, Clients) {
    let config = Config {
        listen: vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())],
        history: History::UNLIMITED,
        ..Config::new(data.path())
    };
    let server = Server::start(config).await.unwrap();
    let uri = format!("http://{}", server.addresses()[0]);
    let channel = Endpoint::from_shared(uri).unwrap().connect_lazy();
    (server, Clients::new(channel))
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let (etcd, channel) = Etcd::start().await;
        let data = TempDir::new().unwrap();
        let (edge, on_edge) = start_edge(&data).await;
        let on_etcd = Clients::new(channel);
        Self {
            _etcd: etcd,
            edge: Some(edge),
            data,
            on_etcd,
            on_edge,
            revision: 1,
            compacted: 0,
        }
    }

    pub(crate) async fn restart_edge(&mut self) {
        self.edge.take().unwrap().shutdown().await;
        let (edge, on_edge) = start_edge(&self.data).await;
        self.edge = Some(edge);
        self.on_edge = on_edge;
    }

    /// Deletes all keys and leases.
    pub(crate) async fn clear(&mut self) {
        for clients in [&mut self.on_etcd, &mut self.on_edge] {
            let leases = clients
                .lease
                .lease_leases(LeaseLeasesRequest {})
                .await
                .unwrap();
            let mut leases = leases.into_inner().leases;
            leases.sort_by_key(|lease| lease.id);
            for lease in leases {
                let revoke = LeaseRevokeRequest { id: lease.id };
                clients.lease.lease_revoke(revoke).await.unwrap();
            }
            let (key, range_end) = (vec![0], vec![0]);
            let all = DeleteRangeRequest {
                key,
                range_end,
                prev_kv: false,
            };
            let deleted = clients.kv.delete_range(all).await.unwrap().into_inner();
            self.revision = deleted.header.unwrap().revision;
        }
    }

    /// Makes a call on both and compares the replies.
    pub(crate) async fn compare(&mut self, call: &Call) -> Result<(), TestCaseError> {
        let call = call.at(self.revision);
        let (expected, revision) = reply(&mut self.on_etcd, &call).await;
        let (found, _) = reply(&mut self.on_edge, &call).await;
        if let Some(revision) = revision {
            self.revision = revision;
        }
        if found == expected {
            if let (Call::Compact(compact), Ok(_)) = (&call, &found) {
                self.compacted = compact.revision;
            }
            return Ok(());
        }
        Err(TestCaseError::fail(format!(
            "differs on {call:#?}\n-- etcd: {expected:#?}\n-- edge: {found:#?}"
        )))
    }
}

/// Removes what names the server; answers the revision.
fn anonymous(header: &mut Option<ResponseHeader>) -> i64 {
    let header = header.as_mut().expect("every reply has a header");
    *header = ResponseHeader {
        revision: header.revision,
        ..Default::default()
    };
    header.revision
}

fn outcome<T: Debug>(
    reply: Result<tonic::Response<T>, Status>,
    normalize: impl FnOnce(&mut T) -> i64,
) -> (Reply, Option<i64>) {
    match reply {
        Ok(reply) => {
            let mut reply = reply.into_inner();
            let revision = normalize(&mut reply);
            (Ok(format!("{reply:#?}")), Some(revision))
        }
        Err(status) => (Err((status.code(), status.message().to_owned())), None),
    }
}

async fn reply(on: &mut Clients, call: &Call) -> (Reply, Option<i64>) {
    match call.clone() {
        Call::Range(range) => outcome(on.kv.range(range).await, |r| anonymous(&mut r.header)),
        Call::Put(put) => outcome(on.kv.put(put).await, |r| anonymous(&mut r.header)),
        Call::DeleteRange(delete) => outcome(on.kv.delete_range(delete).await, |r| {
            anonymous(&mut r.header)
        }),
        Call::Txn(txn) => outcome(on.kv.txn(txn).await, |r| {
            check_inner_headers(r);
            anonymous(&mut r.header)
        }),
        Call::Compact(compact) => {
            // So that nothing is still being removed when the next call reads.
            let compact = CompactionRequest {
                physical: true,
                ..compact
            };
            outcome(on.kv.compact(compact).await, |r| anonymous(&mut r.header))
        }
        Call::Grant(grant) => outcome(on.lease.lease_grant(grant).await, |r| {
            anonymous(&mut r.header)
        }),
        Call::Revoke(revoke) => outcome(on.lease.lease_revoke(revoke).await, |r| {
            anonymous(&mut r.header)
        }),
        Call::TimeToLive(lease) => outcome(on.lease.lease_time_to_live(lease).await, |r| {
            // Time passes between the two calls.
            r.ttl = r.ttl.signum();
            r.keys.sort();
            anonymous(&mut r.header)
        }),
        Call::Leases(leases) => outcome(on.lease.lease_leases(leases).await, |r| {
            r.leases.sort_by_key(|lease| lease.id);
            anonymous(&mut r.header)
        }),
    }
}

/// Headers within a transaction name no server.
fn check_inner_headers(txn: &TxnResponse) {
    for op in &txn.responses {
        let header = match op.response.as_ref().expect("every operation is answered") {
            Response::ResponseRange(r) => &r.header,
            Response::ResponsePut(r) => &r.header,
            Response::ResponseDeleteRange(r) => &r.header,
            Response::ResponseTxn(r) => {
                check_inner_headers(r);
                &r.header
            }
        };
        assert_eq!(header.as_ref().map_or(0, |header| header.member_id), 0);
    }
}
