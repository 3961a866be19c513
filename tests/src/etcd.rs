//! A real etcd of one or more members, on the loopback interface, that can be killed, stopped and
//! started again on the same data.

use crate::{ports, tools};
use edge_cli::Endpoint;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// How long a member may take to listen.
const START: Duration = Duration::from_secs(20);

/// One member.
#[derive(Debug)]
pub struct Etcd {
    arguments: Vec<String>,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Etcd {
    /// Starts a cluster of one.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a cluster of one with further options.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(options: &[&str]) -> Self {
        let (port, peer) = (ports::free(), ports::free());
        let mut arguments = vec![
            format!("--listen-client-urls=http://127.0.0.1:{port}"),
            format!("--advertise-client-urls=http://127.0.0.1:{port}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
        ];
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        let mut etcd = Self::prepare(port, &arguments);
        etcd.launch();
        etcd.listens().await;
        etcd
    }

    /// Starts three members that serve clients over TLS alone and want a certificate of them, from
    /// the files that [`crate::certificates::write`] made in `tls`.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn start_three_with_tls(tls: &Path) -> Vec<Self> {
        let file = |name: &str| tls.join(name).display().to_string();
        let options = [
            "--client-cert-auth".into(),
            format!("--trusted-ca-file={}", file("etcd-ca.crt")),
            format!("--cert-file={}", file("etcd-server.crt")),
            format!("--key-file={}", file("etcd-server.key")),
        ];
        Self::start_members("https", &options).await
    }

    /// Starts three members.
    ///
    /// # Panics
    /// When they do not start.
    pub async fn start_three() -> Vec<Self> {
        Self::start_members("http", &[]).await
    }

    async fn start_members(scheme: &str, options: &[String]) -> Vec<Self> {
        let members: Vec<(u16, u16)> = (0..3).map(|_| (ports::free(), ports::free())).collect();
        let cluster: Vec<String> = members
            .iter()
            .enumerate()
            .map(|(n, (_, peer))| format!("m{n}=http://127.0.0.1:{peer}"))
            .collect();
        let mut etcds: Vec<Self> = members
            .iter()
            .enumerate()
            .map(|(n, (port, peer))| {
                let mut arguments = vec![
                    format!("--name=m{n}"),
                    format!("--listen-client-urls={scheme}://127.0.0.1:{port}"),
                    format!("--advertise-client-urls={scheme}://127.0.0.1:{port}"),
                    format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                    format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
                    format!("--initial-cluster={}", cluster.join(",")),
                ];
                arguments.extend_from_slice(options);
                Self::prepare(*port, &arguments)
            })
            .collect();
        etcds.iter_mut().for_each(Self::launch);
        for etcd in &mut etcds {
            etcd.listens().await;
        }
        etcds
    }

    fn prepare(port: u16, arguments: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            arguments: arguments.to_vec(),
            folder,
            port,
            child: None,
        }
    }

    fn launch(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("the folder takes a log");
        let child = Command::new(tools::etcd())
            .args(&self.arguments)
            .arg(format!(
                "--data-dir={}",
                self.folder.path().join("data").display()
            ))
            .args(["--logger=zap", "--log-outputs=stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("etcd starts");
        self.child = Some(child);
    }

    /// Waits until it listens.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn listens(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || begun.elapsed() > START {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("etcd does not listen on port {}: {log:?}", self.port);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it serves clients.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Tcp("127.0.0.1".into(), self.port)
    }

    /// Where it serves clients, by the name in its certificate.
    #[must_use]
    pub fn named_endpoint(&self) -> Endpoint {
        Endpoint::Tcp("localhost".into(), self.port)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same data, after [`Etcd::kill`].
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        self.kill();
        self.launch();
        self.listens().await;
    }

    /// Starts it again on the same data without waiting for it, as a member that needs others.
    pub fn launch_again(&mut self) {
        self.kill();
        self.launch();
    }

    /// Makes it hang: it keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`Etcd::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = self
            .child
            .as_ref()
            .and_then(|child| i32::try_from(child.id()).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            kill_process(pid, signal).expect("etcd takes signals");
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}
