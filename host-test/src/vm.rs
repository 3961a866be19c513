//! One VM: an instance of the plugin and the calls into it.

mod exports;

pub(crate) use exports::check;

use crate::error::StartError;
use crate::state::{Action, HttpAnswer, State};
use exports::{Callbacks, Decision, initialize, optional};
use wasmtime::{Engine, InstancePre, Store, TypedFunc, WasmParams, WasmResults};

/// How often the guard against runaway callbacks looks, in milliseconds.
pub(crate) const EPOCH_MILLISECONDS: u64 = 100;

/// A callback about a stream, with the arguments that the ABI adds to the context id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    RequestHeaders { count: u32, end: bool },
    RequestBody { size: u32, end: bool },
    RequestTrailers { count: u32 },
    ResponseHeaders { count: u32, end: bool },
    ResponseBody { size: u32, end: bool },
}

/// What the plugin decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Decided {
    /// Go on.
    Continue,
    /// `Action::Pause`.
    Pause,
    /// A local reply was given in the callback, which overrules its returned action.
    Stop,
}

/// A running instance of the plugin.
pub(crate) struct Vm {
    store: Store<State>,
    callbacks: Callbacks,
    memory: wasmtime::Memory,
    callback_epochs: u64,
}

impl Vm {
    /// Instantiates the plugin, starts it and configures its root context.
    pub(crate) fn start(
        engine: &Engine,
        plugin: &InstancePre<State>,
        state: State,
    ) -> Result<Self, StartError> {
        let timeout = state.shared.config.callback_timeout.as_millis();
        let epochs = u64::try_from(timeout).unwrap_or(u64::MAX) / EPOCH_MILLISECONDS;
        let callback_epochs = epochs.saturating_add(1);
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(callback_epochs);

        let instance = plugin.instantiate(&mut store);
        let instance = instance.map_err(|trap| trapped(&store, "instantiation", &trap))?;
        let link = |error: wasmtime::Error| StartError::Link(format!("{error:#}"));
        let callbacks = Callbacks::of(&instance, &mut store).map_err(link)?;
        let allocate = optional(&instance, &mut store, "proxy_on_memory_allocate").map_err(link)?;
        let malloc = optional(&instance, &mut store, "malloc").map_err(link)?;
        store.data_mut().allocate = allocate.or(malloc);
        let Some(memory) = instance.get_memory(&mut store, "memory") else {
            return Err(StartError::Link(
                "the export \"memory\" is not a memory".to_owned(),
            ));
        };
        store.data_mut().memory = Some(memory);

        initialize(&instance, &mut store).map_err(|trap| trapped(&store, "_initialize", &trap))?;
        store.data_mut().restricted = false;
        let mut vm = Self {
            store,
            callbacks,
            memory,
            callback_epochs,
        };
        vm.configure_root()?;
        vm.store.data_mut().start_errors = None;
        Ok(vm)
    }

    fn configure_root(&mut self) -> Result<(), StartError> {
        let root = self.store.data_mut().next_context();
        let state = self.store.data_mut();
        state.root = root;
        let plugin = &state.shared.config.plugin;
        let sizes = (
            crate::headers::saturate(plugin.vm_configuration.len()),
            crate::headers::saturate(plugin.configuration.len()),
        );
        state.configuring = true;
        self.create_context(root, 0)
            .map_err(|trap| trapped(&self.store, "proxy_on_context_create", &trap))?;
        self.store.data_mut().configuring = false;

        let vm_start = self.callbacks.vm_start.clone();
        self.accept("proxy_on_vm_start", vm_start.as_ref(), (root, sizes.0))?;
        self.store.data_mut().configuring = true;
        let configure = self.callbacks.configure.clone();
        self.accept("proxy_on_configure", configure.as_ref(), (root, sizes.1))?;
        self.store.data_mut().configuring = false;
        Ok(())
    }

    /// Calls a callback that may refuse.
    fn accept(
        &mut self,
        callback: &'static str,
        function: Option<&Decision<(u32, u32)>>,
        arguments: (u32, u32),
    ) -> Result<(), StartError> {
        let Some(function) = function else {
            return Ok(());
        };
        match self.call(arguments.0, function, arguments) {
            Ok(0) => {
                let cause = causes(&self.store);
                let none = "it returned false without logging an error".to_owned();
                Err(StartError::ConfigureRefused {
                    callback,
                    cause: cause.unwrap_or(none),
                })
            }
            Ok(_) => Ok(()),
            Err(trap) => Err(trapped(&self.store, callback, &trap)),
        }
    }

    pub(crate) fn state(&self) -> &State {
        self.store.data()
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// What the callbacks so far left to be done.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.store.data_mut().actions)
    }

    /// Bytes of linear memory.
    pub(crate) fn memory_size(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Enters the VM for `context`, as every callback does.
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        context: u32,
        function: &TypedFunc<P, R>,
        arguments: P,
    ) -> wasmtime::Result<R> {
        self.store.set_epoch_deadline(self.callback_epochs);
        let state = self.store.data_mut();
        state.current = context;
        state.effective = 0;
        state.stop_iteration = false;
        function.call(&mut self.store, arguments)
    }

    fn create_context(&mut self, id: u32, parent: u32) -> wasmtime::Result<()> {
        match self.callbacks.context_create.clone() {
            Some(function) => self.call(id, &function, (id, parent)),
            None => Ok(()),
        }
    }

    /// Makes a stream context in the plugin.
    pub(crate) fn create_stream(&mut self, id: u32) -> wasmtime::Result<()> {
        let root = self.state().root;
        self.create_context(id, root)
    }

    /// Tells the plugin about a part of a stream.
    pub(crate) fn event(&mut self, id: u32, event: Event) -> wasmtime::Result<Decided> {
        let callbacks = &self.callbacks;
        let (three, two) = match event {
            Event::RequestHeaders { .. } => (callbacks.request_headers.clone(), None),
            Event::RequestBody { .. } => (callbacks.request_body.clone(), None),
            Event::RequestTrailers { .. } => (None, callbacks.request_trailers.clone()),
            Event::ResponseHeaders { .. } => (callbacks.response_headers.clone(), None),
            Event::ResponseBody { .. } => (callbacks.response_body.clone(), None),
        };
        let (amount, end) = match event {
            Event::RequestHeaders { count, end } | Event::ResponseHeaders { count, end } => {
                (count, end)
            }
            Event::RequestBody { size, end } | Event::ResponseBody { size, end } => (size, end),
            Event::RequestTrailers { count } => (count, true),
        };
        let answer = match (three, two) {
            (Some(function), _) => self.call(id, &function, (id, amount, u32::from(end)))?,
            (None, Some(function)) => self.call(id, &function, (id, amount))?,
            (None, None) => return Ok(Decided::Continue),
        };
        Ok(match answer {
            _ if self.state().stop_iteration => Decided::Stop,
            0 => Decided::Continue,
            _ => Decided::Pause,
        })
    }

    /// The end of a stream's life, in Envoy's order: log, done, delete.
    pub(crate) fn end_stream(&mut self, id: u32) -> wasmtime::Result<()> {
        let (log, done) = (self.callbacks.log.clone(), self.callbacks.done.clone());
        if let Some(stream) = self.state_mut().streams.get_mut(&id) {
            stream.logging = true;
        }
        if let Some(function) = log {
            self.call(id, &function, id)?;
        }
        if let Some(stream) = self.state_mut().streams.get_mut(&id) {
            stream.logging = false;
        }
        if let Some(function) = done {
            // Envoy ignores a "not yet" of a stream.
            self.call(id, &function, id)?;
        }
        let deleted = match self.callbacks.delete.clone() {
            Some(function) => self.call(id, &function, id),
            None => Ok(()),
        };
        self.state_mut().streams.remove(&id);
        deleted
    }

    /// The root context's timer.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<()> {
        let root = self.state().root;
        match self.callbacks.tick.clone() {
            Some(function) => self.call(root, &function, root),
            None => Ok(()),
        }
    }

    /// The answer to a unary call: on the root context, with the call's token.
    pub(crate) fn grpc_receive(
        &mut self,
        token: u32,
        message: bytes::Bytes,
    ) -> wasmtime::Result<()> {
        let root = self.state().root;
        let size = crate::headers::saturate(message.len());
        let Some(function) = self.callbacks.grpc_receive.clone() else {
            return Ok(());
        };
        self.state_mut().grpc_message = message;
        self.call(root, &function, (root, token, size))?;
        self.state_mut().grpc_message.clear();
        Ok(())
    }

    /// The failure of a unary call. `proxy_get_status` gives code and message meanwhile.
    pub(crate) fn grpc_close(
        &mut self,
        token: u32,
        status: u32,
        message: String,
    ) -> wasmtime::Result<()> {
        let root = self.state().root;
        let Some(function) = self.callbacks.grpc_close.clone() else {
            return Ok(());
        };
        self.state_mut().grpc_status = (status, message);
        self.call(root, &function, (root, token, status))?;
        self.state_mut().grpc_status.1.clear();
        Ok(())
    }

    /// The answer to an HTTP call, on the root context; a call that failed has no headers.
    pub(crate) fn http_call_response(
        &mut self,
        token: u32,
        answer: Option<HttpAnswer>,
    ) -> wasmtime::Result<()> {
        let root = self.state().root;
        let Some(function) = self.callbacks.http_call_response.clone() else {
            return Ok(());
        };
        let (headers, size, trailers) = answer.as_ref().map_or((0, 0, 0), |answer| {
            let size = crate::headers::saturate(answer.body.len());
            (answer.headers.count(), size, answer.trailers.count())
        });
        self.state_mut().http_answer = answer;
        self.call(root, &function, (root, token, headers, size, trailers))?;
        self.state_mut().http_answer = None;
        Ok(())
    }

    /// The end of the root context, when the host shuts down.
    pub(crate) fn end_root(&mut self) -> wasmtime::Result<()> {
        let root = self.state().root;
        if let Some(function) = self.callbacks.done.clone() {
            self.call(root, &function, root)?;
        }
        match self.callbacks.delete.clone() {
            Some(function) => self.call(root, &function, root),
            None => Ok(()),
        }
    }
}

/// The errors that the plugin logged since it started, if any.
fn causes(store: &Store<State>) -> Option<String> {
    let errors = store.data().start_errors.as_ref()?;
    (!errors.is_empty()).then(|| errors.join("; "))
}

fn trapped(store: &Store<State>, callback: &'static str, trap: &wasmtime::Error) -> StartError {
    let trap = format!("{trap:#}");
    let cause = match causes(store) {
        Some(logged) => format!("{logged} ({trap})"),
        None => trap,
    };
    StartError::Trapped { callback, cause }
}
