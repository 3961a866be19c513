//! What the faults befall: two Envoys with two workers each, an etcd of three members, and a
//! stretch of network from each Envoy to each member.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::json;
use simulation::recorded::{Note, founding};
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::client::Client;
use tests::endpoint::{Proxy, options, start};
use tests::etcd::Etcd;
use tests::link::{Link, Weather};
use tests::recording::Recording;
use tests::{store, tools};

use edge_cli::{Endpoint, Running};
use etcd_proto::kv_client::KvClient;
use etcd_proto::maintenance_client::MaintenanceClient;
use etcd_proto::{CompactionRequest, StatusRequest};
use tonic::transport::Channel;

/// Below which the store has everything.
const PREFIX: &str = "scim/";
/// How many clients there are.
pub(super) const CLIENTS: usize = 12;
/// Of the two Envoys: a change of a group is written at once, or staged unless it is the smallest.
const MEMBERS_AT_ONCE: [usize; 2] = [2_000, 1];
/// How long service may take to resume once a fault is over: three members of etcd read all that
/// an hour of writes has left, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long etcd may take to answer a question of ours.
const ANSWER: Duration = Duration::from_secs(5);

/// All that runs.
pub(super) struct Site {
    // In the order in which they are to end.
    pub(super) envoys: Vec<Running>,
    links: Vec<Vec<Link>>,
    members: Vec<Etcd>,
    pub(super) recording: Recording,
    _data: Vec<TempDir>,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    LeaderKilled,
    MemberKilled,
    LeaderFrozen,
    MemberFrozen,
    EverythingOfEtcdKilled,
    EnvoyKilled,
    EnvoyCutOff,
    LinkCut,
    NetworkSlow,
    RepliesLost,
    Compacted,
    Defragmented,
}

impl Fault {
    pub(super) const ALL: [Self; 12] = [
        Self::LeaderKilled,
        Self::MemberKilled,
        Self::LeaderFrozen,
        Self::MemberFrozen,
        Self::EverythingOfEtcdKilled,
        Self::EnvoyKilled,
        Self::EnvoyCutOff,
        Self::LinkCut,
        Self::NetworkSlow,
        Self::RepliesLost,
        Self::Compacted,
        Self::Defragmented,
    ];
}

impl Site {
    /// Starts everything, and the recording of it.
    pub(super) async fn start() -> (Self, Receiver<Note>) {
        let members = Etcd::start_three().await;
        let endpoints: Vec<Endpoint> = members.iter().map(Etcd::endpoint).collect();
        let (recording, notes) = Recording::start(&endpoints);
        store::put(&endpoints[0], "", &founding(CLIENTS)).await;
        let (mut envoys, mut links, mut folders) = (Vec::new(), Vec::new(), Vec::new());
        for at_once in MEMBERS_AT_ONCE {
            let mut of_envoy = Vec::new();
            for member in &members {
                of_envoy.push(Link::to(port(member)).await);
            }
            let data = tempfile::tempdir().expect("a temporary folder");
            let mut options = options(data.path());
            options.workers = 2;
            // All that the machine gives, with one token.
            let config = data.path().join("config.json");
            let limits = json!({"requests_per_second": 1_000_000, "request_burst": 1_000_000,
                "max_members_at_once": at_once});
            std::fs::write(&config, json!({"limits": limits}).to_string()).unwrap();
            options.config = Some(config);
            options.etcd = of_envoy
                .iter()
                .map(|link| Endpoint::Tcp("127.0.0.1".into(), link.port()))
                .collect();
            envoys.push(start(Proxy::Envoy, options).await);
            links.push(of_envoy);
            folders.push(data);
        }
        recording.catch_up().await;
        let site = Self {
            envoys,
            links,
            members,
            recording,
            _data: folders,
        };
        (site, notes)
    }

    /// One client for each Envoy.
    pub(super) fn clients(&self) -> Vec<Client> {
        let clients = self.envoys.iter();
        clients
            .map(|envoy| Client::new(envoy.address(), "", ""))
            .collect()
    }

    /// Ends the Envoys, so that nobody writes any more, then the recording.
    pub(super) async fn end(self) {
        drop(self.envoys);
        self.recording.end(PREFIX).await;
    }

    /// Lets something happen, and ends it; returns how long it took after that until both
    /// Envoys answered again.
    pub(super) async fn befall(&mut self, fault: Fault, random: &mut StdRng) -> Duration {
        let hold = Duration::from_millis(random.random_range(300..3_000));
        let one = random.random_range(0..self.members.len());
        let envoy = random.random_range(0..self.envoys.len());
        match fault {
            Fault::LeaderKilled => {
                let leader = self.leader().await;
                self.kill_for(hold, &[leader]).await;
            }
            Fault::MemberKilled => self.kill_for(hold, &[one]).await,
            Fault::EverythingOfEtcdKilled => self.kill_for(hold, &[0, 1, 2]).await,
            Fault::LeaderFrozen => {
                let leader = self.leader().await;
                self.freeze_for(hold, leader).await;
            }
            Fault::MemberFrozen => self.freeze_for(hold, one).await,
            Fault::EnvoyKilled => {
                let crashed = self.envoys[envoy].crash_envoy(PATIENCE).await;
                crashed.unwrap_or_else(|e| panic!("Envoy {envoy}: {e}"));
            }
            Fault::EnvoyCutOff => {
                let links: Vec<&Link> = self.links[envoy].iter().collect();
                weather_for(hold, Weather::Cut, &links).await;
            }
            Fault::LinkCut => weather_for(hold, Weather::Cut, &[&self.links[envoy][one]]).await,
            Fault::NetworkSlow => {
                let delay = Duration::from_millis(random.random_range(5..200));
                weather_for(hold, Weather::Slow(delay), &self.all_links()).await;
            }
            Fault::RepliesLost => {
                let links: Vec<&Link> = self.links[envoy].iter().collect();
                let some = random.random_range(1..=links.len());
                let some: Vec<&Link> = links.choose_multiple(random, some).copied().collect();
                weather_for(hold, Weather::Deaf, &some).await;
            }
            Fault::Compacted => self.compact().await,
            Fault::Defragmented => self.defragment(one).await,
        }
        let over = Instant::now();
        for (at, envoy) in self.envoys.iter().enumerate() {
            let answers = envoy.answers(PATIENCE).await;
            answers.unwrap_or_else(|e| panic!("Envoy {at} after {fault:?}: {e}"));
        }
        over.elapsed()
    }

    fn all_links(&self) -> Vec<&Link> {
        self.links.iter().flatten().collect()
    }

    async fn kill_for(&mut self, hold: Duration, which: &[usize]) {
        for &at in which {
            self.members[at].kill();
        }
        tokio::time::sleep(hold).await;
        for &at in which {
            self.members[at].launch_again();
        }
        for &at in which {
            self.members[at].listens().await;
        }
    }

    async fn freeze_for(&self, hold: Duration, which: usize) {
        self.members[which].freeze();
        tokio::time::sleep(hold).await;
        self.members[which].thaw();
    }

    /// The member that leads; the first when none does.
    async fn leader(&self) -> usize {
        for (at, member) in self.members.iter().enumerate() {
            let Some(channel) = connect(member).await else {
                continue;
            };
            let mut client = MaintenanceClient::new(channel);
            let status = tokio::time::timeout(ANSWER, client.status(StatusRequest {})).await;
            if let Ok(Ok(status)) = status
                && let status = status.into_inner()
                && status
                    .header
                    .is_some_and(|header| header.member_id == status.leader)
            {
                return at;
            }
        }
        0
    }

    /// Takes the past from the store, up to what the recording has seen.
    async fn compact(&self) {
        let Some(channel) = connect(&self.members[0]).await else {
            return;
        };
        let mut client = KvClient::new(channel);
        let revision = self.recording.recorder.watched();
        self.recording.recorder.compacts(revision);
        let request = CompactionRequest {
            revision,
            physical: true,
        };
        // Whether it answers in time or not, it compacts.
        let _ = tokio::time::timeout(ANSWER, client.compact(request)).await;
    }

    /// A member serves nobody while it does this.
    async fn defragment(&self, which: usize) {
        let etcdctl = tools::etcd().with_file_name("etcdctl");
        let endpoint = format!("http://127.0.0.1:{}", port(&self.members[which]));
        let done = tokio::task::spawn_blocking(move || {
            Command::new(etcdctl)
                .env("ETCDCTL_API", "3")
                .args(["--endpoints", &endpoint, "defrag"])
                .output()
        });
        let output = done.await.expect("no panic").expect("etcdctl runs");
        assert!(output.status.success(), "{output:?}");
    }
}

async fn weather_for(hold: Duration, weather: Weather, links: &[&Link]) {
    links.iter().for_each(|link| link.set(weather));
    tokio::time::sleep(hold).await;
    links.iter().for_each(|link| link.set(Weather::Fair));
}

fn port(member: &Etcd) -> u16 {
    match member.endpoint() {
        Endpoint::Tcp(_, port) => port,
        Endpoint::Unix(path) => panic!("etcd listens on {}", path.display()),
    }
}

async fn connect(member: &Etcd) -> Option<Channel> {
    let uri = format!("http://127.0.0.1:{}", port(member));
    let endpoint = tonic::transport::Endpoint::from_shared(uri).expect("a URI");
    endpoint.connect_timeout(ANSWER).connect().await.ok()
}
