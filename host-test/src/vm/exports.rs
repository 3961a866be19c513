//! What a plugin exports: which of it the host needs, and how it is called.

use crate::error::StartError;
use crate::state::State;
use wasmtime::{Extern, Instance, Module, Store, TypedFunc, WasmParams, WasmResults};

pub(super) type Notice = TypedFunc<u32, ()>;
pub(super) type Decision<P> = TypedFunc<P, u32>;
/// Context, token, count of headers, size of the body, count of trailers.
pub(super) type HttpAnswered = TypedFunc<(u32, u32, u32, u32, u32), ()>;

/// The plugin's callbacks; a missing one is skipped, as in Envoy.
pub(super) struct Callbacks {
    pub(super) context_create: Option<TypedFunc<(u32, u32), ()>>,
    pub(super) vm_start: Option<Decision<(u32, u32)>>,
    pub(super) configure: Option<Decision<(u32, u32)>>,
    pub(super) tick: Option<Notice>,
    pub(super) request_headers: Option<Decision<(u32, u32, u32)>>,
    pub(super) request_body: Option<Decision<(u32, u32, u32)>>,
    pub(super) request_trailers: Option<Decision<(u32, u32)>>,
    pub(super) response_headers: Option<Decision<(u32, u32, u32)>>,
    pub(super) response_body: Option<Decision<(u32, u32, u32)>>,
    pub(super) grpc_receive: Option<TypedFunc<(u32, u32, u32), ()>>,
    pub(super) grpc_close: Option<TypedFunc<(u32, u32, u32), ()>>,
    pub(super) http_call_response: Option<HttpAnswered>,
    pub(super) done: Option<Decision<u32>>,
    pub(super) log: Option<Notice>,
    pub(super) delete: Option<Notice>,
}

/// What a plugin must have, whatever it does.
pub(crate) fn check(module: &Module) -> Result<(), StartError> {
    let has = |name| module.get_export(name).is_some();
    let missing = |export, hint| Err(StartError::MissingExport { export, hint });
    if !has("proxy_abi_version_0_2_1") {
        return missing(
            "proxy_abi_version_0_2_1",
            "it marks the ABI version; a Rust plugin gets it from proxy-wasm 0.2 and \
             proxy_wasm::main!",
        );
    }
    if !has("memory") {
        return missing("memory", "export the module's linear memory");
    }
    if !has("proxy_on_memory_allocate") && !has("malloc") {
        return missing(
            "proxy_on_memory_allocate or malloc",
            "the host passes data through it",
        );
    }
    Ok(())
}

impl Callbacks {
    pub(super) fn of(instance: &Instance, store: &mut Store<State>) -> wasmtime::Result<Self> {
        Ok(Self {
            context_create: optional(instance, store, "proxy_on_context_create")?,
            vm_start: optional(instance, store, "proxy_on_vm_start")?,
            configure: optional(instance, store, "proxy_on_configure")?,
            tick: optional(instance, store, "proxy_on_tick")?,
            request_headers: optional(instance, store, "proxy_on_request_headers")?,
            request_body: optional(instance, store, "proxy_on_request_body")?,
            request_trailers: optional(instance, store, "proxy_on_request_trailers")?,
            response_headers: optional(instance, store, "proxy_on_response_headers")?,
            response_body: optional(instance, store, "proxy_on_response_body")?,
            grpc_receive: optional(instance, store, "proxy_on_grpc_receive")?,
            grpc_close: optional(instance, store, "proxy_on_grpc_close")?,
            http_call_response: optional(instance, store, "proxy_on_http_call_response")?,
            done: optional(instance, store, "proxy_on_done")?,
            log: optional(instance, store, "proxy_on_log")?,
            delete: optional(instance, store, "proxy_on_delete")?,
        })
    }
}

/// An exported function; one of another type than the ABI says is an error.
pub(super) fn optional<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<State>,
    name: &str,
) -> wasmtime::Result<Option<TypedFunc<P, R>>> {
    match instance.get_export(&mut *store, name) {
        Some(Extern::Func(function)) => {
            Ok(Some(function.typed(&*store).map_err(|error| {
                error.context(format!("export {name}"))
            })?))
        }
        _ => Ok(None),
    }
}

/// `_initialize`, then `main` if there is one; without `_initialize`, `_start`.
pub(super) fn initialize(instance: &Instance, store: &mut Store<State>) -> wasmtime::Result<()> {
    if let Some(initialize) = optional::<(), ()>(instance, store, "_initialize")? {
        initialize.call(&mut *store, ())?;
        if let Some(main) = optional::<(u32, u32), u32>(instance, store, "main")? {
            main.call(&mut *store, (0, 0))?;
        } else if let Some(main) = optional::<(), u32>(instance, store, "__main_void")? {
            main.call(&mut *store, ())?;
        }
    } else if let Some(start) = optional::<(), ()>(instance, store, "_start")? {
        start.call(&mut *store, ())?;
    }
    Ok(())
}
