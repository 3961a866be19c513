//! The program as a user meets it: what it refuses, what it prints, how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

fn cargo_edge() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cargo-edge"))
}

fn run(arguments: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = cargo_edge().args(arguments).output().unwrap();
    let said = [stdout, stderr].concat();
    (status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn unknown_flag_is_refused_by_name() {
    let (ok, said) = run(&["up", "--lisen", "127.0.0.1:0"]);
    assert!(!ok);
    assert!(
        said.contains("--lisen") && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn wrong_values_are_refused_with_the_right_form() {
    for (arguments, part) in [
        (["up", "--listen", "8080"], "HOST:PORT"),
        (["up", "--etcd", "localhost"], "Write HOST:PORT"),
        (["up", "--workers", "0"], "--workers"),
        (["test", "--without", "rust"], "envoy"),
        (["replay", "ftp://x", "token"], "http"),
    ] {
        let (ok, said) = run(&arguments);
        assert!(!ok && said.contains(part), "{arguments:?}: {said}");
    }
}

#[test]
fn replay_refuses_what_is_no_transcript() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"{"name": "a", "source": "b", "steps": []}"#).unwrap();
    let (ok, said) = run(&[
        "replay",
        "http://127.0.0.1:1",
        "t",
        file.path().to_str().unwrap(),
    ]);
    assert!(!ok);
    assert!(
        said.contains("is not a transcript: it has no steps"),
        "{said}"
    );
}

/// Answers each connection's one request with what the path asks for.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap());
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let start = request.len();
        reader.read_line(&mut request).unwrap();
        let line = request[start..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    // The answer tells what was asked.
    let answer = serde_json::json!({
        "id": "7a",
        "request": request,
        "body": String::from_utf8(body).unwrap(),
    })
    .to_string();
    write!(
        stream,
        "HTTP/1.1 201 Created\r\nLocation: /Users/7a\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .unwrap();
}

fn replay(steps: &str, more: &[&str]) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let transcript = format!(r#"{{"name": "a", "source": "b", "steps": [{steps}]}}"#);
    std::fs::write(file.path(), transcript).unwrap();
    let url = format!("http://{}/scim/v2/", server());
    let mut arguments = vec!["replay", &url, "secret"];
    arguments.extend(more);
    arguments.push(file.path().to_str().unwrap());
    run(&arguments)
}

#[test]
fn replay_sends_the_step_as_written_and_keeps_what_it_saves() {
    let (ok, said) = replay(
        r#"{"name": "make", "request": {"method": "POST", "path": "/Users?a=%20+b",
              "headers": {"accept": null, "X-Extra": "1"}, "body": {"z": "é${token}", "a": 1}},
            "expect": {"status": [201], "headers": {"location": {"$re": "7a$"}}, "json": {
              "/body": "{\"z\":\"ésecret\",\"a\":1}",
              "/request": {"$re": "^POST /scim/v2/Users\\?a=%20\\+b HTTP/1.1\r\n(?is)(?=.*authorization: Bearer secret)(?=.*x-extra: 1)(?!.*accept: )"}}},
            "save": {"uid": "/id", "where": "header:Location"}},
           {"name": "read", "tag": "rfc", "request": {"method": "GET", "path": "/Users/${uid}"},
            "expect": {"status": [200, 201], "absent": ["/nothing"], "json": {
              "/request": {"$re": "GET /scim/v2${where} HTTP"}}}}"#,
        &[],
    );
    assert!(ok, "{said}");
    assert!(said.contains("pass   2 [rfc] read"), "{said}");
    assert_eq!(said.lines().last(), Some("2 passed, 0 failed"));
}

#[test]
fn replay_fails_with_the_reason_and_skipped_tags_do_not_count() {
    let steps = r#"{"name": "one", "tag": "policy", "request": {"method": "GET", "path": "/"},
                    "expect": {"status": [404]}},
                   {"name": "two", "request": {"method": "GET", "path": "/"},
                    "expect": {"status": [201], "json": {"/id": "8b"}}}"#;
    let (ok, said) = replay(steps, &[]);
    assert!(!ok);
    assert!(said.contains("status 201, wanted [404]"), "{said}");
    assert!(said.contains(r#"/id: wanted "8b", got "7a""#), "{said}");
    assert_eq!(said.lines().last(), Some("0 passed, 2 failed"));
    let (_, said) = replay(steps, &["--skip-tag", "policy"]);
    assert_eq!(said.lines().last(), Some("0 passed, 1 failed"));
    let (ok, said) = replay(steps, &["--tag", "rfc"]);
    assert!(ok);
    assert_eq!(said.lines().last(), Some("0 passed, 0 failed"));
}

/// Killed when the test ends, however it does.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn kv_says_where_it_listens_and_ends_when_asked() {
    let data = tempfile::tempdir().unwrap();
    let mut kv = Killed(
        cargo_edge()
            .args(["kv", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(kv.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("Listening on ").unwrap();
    assert!(TcpStream::connect(address).is_ok(), "{first}");
    let second = lines.next().unwrap().unwrap();
    assert!(
        second.contains("etcdctl --endpoints") && second.contains(address),
        "{second}"
    );
    let pid = Pid::from_raw(i32::try_from(kv.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(kv.0.wait().unwrap().success());
}
