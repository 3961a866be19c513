//! Clients over real connections.

use crate::support::{exchange, logged, loopback, start};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let answer = exchange(
        address,
        "GET /local?one HTTP/1.1\r\nhost: a\r\n\r\n\
         GET /local?two HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await;
    let (one, two) = (answer.find("one").unwrap(), answer.find("two").unwrap());
    assert!(one < two, "{answer}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_in_a_target_are_taken_and_bodies_are_not_touched() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut ask = async |request: &str, wanted: &str| {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.ends_with(wanted) {
            let mut part = [0; 1024];
            let read = stream.read(&mut part).await.unwrap();
            assert_ne!(read, 0, "{answer} does not end with {wanted}");
            answer.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
    };
    let get = "GET /local?eq\"bob\" HTTP/1.1\r\nhost: a\r\n\r\n";
    ask(get, "\r\n\r\neq%22bob%22").await;
    // The body looks like a request line.
    let body = "GET /\" HTTP/1.1\r\n";
    let post = format!(
        "POST /callbacks HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    ask(&format!("{post}{body}"), "body(17,true)").await;
    ask(get, "\r\n\r\neq%22bob%22").await;
    ask(get, "\r\n\r\neq%22bob%22").await;
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_over_http1_has_a_length_and_no_body() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let request = "HEAD /local?hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, request).await;
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reply_before_the_body_closes_the_connection_but_arrives() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /limit HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 4_000_000]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("own limit"), "{answer}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_goes_away_ends_the_contexts() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stream);
    logged(&host, "wait delete").await;
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_reaches_the_plugin_is_answered_by_the_host() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let status = async |head: &str| exchange(address, head).await[9..12].to_owned();
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n").await, "400");
    assert_eq!(status("FOO / HTTP/1.1\r\nhost: a\r\n\r\n").await, "400");
    assert_eq!(status("GET / HTTP/1.0\r\nhost: a\r\n\r\n").await, "426");
    let large = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "a".repeat(61 << 10)
    );
    assert_eq!(status(&large).await, "431");
    host.shutdown().await;
}

async fn http2(address: SocketAddr, trailers: Option<HeaderMap>) -> String {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let body = Full::new(Bytes::from_static(b"four"));
    let body = body.with_trailers(std::future::ready(trailers.map(Ok)));
    let request = Request::post("http://test/callbacks").body(body).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    connection.abort();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_trailers_come_without_an_end_of_stream_body() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    let seen = http2(address, Some(trailers)).await;
    assert_eq!(seen, "headers(false) body(4,false) trailers(1)");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_body_ends_with_end_of_stream() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let seen = http2(address, None).await;
    assert!(seen.starts_with("headers(false) body(4,"), "{seen}");
    assert!(seen.ends_with("body(4,true)"), "{seen}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_trailers_are_dropped() {
    let host = start().await;
    let address = host.listen(loopback()).await.unwrap();
    let answer = exchange(
        address,
        "POST /callbacks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\
         connection: close\r\n\r\n4\r\nfour\r\n0\r\nx: 1\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("body(4,false) body(4,true)"), "{answer}");
    host.shutdown().await;
}
