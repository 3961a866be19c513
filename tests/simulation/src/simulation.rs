//! The scheduler: clients, edges and the world on one thread, one thing after the
//! other. Whatever a request waits for, it is polled when that has come, and may end at
//! any time before.

use crate::answer::Said;
use crate::edge::{Network, SimClock};
use crate::history::{End, Entry, TaskId};
use crate::mutation::MutantKv;
use crate::operation::{Call, Op, Query};
use crate::plan::Plan;
use crate::tenants::{Caller, TENANTS};
use crate::weather::Micros;
use crate::workload::{self, Known};
use crate::world::{Happening, Shared, World};
use directory::http::Response;
use directory::simulation::SeededEntropy;
use directory::{Config, Directory};
use etcd_kv::EtcdKv;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

type Service = Directory<MutantKv, SimClock, SeededEntropy>;
type Task = Pin<Box<dyn Future<Output = Response>>>;

/// How many requests each client sends once the weather has cleared.
const IN_CALM: usize = 2;
/// Longer than a large change may take, with any edge's clock.
const LONG_AFTER: Micros = 3_600_000_000;
/// More generations than a history leaves to be cleaned up.
const MAX_LEFT: usize = 200;

struct Edge {
    service: Rc<Service>,
    tasks: BTreeMap<TaskId, Task>,
}

struct Client {
    caller: Caller,
    edge: usize,
    /// The request that it waits for.
    waits_for: Option<TaskId>,
    /// A walk that it is on.
    walk: Option<Query>,
    in_calm: usize,
}

pub(crate) struct Simulation<'p> {
    plan: &'p Plan,
    config: &'p Config,
    pub(crate) world: Shared,
    edges: Vec<Edge>,
    clients: Vec<Client>,
    known: [Known; TENANTS.len()],
    /// How many requests are yet to come before the weather clears.
    stormy: usize,
    calm: bool,
}

impl<'p> Simulation<'p> {
    pub(crate) fn new(plan: &'p Plan, config: &'p Config, world: World) -> Self {
        let weather = world.weather.clone();
        let clients = (0..weather.clients).map(|number| Client {
            caller: workload::caller(&world.dice),
            edge: number % weather.edges,
            waits_for: None,
            walk: None,
            in_calm: IN_CALM,
        });
        let clients = clients.collect();
        let mut simulation = Self {
            plan,
            config,
            world: Rc::new(RefCell::new(world)),
            edges: Vec::new(),
            clients,
            known: Default::default(),
            stormy: weather.requests,
            calm: false,
        };
        for _ in 0..weather.edges {
            let edge = simulation.new_edge();
            simulation.edges.push(edge);
        }
        simulation
    }

    fn new_edge(&self) -> Edge {
        let world = self.world.borrow();
        let skew = world.weather.skew;
        let clock = SimClock {
            world: self.world.clone(),
            ahead: world.dice.within(0..2 * skew + 1) as i64 - skew as i64,
            rate: world.dice.within(950..1_051),
        };
        let entropy = SeededEntropy::new(world.dice.next());
        let network = Network {
            world: self.world.clone(),
        };
        let kv = MutantKv::new(EtcdKv(network), self.plan.mutation);
        let (registry, config) = (self.plan.registry.clone(), self.config.clone());
        Edge {
            service: Rc::new(Directory::new(registry, config, kv, clock, entropy)),
            tasks: BTreeMap::new(),
        }
    }

    /// Lets happen what happens, until nothing is to happen any more or something was wrong.
    pub(crate) fn run(&mut self) {
        for client in 0..self.clients.len() {
            self.think(client);
        }
        loop {
            let next = self.world.borrow_mut().next();
            let Some(happening) = next else {
                break;
            };
            self.happen(happening);
            if self.world.borrow().violation.is_some() {
                return;
            }
        }
        let mut world = self.world.borrow_mut();
        let unended = world
            .history
            .entries
            .iter()
            .position(|entry| entry.end.is_none());
        if let Some(task) = unended {
            world.violates(format!("request #{task} waits for ever"));
        }
        drop(world);
        self.tidy_up();
        self.world.borrow_mut().last_look();
    }

    /// Long after, when everything that was staged and not committed has had its time, the
    /// edges leave nothing of it.
    fn tidy_up(&mut self) {
        self.world.borrow_mut().now += LONG_AFTER;
        for _ in 0..MAX_LEFT {
            if !self.world.borrow().leaves_something() {
                return;
            }
            self.calm = true;
            let call = Call {
                caller: self.clients[0].caller,
                op: Op::Sweep,
                version: None,
            };
            self.begin(0, call);
            while let Some(happening) = {
                let mut world = self.world.borrow_mut();
                world.next()
            } {
                self.happen(happening);
            }
        }
        let mut world = self.world.borrow_mut();
        world.violates("what large changes left is never cleaned up");
    }

    fn happen(&mut self, happening: Happening) {
        let resumed = match happening {
            Happening::Request(client) => return self.request(client),
            Happening::Arrival(id) => return self.world.borrow_mut().arrive(id),
            Happening::Reply(id) => self.world.borrow_mut().deliver(id, true),
            Happening::Timeout(id) => self.world.borrow_mut().deliver(id, false),
            Happening::Wake(id) => self.world.borrow_mut().wake(id),
            Happening::StoreStops => return self.world.borrow_mut().stop_store(),
            Happening::StoreStarts => return self.world.borrow_mut().start_store(),
            Happening::Compaction => return self.world.borrow_mut().compact(),
            Happening::EdgeDies(edge) => return self.edge_dies(edge),
            Happening::ClientLeaves(task) => return self.client_leaves(task),
        };
        if let Some(task) = resumed {
            let edge = self.world.borrow().history.entries[task].edge;
            if let Some(future) = self.edges[edge].tasks.remove(&task) {
                self.poll(task, future);
            }
        }
    }

    /// A client is about to send its next request, if it has one.
    fn think(&mut self, client: usize) {
        let more = match self.calm {
            true => self.clients[client].in_calm > 0,
            false => true,
        };
        if more {
            let mut world = self.world.borrow_mut();
            let pause = world.dice.within(world.weather.think.clone());
            world.after(pause, Happening::Request(client));
        }
    }

    fn request(&mut self, client: usize) {
        if self.clients[client].waits_for.is_some() {
            return;
        }
        if !self.calm {
            match self.stormy.checked_sub(1) {
                Some(left) => self.stormy = left,
                None => self.clear(),
            }
        }
        if self.calm {
            let Some(left) = self.clients[client].in_calm.checked_sub(1) else {
                return;
            };
            self.clients[client].in_calm = left;
        }
        let call = self.choose(client);
        self.begin(client, call);
    }

    fn begin(&mut self, client: usize, call: Call) {
        let edge = self.clients[client].edge;
        let request = call.request();
        let sweeps = matches!(call.op, Op::Sweep);
        let task = {
            let mut world = self.world.borrow_mut();
            let begun = world.moment();
            let entry = Entry::new(client, edge, call, begun);
            world.history.entries.push(entry);
            world.history.entries.len() - 1
        };
        self.clients[client].waits_for = Some(task);
        self.trouble(task, edge);
        let service = self.edges[edge].service.clone();
        let future: Task = match sweeps {
            true => Box::pin(sweep(service)),
            false => Box::pin(async move { service.handle(&request).await.response }),
        };
        self.poll(task, future);
    }

    /// Nothing goes wrong from now on.
    fn clear(&mut self) {
        self.calm = true;
        let mut world = self.world.borrow_mut();
        world.incident("the weather clears");
        world.weather.clear();
        world.start_store();
        let waiting = self.clients.iter().enumerate();
        let idle = waiting.filter(|(_, client)| client.waits_for.is_none());
        for (client, _) in idle {
            world.after(1_000, Happening::Request(client));
        }
    }

    /// Foresees what is to go wrong around a request.
    fn trouble(&mut self, task: TaskId, edge: usize) {
        let mut world = self.world.borrow_mut();
        let soon = world.weather.delay.end * 6;
        let when = |world: &World| world.dice.within(1..soon);
        let weather = world.weather.clone();
        if world.dice.chance(weather.client_leaves) {
            let when = when(&world);
            world.after(when, Happening::ClientLeaves(task));
        }
        if world.dice.chance(weather.edge_dies) {
            let when = when(&world);
            world.after(when, Happening::EdgeDies(edge));
        }
        if world.dice.chance(weather.compaction) {
            let when = when(&world);
            world.after(when, Happening::Compaction);
        }
        if world.dice.chance(weather.crash) {
            let when = when(&world);
            let back = when + world.dice.within(1..soon * 4);
            world.after(when, Happening::StoreStops);
            world.after(back, Happening::StoreStarts);
        }
    }

    fn choose(&mut self, client: usize) -> Call {
        let world = self.world.borrow();
        let this = &mut self.clients[client];
        let goes_on = world.dice.chance(600);
        if let Some(query) = this.walk.take_if(|_| goes_on) {
            return Call {
                caller: this.caller,
                op: Op::List(query),
                version: None,
            };
        }
        // Clients have no favourite edge for long.
        if world.dice.chance(200) {
            this.edge = world.dice.below(self.edges.len());
        }
        workload::choose(&world.dice, this.caller, &self.known[this.caller.tenant])
    }

    fn poll(&mut self, task: TaskId, mut future: Task) {
        self.world.borrow_mut().current = task;
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(response) => {
                drop(future);
                self.answered(task, response);
            }
            Poll::Pending => {
                let edge = self.world.borrow().history.entries[task].edge;
                self.edges[edge].tasks.insert(task, future);
            }
        }
    }

    fn answered(&mut self, task: TaskId, response: Response) {
        let said = match Said::of(&response) {
            Ok(said) => said,
            Err(wrong) => {
                let mut world = self.world.borrow_mut();
                return world.violates(format!("the answer to request #{task} {wrong}"));
            }
        };
        self.end(task, End::Answered(response));
        self.world.borrow_mut().judge(task, &said);
        self.learn(task, &said);
        self.walk_on(task, &said);
    }

    fn end(&mut self, task: TaskId, end: End) {
        let client = {
            let mut world = self.world.borrow_mut();
            let at = world.moment();
            let entry = &mut world.history.entries[task];
            entry.end = Some((at, end));
            entry.client
        };
        self.clients[client].waits_for = None;
        self.think(client);
    }

    /// Takes over from a page of a walk where the next one begins.
    fn walk_on(&mut self, task: TaskId, said: &Said) {
        let world = self.world.borrow();
        let entry = &world.history.entries[task];
        let Op::List(query) = &entry.call.op else {
            return;
        };
        if entry.call.op.walk().is_none() {
            return;
        }
        let client = &mut self.clients[entry.client];
        client.walk = query.next_page(said);
        if said.status == 200
            && let Some(walk) = client.walk.as_mut().and_then(Query::walk_mut)
        {
            walk.revisions.clone_from(&entry.true_of);
        }
    }

    /// A client tells the others of its tenant of what it has seen.
    fn learn(&mut self, task: TaskId, said: &Said) {
        let world = self.world.borrow();
        let caller = world.history.entries[task].call.caller;
        self.known[caller.tenant].learn(&said.body);
    }

    fn client_leaves(&mut self, task: TaskId) {
        let (edge, over) = {
            let world = self.world.borrow();
            let entry = &world.history.entries[task];
            (entry.edge, entry.end.is_some())
        };
        if !over {
            drop(self.edges[edge].tasks.remove(&task));
            self.end(task, End::ClientLeft);
        }
    }

    fn edge_dies(&mut self, edge: usize) {
        self.world
            .borrow_mut()
            .incident(format!("edge {edge} dies, and another takes its place"));
        let new = self.new_edge();
        let dead = std::mem::replace(&mut self.edges[edge], new);
        let lost: Vec<TaskId> = dead.tasks.keys().copied().collect();
        drop(dead);
        for task in lost {
            self.end(task, End::EdgeDied);
        }
    }
}

/// What an edge does now and then: until nothing is due any more, or it fails.
async fn sweep(service: Rc<Service>) -> Response {
    while let Ok(true) = service.sweep().await {}
    Response {
        status: 204,
        ..Response::default()
    }
}
