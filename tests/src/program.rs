//! The `cargo-edge` program as a child, and what it leaves running.

use crate::tools;
use edge_cli::Ready;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A running `cargo-edge`; dropping it ends it.
#[derive(Debug)]
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts it with these arguments. Its output goes to `output`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(arguments: &[&str], output: &Path) -> Self {
        let out = std::fs::File::create(output).expect("an output file");
        let err = out.try_clone().expect("an output file");
        let child = Command::new(tools::launcher())
            .args(arguments)
            // Found once, not by each start.
            .env("ENVOY", tools::envoy())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("cargo-edge starts");
        Self { child }
    }

    /// Waits for the ready file.
    ///
    /// # Panics
    /// When the program ends first, or the file is not there in time.
    pub fn ready(&mut self, file: &Path, patience: Duration, output: &Path) -> Ready {
        let begun = Instant::now();
        loop {
            if let Ok(text) = std::fs::read(file) {
                return serde_json::from_slice(&text).expect("the ready file is written whole");
            }
            let ended = self.child.try_wait().expect("our own child");
            if ended.is_some() || begun.elapsed() > patience {
                let said = std::fs::read_to_string(output).unwrap_or_default();
                panic!(
                    "no ready file after {:?} ({ended:?}): {said}",
                    begun.elapsed()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("it runs");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it goes on.
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(
                begun.elapsed() < patience,
                "still running after {:?}",
                begun.elapsed()
            );
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command lines of all processes that name `folder`: what was started for it.
#[must_use]
pub fn processes_naming(folder: &Path) -> Vec<String> {
    let name = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&name))
        .collect()
}

/// Whether those processes are gone within `patience`.
#[must_use]
pub fn gone(folder: &Path, patience: Duration) -> bool {
    let begun = Instant::now();
    while !processes_naming(folder).is_empty() {
        if begun.elapsed() > patience {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}
