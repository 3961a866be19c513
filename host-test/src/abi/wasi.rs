//! WASI as Envoy gives it: standard output is the log, there are no files and no sockets.
//!
//! All functions of preview 1 are here, under both module names that Envoy registers; their answers
//! are WASI error numbers.

use super::general::now;
use super::guest::Guest;
use crate::headers::saturate;
use crate::log::LogLevel;
use crate::state::State;
use wasmtime::{Caller, Linker};

const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOENT: u32 = 44;
const NOSYS: u32 = 52;
const NOTSUP: u32 = 58;

/// Envoy refuses to make more random bytes at once.
const MAX_RANDOM: u32 = 64 * 1024;

/// A WASI function's failure as its error number.
type Answer = Result<(), u32>;

macro_rules! functions {
    ($linker:expr, $module:expr; $( $name:literal ($($arg:ident: $kind:ty),*) = $body:expr; )*) => {
        $( $linker.func_wrap($module, $name, |caller: Caller<'_, State>, $($arg: $kind),*| -> u32 {
            let body: fn(&mut Guest<'_>, $($kind),*) -> Answer = $body;
            match body(&mut Guest(caller), $($arg),*) {
                Ok(()) => SUCCESS,
                Err(number) => number,
            }
        })?; )*
    };
}

/// Functions that Envoy registers and refuses.
macro_rules! refused {
    ($linker:expr, $module:expr; $( $name:literal ($($kind:ty),*); )*) => {
        $( $linker.func_wrap($module, $name, |_: Caller<'_, State>, $(_: $kind),*| NOTSUP)?; )*
    };
}

pub(super) fn register(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        answer(linker, module)?;
        refuse(linker, module)?;
    }
    Ok(())
}

fn answer(linker: &mut Linker<State>, module: &str) -> wasmtime::Result<()> {
    functions! { linker, module;
        "args_get" (list: u32, text: u32) = |_, _, _| Ok(());
        "args_sizes_get" (count: u32, size: u32) = |guest, count, size| {
            write_u32(guest, count, 0)?;
            write_u32(guest, size, 0)
        };
        "clock_time_get" (clock: u32, precision: u64, time: u32) = clock_time_get;
        "environ_get" (list: u32, text: u32) = environ_get;
        "environ_sizes_get" (count: u32, size: u32) = environ_sizes_get;
        "fd_close" (fd: u32) = |_, _| Ok(());
        "fd_fdstat_get" (fd: u32, stat: u32) = fd_fdstat_get;
        "fd_prestat_get" (fd: u32, stat: u32) = |_, _, _| Err(BADF);
        "fd_read" (fd: u32, iovs: u32, count: u32, read: u32) = |_, _, _, _, _| Err(NOSYS);
        "fd_seek" (fd: u32, offset: i64, whence: u32, position: u32) = |_, _, _, _, _| Ok(());
        "fd_write" (fd: u32, iovs: u32, count: u32, written: u32) = fd_write;
        "path_open" (fd: u32, lookup: u32, path: u32, size: u32, open: u32, base: u64,
            inheriting: u64, flags: u32, opened: u32) = |_, _, _, _, _, _, _, _, _, _| Err(NOENT);
        // A sleep returns at once, with no event.
        "poll_oneoff" (subscriptions: u32, events: u32, count: u32, happened: u32)
            = |guest, _, _, _, happened| write_u32(guest, happened, 0);
        "random_get" (buffer: u32, size: u32) = random_get;
        "sched_yield" () = |_| Ok(());
    }
    linker.func_wrap(
        module,
        "proc_exit",
        |mut caller: Caller<'_, State>, code: u32| {
            // Envoy only notes it and goes on; the plugin runs into `unreachable` by itself.
            let message = format!("the plugin called proc_exit({code})");
            caller.data_mut().log(LogLevel::Warn, message);
        },
    )?;
    Ok(())
}

fn refuse(linker: &mut Linker<State>, module: &str) -> wasmtime::Result<()> {
    refused! { linker, module;
        "clock_res_get" (u32, u32);
        "fd_advise" (u32, u64, u64, u32);
        "fd_allocate" (u32, u64, u64);
        "fd_datasync" (u32);
        "fd_fdstat_set_flags" (u32, u32);
        "fd_fdstat_set_rights" (u32, u64, u64);
        "fd_filestat_get" (u32, u32);
        "fd_filestat_set_size" (u32, u64);
        "fd_filestat_set_times" (u32, u64, u64, u32);
        "fd_pread" (u32, u32, u32, u64, u32);
        "fd_prestat_dir_name" (u32, u32, u32);
        "fd_pwrite" (u32, u32, u32, u64, u32);
        "fd_readdir" (u32, u32, u32, u64, u32);
        "fd_renumber" (u32, u32);
        "fd_sync" (u32);
        "fd_tell" (u32, u32);
        "path_create_directory" (u32, u32, u32);
        "path_filestat_get" (u32, u32, u32, u32, u32);
        "path_filestat_set_times" (u32, u32, u32, u32, u64, u64, u32);
        "path_link" (u32, u32, u32, u32, u32, u32, u32);
        "path_readlink" (u32, u32, u32, u32, u32, u32);
        "path_remove_directory" (u32, u32, u32);
        "path_rename" (u32, u32, u32, u32, u32, u32);
        "path_symlink" (u32, u32, u32, u32, u32);
        "path_unlink_file" (u32, u32, u32);
        "sock_accept" (u32, u32, u32);
        "sock_recv" (u32, u32, u32, u32, u32, u32);
        "sock_send" (u32, u32, u32, u32, u32);
        "sock_shutdown" (u32, u32);
    }
    Ok(())
}

fn write_u32(guest: &mut Guest<'_>, pointer: u32, value: u32) -> Answer {
    guest.write_u32(pointer, value).map_err(|_| FAULT)
}

fn clock_time_get(guest: &mut Guest<'_>, clock: u32, _precision: u64, time: u32) -> Answer {
    let nanoseconds = match clock {
        0 => now(),
        // Monotonic: any start will do.
        1 => u64::try_from(guest.state().shared.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        _ => return Err(NOTSUP),
    };
    guest.write_u64(time, nanoseconds).map_err(|_| FAULT)
}

fn environ_sizes_get(guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
    let environment = &guest.state().shared.config.plugin.environment;
    let variables = saturate(environment.len());
    let bytes = environment
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    write_u32(guest, count, variables)?;
    write_u32(guest, size, saturate(bytes))
}

fn environ_get(guest: &mut Guest<'_>, mut list: u32, mut text: u32) -> Answer {
    for (name, value) in guest.state().shared.config.plugin.environment.clone() {
        let variable = format!("{name}={value}\0");
        write_u32(guest, list, text)?;
        guest.write(text, variable.as_bytes()).map_err(|_| FAULT)?;
        list = list.wrapping_add(4);
        text = text.wrapping_add(saturate(variable.len()));
    }
    Ok(())
}

fn fd_fdstat_get(guest: &mut Guest<'_>, fd: u32, stat: u32) -> Answer {
    if !matches!(fd, 1 | 2) {
        return Err(BADF);
    }
    // 24 bytes, all zero but the right to write (bit 6 of the second word).
    let mut answer = [0; 24];
    if let Some(rights) = answer.get_mut(8) {
        *rights = 64;
    }
    guest.write(stat, &answer).map_err(|_| FAULT)
}

fn fd_write(guest: &mut Guest<'_>, fd: u32, iovs: u32, count: u32, written: u32) -> Answer {
    let level = match fd {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Err(BADF),
    };
    let mut text = Vec::new();
    for index in 0..count {
        let iov = index
            .checked_mul(8)
            .and_then(|offset| iovs.checked_add(offset))
            .ok_or(FAULT)?;
        let (pointer, size) = iovec(guest.bytes(iov, 8).map_err(|_| FAULT)?).ok_or(FAULT)?;
        text.extend_from_slice(guest.bytes(pointer, size).map_err(|_| FAULT)?);
    }
    let size = saturate(text.len());
    if size > 0 {
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let message = String::from_utf8_lossy(line).into_owned();
        guest.state_mut().log(level, message);
    }
    write_u32(guest, written, size)
}

fn iovec(bytes: &[u8]) -> Option<(u32, u32)> {
    let (pointer, rest) = bytes.split_first_chunk::<4>()?;
    let size = rest.first_chunk::<4>()?;
    Some((u32::from_le_bytes(*pointer), u32::from_le_bytes(*size)))
}

fn random_get(guest: &mut Guest<'_>, buffer: u32, size: u32) -> Answer {
    if size > MAX_RANDOM {
        return Err(INVAL);
    }
    let mut bytes = vec![0; size as usize];
    getrandom::fill(&mut bytes).map_err(|_| NOSYS)?;
    guest.write(buffer, &bytes).map_err(|_| FAULT)
}
