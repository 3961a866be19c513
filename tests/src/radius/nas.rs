//! A network access server: asks whether somebody may connect, tells of sessions, and takes orders
//! to end or change them (RFC 5176), all over UDP. It records what it was told.

use edge_radius::dictionary as d;
use edge_radius::{Attributes, Code, LARGEST, Packet, hide_password};
use rand::Rng as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// How long an answer may take; FreeRADIUS waits 2 s for the edge.
const ANSWER: Duration = Duration::from_secs(5);

/// How it takes orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It does what it is told.
    Follow,
    /// It refuses, for this reason (Error-Cause).
    Refuse(u32),
    /// It answers nobody.
    Silent,
    /// It loses so many orders, then does what it is told.
    Lose(u32),
}

/// An order that it got, from somebody who has the secret.
#[derive(Clone, Debug)]
pub struct Order {
    /// When.
    pub at: Instant,
    /// What.
    pub packet: Packet,
}

/// A session, as accounting tells of it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Acct-Session-Id.
    pub id: String,
    /// User-Name.
    pub user: String,
    /// Class of the Access-Accept.
    pub class: Vec<u8>,
}

/// What accounting tells of a session (Acct-Status-Type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It begins.
    Start = 1,
    /// It ended.
    Stop = 2,
    /// It goes on.
    Interim = 3,
}

/// The server; dropping it ends it.
#[derive(Debug)]
pub struct Nas {
    secret: String,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    listener: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    orders: Vec<Order>,
    strange: Vec<String>,
}

impl Nas {
    /// What it calls itself.
    pub const IDENTIFIER: &str = "lobby";
    /// The device that connects.
    pub const DEVICE: &str = "02-00-5E-10-00-01";

    /// Listens for orders on a free port of the loopback interface.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start(secret: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Follow,
            orders: Vec::new(),
            strange: Vec::new(),
        }));
        let listener = tokio::spawn(listen(socket, secret.to_owned(), Arc::clone(&state)));
        Self {
            secret: secret.to_owned(),
            address,
            state,
            listener,
        }
    }

    /// Where it takes orders.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The shared secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Takes orders in another manner from now on.
    ///
    /// # Panics
    /// When the listener failed.
    pub fn behave(&self, manner: Manner) {
        self.state.lock().expect("the listener lives").manner = manner;
    }

    /// The orders so far, lost ones too.
    ///
    /// # Panics
    /// When the listener failed.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.state
            .lock()
            .expect("the listener lives")
            .orders
            .clone()
    }

    /// What came that was no order, or from nobody who has the secret.
    ///
    /// # Panics
    /// When the listener failed.
    #[must_use]
    pub fn strange(&self) -> Vec<String> {
        self.state
            .lock()
            .expect("the listener lives")
            .strange
            .clone()
    }

    /// Waits until it has so many orders.
    ///
    /// # Panics
    /// When it has not after `patience`.
    pub async fn ordered(&self, count: usize, patience: Duration) -> Vec<Order> {
        let begun = Instant::now();
        loop {
            let orders = self.orders();
            if orders.len() >= count {
                return orders;
            }
            assert!(
                begun.elapsed() < patience,
                "{} orders after {patience:?}, not {count}: {orders:?}; strange: {:?}",
                orders.len(),
                self.strange()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Asks whether a user with a password may connect (PAP). Without an answer there is none:
    /// so a server treats whom it does not trust.
    ///
    /// # Panics
    /// When the name or password fits into no packet.
    pub async fn access(&self, server: SocketAddr, user: &[u8], password: &str) -> Option<Packet> {
        self.access_as(server, user, password, Self::DEVICE).await
    }

    /// The same, from a device of this address.
    ///
    /// # Panics
    /// When the name or password fits into no packet.
    pub async fn access_as(
        &self,
        server: SocketAddr,
        user: &[u8],
        password: &str,
        device: &str,
    ) -> Option<Packet> {
        let random: [u8; 16] = rand::rng().random();
        let mut request = Packet::new(Code::AccessRequest, rand::rng().random());
        let hidden = hide_password(password.as_bytes(), self.secret.as_bytes(), &random);
        let attributes = &mut request.attributes;
        attributes.push(&d::USER_NAME, user.to_vec()).expect("fits");
        attributes
            .push(&d::USER_PASSWORD, hidden.expect("fits"))
            .expect("fits");
        Self::describe(attributes, device);
        self.ask(server, &request, random).await
    }

    /// Tells of a session.
    ///
    /// # Panics
    /// When the server does not take note.
    pub async fn account(&self, server: SocketAddr, status: Status, session: &Session) {
        let mut request = Packet::new(Code::AccountingRequest, rand::rng().random());
        let attributes = &mut request.attributes;
        let name = session.user.clone().into_bytes();
        attributes.push(&d::USER_NAME, name).expect("fits");
        attributes
            .push(&d::ACCT_STATUS_TYPE, status as u32)
            .expect("fits");
        attributes
            .push(&d::ACCT_SESSION_ID, session.id.clone())
            .expect("fits");
        if !session.class.is_empty() {
            attributes
                .push(&d::CLASS, session.class.clone())
                .expect("fits");
        }
        attributes
            .push(&d::FRAMED_IP_ADDRESS, Ipv4Addr::new(198, 51, 100, 9))
            .expect("fits");
        Self::describe(attributes, Self::DEVICE);
        let answer = self.ask(server, &request, [0; 16]).await;
        let code = answer.map(|packet| packet.code);
        assert_eq!(code, Some(Code::AccountingResponse), "{status:?}");
    }

    fn describe(attributes: &mut Attributes, device: &str) {
        let nas = Self::IDENTIFIER.to_owned();
        attributes.push(&d::NAS_IDENTIFIER, nas).expect("fits");
        attributes
            .push(&d::NAS_IP_ADDRESS, Ipv4Addr::LOCALHOST)
            .expect("fits");
        attributes
            .push(&d::CALLING_STATION_ID, device.to_owned())
            .expect("fits");
    }

    async fn ask(&self, server: SocketAddr, request: &Packet, random: [u8; 16]) -> Option<Packet> {
        let secret = self.secret.as_bytes();
        let bytes = request.encode_request(secret, random).expect("a packet");
        let own = Packet::decode_request(&bytes, secret).expect("our own packet");
        self.exchange(server, &bytes, &own.authenticator).await
    }

    /// Sends bytes and waits for a genuine answer.
    ///
    /// # Panics
    /// When there is no socket, or the answer is not genuine.
    pub async fn exchange(
        &self,
        server: SocketAddr,
        bytes: &[u8],
        authenticator: &[u8; 16],
    ) -> Option<Packet> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        socket.connect(server).await.expect("a way to loopback");
        socket.send(bytes).await.expect("a datagram");
        let mut buffer = [0; LARGEST];
        let received = tokio::time::timeout(ANSWER, socket.recv(&mut buffer)).await;
        let length = received.ok()?.expect("a datagram");
        let answer =
            Packet::decode_response(&buffer[..length], self.secret.as_bytes(), authenticator);
        Some(answer.expect("a genuine answer"))
    }
}

impl Drop for Nas {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(socket: UdpSocket, secret: String, state: Arc<Mutex<State>>) {
    let mut buffer = [0; LARGEST];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let order = Packet::decode_request(&buffer[..length], secret.as_bytes());
        let answer = state.lock().expect("nobody panics with it").take(order);
        if let Some((answer, request)) = answer {
            let bytes = answer.encode_response(secret.as_bytes(), &request);
            let _ = socket.send_to(&bytes.expect("a packet"), from).await;
        }
    }
}

impl State {
    /// Takes note of an order; returns the answer, and the authenticator of what it answers.
    fn take(&mut self, order: Result<Packet, edge_radius::Error>) -> Option<(Packet, [u8; 16])> {
        let packet = match order {
            Ok(packet) if !packet.has_message_authenticator() => {
                self.strange.push(format!("not signed: {packet:?}"));
                return None;
            }
            Ok(packet) => packet,
            Err(e) => {
                self.strange.push(e.to_string());
                return None;
            }
        };
        let (done, refused) = match packet.code {
            Code::DisconnectRequest => (Code::DisconnectAck, Code::DisconnectNak),
            Code::CoaRequest => (Code::CoaAck, Code::CoaNak),
            other => {
                self.strange.push(format!("no order: {other:?}"));
                return None;
            }
        };
        let (identifier, authenticator) = (packet.identifier, packet.authenticator);
        let at = Instant::now();
        self.orders.push(Order { at, packet });
        let answer = match self.manner {
            Manner::Silent => return None,
            Manner::Lose(count) if count > 0 => {
                self.manner = Manner::Lose(count - 1);
                return None;
            }
            Manner::Lose(_) | Manner::Follow => Packet::new(done, identifier),
            Manner::Refuse(cause) => {
                let mut answer = Packet::new(refused, identifier);
                answer
                    .attributes
                    .push(&d::ERROR_CAUSE, cause)
                    .expect("fits");
                answer
            }
        };
        Some((answer, authenticator))
    }
}
