//! The request that tells of an event, signed as Standard Webhooks has it.

use crate::config::Webhook;
use crate::feed::Listed;
use crate::kv::KeyValue;
use crate::stored::encode;
use scim::Error;
use serde::Serialize;
use serde_json::Value;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) headers: [(&'static str, String); 4],
    pub(super) body: Vec<u8>,
}

#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    tenant: &'a str,
    #[serde(flatten)]
    event: &'a Listed,
}

/// What tells of an event at a time. Its id and its body are the same each time.
///
/// # Errors
/// [`Error::Internal`] when the event's record is damaged.
pub(super) fn of(webhook: &Webhook, event: &KeyValue, now: u64) -> Result<Message, Error> {
    let event = Listed::of(event)?;
    let text = |name| {
        let value = event.stored.get(name);
        value.and_then(Value::as_str).unwrap_or_default()
    };
    let body = encode(&Payload {
        r#type: text("op"),
        timestamp: text("at"),
        data: Data {
            tenant: webhook.tenant(),
            event: &event,
        },
    })?;
    let id = event.event.clone();
    let timestamp = (now / 1_000).to_string();
    let signature = signature(webhook, &id, &timestamp, &body);
    Ok(Message {
        headers: [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ],
        body,
    })
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>,
/// "Signature scheme".
fn signature(webhook: &Webhook, id: &str, timestamp: &str, body: &[u8]) -> String {
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    format!("v1,{}", webhook.secret.sign(&parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn webhook() -> Webhook {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let webhook = json!({"name": "hr", "tenant": "acme", "secret": secret});
        serde_json::from_value(webhook).unwrap()
    }

    /// The example of Standard Webhooks' own libraries.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&webhook(), id, "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_message_is_the_event_as_the_feed_has_it() {
        let event = KeyValue {
            key: b"scim/acme/event/01995a".to_vec(),
            value: br#"{"op":"user.patch","id":"u","token":"t","at":"2026-11-30T00:00:00.000Z","attributes":["active"]}"#.to_vec(),
            mod_revision: 7,
            ..KeyValue::default()
        };
        let first = of(&webhook(), &event, 1_614_265_330_999).unwrap();
        let body: Value = serde_json::from_slice(&first.body).unwrap();
        assert_eq!(
            body,
            json!({"type": "user.patch", "timestamp": "2026-11-30T00:00:00.000Z", "data": {
                "tenant": "acme", "event": "01995a", "revision": 7, "op": "user.patch", "id": "u",
                "token": "t", "at": "2026-11-30T00:00:00.000Z", "attributes": ["active"]}})
        );
        assert_eq!(first.headers[1], ("webhook-id", "01995a".to_owned()));
        assert_eq!(
            first.headers[2],
            ("webhook-timestamp", "1614265330".to_owned())
        );
        let again = of(&webhook(), &event, 1_614_265_400_000).unwrap();
        assert_eq!(first.body, again.body);
        assert_eq!(first.headers[1], again.headers[1]);
        assert_ne!(first.headers[3], again.headers[3]);
    }

    #[test]
    fn what_is_damaged_is_no_message() {
        let event = KeyValue::default();
        assert!(of(&webhook(), &event, 0).is_err());
    }
}
