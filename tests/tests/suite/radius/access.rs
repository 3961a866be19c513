//! Who gets in, and with what: PAP, devices without 802.1X, and everything that must keep people
//! out.

use crate::radius::site::{PASSWORD, SECRET, Site, office, session};
use edge_radius::dictionary as d;
use edge_radius::{Code, Packet};
use serde_json::json;
use std::time::Duration;
use tests::endpoint::Store;
use tests::radius::freeradius::FreeRadius;
use tests::radius::nas::{Nas, Status};
use tests::{Findings, Needs, within};

const NEEDS: [Needs; 2] = [Needs::Envoy, Needs::FreeRadius];

#[test]
fn each_policy_arrives_as_vlan_bandwidth_and_session_timeout() {
    within(90, &NEEDS, async {
        let mut site = Site::start(Store::Embedded, &["ada@example.com", "tim@example.com"]).await;
        site.office().await;
        let ada = site.user("ada@example.com").await;
        site.user("tim@example.com").await;
        let mut findings = Findings::default();
        let mut group: Option<String> = None;
        for (name, policy) in office() {
            if let Some(group) = group {
                site.change(&group, &json!({"op": "remove", "path": "members"}))
                    .await;
            }
            group = Some(site.group(name, &[&ada]).await);
            let accept = site.connect("ada@example.com").await;
            let got = &accept.attributes;
            let number = |value: Option<u32>| value.map_or(json!(null), |n| json!(n));
            findings.check(accept.code == Code::AccessAccept, || format!("{accept:?}"));
            findings.check(got.first(&d::TUNNEL_TYPE) == Some(d::VLAN), || {
                format!("{name}: no VLAN")
            });
            findings.check(
                got.first(&d::TUNNEL_MEDIUM_TYPE) == Some(d::IEEE_802),
                || format!("{name}: no medium"),
            );
            let vlan = got.first(&d::TUNNEL_PRIVATE_GROUP_ID);
            findings.check(vlan == Some(policy["vlan"].to_string()), || {
                format!("{name}: VLAN {vlan:?}")
            });
            for (field, value) in [
                ("bandwidthUp", got.first(&d::WISPR_BANDWIDTH_MAX_UP)),
                ("bandwidthDown", got.first(&d::WISPR_BANDWIDTH_MAX_DOWN)),
                ("sessionTimeout", got.first(&d::SESSION_TIMEOUT)),
            ] {
                findings.check(number(value) == policy[field], || {
                    format!("{name}: {field} is {value:?}")
                });
            }
            findings.check(got.first(&d::IDLE_TIMEOUT).is_none(), || {
                format!("{name}: an idle timeout that no policy has")
            });
            // CVE-2024-3596: an answer that could be somebody else's.
            findings.check(accept.has_message_authenticator(), || {
                format!("{name}: not signed")
            });
        }
        // Somebody with a password, in the directory, and in no group with a policy.
        let refused = site.connect("tim@example.com").await;
        findings.check(refused.code == Code::AccessReject, || {
            format!("{refused:?}")
        });
        findings.none();
    });
}

#[test]
fn whoever_the_directory_does_not_let_in_stays_out() {
    within(90, &NEEDS, async {
        let names = ["ada@example.com", "ghost@example.com", "del@example.com"];
        let mut site = Site::start(Store::Embedded, &names).await;
        site.office().await;
        let ada = site.user("ada@example.com").await;
        let del = site.user("del@example.com").await;
        site.group("Employees", &[&ada, &del]).await;
        for name in ["ada@example.com", "del@example.com"] {
            assert_eq!(site.connect(name).await.code, Code::AccessAccept, "{name}");
        }
        let gone = site.scim.delete(&format!("/Users/{del}")).await;
        assert_eq!(gone.status, 204, "{gone}");
        site.deactivate(&ada).await;
        // Never created; deleted; deactivated. Each has the right password.
        for name in ["ghost@example.com", "del@example.com", "ada@example.com"] {
            let answer = site.connect(name).await;
            assert_eq!(answer.code, Code::AccessReject, "{name}");
            assert!(answer.has_message_authenticator(), "{name}");
            let policy = answer.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID);
            assert_eq!(policy, None, "{name}");
        }
    });
}

#[test]
fn wrong_password_is_refused_without_asking_the_edge() {
    within(60, &NEEDS, async {
        let mut site = Site::start(Store::Embedded, &["ada@example.com"]).await;
        site.office().await;
        let ada = site.user("ada@example.com").await;
        site.group("Employees", &[&ada]).await;
        let at = site.freeradius.access;
        let answer = site.nas.access(at, b"ada@example.com", "wrong").await;
        let answer = answer.unwrap();
        assert_eq!(answer.code, Code::AccessReject);
        assert!(answer.has_message_authenticator());
        assert!(!site.freeradius.log().contains("Sending HTTP POST"));
        assert_eq!(
            site.connect("ada@example.com").await.code,
            Code::AccessAccept
        );
    });
}

#[test]
fn request_that_is_not_signed_gets_no_answer() {
    within(60, &NEEDS, async {
        let site = Site::start(Store::Embedded, &["ada@example.com"]).await;
        // An Access-Request whose Message-Authenticator became an attribute that nobody knows.
        let mut request = Packet::new(Code::AccessRequest, 1);
        let name = b"ada@example.com".to_vec();
        request.attributes.push(&d::USER_NAME, name).unwrap();
        let mut bytes = request.encode_request(SECRET.as_bytes(), [7; 16]).unwrap();
        assert_eq!(bytes[20], 80);
        bytes[20] = 200;
        let answer = site
            .nas
            .exchange(site.freeradius.access, &bytes, &[7; 16])
            .await;
        assert_eq!(answer, None);
        assert!(site.freeradius.log().contains("Message-Authenticator"));
    });
}

#[test]
fn nobody_gets_in_while_the_edge_is_away_or_refuses_the_token() {
    within(90, &NEEDS, async {
        let nowhere = format!("127.0.0.1:{}", tests::ports::free());
        let nas = Nas::start(SECRET).await;
        let users = [("ada@example.com", PASSWORD)];
        let token = format!("scim_{}", "7".repeat(64));
        // It starts although the edge is not there.
        let alone = FreeRadius::start(nowhere.parse().unwrap(), &token, &nas, &users).await;
        let answer = nas.access(alone.access, b"ada@example.com", PASSWORD).await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);
        drop(alone);

        let mut site = Site::start(Store::Embedded, &[]).await;
        site.office().await;
        let ada = site.user("ada@example.com").await;
        site.group("Employees", &[&ada]).await;
        let edge = site.endpoint.running().address();
        let stranger = FreeRadius::start(edge, &token, &nas, &users).await;
        let answer = nas
            .access(stranger.access, b"ada@example.com", PASSWORD)
            .await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);
    });
}

/// MAC authentication bypass: the gear sends the device's address as its name.
#[test]
fn device_without_802_1x_is_authorized_by_its_address() {
    within(90, &NEEDS, async {
        let mut site = Site::start(Store::Embedded, &[]).await;
        site.office().await;
        let printer = site.user("02-00-5e-10-00-77").await;
        site.group("Externals", &[&printer]).await;
        let (at, mac) = (site.freeradius.access, "02-00-5e-10-00-77");
        // Whatever password the gear sends, and however it spells the address of the device.
        for spelled in ["02:00:5E:10:00:77", "0200.5e10.0077", "02005e100077", mac] {
            let answer = site.nas.access_as(at, mac.as_bytes(), mac, spelled).await;
            let answer = answer.unwrap();
            assert_eq!(answer.code, Code::AccessAccept, "{spelled}");
            let vlan = answer.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID);
            assert_eq!(vlan.as_deref(), Some("150"));
        }
        // An address that the directory does not know.
        let other = "02-00-5e-10-00-78";
        let answer = site.nas.access_as(at, other.as_bytes(), other, other).await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);
        // Somebody at another device who types the address as a name.
        let answer = site.nas.access(at, mac.as_bytes(), mac).await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);
    });
}

/// The same with a device of the directory (RFC 9944), however the gear spells its address.
#[test]
fn device_of_the_directory_is_authorized_and_cut_off_by_its_address() {
    within(90, &NEEDS, async {
        let mut site = Site::start(Store::Embedded, &[]).await;
        site.office().await;
        let printer = site.device("02:00:5E:10:00:77").await;
        site.group("Externals", &[&printer]).await;
        let at = site.freeradius.access;
        let mut accepted = None;
        for name in ["02-00-5e-10-00-77", "0200.5E10.0077", "02005e100077"] {
            let answer = site.nas.access_as(at, name.as_bytes(), name, name).await;
            let answer = answer.unwrap();
            assert_eq!(answer.code, Code::AccessAccept, "{name}");
            let vlan = answer.attributes.first(&d::TUNNEL_PRIVATE_GROUP_ID);
            assert_eq!(vlan.as_deref(), Some("150"));
            accepted = Some((name, answer));
        }
        // Somebody at another device who types the address as a name.
        let (name, accept) = accepted.unwrap();
        let answer = site.nas.access(at, name.as_bytes(), name).await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);

        let session = session("4d2-02", name, &accept);
        let accounting = site.freeradius.accounting;
        site.nas.account(accounting, Status::Start, &session).await;
        let sessions = site.sessions().await;
        assert_eq!(sessions[0]["userId"], printer.as_str(), "{sessions:?}");
        assert_eq!(sessions[0]["verdict"], "keep");
        let deleted = site.scim.delete(&format!("/Devices/{printer}")).await;
        assert_eq!(deleted.status, 204, "{deleted}");
        let answer = site.nas.access_as(at, name.as_bytes(), name, name).await;
        assert_eq!(answer.unwrap().code, Code::AccessReject);
        assert_eq!(site.sessions().await[0]["verdict"], "disconnect");
        site.nas
            .account(accounting, Status::Interim, &session)
            .await;
        let orders = site.nas.ordered(1, Duration::from_secs(5)).await;
        assert_eq!(orders[0].packet.code, Code::DisconnectRequest);
    });
}

#[test]
fn interim_update_of_a_deactivated_user_makes_freeradius_end_the_session() {
    within(90, &NEEDS, async {
        let mut site = Site::start(Store::Embedded, &["ada@example.com"]).await;
        site.office().await;
        let ada = site.user("ada@example.com").await;
        site.group("Employees", &[&ada]).await;
        let accept = site.connect("ada@example.com").await;
        let session = session("4d2-01", "ada@example.com", &accept);
        let at = site.freeradius.accounting;
        site.nas.account(at, Status::Start, &session).await;
        site.nas.account(at, Status::Interim, &session).await;
        let sessions = site.sessions().await;
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        assert_eq!(sessions[0]["acctSessionId"], "4d2-01");
        assert_eq!(sessions[0]["verdict"], "keep");

        site.deactivate(&ada).await;
        assert!(site.nas.orders().is_empty(), "nobody looks yet");
        site.nas.account(at, Status::Interim, &session).await;
        let orders = site.nas.ordered(1, Duration::from_secs(5)).await;
        let order = &orders[0].packet;
        assert_eq!(order.code, Code::DisconnectRequest);
        let id = order.attributes.first(&d::ACCT_SESSION_ID);
        assert_eq!(id.as_deref(), Some("4d2-01"));
        let device = order.attributes.first(&d::CALLING_STATION_ID);
        assert_eq!(device.as_deref(), Some(Nas::DEVICE));
        site.nas.account(at, Status::Stop, &session).await;
        assert!(site.sessions().await.is_empty());
        assert!(site.nas.strange().is_empty(), "{:?}", site.nas.strange());
    });
}
