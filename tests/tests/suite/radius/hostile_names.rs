//! Names that try to be more than names, all the way from the gear to the edge and back.

use crate::radius::site::{PASSWORD, Site, session};
use edge_radius::dictionary as d;
use edge_radius::{Code, Packet};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tests::endpoint::Store;
use tests::radius::nas::Status;
use tests::{Findings, Needs, within};

/// Each is in FreeRADIUS's list and in the directory, letter for letter.
const NAMES: [&str; 9] = [
    "%{exec:id}",
    "%{User-Password}@example.com",
    "${modules.rest[scim_edge].token}",
    "quote\"d'@example.com",
    "{\"User-Name\":\"x\"}",
    "back\\slash@example.com",
    "../../admin@example.com",
    "jürgen@example.com",
    "名前@example.com",
];

#[test]
fn hostile_name_arrives_letter_for_letter() {
    within(120, &[Needs::Envoy, Needs::FreeRadius], async {
        let mut site = Site::start(Store::Embedded, &NAMES).await;
        site.office().await;
        let mut ids = Vec::new();
        for name in NAMES {
            ids.push(site.user(name).await);
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        site.group("Employees", &members).await;
        let mut findings = Findings::default();
        for (at, (name, id)) in NAMES.iter().zip(&ids).enumerate() {
            let answer = site.connect(name).await;
            // FreeRADIUS itself refuses what filter_username calls malformed; never is it
            // somebody else.
            if answer.code == Code::AccessReject && refused_as_malformed(name) {
                continue;
            }
            findings.check(answer.code == Code::AccessAccept, || {
                format!("{name}: {answer:?}")
            });
            let said = answer.attributes.first(&d::USER_NAME).unwrap_or_default();
            findings.check(said == name.as_bytes(), || {
                format!("{name} comes back as {:?}", String::from_utf8_lossy(&said))
            });
            let session = session(&format!("s{at}"), name, &answer);
            let class = String::from_utf8_lossy(&session.class).into_owned();
            findings.check(class.contains(id.as_str()), || {
                format!("{name} is taken for {class}")
            });
            site.nas
                .account(site.freeradius.accounting, Status::Start, &session)
                .await;
        }
        let sessions = site.sessions().await;
        for (at, (name, id)) in NAMES.iter().zip(&ids).enumerate() {
            let own = format!("s{at}");
            if let Some(session) = sessions.iter().find(|s| s["acctSessionId"] == own) {
                findings.check(session["userId"] == **id, || session.to_string());
                // The gear is told of the session by the name that it knows.
                findings.check(session["userName"] == **name, || session.to_string());
            }
        }
        findings.check(sessions.len() >= 7, || {
            format!("{} sessions", sessions.len())
        });
        findings.none();
    });
}

/// What Debian's policy `filter_username` refuses: two dots in a row.
fn refused_as_malformed(name: &str) -> bool {
    name.contains("..")
}

#[test]
fn name_with_nul_or_of_the_greatest_length_is_nobody_else() {
    within(90, &[Needs::Envoy, Needs::FreeRadius], async {
        let long = "a".repeat(253);
        let mut site = Site::start(Store::Embedded, &["ada", &long]).await;
        site.office().await;
        let ada = site.user("ada").await;
        let longest = site.user(&long).await;
        site.group("Employees", &[&ada, &longest]).await;
        assert_eq!(site.connect("ada").await.code, Code::AccessAccept);
        assert_eq!(site.connect(&long).await.code, Code::AccessAccept);
        let at = site.freeradius.access;
        for name in [
            &b"ada\0"[..],
            b"ada\0min",
            b"\0ada",
            b"\0",
            b"a\xc3da",
            &[b'a'; 252],
        ] {
            let answer = site.nas.access(at, name, PASSWORD).await;
            let refused = answer.is_none_or(|packet| packet.code == Code::AccessReject);
            assert!(refused, "{:?}", String::from_utf8_lossy(name));
        }
        // No attribute holds more.
        let mut packet = Packet::new(Code::AccessRequest, 1);
        let longer = packet.attributes.push(&d::USER_NAME, vec![b'a'; 254]);
        assert!(longer.is_err());
    });
}

/// Debian enables a module by which `%{echo:PROGRAM}` runs a program, wherever it is expanded.
#[test]
fn program_that_a_name_asks_for_is_not_run() {
    within(90, &[Needs::Envoy, Needs::FreeRadius], async {
        let folder = tempfile::tempdir().unwrap();
        let (program, trace) = (folder.path().join("run"), folder.path().join("trace"));
        let script = format!("#!/bin/sh\ntouch {}\n", trace.display());
        std::fs::write(&program, script).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        let name = format!("%{{echo:{}}}", program.display());

        let mut site = Site::start(Store::Embedded, &[&name]).await;
        let user = site.user(&name).await;
        site.group(&name, &[&user]).await;
        let path: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        site.policy(&path, &json!({"name": name, "vlan": 7})).await;
        let accept = site.connect(&name).await;
        assert_eq!(accept.code, Code::AccessAccept);
        let vlan = accept.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID);
        assert_eq!(vlan.as_deref(), Some("7"));
        let said = accept.attributes.first(&d::USER_NAME).unwrap();
        assert_eq!(said, name.as_bytes());
        let session = session("s1", &name, &accept);
        let at = site.freeradius.accounting;
        site.nas.account(at, Status::Start, &session).await;
        site.deactivate(&user).await;
        site.nas.account(at, Status::Interim, &session).await;
        let orders = site.nas.ordered(1, Duration::from_secs(5)).await;
        let said = orders[0].packet.attributes.first(&d::USER_NAME).unwrap();
        assert_eq!(said, name.as_bytes());
        assert!(!trace.exists(), "it was run");
    });
}
