//! The functions that a plugin imports, by subject, registered under the names of the ABI.

mod calls;
mod context;
mod general;
mod guest;
mod http;
mod maps;
mod wasi;

use crate::state::State;
use crate::status::{Outcome, Status, finish};
use guest::Guest;
use wasmtime::{Caller, Engine, Linker};

/// Registers functions whose answer is a status. The ones that are not `at_initialize` answer
/// `InternalFailure` while `_initialize` runs (Envoy's restricted callbacks).
macro_rules! functions {
    ($linker:expr, at_initialize: $early:literal;
     $( $name:literal ($($arg:ident: $kind:ty),*) = $body:path; )*) => {
        $( $linker.func_wrap(
            "env",
            $name,
            |caller: Caller<'_, State>, $($arg: $kind),*| {
                if caller.data().restricted && !$early {
                    return Ok(Status::InternalFailure as u32);
                }
                finish($body(&mut Guest(caller), $($arg),*))
            },
        )?; )*
    };
}

/// A linker with every function that Envoy gives to a plugin of ABI 0.2.1.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    register(&mut linker)?;
    unimplemented(&mut linker)?;
    wasi::register(&mut linker)?;
    Ok(linker)
}

fn register(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    functions! { linker, at_initialize: true;
        "proxy_log" (level: u32, text: u32, size: u32) = general::log;
        "proxy_get_log_level" (level: u32) = general::log_level;
    }
    functions! { linker, at_initialize: false;
        "proxy_get_current_time_nanoseconds" (time: u32) = general::current_time;
        "proxy_set_tick_period_milliseconds" (period: u32) = general::set_tick_period;
        "proxy_get_property" (path: u32, path_size: u32, value: u32, value_size: u32)
            = general::property;
        "proxy_set_property" (path: u32, path_size: u32, value: u32, value_size: u32)
            = general::set_property;
        "proxy_get_shared_data" (key: u32, key_size: u32, value: u32, value_size: u32, cas: u32)
            = general::shared_data;
        "proxy_set_shared_data" (key: u32, key_size: u32, value: u32, value_size: u32, cas: u32)
            = general::set_shared_data;
        "proxy_define_metric" (kind: u32, name: u32, name_size: u32, id: u32)
            = general::define_metric;
        "proxy_increment_metric" (id: u32, offset: i64) = general::increment_metric;
        "proxy_record_metric" (id: u32, value: u64) = general::record_metric;
        "proxy_get_metric" (id: u32, value: u32) = general::metric;

        "proxy_get_header_map_pairs" (map: u32, pairs: u32, size: u32) = maps::pairs;
        "proxy_set_header_map_pairs" (map: u32, pairs: u32, size: u32) = maps::set_pairs;
        "proxy_get_header_map_size" (map: u32, size: u32) = maps::size;
        "proxy_get_header_map_value" (map: u32, name: u32, name_size: u32, value: u32, size: u32)
            = maps::value;
        "proxy_add_header_map_value" (map: u32, name: u32, name_size: u32, value: u32, size: u32)
            = maps::add;
        "proxy_replace_header_map_value"
            (map: u32, name: u32, name_size: u32, value: u32, size: u32) = maps::replace;
        "proxy_remove_header_map_value" (map: u32, name: u32, name_size: u32) = maps::remove;

        "proxy_get_buffer_status" (kind: u32, length: u32, flags: u32) = http::buffer_status;
        "proxy_get_buffer_bytes" (kind: u32, start: u32, length: u32, bytes: u32, size: u32)
            = http::buffer;
        "proxy_set_buffer_bytes" (kind: u32, start: u32, length: u32, bytes: u32, size: u32)
            = http::set_buffer;
        "proxy_continue_stream" (kind: u32) = http::continue_stream;
        "proxy_close_stream" (kind: u32) = http::close_stream;
        "proxy_send_local_response" (status: u32, details: u32, details_size: u32, body: u32,
            body_size: u32, headers: u32, headers_size: u32, grpc_status: u32)
            = http::send_local_response;

        "proxy_grpc_call" (upstream: u32, upstream_size: u32, service: u32, service_size: u32,
            method: u32, method_size: u32, metadata: u32, metadata_size: u32, message: u32,
            message_size: u32, timeout: u32, token: u32) = calls::grpc_call;
        "proxy_http_call" (upstream: u32, upstream_size: u32, headers: u32, headers_size: u32,
            body: u32, body_size: u32, trailers: u32, trailers_size: u32, timeout: u32, token: u32)
            = calls::http_call;
        "proxy_grpc_cancel" (token: u32) = calls::grpc_cancel;
        "proxy_grpc_close" (token: u32) = calls::grpc_cancel;
        "proxy_get_status" (code: u32, message: u32, message_size: u32) = calls::status;

        "proxy_set_effective_context" (id: u32) = context::set_effective;
        "proxy_done" () = context::done;
        "proxy_call_foreign_function" (name: u32, name_size: u32, arguments: u32,
            arguments_size: u32, results: u32, results_size: u32) = context::foreign_function;
    }
    // Emscripten's C++ plugins import these.
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| {
        u32::from(left == right)
    })?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_memory: u32| ())?;
    Ok(())
}

/// What Envoy has and this host does not have yet.
fn unimplemented(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    fn refuse() -> Outcome {
        Err(Status::Unimplemented.into())
    }
    macro_rules! missing {
        ($( $name:literal ($($kind:ty),*); )*) => {
            $( linker.func_wrap("env", $name, |_: Caller<'_, State>, $(_: $kind),*| finish(refuse()))?; )*
        };
    }
    missing! {
        "proxy_grpc_stream" (u32, u32, u32, u32, u32, u32, u32, u32, u32);
        "proxy_grpc_send" (u32, u32, u32, u32);
        "proxy_register_shared_queue" (u32, u32, u32);
        "proxy_resolve_shared_queue" (u32, u32, u32, u32, u32);
        "proxy_dequeue_shared_queue" (u32, u32, u32);
        "proxy_enqueue_shared_queue" (u32, u32, u32);
    }
    Ok(())
}
