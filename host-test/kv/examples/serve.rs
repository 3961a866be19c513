//! The server alone, until it is interrupted: `serve DATA_DIR [ADDRESS]`.
//! Prints where it listens. The tests kill this program.

use edge_kv::{Config, Listen, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data_dir = arguments.next().ok_or("usage: serve DATA_DIR [ADDRESS]")?;
    let mut config = Config::new(data_dir);
    if let Some(address) = arguments.next() {
        config.listen.push(Listen::Tcp(address.parse()?));
    }
    let mut server = Server::start(config).await?;
    for address in server.addresses() {
        println!("{address}");
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        error = server.failed() => return Err(error.into()),
    }
    server.shutdown().await;
    Ok(())
}
