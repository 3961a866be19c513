//! Debian's FreeRADIUS on the files of `freeradius/`: in them, only what an operator is told to
//! set is set, and the ports are other ones. Around them is what an operator brings: a list of
//! users with passwords, and EAP.

use crate::radius::nas::Nas;
use crate::{ports, tools};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);
/// Where Debian has its modules' and policies' configuration.
const DEBIAN: &str = "/etc/freeradius/3.0";

/// A FreeRADIUS; dropping it ends it.
#[derive(Debug)]
pub struct FreeRadius {
    child: Child,
    folder: TempDir,
    /// Where it says whether somebody may connect.
    pub access: SocketAddr,
    /// Where it is told of sessions.
    pub accounting: SocketAddr,
}

impl FreeRadius {
    /// Starts one that asks the edge at `edge` with `token`, takes orders from `nas`, and knows
    /// these users with their passwords.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(edge: SocketAddr, token: &str, nas: &Nas, users: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (access, accounting) = (at(ports::free()), at(ports::free()));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        let place = format!("\"http://{edge}\"");
        let token = format!("\"{token}\"");
        let module = shipped("mods-available/scim_edge")
            .set("connect_uri = ", "\"http://127.0.0.1:8080\"", &place)
            .set("token = ", "\"scim_REPLACE_ME\"", &token);
        write("mods/scim_edge", &module.0);
        write("policies/scim_edge", &shipped("policy.d/scim_edge").0);
        let (authentication, orders) = (access.port().to_string(), nas.address().port());
        let site = shipped("sites-available/scim-edge")
            .set("ipaddr = ", "*", "127.0.0.1")
            .set("port = ", "1812", &authentication)
            .set("port = ", "1813", &accounting.port().to_string());
        write("sites/scim-edge", &site.0);
        let secret = nas.secret();
        let clients = shipped("clients.conf")
            .set("ipaddr = ", "192.0.2.0/24", "127.0.0.1")
            .set("ipaddr = ", "192.0.2.10", "127.0.0.1")
            .set("port = ", "3799", &orders.to_string())
            .set("secret = ", "REPLACE_ME_WITH_32_RANDOM_CHARACTERS", secret);
        write("clients.conf", &clients.0);
        let users: String = users
            .iter()
            .map(|(name, password)| {
                let name = name.replace('"', "\\\"");
                format!("\"{name}\" Cleartext-Password := \"{password}\"\n")
            })
            .collect();
        write("users", &users);
        write("mods/eap", include_str!("freeradius/eap"));
        write("mods/operators", include_str!("freeradius/modules"));
        write("radiusd.conf", include_str!("freeradius/radiusd.conf"));
        crate::certificates::write_eap(&folder.path().join("certificates"));
        let child = launch(folder.path());
        let mut freeradius = Self {
            child,
            folder,
            access,
            accounting,
        };
        freeradius.listens().await;
        freeradius
    }

    async fn listens(&mut self) {
        let begun = Instant::now();
        while !self.log().contains("Ready to process requests") {
            let ended = self.child.try_wait().expect("our own child");
            assert!(
                ended.is_none() && begun.elapsed() < START,
                "FreeRADIUS does not listen ({ended:?}): {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The folder of the certificates for EAP.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    /// What it logged, every packet and every step among it.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.get(lines.len().saturating_sub(120)..);
            eprintln!("FreeRADIUS said:\n{}", last.unwrap_or(&lines).join("\n"));
        }
    }
}

fn launch(folder: &Path) -> Child {
    let log = fs::File::create(folder.join("log")).expect("a log");
    let copy = log.try_clone().expect("a log");
    Command::new(tools::freeradius())
        .args(["-f", "-xx", "-l", "stdout", "-n", "radiusd", "-d"])
        .arg(folder)
        .env("FOLDER", folder)
        .env("DEBIAN", DEBIAN)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy)
        .spawn()
        .expect("FreeRADIUS starts")
}

/// A file of `freeradius/`.
struct Shipped(String);

fn shipped(name: &str) -> Shipped {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../freeradius");
    let path = path.join(name);
    let text = fs::read_to_string(&path);
    Shipped(text.unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

impl Shipped {
    /// Sets a value that stands in the file as we ship it.
    fn set(self, setting: &str, from: &str, to: &str) -> Self {
        let line = format!("{setting}{from}\n");
        assert!(self.0.contains(&line), "{line:?} is not shipped");
        Self(self.0.replace(&line, &format!("{setting}{to}\n")))
    }
}
