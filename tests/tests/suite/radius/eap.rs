//! WPA-Enterprise: the name that was proved decides, not the one that anybody may write outside.

use crate::radius::site::{PASSWORD, Site};
use tests::certificates::DEVICE;
use tests::endpoint::Store;
use tests::radius::eapol::{Method, Outcome, connect};
use tests::{Findings, Needs, within};

const OUTER: &str = "anonymous@example.com";
/// Numbers of attributes.
const EAP_MESSAGE: u8 = 79;
const MESSAGE_AUTHENTICATOR: u8 = 80;
const TUNNEL_PRIVATE_GROUP_ID: u8 = 81;
const VENDOR_SPECIFIC: u8 = 26;
/// Microsoft's number, whose attributes are the keys of the radio link.
const MICROSOFT: &str = "00000137";

#[test]
fn name_inside_the_tunnel_or_in_the_certificate_decides() {
    within(120, &[Needs::Envoy, Needs::FreeRadius], async {
        let mut site = Site::start(Store::Embedded, &[DEVICE]).await;
        site.office().await;
        let ada = site.user(DEVICE).await;
        site.group("Employees", &[&ada]).await;
        let methods = [
            Method::TtlsPap(DEVICE, PASSWORD),
            Method::Peap(DEVICE, PASSWORD),
            Method::Tls(DEVICE),
        ];
        let mut findings = Findings::default();
        for method in methods {
            let outcome = connect(&site.freeradius, &site.nas, OUTER, method).await;
            let vlan = hexadecimal("100");
            let attributes = &outcome.attributes;
            findings.check(outcome.connected && outcome.code == 2, || {
                format!("{method:?}: {}", outcome.said)
            });
            findings.check(
                attributes.contains(&(TUNNEL_PRIVATE_GROUP_ID, vlan)),
                || format!("{method:?}: no VLAN: {attributes:?}"),
            );
            findings.check(has_keys(&outcome), || format!("{method:?}: no keys"));
        }
        site.deactivate(&ada).await;
        for method in methods {
            let outcome = connect(&site.freeradius, &site.nas, OUTER, method).await;
            refuses(&outcome, &format!("{method:?}"), &mut findings);
        }
        findings.none();
    });
}

#[test]
fn name_outside_the_tunnel_gets_nobody_in() {
    within(90, &[Needs::Envoy, Needs::FreeRadius], async {
        let mut site = Site::start(Store::Embedded, &["tim@example.com"]).await;
        site.office().await;
        let boss = site.user("boss@example.com").await;
        site.group("Employees", &[&boss]).await;
        // Tim has a password and a certificate, may not connect, and says that he is the boss.
        let mut findings = Findings::default();
        for method in [
            Method::TtlsPap("tim@example.com", PASSWORD),
            Method::Peap("tim@example.com", PASSWORD),
            Method::Tls(DEVICE),
        ] {
            let outcome = connect(&site.freeradius, &site.nas, "boss@example.com", method).await;
            refuses(&outcome, &format!("{method:?}"), &mut findings);
        }
        findings.none();
    });
}

/// A refusal is one for the device too: no keys, no policy, and EAP's failure instead of the
/// success that EAP had come to.
fn refuses(outcome: &Outcome, what: &str, findings: &mut Findings) {
    findings.check(!outcome.connected && outcome.code == 3, || {
        format!("{what}: not refused: {}", outcome.said)
    });
    findings.check(!has_keys(outcome), || format!("{what}: keys"));
    let attributes = &outcome.attributes;
    let only = [EAP_MESSAGE, MESSAGE_AUTHENTICATOR];
    findings.check(
        attributes.iter().all(|(number, _)| only.contains(number)),
        || format!("{what}: {attributes:?}"),
    );
    let failure = attributes
        .iter()
        .find(|(number, _)| *number == EAP_MESSAGE)
        .is_some_and(|(_, eap)| eap.starts_with("04"));
    findings.check(failure, || {
        format!("{what}: no EAP-Failure: {attributes:?}")
    });
}

fn has_keys(outcome: &Outcome) -> bool {
    outcome
        .attributes
        .iter()
        .any(|(number, value)| *number == VENDOR_SPECIFIC && value.starts_with(MICROSOFT))
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
