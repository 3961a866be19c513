//! HTTP calls of the plugin, over real connections.

use crate::support::{ask, config, get, log_lines, loopback};
use host_test::{Address, Host};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A host whose probe can call a server as `store` that answers every request with this text, and
/// hands the requests over. An answer of nothing is none.
async fn host(answer: &'static str) -> (Host, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"ask") {
                stream.read_buf(&mut request).await.unwrap();
            }
            requests.send(String::from_utf8(request).unwrap()).unwrap();
            match answer {
                "" => std::future::pending().await,
                answer => stream.write_all(answer.as_bytes()).await.unwrap(),
            }
        }
    });
    (calling(address).await, heard)
}

async fn calling(address: SocketAddr) -> Host {
    let mut config = config();
    let address = Address::Tcp(address.to_string());
    config.clusters.insert("store".to_owned(), address);
    Host::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_with_its_status_and_its_body() {
    let (host, mut heard) = host("HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\ndone").await;
    let text = ask(&host, get("/http?store/a?b=c")).await.1;
    assert_eq!(text, "headers=true status=201 trailers=0 body=done");
    let request = heard.recv().await.unwrap();
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    for line in ["host: asked\r\n", "x-probe: 1\r\n", "content-length: 3\r\n"] {
        assert!(request.contains(line), "{request}");
    }
    ask(&host, get("/http?store/a")).await;
    let lines = log_lines(&host);
    assert!(lines.contains(&"token 4".to_owned()) && lines.contains(&"token 8".to_owned()));
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_and_a_refused_connection_are_answers() {
    let (silent, _heard) = host("").await;
    let text = ask(&silent, get("/http?store/a")).await.1;
    assert!(text.starts_with("headers=true status=504 "), "{text}");
    silent.shutdown().await;
    let free = TcpListener::bind(loopback()).await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let host = calling(address).await;
    let text = ask(&host, get("/http?store/a")).await.1;
    assert!(text.starts_with("headers=true status=503 "), "{text}");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_early_has_no_headers() {
    let (host, _heard) = host("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let text = ask(&host, get("/http?store/a")).await.1;
    assert_eq!(text, "headers=false status= trailers=0 body=");
    host.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cluster_and_a_request_without_a_path_are_bad_arguments() {
    let (host, _heard) = host("HTTP/1.1 200 OK\r\n\r\n").await;
    for argument in ["other/a", "store"] {
        let text = ask(&host, get(&format!("/http?{argument}"))).await.1;
        assert_eq!(text, "refused BadArgument", "{argument}");
    }
    host.shutdown().await;
}
