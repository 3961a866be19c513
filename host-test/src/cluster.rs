//! One shared HTTP/2 connection to a cluster's endpoint, for each worker.

use crate::config::Address;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;

/// Envoy's default `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Envoy's default HTTP/2 windows: large enough that a big answer is not throttled.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 24 << 20;

type Sender = SendRequest<Full<Bytes>>;

/// Runs what hyper spawns on the worker's own thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// A named upstream with its connection.
#[derive(Debug)]
pub(crate) struct Cluster {
    address: Address,
    connection: Mutex<Option<Sender>>,
}

impl Cluster {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            connection: Mutex::new(None),
        }
    }

    /// The living connection, or a new one. Calls that come while it connects wait for the same.
    pub(crate) async fn sender(&self) -> Result<Sender, String> {
        let mut connection = self.connection.lock().await;
        if let Some(sender) = connection.as_mut()
            && sender.ready().await.is_ok()
        {
            return Ok(sender.clone());
        }
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.connect());
        let sender = connecting
            .await
            .map_err(|_| "connect timeout".to_owned())??;
        Ok(connection.insert(sender).clone())
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream = connect(&self.address).await;
        handshake(stream.map_err(|e| e.to_string())?).await
    }
}

/// What bytes go over, of whatever kind.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection for S {}

/// Connects to an endpoint.
pub(crate) async fn connect(address: &Address) -> std::io::Result<Box<dyn Connection>> {
    Ok(match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // A call is one small write: waiting to fill a packet would only delay it.
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
    })
}

async fn handshake(stream: Box<dyn Connection>) -> Result<Sender, String> {
    let (sender, connection) = http2::Builder::new(LocalExecutor)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to a cluster ended");
        }
    });
    Ok(sender)
}
