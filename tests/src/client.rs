//! An HTTP client on one connection, kept between requests and opened again when it was closed.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// A request's body.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// How long one answer may take, unless a client is told otherwise.
const ANSWER: Duration = Duration::from_secs(30);

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    Http1,
    /// HTTP/2, without TLS by prior knowledge.
    Http2,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header's first value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The text at a JSON pointer of the body, or nothing.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        self.json()
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body)
            .chars()
            .take(300)
            .collect();
        write!(f, "{} {body}", self.status)
    }
}

/// A client of one endpoint.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    base: String,
    token: String,
    protocol: Protocol,
    tls: Option<(Arc<ClientConfig>, String)>,
    patience: Duration,
    connection: Option<Sender>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Client {
    /// A client with a bearer token; paths are taken below `base`.
    #[must_use]
    pub fn new(address: SocketAddr, base: &str, token: &str) -> Self {
        Self {
            address,
            base: base.into(),
            token: token.into(),
            protocol: Protocol::Http1,
            tls: None,
            patience: ANSWER,
            connection: None,
        }
    }

    /// The same with another protocol.
    #[must_use]
    pub fn speaking(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The same over TLS, towards a server of that name.
    #[must_use]
    pub fn over_tls(mut self, config: Arc<ClientConfig>, name: &str) -> Self {
        self.tls = Some((config, name.into()));
        self
    }

    /// The same, which waits so long for an answer.
    #[must_use]
    pub fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Another client like this one, with a connection of its own.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            address: self.address,
            base: self.base.clone(),
            token: self.token.clone(),
            protocol: self.protocol,
            tls: self.tls.clone(),
            patience: self.patience,
            connection: None,
        }
    }

    /// A request to `path` below the base, with the token.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> Builder {
        self.plain_request(method, path)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// A request to `path` below the base, without the token.
    #[must_use]
    pub fn plain_request(&self, method: Method, path: &str) -> Builder {
        let target = format!("{}{path}", self.base);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let builder = Request::builder().method(method);
        match self.protocol {
            Protocol::Http1 => builder.uri(target).header(HOST, self.address.to_string()),
            Protocol::Http2 => builder.uri(format!("{scheme}://{}{target}", self.address)),
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn try_send(&mut self, request: Request<Body>) -> Result<Reply, String> {
        let exchanged = tokio::time::timeout(self.patience, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {:?}", self.patience)));
        if exchanged.is_err() {
            self.connection = None;
        }
        exchanged
    }

    /// Sends a request with a JSON body or none.
    ///
    /// # Errors
    /// When there is no whole answer.
    ///
    /// # Panics
    /// When the path is no URI.
    pub async fn try_call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, String> {
        let builder = self.request(method, path);
        let request = match body {
            Some(json) => builder
                .header(CONTENT_TYPE, "application/scim+json")
                .body(full(json.to_string())),
            None => builder.body(empty()),
        };
        self.try_send(request.expect("a valid request")).await
    }

    /// As [`Client::try_call`], for a test that cannot go on without the answer.
    ///
    /// # Panics
    /// When there is none.
    pub async fn call(&mut self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let name = format!("{method} {path}");
        self.try_call(method, path, body)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// GET.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    /// POST of a JSON body.
    pub async fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PUT of a JSON body.
    pub async fn put(&mut self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// PATCH with these operations.
    pub async fn patch(&mut self, path: &str, operations: &Value) -> Reply {
        self.call(Method::PATCH, path, Some(&crate::scim::patch(operations)))
            .await
    }

    /// DELETE.
    pub async fn delete(&mut self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }

    async fn exchange(&mut self, request: Request<Body>) -> Result<Reply, String> {
        let mut sender = match self.connection.take() {
            Some(sender) if !sender.is_closed() => sender,
            Some(_) | None => self.connect().await?,
        };
        let response = match &mut sender {
            Sender::Http1(sender) => {
                sender.ready().await.map_err(|e| e.to_string())?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => sender.send_request(request).await,
        };
        let (head, body) = response.map_err(|e| format!("{e:?}"))?.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|e| format!("{e:?}"))?
            .to_bytes();
        // Envoy ends an HTTP/1.1 connection after every local reply of 400, and says so.
        let ends = head
            .headers
            .get(CONNECTION)
            .is_some_and(|value| value == "close");
        self.connection = (!ends).then_some(sender);
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    async fn connect(&self) -> Result<Sender, String> {
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        match &self.tls {
            None => self.handshake(stream).await,
            Some((config, name)) => {
                let name = ServerName::try_from(name.clone()).map_err(|e| e.to_string())?;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector
                    .connect(name, stream)
                    .await
                    .map_err(|e| e.to_string())?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<Sender, String>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        match self.protocol {
            Protocol::Http1 => {
                let (sender, connection) =
                    http1::handshake(stream).await.map_err(|e| e.to_string())?;
                tokio::spawn(connection);
                Ok(Sender::Http1(sender))
            }
            Protocol::Http2 => {
                let executor = TokioExecutor::new();
                let (sender, connection) = http2::handshake(executor, stream)
                    .await
                    .map_err(|e| e.to_string())?;
                tokio::spawn(connection);
                Ok(Sender::Http2(sender))
            }
        }
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// A body of these bytes.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// No body.
#[must_use]
pub fn empty() -> Body {
    http_body_util::Empty::new().boxed_unsync()
}
