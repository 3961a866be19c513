//! A client that writes and reads through all proxies in turn, and checks each answer against
//! what it knows.

use super::ledger::{Register, Tenure};
use hyper::Method;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::client::{Client, Reply};
use tests::scim;

/// Names that the clients contend for.
const CONTESTED: usize = 6;
/// The members of the group that a client replaces as a whole: one half or the other.
const HALF: usize = 20;
/// The most users of a client; it deletes one before it makes another.
const USERS: usize = 40;
/// How long it waits after an answer that says to come again.
const PAUSE: Duration = Duration::from_millis(40);

/// A user that one client alone writes.
#[derive(Debug)]
struct User {
    id: String,
    name: String,
    /// Its `title`, a number; nothing once it is deleted.
    title: Register<Option<u64>>,
    /// Whether it is in the group that all clients share.
    member: Register<bool>,
}

/// A user with a contested name.
#[derive(Debug)]
struct Held {
    id: String,
    name: String,
    from: Instant,
}

/// One client and what it knows.
pub(super) struct Load {
    number: usize,
    clients: Vec<Client>,
    random: StdRng,
    shared: String,
    /// A group whose members are replaced as a whole, by those of one half or the other.
    own: String,
    halves: [Vec<String>; 2],
    round: Register<u64>,
    users: Vec<User>,
    held: Option<Held>,
    count: u64,
    pub(super) tenures: Vec<Tenure>,
    /// userNames whose POST had no certain outcome.
    doubtful: Vec<String>,
    pub(super) tally: Tally,
    pub(super) findings: Vec<String>,
}

/// How the requests of a client ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: usize,
    pub(super) reads: usize,
    pub(super) in_doubt: usize,
}

/// What an answer says of a request.
enum Outcome {
    Done(Reply),
    Refused(Reply),
    Open,
}

impl Load {
    /// Makes the client's own group and its members.
    pub(super) async fn prepare(
        number: usize,
        seed: u64,
        mut clients: Vec<Client>,
        shared: &str,
    ) -> Self {
        let first = &mut clients[0];
        let mut halves = [Vec::new(), Vec::new()];
        for (side, half) in halves.iter_mut().enumerate() {
            for n in 0..HALF {
                let name = format!("staff-{number}-{side}-{n}@example.com");
                half.push(first.post("/Users", &scim::user(&name)).await.text("/id"));
            }
        }
        let body = whole(number, 0, &halves[0]);
        let own = first.post("/Groups", &body).await.text("/id");
        Self {
            number,
            clients,
            random: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
            shared: shared.to_owned(),
            own,
            halves,
            round: Register::new(0),
            users: Vec::new(),
            held: None,
            count: 0,
            tenures: Vec::new(),
            doubtful: Vec::new(),
            tally: Tally::default(),
            findings: Vec::new(),
        }
    }

    /// Works until told to stop.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            match self.random.random_range(0..100) {
                0..20 => self.create().await,
                20..45 => self.change().await,
                45..65 => self.look().await,
                65..72 => self.delete().await,
                72..84 => self.join_or_leave().await,
                84..91 => self.replace_members().await,
                91..95 => self.look_at_members().await,
                _ => self.contend().await,
            }
        }
        self
    }

    /// Looks at everything once more, when all is well again.
    pub(super) async fn verify(&mut self) {
        for at in 0..self.users.len() {
            self.look_at(at).await;
        }
        self.look_at_members().await;
        for name in std::mem::take(&mut self.doubtful) {
            let found = self.by_name(&name).await;
            if !matches!(found.as_deref(), Ok([] | [_])) {
                self.findings.push(format!("{name} is there {found:?}"));
            }
        }
        if let Some(held) = self.held.take() {
            let found = self.by_name(&held.name).await;
            let ids = found
                .as_ref()
                .map(|users| users.iter().map(|user| user["id"].clone()));
            if ids.is_ok_and(|mut ids| !ids.any(|id| id == *held.id)) {
                self.findings.push(format!(
                    "{} lost its name {}: {found:?}",
                    held.id, held.name
                ));
            }
            self.end_tenure(held);
        }
    }

    async fn create(&mut self) {
        if self.users.len() >= USERS {
            return self.delete().await;
        }
        self.count += 1;
        let name = format!("load-{}-{}@example.com", self.number, self.count);
        let mut body = scim::user(&name);
        body["title"] = json!("0");
        match self.send(Method::POST, "/Users", Some(&body)).await {
            Outcome::Done(reply) => self.users.push(User {
                id: reply.text("/id"),
                name,
                title: Register::new(Some(0)),
                member: Register::new(false),
            }),
            Outcome::Refused(reply) => self.odd("POST of a new name", &reply),
            Outcome::Open => self.doubtful.push(name),
        }
    }

    async fn change(&mut self) {
        let Some(at) = self.any_user() else { return };
        self.count += 1;
        let number = self.count;
        let path = format!("/Users/{}", self.users[at].id);
        let text = number.to_string();
        let body = scim::patch(&json!([{"op": "replace", "path": "title", "value": text}]));
        match self.send(Method::PATCH, &path, Some(&body)).await {
            Outcome::Done(reply) => {
                self.users[at].title.acknowledged(Some(number));
                if reply.text("/title") != text {
                    self.odd(&format!("PATCH of the title to {number}"), &reply);
                }
            }
            Outcome::Refused(reply) => self.gone_or_odd(at, "PATCH", &reply),
            Outcome::Open => self.users[at].title.in_doubt(Some(number)),
        }
    }

    async fn look(&mut self) {
        if let Some(at) = self.any_user() {
            self.look_at(at).await;
        }
    }

    async fn look_at(&mut self, at: usize) {
        let path = format!("/Users/{}", self.users[at].id);
        match self.send(Method::GET, &path, None).await {
            Outcome::Done(reply) => {
                self.tally.reads += 1;
                let title = reply.text("/title").parse().ok();
                let body = reply.json();
                let groups = body["groups"].as_array().into_iter().flatten();
                let mut groups = groups.filter_map(|group| group["value"].as_str());
                let member = groups.any(|group| group == self.shared);
                let user = &mut self.users[at];
                let right = user.title.seen(&title).map_err(|e| format!("title {e}"));
                let seen = user.member.seen(&member);
                let right = right.and(seen.map_err(|e| format!("membership {e}")));
                if reply.text("/userName") != user.name {
                    self.odd("another user's record", &reply);
                }
                self.note(at, right);
            }
            Outcome::Refused(reply) => self.gone_or_odd(at, "GET", &reply),
            Outcome::Open => {}
        }
    }

    async fn delete(&mut self) {
        let Some(at) = self.any_user() else { return };
        let path = format!("/Users/{}", self.users[at].id);
        match self.send(Method::DELETE, &path, None).await {
            Outcome::Done(_) => {
                let user = self.users.swap_remove(at);
                // Nobody sees it any more.
                if let Outcome::Done(reply) = self.send(Method::GET, &path, None).await {
                    self.odd(
                        &format!("{} is read after it was deleted", user.name),
                        &reply,
                    );
                }
            }
            Outcome::Refused(reply) => self.gone_or_odd(at, "DELETE", &reply),
            Outcome::Open => self.users[at].title.in_doubt(None),
        }
    }

    async fn join_or_leave(&mut self) {
        let Some(at) = self.any_user() else { return };
        let id = self.users[at].id.clone();
        let join = self.random.random_bool(0.6);
        let operation = if join {
            json!({"op": "add", "path": "members", "value": [{"value": id}]})
        } else {
            json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
        };
        let path = format!("/Groups/{}", self.shared);
        let body = scim::patch(&json!([operation]));
        match self.send(Method::PATCH, &path, Some(&body)).await {
            // Whoever may be deleted by now is not let in.
            Outcome::Done(_) if self.users[at].title.clone().seen(&None).is_ok() => {
                self.users[at].member.in_doubt(join);
            }
            Outcome::Done(_) => self.users[at].member.acknowledged(join),
            Outcome::Refused(reply) => self.odd("PATCH of the shared group", &reply),
            Outcome::Open => self.users[at].member.in_doubt(join),
        }
    }

    async fn replace_members(&mut self) {
        self.count += 1;
        let round = self.count;
        let path = format!("/Groups/{}", self.own);
        let body = whole(self.number, round, &self.halves[half(round)]);
        match self.send(Method::PUT, &path, Some(&body)).await {
            Outcome::Done(_) => self.round.acknowledged(round),
            Outcome::Refused(reply) => self.odd("PUT of the own group", &reply),
            Outcome::Open => self.round.in_doubt(round),
        }
    }

    /// The record and the members of the own group are of one PUT.
    async fn look_at_members(&mut self) {
        let path = format!("/Groups/{}", self.own);
        let reply = match self.send(Method::GET, &path, None).await {
            Outcome::Done(reply) => reply,
            Outcome::Refused(reply) => return self.odd("GET of the own group", &reply),
            Outcome::Open => return,
        };
        self.tally.reads += 1;
        let Ok(round) = reply.text("/externalId").parse() else {
            return self.odd("a group without its externalId", &reply);
        };
        if let Err(wrong) = self.round.seen(&round) {
            self.findings.push(format!("the members' round {wrong}"));
        }
        let body = reply.json();
        let members = body["members"].as_array().into_iter().flatten();
        let mut members: Vec<&str> = members.filter_map(|one| one["value"].as_str()).collect();
        let mut due: Vec<&str> = self.halves[half(round)]
            .iter()
            .map(String::as_str)
            .collect();
        members.sort_unstable();
        due.sort_unstable();
        if members != due {
            self.findings.push(format!(
                "the record is of round {round}, its {} members are not: {members:?}",
                members.len()
            ));
        }
    }

    /// Takes a name that the others want too, or gives it back.
    async fn contend(&mut self) {
        if let Some(held) = self.held.take() {
            let (path, name) = (format!("/Users/{}", held.id), held.name.clone());
            self.end_tenure(held);
            if let Outcome::Refused(reply) = self.send(Method::DELETE, &path, None).await {
                self.odd(&format!("DELETE of {name}, which was ours"), &reply);
            }
            return;
        }
        let which = self.random.random_range(0..CONTESTED);
        let name = format!("contested-{which}@example.com");
        let mut body = scim::user(&name);
        body["externalId"] = json!(format!("client-{}", self.number));
        match self.send(Method::POST, "/Users", Some(&body)).await {
            Outcome::Done(reply) => {
                self.held = Some(Held {
                    id: reply.text("/id"),
                    name,
                    from: Instant::now(),
                });
            }
            Outcome::Refused(reply) if reply.status == 409 => self.clear_up(&name).await,
            Outcome::Refused(reply) => self.odd("POST of a contested name", &reply),
            Outcome::Open => {}
        }
    }

    /// Deletes the user of a contested name that this client made without learning of it.
    async fn clear_up(&mut self, name: &str) {
        let external_id = format!("client-{}", self.number);
        let Ok(found) = self.by_name(name).await else {
            return;
        };
        for user in found
            .iter()
            .filter(|user| user["externalId"] == external_id)
        {
            let path = format!("/Users/{}", user["id"].as_str().unwrap_or_default());
            self.send(Method::DELETE, &path, None).await;
        }
    }

    fn end_tenure(&mut self, held: Held) {
        self.tenures.push(Tenure {
            name: held.name,
            from: held.from,
            until: Instant::now(),
        });
    }

    async fn by_name(&mut self, name: &str) -> Result<Vec<Value>, String> {
        let path = scim::query("/Users", &format!("userName eq \"{name}\""));
        match self.send(Method::GET, &path, None).await {
            Outcome::Done(reply) => {
                let found = reply.json()["Resources"].as_array().cloned();
                Ok(found.unwrap_or_default())
            }
            Outcome::Refused(reply) => Err(reply.to_string()),
            Outcome::Open => Err("no answer".to_owned()),
        }
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Outcome {
        let write = method != Method::GET;
        let through = self.random.random_range(0..self.clients.len());
        let client = &mut self.clients[through];
        let reply = match client.try_call(method.clone(), path, body).await {
            Ok(reply) => reply,
            Err(_) => return self.open(write).await,
        };
        match reply.status {
            200..300 => {
                self.tally.acknowledged += usize::from(write);
                Outcome::Done(reply)
            }
            503 | 504 => {
                if let Err(wrong) = scim::expect_error(&reply, &[503, 504]) {
                    self.findings.push(format!("{method} {path}: {wrong}"));
                }
                self.open(write).await
            }
            _ => Outcome::Refused(reply),
        }
    }

    async fn open(&mut self, write: bool) -> Outcome {
        self.tally.in_doubt += usize::from(write);
        tokio::time::sleep(PAUSE).await;
        Outcome::Open
    }

    fn any_user(&mut self) -> Option<usize> {
        (!self.users.is_empty()).then(|| self.random.random_range(0..self.users.len()))
    }

    /// A 404 is right for a user that may be deleted.
    fn gone_or_odd(&mut self, at: usize, what: &str, reply: &Reply) {
        if reply.status != 404 {
            return self.odd(what, reply);
        }
        let right = self.users[at].title.seen(&None);
        self.note(
            at,
            right.map_err(|e| format!("{what} is answered 404, and the title {e}")),
        );
        self.users.swap_remove(at);
    }

    fn note(&mut self, at: usize, right: Result<(), String>) {
        if let Err(wrong) = right {
            let user = &self.users[at];
            self.findings
                .push(format!("{} ({}): {wrong}", user.name, user.id));
        }
    }

    fn odd(&mut self, what: &str, reply: &Reply) {
        self.findings.push(format!("{what}: {reply}"));
    }
}

/// Which half of the members a round has.
fn half(round: u64) -> usize {
    usize::from(round % 2 == 1)
}

/// A group that says of which round it is.
fn whole(number: usize, round: u64, members: &[String]) -> Value {
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut group = scim::group(&format!("Own {number}"), &members);
    group["externalId"] = json!(round.to_string());
    group
}
