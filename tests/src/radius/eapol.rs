//! A device that authenticates by EAP: `eapol_test`, of wpa_supplicant.

use crate::radius::freeradius::FreeRadius;
use crate::radius::nas::Nas;
use crate::tools;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// How a device proves who its user is.
#[derive(Clone, Copy, Debug)]
pub enum Method<'a> {
    /// EAP-TTLS with PAP inside: name and password.
    TtlsPap(&'a str, &'a str),
    /// PEAP with MSCHAPv2 inside: name and password.
    Peap(&'a str, &'a str),
    /// EAP-TLS, with the certificate of that name.
    Tls(&'a str),
}

/// What the device and its access point learnt.
#[derive(Debug)]
pub struct Outcome {
    /// The device considers itself authenticated.
    pub connected: bool,
    /// The last packet's code: 2 accepts, 3 rejects.
    pub code: u8,
    /// The attributes of the last packet: number and value, in hexadecimal.
    pub attributes: Vec<(u8, String)>,
    /// All that was said.
    pub said: String,
}

/// Connects by EAP, saying `outer` where anybody can read it.
///
/// # Panics
/// When the program does not run.
pub async fn connect(to: &FreeRadius, nas: &Nas, outer: &str, method: Method<'_>) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let configuration = folder.path().join("network");
    std::fs::write(&configuration, network(outer, method, &to.certificates())).expect("a file");
    let output = Command::new(tools::eapol_test())
        .arg("-c")
        .arg(&configuration)
        .args(["-a", "127.0.0.1", "-t", "10"])
        .args(["-p", &to.access.port().to_string()])
        .args(["-s", nas.secret()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("eapol_test starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (code, attributes) = last_packet(&said);
    Outcome {
        connected: output.status.success(),
        code,
        attributes,
        said,
    }
}

fn network(outer: &str, method: Method<'_>, certificates: &Path) -> String {
    let file = |name: &str| certificates.join(name).display().to_string();
    let inside = |eap: &str, phase2: &str, name: &str, password: &str| {
        format!(
            "eap={eap}\nphase2=\"auth={phase2}\"\nanonymous_identity=\"{outer}\"\nidentity=\"{name}\"\npassword=\"{password}\""
        )
    };
    let how = match method {
        Method::TtlsPap(name, password) => inside("TTLS", "PAP", name, password),
        Method::Peap(name, password) => inside("PEAP", "MSCHAPV2", name, password),
        Method::Tls(name) => format!(
            "eap=TLS\nidentity=\"{outer}\"\nclient_cert=\"{}\"\nprivate_key=\"{}\"",
            file(&format!("{name}.crt")),
            file(&format!("{name}.key")),
        ),
    };
    let authority = file("ca.crt");
    format!("network={{\nkey_mgmt=WPA-EAP\nca_cert=\"{authority}\"\n{how}\n}}\n")
}

/// Code and attributes of the last packet that was received:
/// `RADIUS message: code=2 (Access-Accept) …`, then `Attribute N (…)` and `Value: …` in turn.
fn last_packet(said: &str) -> (u8, Vec<(u8, String)>) {
    let (_, packet) = said
        .rsplit_once("Received RADIUS message")
        .unwrap_or(("", ""));
    // What the device makes of the packet follows.
    let packet = packet.split("STA ").next().unwrap_or_default();
    let number = |text: &str, after: &str| {
        let (_, rest) = text.split_once(after)?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    let mut attributes = Vec::new();
    let mut current = None;
    for line in packet.lines() {
        if let Some(found) = number(line, "   Attribute ") {
            current = Some(found);
        } else if let (Some(at), Some((_, value))) = (current, line.split_once("      Value: ")) {
            attributes.push((at, value.to_owned()));
        }
    }
    (number(packet, "code=").unwrap_or(0), attributes)
}
