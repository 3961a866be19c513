//! The JSON of FreeRADIUS's `rlm_rest`: what it sends of a RADIUS request, and the attributes that
//! it takes from an answer.
//!
//! It expands `%{...}` in what it takes unless told not to, by which a group's name could read a
//! password or run a program. So every value says `"do_xlat": false`.

use super::Allowed;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::{self, Formatter};

/// How a session's `Class` begins that we gave.
const CLASS: &str = "scim-edge";

/// What is read of a request; whatever else is in it, a password above all, is skipped.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "User-Name")]
    user_name: Attribute,
    #[serde(rename = "Calling-Station-Id", default)]
    calling_station: Attribute,
}

/// What is read of an accounting request.
#[derive(Debug, Deserialize)]
pub(super) struct Accounted {
    #[serde(rename = "User-Name", default)]
    pub(super) user_name: Attribute,
    #[serde(rename = "Acct-Status-Type")]
    status: Attribute,
    #[serde(rename = "Acct-Session-Id", default)]
    pub(super) session: Attribute,
    #[serde(rename = "NAS-IP-Address", default)]
    pub(super) nas_address: Attribute,
    #[serde(rename = "NAS-Identifier", default)]
    pub(super) nas_identifier: Attribute,
    #[serde(rename = "Calling-Station-Id", default)]
    pub(super) calling_station: Attribute,
    #[serde(rename = "Framed-IP-Address", default)]
    pub(super) framed_address: Attribute,
    #[serde(rename = "Class", default)]
    class: Attribute,
}

/// What a network access server tells of a session (`Acct-Status-Type`, RFC 2866 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Start,
    Stop,
    Interim,
    /// The server begins or ends, and with it all its sessions.
    NasRestart,
    /// Something that is nothing to us.
    Other,
}

/// The value of an attribute: the first one, as text. `rlm_rest` sends
/// `{"type": ..., "value": [...]}`; an administrator who writes `data` himself sends a string.
#[derive(Debug, Default)]
pub(super) struct Attribute(String);

/// One value of several.
struct Scalar(String);

/// What `rlm_rest` sends of an attribute.
#[derive(Deserialize)]
struct Values {
    value: Vec<Scalar>,
}

/// Reads a scalar.
struct OfScalar;

/// Reads an attribute. (An untagged enum would read it into a tree first, and make an error for
/// each form that it is not.)
struct OfAttribute;

/// The attributes of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes(Vec<(&'static str, Value)>);

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(u32),
}

/// A value and what to do with it.
#[derive(Serialize)]
struct Assigned<'a> {
    op: &'static str,
    do_xlat: bool,
    value: [&'a Value; 1],
}

impl Asked {
    pub(super) fn user_name(&self) -> &str {
        self.user_name.text()
    }

    /// Where the question comes from: the address of the device, as a rule. Empty where that is
    /// not told.
    pub(super) fn calling_station(&self) -> &str {
        self.calling_station.text()
    }
}

impl Accounted {
    pub(super) fn status(&self) -> Status {
        match self.status.text() {
            "Start" | "1" => Status::Start,
            "Stop" | "2" => Status::Stop,
            "Interim-Update" | "Alive" | "3" => Status::Interim,
            "Accounting-On" | "7" | "Accounting-Off" | "8" => Status::NasRestart,
            _ => Status::Other,
        }
    }

    /// The user and the decision of a session that we let in, by the `Class` that comes back.
    pub(super) fn class(&self) -> Option<(String, String)> {
        let sent = self.class.text();
        let class = match sent.strip_prefix("0x") {
            Some(hex) => String::from_utf8(from_hex(hex)?).ok()?,
            None => sent.to_owned(),
        };
        let mut parts = class.split('/');
        let [ours, user, decision] = [parts.next()?, parts.next()?, parts.next()?];
        (ours == CLASS && parts.next().is_none()).then(|| (user.to_owned(), decision.to_owned()))
    }
}

impl Attribute {
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfScalar).map(Self)
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfAttribute).map(Self)
    }
}

impl<'de> Visitor<'de> for OfScalar {
    type Value = String;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

impl<'de> Visitor<'de> for OfAttribute {
    type Value = String;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, or an object with some as its \"value\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        OfScalar.visit_str(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        OfScalar.visit_u64(number)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        let Values { value } = Values::deserialize(MapAccessDeserializer::new(map))?;
        let first = value.into_iter().next();
        Ok(first.map(|Scalar(text)| text).unwrap_or_default())
    }
}

impl Attributes {
    /// What a network access server is told about a user or device that may connect.
    pub(super) fn accept(allowed: &Allowed, interim_seconds: usize) -> Self {
        let Allowed {
            user_id,
            user_name,
            is_device,
            policy,
        } = allowed;
        let class = [CLASS, user_id, &policy.decision()].join("/");
        let mut attributes = vec![("reply:Class", Value::Text(class))];
        // An address stays as the gear spells it.
        if !is_device {
            attributes.push(("reply:User-Name", Value::Text(user_name.clone())));
        }
        if let Ok(seconds) = u32::try_from(interim_seconds) {
            attributes.push(("reply:Acct-Interim-Interval", Value::Number(seconds)));
        }
        let told = &policy.attributes;
        if let Some(vlan) = told.vlan {
            attributes.extend([
                ("reply:Tunnel-Type", Value::Text("VLAN".to_owned())),
                (
                    "reply:Tunnel-Medium-Type",
                    Value::Text("IEEE-802".to_owned()),
                ),
                (
                    "reply:Tunnel-Private-Group-Id",
                    Value::Text(vlan.get().to_string()),
                ),
            ]);
        }
        for (name, number) in [
            ("reply:WISPr-Bandwidth-Max-Up", told.bandwidth_up),
            ("reply:WISPr-Bandwidth-Max-Down", told.bandwidth_down),
            ("reply:Session-Timeout", told.session_timeout),
            ("reply:Idle-Timeout", told.idle_timeout),
        ] {
            attributes.extend(number.map(|number| (name, Value::Number(number.get()))));
        }
        Self(attributes)
    }

    /// What a RADIUS server is told about a session that must end.
    pub(super) fn disconnect() -> Self {
        Self(vec![(
            "control:Tmp-String-0",
            Value::Text("disconnect".to_owned()),
        )])
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            let assigned = Assigned {
                op: ":=",
                do_xlat: false,
                value: [value],
            };
            map.serialize_entry(name, &assigned)?;
        }
        map.end()
    }
}

/// A text that was sent byte by byte, each as a character, as `rlm_rest` does with everything
/// beyond ASCII; nothing where that cannot be.
pub(super) fn repaired(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    String::from_utf8(bytes?).ok()
}

/// What a name that a RADIUS server sends may mean, the likeliest first.
pub(super) fn readings(sent: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let repaired = repaired(sent).map(Cow::Owned);
    repaired.into_iter().chain([Cow::Borrowed(sent)])
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn name(body: &serde_json::Value) -> Option<String> {
        let asked: Asked = serde_json::from_value(body.clone()).ok()?;
        Some(asked.user_name().to_owned())
    }

    #[test]
    fn both_forms_of_a_request_are_read() {
        for body in [
            json!({"User-Name": "alice"}),
            json!({"User-Name": {"type": "string", "value": ["alice"]},
                "User-Password": {"type": "string", "value": ["hello"]},
                "NAS-Port": {"type": "integer", "value": [0]}}),
        ] {
            assert_eq!(name(&body).as_deref(), Some("alice"), "{body}");
        }
        let numbers = [json!(7), json!({"value": [7, "8"]})];
        for number in numbers {
            assert_eq!(name(&json!({"User-Name": number})).as_deref(), Some("7"));
        }
        assert_eq!(
            name(&json!({"User-Name": {"value": []}})).as_deref(),
            Some("")
        );
        for body in [
            json!({}),
            json!([]),
            json!({"User-Name": null}),
            json!({"User-Name": {"value": [[]]}}),
            json!({"User-Name": {"value": ["alice", {}]}}),
            json!({"User-Name": {"value": "alice"}}),
            json!({"User-Name": {"type": "string"}}),
            json!({"User-Name": -1}),
            json!({"User-Name": ["alice"]}),
            json!({"user-name": "alice"}),
        ] {
            assert_eq!(name(&body), None, "{body}");
        }
        assert!(serde_json::from_str::<Asked>(r#"{"User-Name":"a","User-Name":"b"}"#).is_err());
    }

    #[test]
    fn a_class_of_ours_names_user_and_decision() {
        let class = |class: &str| {
            let body = json!({"Acct-Status-Type": "Start", "Class": class});
            let accounted: Accounted = serde_json::from_value(body).unwrap();
            accounted.class()
        };
        let ours = Some(("u1".to_owned(), "0a".to_owned()));
        assert_eq!(class("scim-edge/u1/0a"), ours);
        assert_eq!(class("0x7363696d2d656467652f75312f3061"), ours);
        for other in [
            "",
            "0x",
            "0x7",
            "0xzz",
            "0xff",
            "x/u1/0a",
            "scim-edge/u1",
            "scim-edge/u1/0a/b",
        ] {
            assert_eq!(class(other), None, "{other}");
        }
    }

    #[test]
    fn a_status_is_known_by_name_and_number() {
        for (sent, status) in [
            (json!("Start"), Status::Start),
            (
                json!({"type": "integer", "value": ["Interim-Update"]}),
                Status::Interim,
            ),
            (json!({"type": "integer", "value": [2]}), Status::Stop),
            (json!(8), Status::NasRestart),
            (json!("Failed"), Status::Other),
        ] {
            let accounted: Accounted =
                serde_json::from_value(json!({"Acct-Status-Type": sent})).unwrap();
            assert_eq!(accounted.status(), status);
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_byte_by_byte_comes_back(text in any::<String>()) {
            let sent: String = text.bytes().map(char::from).collect();
            prop_assert_eq!(repaired(&sent).unwrap_or(sent), text);
        }

        #[test]
        fn hex_comes_back(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(from_hex(&crate::token::hex(&bytes)), Some(bytes));
        }
    }
}
