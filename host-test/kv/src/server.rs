//! Starting and stopping: the store, its listeners, and the tasks between them.

use std::time::Duration;

use etcd_proto::kv_server::KvServer;
use etcd_proto::lease_server::LeaseServer;
use etcd_proto::maintenance_server::MaintenanceServer;
use etcd_proto::watch_server::WatchServer;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::{Router, TcpIncoming};

use crate::config::{Config, Listen};
use crate::disk::Disk;
use crate::error::Error;
use crate::listen::{self, Bound};
use crate::service::Services;
use crate::store::{Store, WriterThread};

/// The database's name within the data folder.
const DATABASE: &str = "kv.redb";
/// Larger messages are refused before they are read. Those below, but above what
/// etcd takes, get etcd's own error.
const MAX_MESSAGE: usize = 16 << 20;
/// How long calls under way may take when stopping.
const GRACE: Duration = Duration::from_secs(5);

/// A running server. Dropping it stops it at once; [`Server::shutdown`] lets
/// calls under way finish.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<Listen>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<Result<(), tonic::transport::Error>>,
    ticker: JoinSet<()>,
    store: Store,
    writer: WriterThread,
}

impl Server {
    /// Opens the store in the data folder, which takes as long as reading its
    /// log, and listens. Calls are answered when this returns.
    ///
    /// # Errors
    /// Says what to do about it; see [`Error`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        if config.listen.is_empty() {
            return Err(Error::NoListener);
        }
        let database = config.data_dir.join(DATABASE);
        let (store, writer) = {
            let (folder, database) = (config.data_dir.clone(), database.clone());
            tokio::task::spawn_blocking(move || {
                listen::prepare_folder(&folder)?;
                let opened = Disk::open(&database, config.cache_bytes)?;
                Store::start(opened, config.history)
            })
            .await
            .map_err(|error| Error::Serve(error.to_string()))??
        };
        let bound = match bind(&config.listen).await {
            Ok(bound) => bound,
            Err(error) => {
                // The data is free again for whoever tries better.
                close(store, writer).await;
                return Err(error);
            }
        };
        let (stop, stopping) = watch::channel(false);
        let services = Services::new(
            store.clone(),
            database,
            config.progress_interval,
            stopping.clone(),
        );
        let addresses = bound.iter().map(Bound::address).collect();
        let mut listeners = JoinSet::new();
        for listener in bound {
            listeners.spawn(serve(listener, router(&services), stopping.clone()));
        }
        let mut ticker = JoinSet::new();
        ticker.spawn(store.clone().tick());
        Ok(Self {
            addresses,
            stop,
            listeners,
            ticker,
            store,
            writer,
        })
    }

    /// Where the server listens, in the order of [`Config::listen`], with the
    /// ports that were taken.
    pub fn addresses(&self) -> &[Listen] {
        &self.addresses
    }

    /// The newest durable revision.
    pub fn revision(&self) -> i64 {
        self.store.revision()
    }

    /// Waits until the server cannot go on: its storage failed, or a listener.
    ///
    /// # Errors
    /// Always one; it says what happened.
    pub async fn failed(&mut self) -> Error {
        tokio::select! {
            // It ends only when the writer does.
            Some(_ended) = self.ticker.join_next() => match self.store.shared.check() {
                Err(failure) => Error::Stopped(failure.to_string()),
                Ok(()) => Error::Serve("the writer stopped".to_owned()),
            },
            Some(ended) = self.listeners.join_next() => Error::Serve(match ended {
                Ok(Ok(())) => "a listener was closed".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            }),
            else => Error::Serve("the server has stopped".to_owned()),
        }
    }

    /// Takes no more calls, ends streams, lets calls under way finish (five
    /// seconds at most), and closes the database.
    pub async fn shutdown(self) {
        let Self {
            stop,
            mut listeners,
            mut ticker,
            store,
            writer,
            ..
        } = self;
        stop.send_replace(true);
        ticker.shutdown().await;
        let ended = tokio::time::timeout(GRACE, async {
            while listeners.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            listeners.shutdown().await;
        }
        close(store, writer).await;
    }
}

async fn bind(listen: &[Listen]) -> Result<Vec<Bound>, Error> {
    let mut bound = Vec::with_capacity(listen.len());
    for listen in listen {
        bound.push(Bound::new(listen).await?);
    }
    Ok(bound)
}

/// Ends the writer and closes the database. A connection that outlived its grace
/// keeps the file open, but nothing is written any more.
async fn close(store: Store, writer: WriterThread) {
    store.stop().await;
    let joined = tokio::task::spawn_blocking(move || writer.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        tracing::error!("the writer ended abnormally");
    }
}

/// Waits for the order to stop.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _gone = stopping.wait_for(|stop| *stop).await.is_err();
}

fn router(services: &Services) -> Router {
    tonic::transport::Server::builder()
        .add_service(KvServer::new(services.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(WatchServer::new(services.clone()))
        .add_service(LeaseServer::new(services.clone()))
        .add_service(MaintenanceServer::new(services.clone()))
}

async fn serve(
    listener: Bound,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    let stop = async move { stopped(&mut stopping).await };
    match listener {
        Bound::Unix(listener, _file) => {
            let incoming = UnixListenerStream::new(listener);
            router.serve_with_incoming_shutdown(incoming, stop).await
        }
        Bound::Tcp(listener, _) => {
            // Or small replies wait for the client's delayed acknowledgement.
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            router.serve_with_incoming_shutdown(incoming, stop).await
        }
    }
}
