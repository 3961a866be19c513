//! The same watches on both servers see the same events.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_proto::watch_request::RequestUnion;
use etcd_proto::{Event, WatchCancelRequest, WatchCreateRequest, WatchRequest};
use proptest::prelude::TestCaseError;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::calls::Call;
use crate::pair::{Clients, Pair};

/// Longer than etcd takes to bring a watch from the past up to date.
const QUIET: Duration = Duration::from_millis(400);

/// What one watch was told.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// (created, canceled, compact revision, reason) of responses without events.
    notes: Vec<(bool, bool, i64, String)>,
    events: Vec<Event>,
}

/// A stream and what came of it, by watch.
struct Watching {
    requests: mpsc::Sender<WatchRequest>,
    seen: Arc<Mutex<BTreeMap<i64, Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

fn request(union: RequestUnion) -> WatchRequest {
    WatchRequest {
        request_union: Some(union),
    }
}

/// Opens a stream with its first watches: etcd does not answer before it has one.
async fn open(clients: &mut Clients, creations: Vec<WatchCreateRequest>) -> Watching {
    let (requests, outbound) = mpsc::channel(64);
    for create in creations {
        requests
            .send(request(RequestUnion::CreateRequest(create)))
            .await
            .unwrap();
    }
    let stream = clients.watch.watch(ReceiverStream::new(outbound));
    let mut stream = stream.await.unwrap().into_inner();
    let seen: Arc<Mutex<BTreeMap<i64, Seen>>> = Arc::default();
    let collected = Arc::clone(&seen);
    let task = tokio::spawn(async move {
        while let Some(Ok(response)) = stream.next().await {
            let mut seen = collected.lock().unwrap();
            let one = seen.entry(response.watch_id).or_default();
            if response.events.is_empty() {
                let reason = response.cancel_reason;
                one.notes.push((
                    response.created,
                    response.canceled,
                    response.compact_revision,
                    reason,
                ));
            }
            one.events.extend(response.events);
        }
    });
    Watching {
        requests,
        seen,
        task,
    }
}

impl Watching {
    async fn send(&self, union: RequestUnion) {
        self.requests
            .send(WatchRequest {
                request_union: Some(union),
            })
            .await
            .unwrap();
    }

    /// What was seen so far. Ending the requests would not end the stream: etcd
    /// goes on until the client resets it.
    fn end(self) -> BTreeMap<i64, Seen> {
        self.task.abort();
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn creations(pair: &Pair) -> Vec<WatchCreateRequest> {
    let revision = pair.revision;
    let all = WatchCreateRequest {
        key: vec![0],
        range_end: vec![0],
        ..Default::default()
    };
    // A deletion at the compacted revision itself is told by later versions of
    // etcd and by edge-kv, but not by every etcd.
    let from = |back: i64| {
        let start = (revision - back).max(1);
        if start == pair.compacted {
            start + 1
        } else {
            start
        }
    };
    vec![
        WatchCreateRequest {
            prev_kv: true,
            ..all.clone()
        },
        WatchCreateRequest {
            key: Vec::new(),
            start_revision: from(5),
            prev_kv: true,
            ..all.clone()
        },
        WatchCreateRequest {
            start_revision: 1,
            ..all.clone()
        },
        WatchCreateRequest {
            start_revision: revision + 4,
            ..all.clone()
        },
        WatchCreateRequest {
            filters: vec![0],
            ..all.clone()
        },
        WatchCreateRequest {
            filters: vec![1],
            start_revision: from(9),
            ..all.clone()
        },
        WatchCreateRequest {
            filters: vec![0, 1],
            ..all.clone()
        },
        WatchCreateRequest {
            key: b"a".to_vec(),
            range_end: Vec::new(),
            ..all.clone()
        },
        WatchCreateRequest {
            key: b"a".to_vec(),
            range_end: b"c".to_vec(),
            ..all.clone()
        },
        WatchCreateRequest {
            key: b"b".to_vec(),
            range_end: b"a".to_vec(),
            ..all.clone()
        },
        WatchCreateRequest {
            watch_id: 77,
            start_revision: from(2),
            ..all.clone()
        },
        WatchCreateRequest {
            watch_id: 77,
            ..all.clone()
        },
        WatchCreateRequest {
            watch_id: 11,
            ..all
        },
    ]
}

/// Half of the calls come before the watches, half after.
pub(crate) async fn compare(pair: &mut Pair, calls: &[Call]) -> Result<(), TestCaseError> {
    let (before, after) = calls.split_at(calls.len() / 2);
    for call in before {
        pair.compare(call).await?;
    }
    let creations = creations(pair);
    let on_etcd = open(&mut pair.on_etcd, creations.clone()).await;
    let on_edge = open(&mut pair.on_edge, creations).await;
    // Both have read the past: what comes now is not lost to a compaction.
    tokio::time::sleep(QUIET).await;
    for call in after {
        if !matches!(call, Call::Compact(_)) {
            pair.compare(call).await?;
        }
    }
    tokio::time::sleep(QUIET).await;
    for watching in [&on_etcd, &on_edge] {
        for watch_id in [0, 5, 1234] {
            watching
                .send(RequestUnion::CancelRequest(WatchCancelRequest { watch_id }))
                .await;
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (expected, found) = (on_etcd.end(), on_edge.end());
    if found == expected {
        return Ok(());
    }
    let differing: Vec<_> = expected
        .iter()
        .filter(|(id, seen)| found.get(id) != Some(seen))
        .map(|(id, seen)| format!("{id}: -- etcd: {seen:#?}\n-- edge: {:#?}", found.get(id)))
        .collect();
    let extra: Vec<_> = found
        .keys()
        .filter(|id| !expected.contains_key(id))
        .collect();
    Err(TestCaseError::fail(format!(
        "{}\nonly edge: {extra:?}",
        differing.join("\n")
    )))
}
