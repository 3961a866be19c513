//! A child process that is started again when it ends unasked, and that never outlives us.
//!
//! Each child has a thread of its own, which starts it and looks after it. Children are started
//! through `cargo-edge child`, which asks Linux to kill the program when that thread's process
//! ends (however it ends) and then becomes the program, so the process id stays the same.

use crate::error::Error;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a child is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How long a child may take to end when asked.
const GRACE: Duration = Duration::from_secs(5);
/// Wait before the first restart; doubled for each one that follows soon.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// The longest wait before a restart.
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A child that ran for so long is healthy: its next restart is at once again.
const HEALTHY: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// For messages: `Envoy`, `The embedded store`.
    pub(crate) name: &'static str,
    /// This project's `cargo-edge` program.
    pub(crate) launcher: PathBuf,
    /// The program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<std::ffi::OsString>,
    /// Gets its output; emptied at the first start.
    pub(crate) log: PathBuf,
}

/// A supervised child. Dropping it ends the child, and waits until it has ended.
#[derive(Debug)]
pub(crate) struct Service {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    /// Restart it when it ends; off until it has come up once.
    restart: AtomicBool,
    /// Zero while none runs.
    pid: AtomicU32,
    ended: Mutex<Option<ExitStatus>>,
}

impl Service {
    /// Starts the child. It is not restarted before [`Service::keep`].
    pub(crate) fn start(spec: Spec) -> Result<Self, Error> {
        File::create(&spec.log).map_err(Error::file("write", &spec.log))?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            restart: AtomicBool::new(false),
            pid: AtomicU32::new(0),
            ended: Mutex::new(None),
        });
        let (started, first_start) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&shared);
        let name = spec.name;
        let thread = std::thread::Builder::new()
            .name(format!("keep {name}"))
            .spawn(move || {
                let first = spec.spawn();
                match first {
                    Ok(child) => {
                        theirs.running(&child);
                        let _ = started.send(Ok(()));
                        theirs.supervise(&spec, child);
                    }
                    Err(e) => {
                        let _ = started.send(Err(e));
                    }
                }
            })
            .map_err(|source| Error::Spawn {
                program: name.into(),
                source,
            })?;
        let service = Self {
            shared,
            thread: Some(thread),
        };
        match first_start.recv() {
            Ok(result) => result.map(|()| service),
            Err(_) => Err(Error::Spawn {
                program: name.into(),
                source: std::io::Error::other("its thread ended"),
            }),
        }
    }

    /// From now on the child is started again whenever it ends.
    pub(crate) fn keep(&self) {
        self.shared.restart.store(true, Ordering::SeqCst);
    }

    /// The child's process id; `None` while it is being restarted.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.shared.pid.load(Ordering::SeqCst) {
            0 => None,
            pid => Some(pid),
        }
    }

    /// Kills the child as `kill -9` does, and waits until it is known to be gone.
    pub(crate) fn kill(&self) {
        let Some(pid) = self.pid() else { return };
        if let Some(pid) = raw(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
        while self.pid() == Some(pid) {
            std::thread::sleep(POLL / 4);
        }
    }

    /// How the child ended, when it has and is not to be restarted.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self
            .shared
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Service {
    /// Ends the child: asks, waits, kills.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn running(&self, child: &Child) {
        self.pid.store(child.id(), Ordering::SeqCst);
    }

    /// Looks after the child until told to stop.
    fn supervise(&self, spec: &Spec, mut child: Child) {
        let mut since = Instant::now();
        let mut backoff = FIRST_BACKOFF;
        loop {
            if self.stop.load(Ordering::SeqCst) {
                self.pid.store(0, Ordering::SeqCst);
                end(&mut child);
                return;
            }
            let Ok(Some(status)) = child.try_wait() else {
                std::thread::park_timeout(POLL);
                continue;
            };
            self.pid.store(0, Ordering::SeqCst);
            if !self.restart.load(Ordering::SeqCst) {
                *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
                return;
            }
            if since.elapsed() > HEALTHY {
                backoff = FIRST_BACKOFF;
            }
            tracing::warn!(
                "{} ended ({status}). Starting it again; its log is in {}.",
                spec.name,
                spec.log.display()
            );
            child = loop {
                if self.pause(backoff) {
                    return;
                }
                backoff = (backoff * 2).min(LAST_BACKOFF);
                match spec.spawn() {
                    Ok(child) => break child,
                    Err(e) => tracing::warn!("{e}"),
                }
            };
            self.running(&child);
            since = Instant::now();
        }
    }

    /// Sleeps; true when told to stop meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if self.stop.load(Ordering::SeqCst) {
                return true;
            }
            std::thread::park_timeout(POLL);
        }
        false
    }
}

impl Spec {
    fn spawn(&self) -> Result<Child, Error> {
        let log = File::options()
            .append(true)
            .open(&self.log)
            .map_err(Error::file("write", &self.log))?;
        let copy = log.try_clone().map_err(Error::file("write", &self.log))?;
        Command::new(&self.launcher)
            .arg("child")
            .arg(std::process::id().to_string())
            .arg(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(copy)
            .stderr(log)
            // An interrupt typed at the terminal is for us: we stop the children in order.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: self.launcher.display().to_string(),
                source,
            })
    }
}

fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn end(child: &mut Child) {
    if let Some(pid) = raw(child.id()) {
        // Not yet waited for, so the id is still this child's.
        let _ = kill_process(pid, Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(POLL / 4),
            Ok(Some(_)) | Err(_) => return,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// `cargo-edge child PARENT PROGRAM ARGUMENTS…`: becomes the program, which dies with the parent.
/// Returns only when that failed.
pub(crate) fn become_child(parent: u32, program: &Path, arguments: &[std::ffi::OsString]) -> Error {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getppid, set_parent_process_death_signal};
        let asked = set_parent_process_death_signal(Some(Signal::KILL));
        let orphaned = getppid()
            .map(Pid::as_raw_nonzero)
            .map(|p| p.get().cast_unsigned())
            != Some(parent);
        if asked.is_err() || orphaned {
            return Error::Spawn {
                program: program.display().to_string(),
                source: std::io::Error::other("the process that wanted it has ended"),
            };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    let source = Command::new(program).args(arguments).exec();
    Error::Spawn {
        program: program.display().to_string(),
        source,
    }
}
