//! `cargo edge up` as the user runs it: a program that starts others, and leaves none behind.

use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tests::client::Client;
use tests::etcd::Etcd;
use tests::program::{Program, gone, processes_naming};
use tests::{Needs, scim, within};

/// How long a start may take on a busy machine, with everything built.
const START: Duration = Duration::from_secs(60);
/// How long stopping may take.
const STOP: Duration = Duration::from_secs(10);

/// A data folder, a ready file and an output file.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `cargo edge up` with the folder, and further arguments.
    fn up(&self, output: &str, more: &[&str]) -> Program {
        self.start("up", output, more)
    }

    fn start(&self, command: &str, output: &str, more: &[&str]) -> Program {
        let (data, ready) = (self.file("data"), self.file("ready.json"));
        let mut arguments = vec![command, "--workers", "1", "--data", data.to_str().unwrap()];
        arguments.extend(["--ready-file", ready.to_str().unwrap()]);
        if !more.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        arguments.extend(more);
        Program::start(&arguments, &self.file(output))
    }

    fn ready(&self, program: &mut Program, output: &str) -> edge_cli::Ready {
        program.ready(&self.file("ready.json"), START, &self.file(output))
    }

    /// Runs one that cannot start, and returns what it says.
    fn refused(&self, more: &[&str]) -> String {
        let mut program = self.up("refused", more);
        let status = program.ended(START);
        let said = std::fs::read_to_string(self.file("refused")).unwrap();
        assert!(!status.success(), "{said}");
        said
    }
}

fn client(ready: &edge_cli::Ready) -> Client {
    let authority = ready.base_url.split('/').nth(2).unwrap();
    Client::new(authority.parse().unwrap(), "/scim/v2", &ready.token)
}

#[test]
fn up_on_envoy_starts_stops_and_finds_everything_again() {
    within(200, &[Needs::Envoy], async {
        let place = Place::new();
        let mut first = place.up("first", &[]);
        let ready = place.ready(&mut first, "first");
        let mut before = client(&ready);
        let created = before.post("/Users", &scim::user("ada@example.com")).await;
        assert_eq!(created.status, 201, "{created}");
        let said = std::fs::read_to_string(place.file("first")).unwrap();
        assert!(
            said.contains(&ready.base_url) && said.contains(&ready.token),
            "{said}"
        );

        let in_use = place.refused(&[]);
        assert!(
            in_use.contains("is in use by another `cargo edge up`"),
            "{in_use}"
        );
        assert_eq!(before.get("/Users").await.status, 200);

        first.signal(Signal::TERM);
        assert!(first.ended(STOP).success());
        assert!(
            gone(&place.file("data"), Duration::from_secs(1)),
            "{:?}",
            processes_naming(&place.file("data"))
        );

        let begun = Instant::now();
        let _ = std::fs::remove_file(place.file("ready.json"));
        let mut second = place.up("second", &[]);
        let again = place.ready(&mut second, "second");
        eprintln!("the second start took {:?}", begun.elapsed());
        assert_ne!(again.token, ready.token);
        for token in [&ready.token, &again.token] {
            let mut after = client(&edge_cli::Ready {
                token: token.clone(),
                ..again.clone()
            });
            let read = after.get(&format!("/Users/{}", created.text("/id"))).await;
            assert_eq!(read.text("/userName"), "ada@example.com", "{read}");
        }

        // Not even kill -9 leaves anything behind.
        second.signal(Signal::KILL);
        second.ended(STOP);
        assert!(
            gone(&place.file("data"), STOP),
            "{:?}",
            processes_naming(&place.file("data"))
        );
    });
}

#[test]
fn up_on_envoy_with_etcd_is_the_same() {
    within(120, &[Needs::Envoy, Needs::Etcd], async {
        let etcd = Etcd::start().await;
        let address = etcd.endpoint().to_string();
        let place = Place::new();
        let mut created = Vec::new();
        for run in ["first", "second"] {
            let _ = std::fs::remove_file(place.file("ready.json"));
            let mut up = place.up(run, &["--etcd", &address]);
            let mut client = client(&place.ready(&mut up, run));
            let user = client
                .post("/Users", &scim::user(&format!("{run}@example.com")))
                .await;
            assert_eq!(user.status, 201, "{user}");
            created.push(user.text("/id"));
            for id in &created {
                assert_eq!(client.get(&format!("/Users/{id}")).await.status, 200);
            }
            up.signal(Signal::INT);
            assert!(up.ended(STOP).success());
        }
        assert!(gone(&place.file("data"), Duration::from_secs(1)));
    });
}

#[test]
fn serve_on_wasmtime_is_the_same() {
    within(120, &[], async {
        let place = Place::new();
        let mut serve = place.start("serve", "serve", &[]);
        let ready = place.ready(&mut serve, "serve");
        let mut client = client(&ready);
        let created = client.post("/Users", &scim::user("ada@example.com")).await;
        assert_eq!(created.status, 201, "{created}");
        serve.signal(Signal::TERM);
        assert!(serve.ended(STOP).success());
        assert!(gone(&place.file("data"), Duration::from_secs(1)));
    });
}

#[test]
fn failures_of_up_on_envoy_say_what_to_do() {
    within(120, &[Needs::Envoy], async {
        let place = Place::new();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let said = place.refused(&["--listen", &address]);
        assert!(
            said.contains(&address) && said.contains("--listen"),
            "{said}"
        );

        let config = |text: &str| write(&place.file("config.json"), text);
        for (text, names) in [
            (r#"{"max_bodi_bytes": 1}"#, "max_bodi_bytes"),
            (r#"{"limits": {"max_body_bytes": 0}}"#, "max_body_bytes"),
            (r#"{"store": {"timeout": 1}}"#, "timeout"),
            (r#"{"base_path": 7}"#, "base_path"),
            (r#"{"base_path": }"#, "line 1 column 15"),
        ] {
            let said = place.refused(&["--config", &config(text)]);
            assert!(
                said.contains(names) && said.contains("onfig"),
                "{text}: {said}"
            );
        }
        let missing = place.refused(&["--config", "/no/such/file"]);
        assert!(missing.contains("/no/such/file"), "{missing}");

        let nobody = format!("127.0.0.1:{}", tests::ports::free());
        let said = place.refused(&["--etcd", &nobody]);
        assert!(said.contains(&nobody) && said.contains("--etcd"), "{said}");
        assert!(gone(&place.file("data"), Duration::from_secs(1)));
        assert!(!place.file("ready.json").exists());
    });
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.display().to_string()
}
