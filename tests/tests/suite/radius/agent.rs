//! `cargo edge disconnect`: what the directory decides arrives at the gear, whatever is away in
//! between.

use crate::radius::site::{Site, office, session};
use edge_cli::replay::play_stepwise;
use edge_radius::dictionary as d;
use edge_radius::{Code, Packet};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use tests::endpoint::Store;
use tests::radius::nas::{Manner, Nas, Session, Status};
use tests::{Needs, within};

const NEEDS: [Needs; 3] = [Needs::Envoy, Needs::Etcd, Needs::FreeRadius];
const ADA: &str = "ada@example.com";
/// How long an order may take, on a busy machine too; how long it does take, `measure` tells.
const PATIENCE: Duration = Duration::from_secs(20);

/// The company's whole promise: what Entra sends decides who is on the network, and how; and who is
/// disabled is cut off.
#[test]
fn network_access_follows_what_entra_sends() {
    const SIGRID: &str = "sigrid@tern.example";
    within(120, &NEEDS, async {
        let mut site = Site::start(Store::Etcd, &[SIGRID]).await;
        for ((_, policy), group) in office()
            .into_iter()
            .step_by(2)
            .zip(["Employees", "Externals"])
        {
            site.policy(&format!("Tern%20{group}"), &policy).await;
        }
        let _agent = site.agent(&[]);
        let ready = site.endpoint.running().ready();
        let transcript =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("idp/entra-network-access.json");
        let at = site.freeradius.accounting;
        let (mut seen, mut met) = (0, 0);
        let report = play_stepwise(&ready.base_url, &ready.token, &transcript, async |step| {
            match step {
                "create the user" => {
                    let answer = site.connect(SIGRID).await;
                    assert_eq!(answer.code, Code::AccessReject, "in no group yet");
                }
                "add the user to the employees" => {
                    let accept = site.connect(SIGRID).await;
                    assert_eq!(vlan(&accept).as_deref(), Some("100"));
                    let got = &accept.attributes;
                    assert_eq!(got.first(&d::WISPR_BANDWIDTH_MAX_UP), Some(100_000_000));
                    assert_eq!(got.first(&d::WISPR_BANDWIDTH_MAX_DOWN), Some(100_000_000));
                    assert_eq!(got.first(&d::SESSION_TIMEOUT), Some(43_200));
                    let first = session("first", SIGRID, &accept);
                    site.nas.account(at, Status::Start, &first).await;
                }
                "move: remove from the employees" => {
                    // In no group: off the network.
                    let order = order_for(&site.nas, "first", 0, PATIENCE).await.1;
                    assert_eq!(order.code, Code::DisconnectRequest);
                    let first = Session {
                        id: "first".into(),
                        user: SIGRID.into(),
                        class: Vec::new(),
                    };
                    site.nas.account(at, Status::Stop, &first).await;
                }
                "move: add to the externals" => {
                    let accept = site.connect(SIGRID).await;
                    assert_eq!(vlan(&accept).as_deref(), Some("150"));
                    let second = session("second", SIGRID, &accept);
                    site.nas.account(at, Status::Start, &second).await;
                    seen = site.nas.orders().len();
                }
                "disable the user" => {
                    for _ in 0..20 {
                        assert_eq!(site.connect(SIGRID).await.code, Code::AccessReject);
                    }
                    let order = order_for(&site.nas, "second", seen, PATIENCE).await.1;
                    assert_eq!(order.code, Code::DisconnectRequest);
                    let said = &order.attributes;
                    let name = said.first(&d::USER_NAME);
                    assert_eq!(name.as_deref(), Some(SIGRID.as_bytes()));
                    let device = said.first(&d::CALLING_STATION_ID);
                    assert_eq!(device.as_deref(), Some(Nas::DEVICE));
                    assert!(said.first(&d::EVENT_TIMESTAMP).is_some());
                }
                "restore the user" => {
                    let accept = site.connect(SIGRID).await;
                    assert_eq!(vlan(&accept).as_deref(), Some("150"));
                }
                "hard delete of the user, 30 days later" => {
                    assert_eq!(site.connect(SIGRID).await.code, Code::AccessReject);
                }
                _ => return,
            }
            met += 1;
        });
        let report = report.await.unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        assert_eq!(met, 7, "each of these steps is in the transcript");
        assert!(site.nas.strange().is_empty(), "{:?}", site.nas.strange());
    });
}

#[test]
fn change_of_policy_arrives_as_coa_with_the_new_one() {
    within(90, &NEEDS, async {
        let (mut site, _, session) = connected().await;
        let agent = site.agent(&[]);
        site.policy(
            "Employees",
            &json!({"name": "Corporate-WiFi", "vlan": 101, "bandwidthUp": 1_000_000,
                "bandwidthDown": 2_000_000, "sessionTimeout": 600, "idleTimeout": 60}),
        )
        .await;
        let (_, order) = order_for(&site.nas, &session.id, 0, PATIENCE).await;
        assert_eq!(order.code, Code::CoaRequest);
        let said = &order.attributes;
        assert_eq!(vlan(&order).as_deref(), Some("101"));
        assert_eq!(said.first(&d::WISPR_BANDWIDTH_MAX_UP), Some(1_000_000));
        assert_eq!(said.first(&d::WISPR_BANDWIDTH_MAX_DOWN), Some(2_000_000));
        assert_eq!(said.first(&d::SESSION_TIMEOUT), Some(600));
        assert_eq!(said.first(&d::IDLE_TIMEOUT), Some(60));
        let class = said.first(&d::CLASS).unwrap();
        assert_ne!(class, session.class, "another decision");

        // The gear reports the new Class: the session is as it should be, and nobody is told
        // again.
        let changed = Session { class, ..session };
        site.nas
            .account(site.freeradius.accounting, Status::Interim, &changed)
            .await;
        assert_eq!(site.sessions().await[0]["verdict"], "keep");
        agent.says("acknowledged");
        site.user("tim@example.com").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(site.nas.orders().len(), 1);
    });
}

#[test]
fn session_whose_change_is_refused_ends_when_the_operator_wants_it() {
    within(90, &NEEDS, async {
        let (mut site, _, session) = connected().await;
        let agent = site.agent(&["--reconnect"]);
        // 501: administratively prohibited.
        site.nas.behave(Manner::Refuse(501));
        site.policy("Employees", &json!({"name": "Corporate-WiFi", "vlan": 102}))
            .await;
        let orders = site.nas.ordered(2, PATIENCE).await;
        let codes: Vec<Code> = orders.iter().map(|order| order.packet.code).collect();
        assert_eq!(codes, [Code::CoaRequest, Code::DisconnectRequest]);
        let id = orders[1].packet.attributes.first(&d::ACCT_SESSION_ID);
        assert_eq!(id.as_deref(), Some(session.id.as_str()));
        agent.says("cause=Some(501)");
    });
}

#[test]
fn order_is_sent_again_when_it_is_lost_and_not_when_it_was_followed() {
    within(90, &NEEDS, async {
        let (mut site, ada, _) = connected().await;
        let agent = site.agent(&[]);
        site.nas.behave(Manner::Lose(1));
        site.deactivate(&ada).await;
        let orders = site.nas.ordered(2, PATIENCE).await;
        agent.says("acknowledged");
        assert_eq!(orders[0].packet, orders[1].packet, "a retransmission");
        // The gear has not reported the end yet, and other things happen.
        site.user("tim@example.com").await;
        site.user("tom@example.com").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(site.nas.orders().len(), 2);
        // What it says names nobody, and holds no secret.
        let said = agent.said();
        let ready = site.endpoint.running().ready();
        for secret in [ADA, site.nas.secret(), &ready.admin_key] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    });
}

#[test]
fn what_happens_while_the_service_is_away_is_made_up_for() {
    within(120, &NEEDS, async {
        let (mut site, ada, _) = connected().await;
        let agent = site.agent(&[]);
        site.endpoint.running().crash_envoy(PATIENCE).await.unwrap();
        site.deactivate(&ada).await;
        let orders = site.nas.ordered(1, PATIENCE).await;
        assert_eq!(orders[0].packet.code, Code::DisconnectRequest);
        agent.says("does not answer");
        agent.says("answers again");
    });
}

#[test]
fn what_happened_before_the_agent_was_started_is_made_up_for() {
    within(90, &NEEDS, async {
        let (mut site, ada, _) = connected().await;
        site.deactivate(&ada).await;
        // It has no such session any more: which is all that was wanted.
        site.nas
            .behave(Manner::Refuse(d::SESSION_CONTEXT_NOT_FOUND));
        let agent = site.agent(&[]);
        let orders = site.nas.ordered(1, PATIENCE).await;
        assert_eq!(orders[0].packet.code, Code::DisconnectRequest);
        agent.says("already gone");
    });
}

#[test]
fn agent_says_what_is_wrong_and_ends_when_it_may_not_ask() {
    within(60, &[Needs::Envoy], async {
        let endpoint =
            tests::endpoint::Endpoint::start(tests::endpoint::Proxy::Envoy, Store::Embedded).await;
        let folder = tempfile::tempdir().unwrap();
        let (token, said) = (folder.path().join("token"), folder.path().join("said"));
        std::fs::write(&token, format!("scim_{}", "7".repeat(64))).unwrap();
        let url = endpoint.running().ready().admin_url.clone();
        let mut agent = tests::program::Program::start(
            &[
                "disconnect",
                "--url",
                &url,
                "--token-file",
                token.to_str().unwrap(),
                "--nas",
                "127.0.0.1=secret",
            ],
            &said,
        );
        assert!(!agent.ended(PATIENCE).success());
        let said = std::fs::read_to_string(&said).unwrap();
        assert!(said.contains("401") && said.contains("--tenant"), "{said}");
    });
}

/// A site with a session of somebody who may be on.
async fn connected() -> (Site, String, Session) {
    let mut site = Site::start(Store::Etcd, &[ADA]).await;
    site.office().await;
    let ada = site.user(ADA).await;
    site.group("Employees", &[&ada]).await;
    let accept = site.connect(ADA).await;
    assert_eq!(accept.code, Code::AccessAccept);
    let session = session("s1", ADA, &accept);
    site.nas
        .account(site.freeradius.accounting, Status::Start, &session)
        .await;
    (site, ada, session)
}

/// The first order for a session after so many, and when it came.
async fn order_for(nas: &Nas, id: &str, after: usize, patience: Duration) -> (Instant, Packet) {
    let mut count = after + 1;
    loop {
        let orders = nas.ordered(count, patience).await;
        for order in orders.into_iter().skip(count - 1) {
            if order
                .packet
                .attributes
                .first(&d::ACCT_SESSION_ID)
                .as_deref()
                == Some(id)
            {
                return (order.at, order.packet);
            }
            count += 1;
        }
    }
}

fn vlan(packet: &Packet) -> Option<String> {
    packet.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID)
}
