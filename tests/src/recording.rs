//! Watches a real etcd while clients use a service on it, so that what happened can be checked as
//! a simulated history is.

use edge_cli::Endpoint;
use etcd_proto::event::EventType;
use etcd_proto::kv_client::KvClient;
use etcd_proto::watch_client::WatchClient;
use etcd_proto::watch_request::RequestUnion;
use etcd_proto::{Event, RangeRequest, WatchCreateRequest, WatchRequest};
use simulation::recorded::{Note, Recorder, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// How long a member may take to answer before the next one is asked.
const ANSWER: Duration = Duration::from_secs(1);
/// Between two looks at the store.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the watch may take to show what was written.
const CATCH_UP: Duration = Duration::from_secs(60);

/// A recording under way.
#[derive(Debug)]
pub struct Recording {
    /// Where the clients note what they ask and hear.
    pub recorder: Recorder,
    members: Vec<Endpoint>,
    watching: JoinHandle<()>,
    looking: JoinHandle<()>,
}

impl Recording {
    /// Begins to watch an etcd of these members, from its first revision on. What may happen to
    /// them in between does no harm: another one is watched then.
    #[must_use]
    pub fn start(members: &[Endpoint]) -> (Self, Receiver<Note>) {
        let (notes, read) = channel();
        let recorder = Recorder::new(notes);
        let recording = Self {
            watching: tokio::spawn(watch(recorder.clone(), members.to_vec())),
            looking: tokio::spawn(look(recorder.clone(), members.to_vec())),
            members: members.to_vec(),
            recorder,
        };
        (recording, read)
    }

    /// Waits until the watch has shown all that was written until now.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn catch_up(&self) {
        let begun = Instant::now();
        let late = || assert!(begun.elapsed() < CATCH_UP, "the watch is behind for ever");
        let mut members = self.members.iter().cycle();
        let revision = loop {
            late();
            let Some(mut client) = kv(members.next().expect("a member")).await else {
                continue;
            };
            if let Some(revision) = look_once(&self.recorder, &mut client).await {
                break revision;
            }
        };
        while self.recorder.watched() < revision {
            late();
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends the recording, when nobody writes any more, with all that the store holds below a
    /// prefix.
    pub async fn end(self, prefix: &str) {
        self.catch_up().await;
        let keys = crate::store::keys(&self.members[0], prefix).await;
        let keys = keys
            .into_iter()
            .map(|(key, value)| (format!("{prefix}{key}").into_bytes(), value));
        self.recorder.holds(keys.collect());
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.watching.abort();
        self.looking.abort();
    }
}

async fn watch(recorder: Recorder, members: Vec<Endpoint>) {
    let mut next = 1;
    for member in members.iter().cycle() {
        follow(&recorder, member, &mut next).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Watches one member until it is silent; then perhaps another one knows more.
async fn follow(recorder: &Recorder, member: &Endpoint, next: &mut i64) -> Option<()> {
    let channel = connect(member).await?;
    let mut client = WatchClient::new(channel).max_decoding_message_size(usize::MAX);
    let (requests, outbound) = mpsc::channel(1);
    let everything = WatchCreateRequest {
        key: vec![0],
        range_end: vec![0],
        start_revision: *next,
        ..WatchCreateRequest::default()
    };
    let create = WatchRequest {
        request_union: Some(RequestUnion::CreateRequest(everything)),
    };
    requests.send(create).await.ok()?;
    let watching = client.watch(ReceiverStream::new(outbound));
    let watching = tokio::time::timeout(ANSWER, watching).await.ok()?;
    let mut responses = watching.ok()?.into_inner();
    loop {
        let response = tokio::time::timeout(ANSWER, responses.message());
        let response = response.await.ok()?.ok()??;
        if response.canceled {
            return None;
        }
        // A response has all events of a revision.
        let revision = |event: &Event| event.kv.as_ref().map_or(0, |kv| kv.mod_revision);
        for commit in response.events.chunk_by(|a, b| revision(a) == revision(b)) {
            let at = commit.first().map_or(0, revision);
            recorder.committed(at, commit.iter().cloned().filter_map(write).collect());
            *next = at + 1;
        }
    }
}

fn write(event: Event) -> Option<Write> {
    let deletes = event.r#type() == EventType::Delete;
    let kv = event.kv?;
    Some(Write {
        key: String::from_utf8_lossy(&kv.key).into_owned(),
        put: (!deletes).then_some((kv.value, kv.lease)),
    })
}

async fn look(recorder: Recorder, members: Vec<Endpoint>) {
    for member in members.iter().cycle() {
        if let Some(mut client) = kv(member).await {
            while look_once(&recorder, &mut client).await.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads the store's revision, linearizably.
async fn look_once(recorder: &Recorder, client: &mut KvClient<Channel>) -> Option<i64> {
    let any = RangeRequest {
        key: b"a".to_vec(),
        ..RangeRequest::default()
    };
    let number = recorder.looks();
    let reply = tokio::time::timeout(ANSWER, client.range(any)).await;
    let revision = reply.ok()?.ok()?.into_inner().header?.revision;
    recorder.looked(number, revision);
    Some(revision)
}

async fn kv(member: &Endpoint) -> Option<KvClient<Channel>> {
    Some(KvClient::new(connect(member).await?))
}

async fn connect(member: &Endpoint) -> Option<Channel> {
    let uri = match member {
        Endpoint::Unix(path) => format!("unix://{}", path.display()),
        Endpoint::Tcp(host, port) => format!("http://{host}:{port}"),
    };
    let endpoint = tonic::transport::Endpoint::from_shared(uri).ok()?;
    endpoint.connect_timeout(ANSWER).connect().await.ok()
}
