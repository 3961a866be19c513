//! Durable puts and ranges a second: `measure DATA_DIR`. Values are 760 bytes, as
//! large as a stored user.

use std::time::{Duration, Instant};

use edge_kv::{Config, Listen, Server};
use etcd_proto::kv_client::KvClient;
use etcd_proto::{PutRequest, RangeRequest};
use tonic::transport::Endpoint;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TIME: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let data_dir = std::env::args()
        .nth(1)
        .ok_or("usage: measure DATA_DIR [URL]")?;
    let address = Listen::Tcp(([127, 0, 0, 1], 0).into());
    let config = Config {
        listen: vec![address],
        ..Config::new(data_dir)
    };
    let server = Server::start(config).await?;
    let own = server
        .addresses()
        .iter()
        .map(|address| format!("http://{address}"))
        .next();
    // Another server to compare with, such as an etcd.
    let url = std::env::args().nth(2).or(own).ok_or("no address")?;
    for clients in [1, 16] {
        let puts = rate(&url, clients, true).await?;
        let gets = rate(&url, clients, false).await?;
        println!("{clients} clients: {puts:.0} puts/s, {gets:.0} ranges/s");
    }
    server.shutdown().await;
    Ok(())
}

/// Calls a second, of all clients together, each on its own connection.
async fn rate(url: &str, clients: u32, put: bool) -> Result<f64, Failure> {
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients {
        let channel = Endpoint::from_shared(url.to_owned())?
            .tcp_nodelay(true)
            .connect()
            .await?;
        let mut kv = KvClient::new(channel);
        tasks.spawn(async move {
            let mut calls = 0_u32;
            while begin.elapsed() < TIME {
                let key = format!("user/{client}/{}", calls % 100).into_bytes();
                if put {
                    let value = vec![b'x'; 760];
                    kv.put(PutRequest {
                        key,
                        value,
                        ..Default::default()
                    })
                    .await?;
                } else {
                    kv.range(RangeRequest {
                        key,
                        ..Default::default()
                    })
                    .await?;
                }
                calls += 1;
            }
            Ok::<_, Failure>(calls)
        });
    }
    let mut calls = 0;
    while let Some(done) = tasks.join_next().await {
        calls += done??;
    }
    Ok(f64::from(calls) / begin.elapsed().as_secs_f64())
}
