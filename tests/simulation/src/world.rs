//! Everything outside the edges: virtual time, the network, and the store behind it.
//! What is to happen stands in one queue; the order of two things at one time is that
//! in which they were foreseen.

use crate::answer::Said;
use crate::chronicle::Chronicle;
use crate::dice::Dice;
use crate::etcd;
use crate::explain::explanation;
use crate::history::{History, Incident, Moment, TaskId};
use crate::tenants::{TOKENS, founding};
use crate::weather::{Micros, Weather};
use directory::kv::memory::MemoryKv;
use directory::kv::{Txn, TxnReply};
use etcd_kv::{NotSent, Reply};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The status of the proxy's interface for a call that it cannot make.
const REFUSED_BY_PROXY: u32 = 10;

/// The world, as all that live in it hold it. Borrowed for one statement each.
pub(crate) type Shared = Rc<RefCell<World>>;

/// Names a call of the store, or a pause.
pub(crate) type WaitId = u64;

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// A client sends its next request.
    Request(usize),
    /// A call reaches the store.
    Arrival(WaitId),
    /// Its reply reaches the edge.
    Reply(WaitId),
    /// The edge gives a call up.
    Timeout(WaitId),
    /// A pause ends.
    Wake(WaitId),
    StoreStops,
    StoreStarts,
    Compaction,
    EdgeDies(usize),
    ClientLeaves(TaskId),
}

/// A call of the store, as it is on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) message: Vec<u8>,
}

/// A call under way, or a pause.
#[derive(Debug)]
struct Wait {
    task: TaskId,
    /// Until the store has it.
    request: Option<Request>,
    /// What the store said.
    said: Option<Reply>,
    /// What the edge hears: set once.
    heard: Option<Reply>,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) weather: Weather,
    pub(crate) now: Micros,
    pub(crate) history: History,
    /// The request that is being worked on.
    pub(crate) current: TaskId,
    pub(crate) chronicle: Chronicle,
    /// What must not be and was: the first of it.
    pub(crate) violation: Option<String>,
    queue: BTreeMap<(Micros, u64), Happening>,
    foreseen: u64,
    waits: BTreeMap<WaitId, Wait>,
    kv: MemoryKv,
    up: bool,
}

impl World {
    pub(crate) fn new(dice: Dice, weather: Weather) -> Self {
        let mut world = Self {
            dice,
            weather,
            now: 0,
            history: History::default(),
            current: 0,
            chronicle: Chronicle::new(),
            violation: None,
            queue: BTreeMap::new(),
            foreseen: 0,
            waits: BTreeMap::new(),
            kv: MemoryKv::new(),
            up: true,
        };
        let founding = founding(TOKENS);
        let reply = world.kv.apply(&founding);
        match reply {
            Ok(reply) => world.observe(None, &founding, &reply),
            Err(error) => world.violation = Some(error.to_string()),
        }
        world
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            time: self.now,
            revision: self.kv.revision(),
        }
    }

    /// Foresees something.
    pub(crate) fn after(&mut self, delay: Micros, happening: Happening) -> WaitId {
        self.foreseen += 1;
        self.queue
            .insert((self.now + delay, self.foreseen), happening);
        self.foreseen
    }

    /// What happens next; time goes on to it.
    pub(crate) fn next(&mut self) -> Option<Happening> {
        let ((time, _), happening) = self.queue.pop_first()?;
        self.now = time;
        Some(happening)
    }

    pub(crate) fn incident(&mut self, what: impl Into<String>) {
        let (time, what) = (self.now, what.into());
        self.history.incidents.push(Incident { time, what });
    }

    pub(crate) fn violates(&mut self, what: impl Into<String>) {
        if self.violation.is_none() {
            self.violation = Some(what.into());
        }
    }

    /// Sends a call for the current request.
    ///
    /// # Errors
    /// When the edge cannot send it.
    pub(crate) fn send(&mut self, request: Request) -> Result<WaitId, NotSent> {
        if self.dice.chance(self.weather.not_sent) {
            self.harm(self.current);
            return Err(NotSent(REFUSED_BY_PROXY));
        }
        let timeout = self.weather.timeout;
        let mut delay = self.dice.within(self.weather.delay.clone());
        if self.dice.chance(self.weather.slow) {
            delay += self.dice.within(timeout / 2..timeout * 2);
        }
        let id = self.foreseen + 1;
        match self.dice.chance(self.weather.request_lost) {
            true => self.after(timeout, Happening::Timeout(id)),
            false => self.after(delay, Happening::Arrival(id)),
        };
        self.waits.insert(id, self.wait(Some(request)));
        if delay > timeout {
            self.after(timeout, Happening::Timeout(id));
        }
        Ok(id)
    }

    /// Begins a pause of the current request.
    pub(crate) fn pause(&mut self, duration: Micros) -> WaitId {
        let id = self.foreseen + 1;
        self.after(duration, Happening::Wake(id));
        self.waits.insert(id, self.wait(None));
        id
    }

    fn wait(&self, request: Option<Request>) -> Wait {
        Wait {
            task: self.current,
            request,
            said: None,
            heard: None,
        }
    }

    /// What was heard of a call, if something was.
    pub(crate) fn heard(&mut self, id: WaitId) -> Option<Reply> {
        self.waits.get_mut(&id)?.heard.take()
    }

    /// Whether a pause has ended.
    pub(crate) fn woken(&self, id: WaitId) -> bool {
        !self.waits.contains_key(&id)
    }

    /// A call reaches the store, which does it, unless it is away.
    pub(crate) fn arrive(&mut self, id: WaitId) {
        let Some(wait) = self.waits.get_mut(&id) else {
            return;
        };
        let (task, Some(request)) = (wait.task, wait.request.take()) else {
            return;
        };
        let delay = self.dice.within(self.weather.delay.clone());
        let timeout = self.weather.timeout;
        let said = match self.up {
            true => self.execute(task, &request),
            // A connection that is refused looks like one that broke.
            false => {
                self.harm(task);
                Err(unavailable("connection refused"))
            }
        };
        if let Some(wait) = self.waits.get_mut(&id) {
            wait.said = Some(said);
        }
        match self.dice.chance(self.weather.reply_lost) {
            true => self.after(timeout, Happening::Timeout(id)),
            false => self.after(delay, Happening::Reply(id)),
        };
    }

    fn execute(&mut self, task: TaskId, request: &Request) -> Reply {
        let before = self.kv.revision();
        let (reply, done) = etcd::serve(&self.kv, request.method, &request.message);
        if let Some((txn, reply)) = done
            && self.kv.revision() > before
        {
            self.observe(Some(task), &txn, &reply);
        }
        reply
    }

    /// A reply reaches the edge, or it has waited too long: which request goes on.
    pub(crate) fn deliver(&mut self, id: WaitId, in_time: bool) -> Option<TaskId> {
        let wait = self.waits.get_mut(&id)?;
        let task = wait.task;
        let reply = match (wait.said.take(), in_time) {
            (said, true) => said?,
            (_, false) => {
                self.harm(task);
                Err(unavailable("upstream request timeout"))
            }
        };
        let wait = self.waits.get_mut(&id)?;
        wait.heard = Some(reply);
        Some(task)
    }

    /// A pause ends: whose.
    pub(crate) fn wake(&mut self, id: WaitId) -> Option<TaskId> {
        self.waits.remove(&id).map(|wait| wait.task)
    }

    /// Nobody waits any more. A request that is under way may still arrive.
    pub(crate) fn forget(&mut self, id: WaitId) {
        let under_way = self
            .waits
            .get(&id)
            .is_some_and(|wait| wait.request.is_some());
        if !under_way {
            self.waits.remove(&id);
        }
    }

    /// The store stops: what is under way is lost, what it has acknowledged is not.
    pub(crate) fn stop_store(&mut self) {
        self.up = false;
        self.incident("the store stops");
        let mut lost = Vec::new();
        for (id, wait) in &mut self.waits {
            let waits_for_reply = wait.said.take().is_some();
            if wait.request.take().is_some() || waits_for_reply {
                lost.push(*id);
            }
        }
        for id in lost {
            if let Some(wait) = self.waits.get_mut(&id) {
                wait.said = Some(Err(unavailable("connection lost")));
                let task = wait.task;
                self.harm(task);
            }
            let delay = self.dice.within(self.weather.delay.clone());
            self.after(delay, Happening::Reply(id));
        }
    }

    pub(crate) fn start_store(&mut self) {
        self.up = true;
        self.incident("the store starts");
    }

    /// The store forgets what was before now.
    pub(crate) fn compact(&mut self) {
        let revision = self.kv.revision();
        self.kv.compact(revision);
        self.chronicle.compacted = revision;
        self.incident(format!(
            "the store forgets what was before revision {revision}"
        ));
        let entries = self.history.entries.iter_mut();
        for entry in entries.filter(|entry| entry.end.is_none()) {
            entry.faults += 1;
        }
    }

    /// Notes that a request came to harm, so that it may answer 503.
    fn harm(&mut self, task: TaskId) {
        if let Some(entry) = self.history.entries.get_mut(task) {
            entry.faults += 1;
        }
    }

    /// Notes a commit, and what the store holds by it.
    fn observe(&mut self, task: Option<TaskId>, txn: &Txn, reply: &TxnReply) {
        let changes = self.chronicle.mirror.changes(txn, reply);
        let at = self.moment();
        if let Err(wrong) = self.chronicle.write(at, task, changes) {
            self.violates(format!("at revision {}, {wrong}", at.revision));
        }
        if let Err(wrong) = self.explain() {
            self.violates(format!("at revision {}, {wrong}", at.revision));
        }
    }

    /// Checks the commit just made.
    fn explain(&mut self) -> Result<(), String> {
        let Some((commit, task)) = self
            .chronicle
            .commits
            .last()
            .and_then(|commit| Some((commit, commit.task?)))
        else {
            return Ok(());
        };
        let entry = &mut self.history.entries[task];
        let place = explanation(&self.chronicle, entry)
            .map_err(|wrong| format!("request #{task} {wrong}"))?;
        entry.wrote(commit, place);
        Ok(())
    }

    /// Checks the answer that a request just got.
    pub(crate) fn judge(&mut self, task: TaskId, said: &Said) {
        match self.chronicle.judge(&self.history.entries[task], said) {
            Ok(true_of) => self.history.entries[task].true_of = true_of,
            Err(wrong) => self.violates(format!("request #{task} {wrong}")),
        }
    }

    /// Whether something is in the store that no group has.
    pub(crate) fn leaves_something(&self) -> bool {
        self.chronicle.mirror.has_unused()
    }

    /// At the end, when nothing is under way: that what was seen of the store is what it
    /// holds.
    pub(crate) fn last_look(&mut self) {
        if !self.chronicle.mirror.is(&self.kv.dump()) {
            self.violates("the simulator's own picture of the store is wrong");
        }
    }
}

/// What Envoy says of a connection that fails, and of a call that takes too long.
fn unavailable(why: &str) -> (u32, String) {
    (etcd::UNAVAILABLE, why.to_owned())
}
