//! Bytes to a socket and the answer back, for requests that no HTTP library would write.

use crate::client::Reply;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the endpoint listens");
        stream
            .set_nodelay(true)
            .expect("a fresh socket takes options");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes. A peer that has answered and closed already is no failure here: the answer
    /// is what counts.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads one answer; interim ones (100 Continue) are passed over. `Err` says why there is none.
    ///
    /// # Errors
    /// When the connection ends, time is over or the answer is no HTTP.
    pub async fn answer(&mut self) -> Result<Reply, String> {
        tokio::time::timeout(ANSWER, self.read_answer())
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER.as_secs())))
    }

    async fn read_answer(&mut self) -> Result<Reply, String> {
        loop {
            let end = loop {
                if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                    break at + 4;
                }
                self.more().await?;
            };
            let head: Vec<u8> = self.read.drain(..end).collect();
            let (status, headers) = parse(&head)?;
            if (100..200).contains(&status) {
                continue;
            }
            let length = headers
                .get("content-length")
                .and_then(|value| value.to_str().ok()?.parse().ok());
            let body = match (status, length) {
                (204 | 304, _) => Vec::new(),
                (_, Some(length)) => {
                    while self.read.len() < length {
                        self.more().await?;
                    }
                    self.read.drain(..length).collect()
                }
                (_, None) => {
                    while self.more().await.is_ok() {}
                    std::mem::take(&mut self.read)
                }
            };
            return Ok(Reply {
                status,
                headers,
                body: Bytes::from(body),
            });
        }
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) => Err("the connection was closed without an answer".into()),
            Ok(_) => Ok(()),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// Sends `request` on a new connection and reads the answer.
///
/// # Errors
/// As [`Connection::answer`].
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Result<Reply, String> {
    let mut connection = Connection::open(address).await;
    connection.send(request).await;
    connection.answer().await
}

fn parse(head: &[u8]) -> Result<(u16, HeaderMap), String> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| format!("no status line: {text}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?;
        headers.append(
            name,
            HeaderValue::from_str(value.trim()).map_err(|e| e.to_string())?,
        );
    }
    Ok((status, headers))
}
