//! Envoy's admin interface, and an Envoy that a test runs by itself.

use crate::client::{Client, Reply};
use crate::tools;
use edge_cli::Running;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);

/// The counters and gauges whose names contain `part`.
///
/// # Panics
/// When the endpoint has no Envoy or that does not answer.
pub async fn stats(running: &Running, part: &str) -> BTreeMap<String, u64> {
    let admin = running.envoy_admin().expect("an Envoy");
    let reply = Client::new(admin, "", "")
        .get(&format!("/stats?filter={part}"))
        .await;
    numbers(&reply)
}

/// The names of the histograms whose names contain `part`.
///
/// # Panics
/// When the endpoint has no Envoy or that does not answer.
pub async fn histograms(running: &Running, part: &str) -> Vec<String> {
    let admin = running.envoy_admin().expect("an Envoy");
    let reply = Client::new(admin, "", "")
        .get(&format!("/stats?filter={part}"))
        .await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(_, value)| value.starts_with("P0(") || *value == "No recorded values")
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn numbers(reply: &Reply) -> BTreeMap<String, u64> {
    String::from_utf8_lossy(&reply.body)
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// An Envoy on a bootstrap of the test's own; dropping it ends it.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    log: PathBuf,
}

impl Envoy {
    /// What `envoy --mode validate` says about a bootstrap.
    ///
    /// # Errors
    /// With its output when it is refused.
    pub fn validate(bootstrap: &Path) -> Result<(), String> {
        let output = Command::new(tools::envoy())
            .args([
                "--mode",
                "validate",
                "--log-level",
                "warning",
                "--config-path",
            ])
            .arg(bootstrap)
            .output()
            .map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Starts it with one worker and waits until `address` accepts connections.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start(bootstrap: &Path, address: SocketAddr) -> Self {
        Self::start_with(bootstrap, address, &[]).await
    }

    /// The same with these arguments more.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start_with(bootstrap: &Path, address: SocketAddr, arguments: &[&str]) -> Self {
        let log = bootstrap.with_extension("log");
        let child = Command::new(tools::envoy())
            .args([
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--log-level",
                "warning",
            ])
            .arg("--log-path")
            .arg(&log)
            .arg("--config-path")
            .arg(bootstrap)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Envoy starts");
        let envoy = Self { child, log };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(
                begun.elapsed() < START,
                "Envoy does not listen: {}",
                envoy.said()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        envoy
    }

    /// Its log.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Envoy said:\n{}", self.said());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
