//! One request to a piece of gear, sent again until it answers (RFC 5080 §2.2.1).

use edge_radius::{Code, LARGEST, Packet, dictionary};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The wait for an answer to what was sent first; doubled for each that follows.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How often it is sent: half a minute in all.
const SENT: u32 = 5;

/// What the gear said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It did what it was told.
    Done,
    /// It has no such session (any more).
    NoSuchSession,
    /// It did not, for this reason (RFC 5176 §3.5), if it gave one.
    Refused(Option<u32>),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    /// What was to be sent is no packet.
    #[error("the request cannot be sent: {0}")]
    Request(edge_radius::Error),
    /// No socket, or it failed.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
    /// The gear, or the way to it, is down.
    #[error("no answer")]
    None,
    /// Something answered that does not know the secret.
    #[error("no genuine answer: {0}")]
    NotGenuine(edge_radius::Error),
}

/// Sends a request until it is answered. Each exchange has a socket of its own, so that
/// identifiers, of which there are 256, never run out.
pub(crate) async fn exchange(
    to: SocketAddr,
    secret: &[u8],
    request: &Packet,
) -> Result<Answer, Silence> {
    exchange_with(FIRST_WAIT, to, secret, request).await
}

async fn exchange_with(
    mut wait: Duration,
    to: SocketAddr,
    secret: &[u8],
    request: &Packet,
) -> Result<Answer, Silence> {
    let sent = request
        .encode_request(secret, [0; edge_radius::AUTHENTICATOR])
        .map_err(Silence::Request)?;
    // What was computed for the request is what its answer is checked with.
    let authenticator = Packet::decode_request(&sent, secret)
        .map_err(Silence::Request)?
        .authenticator;
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(to).await?;
    let mut silence = Silence::None;
    for _ in 0..SENT {
        let until = Instant::now() + wait;
        wait *= 2;
        // Gear that starts just now refuses with ICMP, which is told here or below.
        if socket.send(&sent).await.is_err() {
            sleep_until(until).await;
            continue;
        }
        let mut buffer = [0; LARGEST];
        while let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await {
            let Ok(length) = received else {
                sleep_until(until).await;
                break;
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            match Packet::decode_response(bytes, secret, &authenticator) {
                Ok(packet) if packet.identifier == request.identifier => {
                    if let Some(answer) = understand(request.code, &packet) {
                        return Ok(answer);
                    }
                }
                Ok(_) => {}
                // Whoever sends this must not keep the gear's own answer from us.
                Err(e) => silence = Silence::NotGenuine(e),
            }
        }
    }
    Err(silence)
}

fn understand(asked: Code, answer: &Packet) -> Option<Answer> {
    match (asked, answer.code) {
        (Code::DisconnectRequest, Code::DisconnectAck) | (Code::CoaRequest, Code::CoaAck) => {
            Some(Answer::Done)
        }
        (Code::DisconnectRequest, Code::DisconnectNak) | (Code::CoaRequest, Code::CoaNak) => {
            let cause = answer.attributes.first(&dictionary::ERROR_CAUSE);
            Some(match cause {
                Some(dictionary::SESSION_CONTEXT_NOT_FOUND) => Answer::NoSuchSession,
                other => Answer::Refused(other),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"an ordinary secret";
    /// The first wait, where nothing but its end is waited for.
    const FIRST: Duration = Duration::from_millis(20);

    /// Gear that answers the `n`th datagram, counted from zero, with what `answer` makes of it.
    async fn gear<F>(answer: F) -> (SocketAddr, tokio::task::JoinHandle<usize>)
    where
        F: Fn(usize, &Packet) -> Vec<Vec<u8>> + Send + 'static,
    {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut buffer = [0; LARGEST];
            let mut count = 0;
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let request = Packet::decode_request(&buffer[..length], SECRET).unwrap();
                assert!(request.has_message_authenticator());
                let answers = answer(count, &request);
                count += 1;
                for bytes in &answers {
                    socket.send_to(bytes, from).await.unwrap();
                }
                if !answers.is_empty() {
                    return count;
                }
            }
        });
        (address, task)
    }

    fn request() -> Packet {
        let mut packet = Packet::new(Code::DisconnectRequest, 9);
        packet
            .attributes
            .push(&dictionary::ACCT_SESSION_ID, "s1".into())
            .unwrap();
        packet
    }

    fn reply(code: Code, cause: Option<u32>, to: &Packet, secret: &[u8]) -> Vec<u8> {
        let mut packet = Packet::new(code, to.identifier);
        if let Some(cause) = cause {
            packet
                .attributes
                .push(&dictionary::ERROR_CAUSE, cause)
                .unwrap();
        }
        packet.encode_response(secret, &to.authenticator).unwrap()
    }

    #[tokio::test]
    async fn answers_are_told_apart() {
        for (code, cause, expected) in [
            (Code::DisconnectAck, None, Answer::Done),
            (Code::DisconnectNak, Some(503), Answer::NoSuchSession),
            (Code::DisconnectNak, Some(506), Answer::Refused(Some(506))),
            (Code::DisconnectNak, None, Answer::Refused(None)),
        ] {
            let (at, _gear) = gear(move |_, to| vec![reply(code, cause, to, SECRET)]).await;
            let answer = exchange(at, SECRET, &request()).await.unwrap();
            assert_eq!(answer, expected);
        }
    }

    #[tokio::test]
    async fn lost_request_is_sent_again_until_it_is_answered() {
        let (at, gear) = gear(|count, to| match count {
            0 => Vec::new(),
            _ => vec![reply(Code::DisconnectAck, None, to, SECRET)],
        })
        .await;
        let begun = Instant::now();
        let answer = exchange_with(FIRST, at, SECRET, &request()).await;
        assert_eq!(answer.unwrap(), Answer::Done);
        assert_eq!(gear.await.unwrap(), 2);
        assert!(begun.elapsed() >= FIRST, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn what_is_not_from_the_gear_is_passed_over() {
        let (at, _gear) = gear(|_, to| {
            let mut other = to.clone();
            other.identifier ^= 1;
            vec![
                b"noise".to_vec(),
                reply(Code::DisconnectAck, None, to, b"another secret"),
                reply(Code::CoaAck, None, to, SECRET),
                reply(Code::DisconnectAck, None, &other, SECRET),
                reply(Code::DisconnectNak, Some(503), to, SECRET),
            ]
        })
        .await;
        let answer = exchange(at, SECRET, &request()).await.unwrap();
        assert_eq!(answer, Answer::NoSuchSession);
    }

    #[tokio::test]
    async fn gear_that_is_not_there_is_given_up_after_the_last_wait() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        drop(socket);
        let begun = Instant::now();
        let silence = exchange_with(FIRST, at, SECRET, &request()).await;
        assert!(matches!(silence, Err(Silence::None)), "{silence:?}");
        assert!(begun.elapsed() >= FIRST * (1 + 2 + 4 + 8 + 16));
    }

    #[tokio::test]
    async fn gear_with_another_secret_is_told_from_silence() {
        let (at, _gear) =
            gear(|_, to| vec![reply(Code::DisconnectAck, None, to, b"another secret")]).await;
        let silence = exchange_with(FIRST, at, SECRET, &request()).await;
        assert!(
            matches!(silence, Err(Silence::NotGenuine(_))),
            "{silence:?}"
        );
    }
}
