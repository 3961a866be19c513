//! The gRPC services: checking requests, calling the store, completing headers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcd_proto::kv_server::Kv;
use etcd_proto::lease_server::Lease;
use etcd_proto::maintenance_server::Maintenance;
use etcd_proto::watch_server::Watch;
use etcd_proto::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse,
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse,
    LeaseLeasesRequest, LeaseLeasesResponse, LeaseRevokeRequest, LeaseRevokeResponse, LeaseStatus,
    LeaseTimeToLiveRequest, LeaseTimeToLiveResponse, PutRequest, PutResponse, RangeRequest,
    RangeResponse, ResponseHeader, StatusRequest, StatusResponse, TxnRequest, TxnResponse,
    WatchRequest, WatchResponse,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::check;
use crate::failure::Failure;
use crate::server::stopped;
use crate::store::Store;
use crate::watch::WatchStream;

/// Clients look at this to see what the server can do: etcd 3.5's API.
const VERSION: &str = concat!("3.5.0+edge-kv.", env!("CARGO_PKG_VERSION"));
/// Responses of one stream that wait for the client to take them.
const STREAM_BUFFER: usize = 16;
/// What a lease that does not exist has left, in etcd's words.
const NO_LEASE_TTL: i64 = -1;

/// All four services on one store.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    store: Store,
    database: Arc<PathBuf>,
    progress_interval: Duration,
    stopping: watch::Receiver<bool>,
}

impl Services {
    /// `database` is the file whose size is told; `stopping` ends streams.
    pub(crate) fn new(
        store: Store,
        database: PathBuf,
        progress_interval: Duration,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            store,
            database: Arc::new(database),
            progress_interval,
            stopping,
        }
    }

    /// A header with all but the revision. There is one member, in its first
    /// term, and the store's id names both it and its cluster.
    fn cluster(&self) -> ResponseHeader {
        let id = self.store.shared.store_id;
        ResponseHeader {
            cluster_id: id,
            member_id: id,
            revision: 0,
            raft_term: 1,
        }
    }

    fn header(&self, revision: i64) -> Option<ResponseHeader> {
        Some(ResponseHeader {
            revision,
            ..self.cluster()
        })
    }

    fn complete(&self, header: &mut Option<ResponseHeader>) {
        *header = self.header(header.map_or(0, |header| header.revision));
    }
}

#[tonic::async_trait]
impl Kv for Services {
    async fn range(
        &self,
        request: Request<RangeRequest>,
    ) -> Result<Response<RangeResponse>, Status> {
        let request = request.into_inner();
        check::message_size(&request)?;
        check::range(&request)?;
        let mut response = self.store.range(&request)?;
        self.complete(&mut response.header);
        Ok(Response::new(response))
    }

    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        let request = request.into_inner();
        check::message_size(&request)?;
        check::put(&request)?;
        check::write_size(&request)?;
        let mut response = self.store.put(request).await?;
        self.complete(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<DeleteRangeRequest>,
    ) -> Result<Response<DeleteRangeResponse>, Status> {
        let request = request.into_inner();
        check::message_size(&request)?;
        check::delete_range(&request)?;
        check::write_size(&request)?;
        let mut response = self.store.delete_range(request).await?;
        self.complete(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<TxnRequest>) -> Result<Response<TxnResponse>, Status> {
        let request = request.into_inner();
        check::message_size(&request)?;
        check::txn(&request)?;
        check::write_size(&request)?;
        let mut response = self.store.txn(request).await?;
        self.complete(&mut response.header);
        Ok(Response::new(response))
    }

    async fn compact(
        &self,
        request: Request<CompactionRequest>,
    ) -> Result<Response<CompactionResponse>, Status> {
        let revision = self.store.compact(request.into_inner().revision).await?;
        Ok(Response::new(CompactionResponse {
            header: self.header(revision),
        }))
    }
}

#[tonic::async_trait]
impl Watch for Services {
    type WatchStream = ReceiverStream<Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (outbound, responses) = mpsc::channel(STREAM_BUFFER);
        let stream = WatchStream::new(&self.store, self.cluster(), outbound, self.stopping.clone());
        tokio::spawn(stream.run(request.into_inner(), self.progress_interval));
        Ok(Response::new(ReceiverStream::new(responses)))
    }
}

#[tonic::async_trait]
impl Lease for Services {
    async fn lease_grant(
        &self,
        request: Request<LeaseGrantRequest>,
    ) -> Result<Response<LeaseGrantResponse>, Status> {
        let request = request.into_inner();
        let (id, ttl, revision) = self.store.grant(request.id, request.ttl).await?;
        let header = self.header(revision);
        Ok(Response::new(LeaseGrantResponse {
            header,
            id,
            ttl,
            error: String::new(),
        }))
    }

    async fn lease_revoke(
        &self,
        request: Request<LeaseRevokeRequest>,
    ) -> Result<Response<LeaseRevokeResponse>, Status> {
        let revision = self.store.revoke(request.into_inner().id).await?;
        Ok(Response::new(LeaseRevokeResponse {
            header: self.header(revision),
        }))
    }

    type LeaseKeepAliveStream = ReceiverStream<Result<LeaseKeepAliveResponse, Status>>;

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<LeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let (outbound, responses) = mpsc::channel(STREAM_BUFFER);
        let services = self.clone();
        let mut stopping = self.stopping.clone();
        let mut requests = request.into_inner();
        let answer = async move {
            while let Some(Ok(request)) = requests.next().await {
                let response = services.keep_alive(request.id).await.map_err(Status::from);
                let failed = response.is_err();
                if outbound.send(response).await.is_err() || failed {
                    return;
                }
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = answer => {}
                () = stopped(&mut stopping) => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(responses)))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<LeaseTimeToLiveRequest>,
    ) -> Result<Response<LeaseTimeToLiveResponse>, Status> {
        let LeaseTimeToLiveRequest { id, keys } = request.into_inner();
        let info = self.store.lease(id).await?;
        let header = self.header(self.store.revision());
        Ok(Response::new(match info {
            Some(info) => LeaseTimeToLiveResponse {
                header,
                id,
                ttl: info.remaining,
                granted_ttl: info.granted,
                keys: if keys { info.keys } else { Vec::new() },
            },
            None => LeaseTimeToLiveResponse {
                header,
                id,
                ttl: NO_LEASE_TTL,
                ..Default::default()
            },
        }))
    }

    async fn lease_leases(
        &self,
        _: Request<LeaseLeasesRequest>,
    ) -> Result<Response<LeaseLeasesResponse>, Status> {
        let ids = self.store.leases().await?;
        let header = self.header(self.store.revision());
        let leases = ids.into_iter().map(|id| LeaseStatus { id }).collect();
        Ok(Response::new(LeaseLeasesResponse { header, leases }))
    }
}

impl Services {
    async fn keep_alive(&self, id: i64) -> Result<LeaseKeepAliveResponse, Failure> {
        // Before the renewal, so that a client does not see a revision at which
        // the lease may already have been gone.
        let header = self.header(self.store.revision());
        let ttl = self.store.keep_alive(id).await?.unwrap_or(0);
        Ok(LeaseKeepAliveResponse { header, id, ttl })
    }
}

#[tonic::async_trait]
impl Maintenance for Services {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let (revision, stored) = {
            let snapshot = self.store.shared.snapshot()?;
            (snapshot.state.published, snapshot.log.stored_bytes()?)
        };
        let file = std::fs::metadata(self.database.as_path()).map_or(0, |file| file.len());
        let index = u64::try_from(revision).unwrap_or(0);
        let header = self.cluster();
        Ok(Response::new(StatusResponse {
            header: self.header(revision),
            version: VERSION.to_owned(),
            db_size: i64::try_from(file).unwrap_or(i64::MAX),
            leader: header.member_id,
            raft_index: index,
            raft_term: header.raft_term,
            raft_applied_index: index,
            errors: Vec::new(),
            db_size_in_use: i64::try_from(stored).unwrap_or(i64::MAX),
            is_learner: false,
        }))
    }
}
