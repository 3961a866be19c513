//! A small HTTP/1.1 client for one exchange at a time, over TLS when the URL says so.
//!
//! It sends a request target byte for byte, which libraries rightly refuse to do: some identity
//! providers send characters in it that a URI must not have, and a transcript has to send the same.
//! Each request has a connection of its own.

mod read;
mod url;

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap};
use hyper::{Method, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub(crate) use url::Url;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Not an absolute http or https URL, or one that would break the request line.
    #[error("{0:?} is not an http or https URL without blanks")]
    Url(String),
    /// A header cannot be sent.
    #[error("The request is not valid HTTP: {0}")]
    Header(#[from] hyper::http::Error),
    /// No trust store for TLS.
    #[error("The system's certificate authorities cannot be read: {0}")]
    Roots(String),
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(#[from] std::io::Error),
    /// The answer is not HTTP/1.
    #[error("The answer is not HTTP: {0}")]
    Answer(String),
    /// No whole answer in time.
    #[error("No answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
}

/// The client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    timeout: Duration,
}

impl Client {
    /// A client that gives an exchange `timeout` from connecting to the last byte of the answer.
    pub(crate) const fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    /// Sends a request and collects the answer.
    pub(crate) async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Response<Bytes>, HttpError> {
        let request = encode(method, url, headers, body);
        let exchange = async {
            let stream = TcpStream::connect((url.host(), url.port())).await?;
            if url.is_https() {
                over(connect_tls(url, stream).await?, &request, method).await
            } else {
                over(stream, &request, method).await
            }
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or(Err(HttpError::Timeout(self.timeout)))
    }
}

/// A connection for any number of exchanges, one after the other, without TLS.
#[derive(Debug)]
pub(crate) struct Connection(TcpStream);

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, HttpError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends a request that was encoded before, and collects the answer.
    pub(crate) async fn exchange(
        &mut self,
        method: &Method,
        request: &[u8],
    ) -> Result<Response<Bytes>, HttpError> {
        over(&mut self.0, request, method).await
    }
}

/// The bytes of a request.
pub(crate) fn encode(
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = format!("{method} {} HTTP/1.1\r\n", url.target()).into_bytes();
    let mut header = |name: &[u8], value: &[u8]| {
        for part in [name, b": ", value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    if !headers.contains_key(HOST) {
        header(b"host", url.authority().as_bytes());
    }
    for (name, value) in headers {
        header(name.as_str().as_bytes(), value.as_bytes());
    }
    let expects_length = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if (body.is_some() || expects_length) && !headers.contains_key(CONTENT_LENGTH) {
        let length = body.map_or(0, <[u8]>::len).to_string();
        header(b"content-length", length.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
    out
}

async fn over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
    method: &Method,
) -> Result<Response<Bytes>, HttpError> {
    let written = async {
        stream.write_all(request).await?;
        stream.flush().await
    };
    // A server may answer before it has read all, and close: its answer counts, not our write.
    let written = written.await;
    match (read::response(&mut stream, method).await, written) {
        (Ok(response), _) => Ok(response),
        (Err(_), Err(e)) => Err(e.into()),
        (Err(e), Ok(())) => Err(e),
    }
}

async fn connect_tls(
    url: &Url,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, HttpError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found
            .errors
            .first()
            .map_or("there are none".into(), ToString::to_string);
        return Err(HttpError::Roots(reason));
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(url.host().to_owned())
        .map_err(|_| HttpError::Url(url.host().into()))?;
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?)
}
