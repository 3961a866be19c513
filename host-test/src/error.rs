//! Why a host does not start or does not answer, with what to do about it.

use std::net::SocketAddr;

/// The plugin could not be loaded or a listener not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Not a WebAssembly module, or one that uses a feature wasmtime does not have.
    #[error("the plugin is not a valid WebAssembly module: {0}; build it for wasm32-wasip1")]
    BadModule(String),

    /// `on_configure` (or `on_vm_start`) returned false.
    #[error("the plugin refused its configuration in {callback}: {cause}")]
    ConfigureRefused {
        /// The callback that returned false.
        callback: &'static str,
        /// What the plugin logged as error while it ran, or that it logged nothing.
        cause: String,
    },

    /// The listener's address is in use.
    #[error(
        "{address} is already in use; stop the program that listens there or choose another \
         port (port 0 takes any free one)"
    )]
    AddressInUse {
        /// The address asked for.
        address: SocketAddr,
    },

    /// The listener could not be opened for another reason.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The module lacks what a proxy-wasm 0.2.1 plugin must export.
    #[error("the plugin does not export {export}; {hint}")]
    MissingExport {
        /// Name of the export.
        export: &'static str,
        /// What usually is the reason.
        hint: &'static str,
    },

    /// The module imports a function that neither Envoy nor this host provides, or an export has
    /// other parameters than the ABI says.
    #[error("the plugin does not fit the proxy-wasm 0.2.1 ABI: {0}")]
    Link(String),

    /// The plugin trapped while it was started or configured.
    #[error("the plugin trapped in {callback}: {cause}")]
    Trapped {
        /// The callback that trapped.
        callback: &'static str,
        /// What the plugin logged as error, and the trap.
        cause: String,
    },

    /// A worker thread could not be started.
    #[error("cannot start a worker thread: {0}")]
    Worker(String),
}

/// An in-process request got no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The plugin reset the stream (`proxy_close_stream`), so no response exists.
    #[error("the plugin reset the stream without a response")]
    Reset,

    /// The host was shut down before the response was there.
    #[error("the host was shut down before it answered")]
    Stopped,
}
