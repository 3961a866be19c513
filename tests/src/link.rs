//! A stretch of network on the loopback interface, between one program and another, that can be
//! cut, made slow, or made to lose what comes back.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the stretch does to what is sent over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It carries everything.
    Fair,
    /// It carries everything, each piece so much later.
    Slow(Duration),
    /// All connections are closed, and new ones at once.
    Cut,
    /// Requests arrive, replies get lost.
    Deaf,
}

/// The stretch; dropping it closes all its connections.
#[derive(Debug)]
pub struct Link {
    port: u16,
    weather: Arc<watch::Sender<Weather>>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// Opens one to a port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let of_all = Arc::clone(&weather);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *of_all.borrow() != Weather::Cut {
                    tokio::spawn(carry(near, port, of_all.subscribe()));
                }
            }
        });
        Self {
            port: own,
            weather,
            accepting,
        }
    }

    /// The port of its near end.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather, for the connections there are as well.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather.send_replace(Weather::Cut);
    }
}

async fn carry(near: TcpStream, port: u16, weather: watch::Receiver<Weather>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    // Who loses one direction loses the connection.
    tokio::select! {
        () = pump(from_near, to_far, weather.clone(), false) => {}
        () = pump(from_far, to_near, weather, true) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    replies: bool,
) {
    let mut buffer = vec![0; 65_536];
    let mut lost = false;
    loop {
        let now = *weather.borrow_and_update();
        // A connection that has lost something cannot go on.
        if now == Weather::Cut || (lost && now != Weather::Deaf) {
            return;
        }
        let read = tokio::select! {
            changed = weather.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = from.read(&mut buffer) => read,
        };
        let Ok(length @ 1..) = read else { return };
        match now {
            Weather::Deaf if replies => {
                lost = true;
                continue;
            }
            Weather::Slow(delay) => tokio::time::sleep(delay).await,
            Weather::Fair | Weather::Deaf | Weather::Cut => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    async fn say(stream: &mut TcpStream, what: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(what).await?;
        let mut heard = vec![0; what.len()];
        let heard_all = stream.read_exact(&mut heard);
        tokio::time::timeout(Duration::from_millis(300), heard_all)
            .await
            .map_err(|_| std::io::ErrorKind::TimedOut)??;
        Ok(heard)
    }

    #[tokio::test]
    async fn it_carries_or_loses_as_the_weather_has_it() {
        let link = Link::to(echo().await).await;
        let open = || TcpStream::connect(("127.0.0.1", link.port()));
        let mut stream = open().await.unwrap();
        assert_eq!(say(&mut stream, b"fair").await.unwrap(), b"fair");

        link.set(Weather::Slow(Duration::from_millis(20)));
        let begun = std::time::Instant::now();
        assert_eq!(say(&mut stream, b"slow").await.unwrap(), b"slow");
        assert!(begun.elapsed() >= Duration::from_millis(40));

        link.set(Weather::Deaf);
        let lost = say(&mut stream, b"lost").await.unwrap_err();
        assert_eq!(lost.kind(), std::io::ErrorKind::TimedOut);
        link.set(Weather::Fair);
        assert!(
            say(&mut stream, b"after").await.is_err(),
            "no gap in a stream"
        );

        let mut stream = open().await.unwrap();
        link.set(Weather::Cut);
        assert!(say(&mut stream, b"cut").await.is_err());
        let mut refused = open().await.unwrap();
        assert!(say(&mut refused, b"cut").await.is_err());
        link.set(Weather::Fair);
        let mut stream = open().await.unwrap();
        assert_eq!(say(&mut stream, b"again").await.unwrap(), b"again");
    }
}
