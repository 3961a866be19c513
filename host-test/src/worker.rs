//! One worker: a thread with its own event loop and its own VM, as in Envoy.

use crate::cluster::Cluster;
use crate::error::StartError;
use crate::grpc;
use crate::http_call;
use crate::log::LogLevel;
use crate::state::{Action, HttpCall, Shared, State, UnaryCall};
use crate::vm::Vm;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{AbortHandle, spawn_local};
use wasmtime::{Engine, InstancePre};

/// The VM that a caller knew is gone: it trapped, or another has taken its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead;

/// Which VM of this worker; counts up with every reload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Generation(u64);

/// What is needed to make a VM. The same for all workers.
#[derive(Clone)]
pub(crate) struct Plant {
    pub(crate) shared: Arc<Shared>,
    pub(crate) engine: Engine,
    pub(crate) plugin: InstancePre<State>,
}

impl Plant {
    fn make(&self, worker: usize) -> Result<Vm, StartError> {
        let state = State::new(Arc::clone(&self.shared), worker);
        Vm::start(&self.engine, &self.plugin, state)
    }
}

struct Slot {
    vm: Option<Vm>,
    generation: Generation,
    /// No new VM before this.
    retry_at: Instant,
}

/// The part of a worker that its tasks share.
pub(crate) struct Worker {
    index: usize,
    plant: Plant,
    slot: RefCell<Slot>,
    clusters: HashMap<String, Rc<Cluster>>,
    calls: RefCell<HashMap<u32, AbortHandle>>,
    ticks: RefCell<Option<AbortHandle>>,
    /// The event loop is going away: nothing new may be started.
    stopping: Cell<bool>,
}

impl Worker {
    /// Starts the worker's first VM. Has to run on the worker's event loop.
    pub(crate) fn start(plant: Plant, index: usize) -> Result<Rc<Self>, StartError> {
        let mut vm = plant.make(index)?;
        let actions = vm.take_actions();
        let clusters = plant.shared.config.clusters.iter();
        let clusters = clusters
            .map(|(name, address)| (name.clone(), Rc::new(Cluster::new(address.clone()))))
            .collect();
        let generation = Generation(0);
        let worker = Rc::new(Self {
            index,
            plant,
            slot: RefCell::new(Slot {
                vm: Some(vm),
                generation,
                retry_at: Instant::now(),
            }),
            clusters,
            calls: RefCell::default(),
            ticks: RefCell::default(),
            stopping: Cell::new(false),
        });
        worker.act(generation, actions);
        Ok(worker)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.plant.shared
    }

    /// The VM for a new stream. After a trap that is a fresh one, once the backoff has passed.
    pub(crate) fn live(self: &Rc<Self>) -> Result<Generation, Dead> {
        let mut slot = self.slot.borrow_mut();
        if slot.vm.is_some() {
            return Ok(slot.generation);
        }
        if Instant::now() < slot.retry_at {
            return Err(Dead);
        }
        match self.plant.make(self.index) {
            Ok(mut vm) => {
                let actions = vm.take_actions();
                slot.vm = Some(vm);
                slot.generation.0 = slot.generation.0.wrapping_add(1);
                let generation = slot.generation;
                drop(slot);
                self.note(
                    LogLevel::Warn,
                    "the plugin was reloaded after a trap".to_owned(),
                );
                self.act(generation, actions);
                Ok(generation)
            }
            Err(error) => {
                slot.retry_at = self.next_retry();
                self.note(
                    LogLevel::Critical,
                    format!("the plugin cannot be reloaded: {error}"),
                );
                Err(Dead)
            }
        }
    }

    /// Calls into a VM, then does what its callbacks asked for. A trap ends the VM.
    pub(crate) fn enter<R>(
        self: &Rc<Self>,
        generation: Generation,
        call: impl FnOnce(&mut Vm) -> wasmtime::Result<R>,
    ) -> Result<R, Dead> {
        let mut slot = self.slot.borrow_mut();
        if slot.generation != generation {
            return Err(Dead);
        }
        let vm = slot.vm.as_mut().ok_or(Dead)?;
        match call(vm) {
            Ok(answer) => {
                let actions = vm.take_actions();
                drop(slot);
                self.act(generation, actions);
                Ok(answer)
            }
            Err(trap) => {
                slot.vm = None;
                slot.retry_at = self.next_retry();
                drop(slot);
                self.abandon();
                let message = format!("the plugin trapped and its VM is gone: {trap:#}");
                self.note(LogLevel::Critical, message);
                Err(Dead)
            }
        }
    }

    /// Bytes of linear memory; nothing while there is no VM.
    pub(crate) fn memory_size(&self) -> Option<usize> {
        self.slot.borrow().vm.as_ref().map(Vm::memory_size)
    }

    /// From here on callbacks start nothing new; the event loop may be dropped.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        self.abandon();
    }

    /// Ends the root context. The last call.
    pub(crate) fn end(self: &Rc<Self>) {
        let generation = self.slot.borrow().generation;
        // A VM that is dead already, or dies of its end, needs nothing more.
        let _ = self.enter(generation, Vm::end_root);
    }

    fn abandon(&self) {
        self.ticks.take().iter().for_each(AbortHandle::abort);
        self.calls.take().values().for_each(AbortHandle::abort);
    }

    fn next_retry(&self) -> Instant {
        let base = self.shared().config.plugin.reload_backoff;
        let mut random = [0];
        // Without randomness the delay is just not jittered.
        let _ = getrandom::fill(&mut random);
        let jitter = base.mul_f64(f64::from(random[0]) / 512.0);
        Instant::now() + base + jitter
    }

    fn note(&self, level: LogLevel, message: String) {
        self.shared().logs.write(self.index, level, message);
    }

    fn act(self: &Rc<Self>, generation: Generation, actions: Vec<Action>) {
        if self.stopping.get() {
            return;
        }
        for action in actions {
            match action {
                Action::Call(call) => self.call(generation, call),
                Action::HttpCall(call) => self.http_call(generation, call),
                Action::CancelCall(token) => {
                    self.calls
                        .borrow_mut()
                        .remove(&token)
                        .iter()
                        .for_each(AbortHandle::abort);
                }
                Action::Tick(period) => self.tick_every(generation, period),
            }
        }
    }

    fn tick_every(self: &Rc<Self>, generation: Generation, period: Duration) {
        let worker = Rc::clone(self);
        let ticks = (!period.is_zero()).then(|| {
            spawn_local(async move {
                loop {
                    tokio::time::sleep(period).await;
                    if worker.enter(generation, Vm::tick).is_err() {
                        return;
                    }
                }
            })
            .abort_handle()
        });
        // A plugin may change the period in `on_tick` itself: the old task ends at its next await.
        let old = self.ticks.replace(ticks);
        old.iter().for_each(AbortHandle::abort);
    }

    fn call(self: &Rc<Self>, generation: Generation, call: UnaryCall) {
        let Some(cluster) = self.clusters.get(&call.cluster).cloned() else {
            return;
        };
        let (token, answer) = (call.token, async move { grpc::unary(&cluster, call).await });
        self.deliver(generation, token, answer, move |vm, answer| match answer {
            Ok(message) => vm.grpc_receive(token, message),
            Err(failure) => vm.grpc_close(token, failure.status, failure.message),
        });
    }

    fn http_call(self: &Rc<Self>, generation: Generation, call: HttpCall) {
        let Some(address) = self.shared().config.clusters.get(&call.cluster).cloned() else {
            return;
        };
        let token = call.token;
        let answer = async move { http_call::exchange(&address, call).await };
        self.deliver(generation, token, answer, move |vm, answer| {
            vm.http_call_response(token, answer)
        });
    }

    /// Waits for the answer to a call, and tells the VM unless it has cancelled the call.
    fn deliver<A: 'static>(
        self: &Rc<Self>,
        generation: Generation,
        token: u32,
        answer: impl Future<Output = A> + 'static,
        tell: impl FnOnce(&mut Vm, A) -> wasmtime::Result<()> + 'static,
    ) {
        let worker = Rc::clone(self);
        let task = spawn_local(async move {
            let answer = answer.await;
            worker.calls.borrow_mut().remove(&token);
            // The VM may have been replaced meanwhile: then nobody waits for the answer.
            let _ = worker.enter(generation, |vm| {
                if !vm.state_mut().calls.contains(&token) {
                    return Ok(());
                }
                let told = tell(vm, answer);
                vm.state_mut().calls.remove(&token);
                told
            });
        });
        self.calls.borrow_mut().insert(token, task.abort_handle());
    }
}
