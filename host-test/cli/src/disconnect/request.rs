//! What gear is told: RFC 5176's Disconnect-Request and CoA-Request for a session.

use crate::disconnect::service::{Policy, Session};
use edge_radius::{Code, Error, Packet, dictionary as d};
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

/// The order to end a session.
pub(crate) fn disconnect(session: &Session, identifier: u8) -> Result<Packet, Error> {
    naming(session, Packet::new(Code::DisconnectRequest, identifier))
}

/// The order to go on with a session under another policy. Its new Class comes back in
/// accounting: so the service sees that the change arrived.
pub(crate) fn change(session: &Session, policy: &Policy, identifier: u8) -> Result<Packet, Error> {
    let mut packet = naming(session, Packet::new(Code::CoaRequest, identifier))?;
    let attributes = &mut packet.attributes;
    if let (Some(user), Some(decision)) = (&session.user_id, &session.current) {
        let class = format!("scim-edge/{user}/{decision}");
        attributes.push(&d::CLASS, class.into_bytes())?;
    }
    if let Some(vlan) = policy.vlan {
        attributes.push(&d::TUNNEL_TYPE, d::VLAN)?;
        attributes.push(&d::TUNNEL_MEDIUM_TYPE, d::IEEE_802)?;
        attributes.push(&d::TUNNEL_PRIVATE_GROUP_ID, vlan.to_string())?;
    }
    for (attribute, value) in [
        (d::WISPR_BANDWIDTH_MAX_UP, policy.bandwidth_up),
        (d::WISPR_BANDWIDTH_MAX_DOWN, policy.bandwidth_down),
        (d::SESSION_TIMEOUT, policy.session_timeout),
        (d::IDLE_TIMEOUT, policy.idle_timeout),
    ] {
        if let Some(value) = value {
            attributes.push(&attribute, value)?;
        }
    }
    Ok(packet)
}

/// Names the session in all the ways that gear may know it by (RFC 5176 §3), and says when.
fn naming(session: &Session, mut packet: Packet) -> Result<Packet, Error> {
    let attributes = &mut packet.attributes;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    attributes.push(&d::EVENT_TIMESTAMP, u32::try_from(now).unwrap_or(u32::MAX))?;
    if let Some(name) = known(&session.user_name) {
        attributes.push(&d::USER_NAME, name.as_bytes().to_vec())?;
    }
    for (attribute, value) in [
        (d::ACCT_SESSION_ID, &session.acct_session_id),
        (d::NAS_IDENTIFIER, &session.nas_identifier),
        (d::CALLING_STATION_ID, &session.calling_station_id),
    ] {
        if let Some(value) = known(value) {
            attributes.push(&attribute, value.to_owned())?;
        }
    }
    for (attribute, value) in [
        (d::NAS_IP_ADDRESS, &session.nas_ip_address),
        (d::FRAMED_IP_ADDRESS, &session.framed_ip_address),
    ] {
        let address = known(value).and_then(|text| text.parse::<Ipv4Addr>().ok());
        if let Some(address) = address {
            attributes.push(&attribute, address)?;
        }
    }
    Ok(packet)
}

fn known(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn session() -> Session {
        serde_json::from_value(json!({
            "id": "1", "userId": "u1", "userName": "jürgen@example.com", "decision": "old",
            "current": "new", "verdict": "change", "nasIpAddress": "192.0.2.7",
            "nasIdentifier": "lobby", "acctSessionId": "s1", "callingStationId": "02-00",
            "framedIpAddress": "", "started": "2026-11-24T08:00:00Z",
            "policy": {"name": "Office", "vlan": 100, "bandwidthUp": 4_294_967_295_u32,
                "bandwidthDown": 25_000_000, "sessionTimeout": 43_200, "idleTimeout": null},
        }))
        .unwrap()
    }

    #[test]
    fn disconnect_names_the_session_in_every_way_that_is_known() {
        let packet = disconnect(&session(), 7).unwrap();
        let said = &packet.attributes;
        assert_eq!(packet.code, Code::DisconnectRequest);
        let name = said.first(&d::USER_NAME);
        assert_eq!(name.as_deref(), Some("jürgen@example.com".as_bytes()));
        assert_eq!(said.first(&d::ACCT_SESSION_ID).as_deref(), Some("s1"));
        assert_eq!(said.first(&d::NAS_IDENTIFIER).as_deref(), Some("lobby"));
        assert_eq!(said.first(&d::CALLING_STATION_ID).as_deref(), Some("02-00"));
        assert_eq!(
            said.first(&d::NAS_IP_ADDRESS),
            Some(Ipv4Addr::new(192, 0, 2, 7))
        );
        assert_eq!(said.first(&d::FRAMED_IP_ADDRESS), None);
        assert!(said.first(&d::EVENT_TIMESTAMP) > Some(1_700_000_000));
        assert_eq!(said.first(&d::CLASS), None);
    }

    #[test]
    fn change_says_what_is_allowed_from_now_on_and_by_which_decision() {
        let session = session();
        let packet = change(&session, session.policy.as_ref().unwrap(), 7).unwrap();
        let said = &packet.attributes;
        assert_eq!(packet.code, Code::CoaRequest);
        assert_eq!(said.first(&d::ACCT_SESSION_ID).as_deref(), Some("s1"));
        let class = said.first(&d::CLASS);
        assert_eq!(class.as_deref(), Some(&b"scim-edge/u1/new"[..]));
        assert_eq!(said.first(&d::TUNNEL_TYPE), Some(d::VLAN));
        assert_eq!(said.first(&d::TUNNEL_MEDIUM_TYPE), Some(d::IEEE_802));
        let vlan = said.first(&d::TUNNEL_PRIVATE_GROUP_ID);
        assert_eq!(vlan.as_deref(), Some("100"));
        assert_eq!(said.first(&d::WISPR_BANDWIDTH_MAX_UP), Some(u32::MAX));
        assert_eq!(said.first(&d::WISPR_BANDWIDTH_MAX_DOWN), Some(25_000_000));
        assert_eq!(said.first(&d::SESSION_TIMEOUT), Some(43_200));
        assert_eq!(said.first(&d::IDLE_TIMEOUT), None);
    }

    #[test]
    fn verdict_that_is_not_known_changes_nothing() {
        let text = r#"{"id": "1", "verdict": "later", "acctSessionId": null}"#;
        let session: Session = serde_json::from_str(text).unwrap();
        assert_eq!(session.verdict, crate::disconnect::service::Verdict::Keep);
    }
}
