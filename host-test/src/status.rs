//! The answer of a host function: a proxy-wasm status, or the end of the VM.

/// `proxy_status_t` of proxy-wasm 0.2.1, as far as Envoy returns it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(crate) enum Status {
    /// The call did what it says.
    Ok = 0,
    /// No such key, header, metric, token or property.
    NotFound = 1,
    /// An argument that cannot be right, or a map that is not there now.
    BadArgument = 2,
    /// The upstream is not a `GrpcService` message.
    ParseFailure = 4,
    /// A pointer outside of the plugin's memory.
    InvalidMemoryAccess = 6,
    /// The compare-and-swap value is stale.
    CasMismatch = 8,
    /// The host cannot do it: unknown cluster, or called during `_initialize`.
    InternalFailure = 10,
    /// This host does not have the function (yet).
    Unimplemented = 12,
}

/// Why a host function did not answer [`Status::Ok`].
#[derive(Debug)]
pub(crate) enum Fault {
    /// The plugin gets this status.
    Status(Status),
    /// The plugin's allocator trapped while the host called it: the VM is dead.
    Trap(wasmtime::Error),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// What a host function returns before it is put into the ABI's terms.
pub(crate) type Outcome = Result<(), Fault>;

/// The ABI's form of an outcome: a status number, or a trap.
pub(crate) fn finish(outcome: Outcome) -> wasmtime::Result<u32> {
    match outcome {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Fault::Status(status)) => Ok(status as u32),
        Err(Fault::Trap(trap)) => Err(trap),
    }
}
