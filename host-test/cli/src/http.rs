//! A small HTTP client for one exchange at a time: each request has a connection of its own, as
//! an identity provider's first request has, over TLS when the URL says so.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No trust store for TLS.
    #[error("The system's certificate authorities cannot be read: {0}")]
    Roots(std::io::Error),
    /// The request cannot be written as one.
    #[error("The request is not valid HTTP: {0}")]
    Request(#[from] hyper::http::Error),
    /// No connection, or it broke.
    #[error("{0}")]
    Exchange(String),
    /// No whole answer in time.
    #[error("No answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
}

/// The client.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Legacy<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

impl Client {
    /// A client that gives an exchange `timeout` from connecting to the last byte of the answer.
    ///
    /// # Errors
    /// When the system has no certificate authorities to trust.
    pub fn new(timeout: Duration) -> Result<Self, HttpError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(HttpError::Roots)?
            .https_or_http()
            .enable_http1()
            .build();
        let inner = Legacy::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { inner, timeout })
    }

    /// Sends a request and collects the answer.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = async {
            let response = self
                .inner
                .request(request.map(Full::new))
                .await
                .map_err(|e| HttpError::Exchange(innermost(&e)))?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|e| HttpError::Exchange(innermost(&e)))?
                .to_bytes();
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or(Err(HttpError::Timeout(self.timeout)))
    }
}

/// Outer errors only say that something failed; the cause stands at the end of the chain.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
