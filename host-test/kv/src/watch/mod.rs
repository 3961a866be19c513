//! Watching: one task per stream, which holds the stream's watchers.
//!
//! A watcher is the next revision it has not seen. When the published revision
//! grows, the task brings each watcher up to it: from the latest commits in
//! memory, or, for one that starts in the past or fell behind, from the log.
//! Nothing is queued per watcher, so a slow client costs no memory.

mod batch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_proto::watch_create_request::FilterType;
use etcd_proto::watch_request::RequestUnion;
use etcd_proto::{ResponseHeader, WatchCreateRequest, WatchRequest, WatchResponse};
use tokio::sync::{mpsc, watch};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::failure::Failure;
use crate::interval::Interval;
use crate::server::stopped;
use crate::state::Shared;
use crate::store::Store;

use batch::{Batch, Watcher};

/// etcd's id for a response that belongs to no watcher.
const NO_WATCHER: i64 = -1;

/// The client is gone or the server stops.
#[derive(Debug)]
struct Closed;

fn header(cluster: &ResponseHeader, revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader {
        revision,
        ..*cluster
    })
}

/// One stream's watchers and its way out.
#[derive(Debug)]
pub(crate) struct WatchStream {
    shared: Arc<Shared>,
    cluster: ResponseHeader,
    watchers: BTreeMap<i64, Watcher>,
    next_id: i64,
    outbound: mpsc::Sender<Result<WatchResponse, Status>>,
    stopping: watch::Receiver<bool>,
}

impl WatchStream {
    /// `cluster` is a header with all but the revision.
    pub(crate) fn new(
        store: &Store,
        cluster: ResponseHeader,
        outbound: mpsc::Sender<Result<WatchResponse, Status>>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let shared = Arc::clone(&store.shared);
        Self {
            shared,
            cluster,
            watchers: BTreeMap::new(),
            next_id: 0,
            outbound,
            stopping,
        }
    }

    /// Serves the stream until the client ends it or the server stops.
    pub(crate) async fn run(
        mut self,
        mut inbound: impl Stream<Item = Result<WatchRequest, Status>> + Unpin,
        progress_interval: Duration,
    ) {
        let mut published = self.shared.subscribe();
        let mut stopping = self.stopping.clone();
        let mut progress = tokio::time::interval(progress_interval.max(Duration::from_millis(1)));
        progress.reset();
        // As with etcd, a client that has no more requests still gets events.
        let mut requesting = true;
        loop {
            let done = tokio::select! {
                request = inbound.next(), if requesting => match request {
                    Some(Ok(request)) => self.handle(request).await,
                    Some(Err(_reset)) => return,
                    None => {
                        requesting = false;
                        Ok(())
                    }
                },
                changed = published.changed() => match changed {
                    Ok(()) => self.deliver().await,
                    Err(_store_gone) => return,
                },
                _ = progress.tick() => self.notify_progress().await,
                () = stopped(&mut stopping) => return,
                () = self.outbound.closed() => return,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn handle(&mut self, request: WatchRequest) -> Result<(), Closed> {
        match request.request_union {
            Some(RequestUnion::CreateRequest(create)) => {
                self.create(create).await?;
                self.deliver().await
            }
            Some(RequestUnion::CancelRequest(cancel)) => {
                if self.watchers.remove(&cancel.watch_id).is_none() {
                    return Ok(());
                }
                let header = header(&self.cluster, self.current());
                let watch_id = cancel.watch_id;
                self.send(WatchResponse {
                    header,
                    watch_id,
                    canceled: true,
                    ..Default::default()
                })
                .await
            }
            Some(RequestUnion::ProgressRequest(_)) => {
                // Only when every watcher has seen this revision may the client
                // be told so.
                self.deliver().await?;
                let revision = self.live().map(|watcher| watcher.next - 1).min();
                let revision = revision.unwrap_or(i64::MAX).min(self.current());
                let header = header(&self.cluster, revision);
                let watch_id = NO_WATCHER;
                self.send(WatchResponse {
                    header,
                    watch_id,
                    ..Default::default()
                })
                .await
            }
            None => Ok(()),
        }
    }

    async fn create(&mut self, request: WatchCreateRequest) -> Result<(), Closed> {
        let current = self.current();
        let header = header(&self.cluster, current);
        let created = WatchResponse {
            header,
            created: true,
            ..Default::default()
        };
        // etcd takes an empty key for the smallest one.
        let key = if request.key.is_empty() {
            vec![0]
        } else {
            request.key.clone()
        };
        let interval = Interval::new(&key, &request.range_end);
        let refusal = if interval.is_empty() {
            Some("mvcc: watcher range is empty")
        } else if request.watch_id != 0 && self.watchers.contains_key(&request.watch_id) {
            Some("mvcc: duplicate watch ID provided on the WatchStream")
        } else {
            None
        };
        if let Some(reason) = refusal {
            let cancel_reason = reason.to_owned();
            let watch_id = NO_WATCHER;
            return self
                .send(WatchResponse {
                    watch_id,
                    canceled: true,
                    cancel_reason,
                    ..created
                })
                .await;
        }
        let watch_id = if request.watch_id == 0 {
            self.free_id()
        } else {
            request.watch_id
        };
        let next = if request.start_revision == 0 {
            current + 1
        } else {
            request.start_revision
        };
        let filtered = |filter: FilterType| request.filters.contains(&(filter as i32));
        let watcher = Watcher {
            interval,
            next,
            synced: false,
            ended: false,
            without_puts: filtered(FilterType::Noput),
            without_deletes: filtered(FilterType::Nodelete),
            prev_kv: request.prev_kv,
            progress_notify: request.progress_notify,
            active: false,
        };
        self.watchers.insert(watch_id, watcher);
        self.send(WatchResponse {
            watch_id,
            ..created
        })
        .await
    }

    fn free_id(&mut self) -> i64 {
        while self.watchers.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        self.next_id - 1
    }

    /// Brings every watcher up to the published revision.
    async fn deliver(&mut self) -> Result<(), Closed> {
        let ids: Vec<_> = self.watchers.keys().copied().collect();
        for id in ids {
            while let Some(response) = self.advance(id) {
                match response {
                    Ok(response) => self.send(response).await?,
                    Err(failure) => {
                        let _gone = self.outbound.send(Err(failure.into())).await;
                        return Err(Closed);
                    }
                }
            }
        }
        Ok(())
    }

    /// The next response for a watcher that is behind.
    fn advance(&mut self, id: i64) -> Option<Result<WatchResponse, Failure>> {
        let watcher = self
            .watchers
            .get_mut(&id)
            .filter(|watcher| !watcher.ended)?;
        let mut response = WatchResponse {
            watch_id: id,
            ..Default::default()
        };
        loop {
            match Batch::read(&self.shared, watcher) {
                Ok(Batch::Compacted { revision }) => {
                    watcher.ended = true;
                    response.header = header(&self.cluster, 0);
                    response.canceled = true;
                    response.compact_revision = revision;
                    return Some(Ok(response));
                }
                Ok(Batch::UpToDate) => return None,
                Ok(Batch::Events { events, .. }) if events.is_empty() => {}
                Ok(Batch::Events { events, revision }) => {
                    watcher.active = true;
                    response.events = events;
                    response.header = header(&self.cluster, revision);
                    return Some(Ok(response));
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }

    /// Tells the current revision to watchers that had nothing else to hear.
    async fn notify_progress(&mut self) -> Result<(), Closed> {
        self.deliver().await?;
        let mut silent = Vec::new();
        for (id, watcher) in &mut self.watchers {
            if watcher.progress_notify && !watcher.active && !watcher.ended {
                silent.push((*id, watcher.next - 1));
            }
            watcher.active = false;
        }
        for (watch_id, seen) in silent {
            // A watcher that starts in the future has seen nothing of it.
            let header = header(&self.cluster, seen.min(self.current()));
            self.send(WatchResponse {
                header,
                watch_id,
                ..Default::default()
            })
            .await?;
        }
        Ok(())
    }

    fn live(&self) -> impl Iterator<Item = &Watcher> {
        self.watchers.values().filter(|watcher| !watcher.ended)
    }

    fn current(&self) -> i64 {
        self.shared.state().published
    }

    async fn send(&mut self, response: WatchResponse) -> Result<(), Closed> {
        tokio::select! {
            sent = self.outbound.send(Ok(response)) => sent.map_err(|_gone| Closed),
            () = stopped(&mut self.stopping) => Err(Closed),
        }
    }
}
