//! Webhooks: who hears of a tenant's changes, and with what the requests are signed.

use super::ConfigError;
use crate::tenant::TenantId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The most webhooks of a configuration.
const MOST: usize = 16;

/// The longest name of a webhook.
const LONGEST_NAME: usize = 40;

/// For how many milliseconds an answer may be waited for. Less than a holder's lease: see
/// [`webhook`](crate::webhook).
const TIMEOUT: RangeInclusive<u64> = 100..=10_000;

/// How many bytes a secret may have (Standard Webhooks, "Symmetric").
const SECRET: RangeInclusive<usize> = 24..=64;

/// Somebody who hears of each change in a tenant, in the order of the changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct Webhook {
    /// Tells it from others; part of its keys in the store and of its stats.
    pub name: String,
    /// The tenant whose changes it tells.
    pub(crate) tenant: TenantId,
    /// What its requests are signed with.
    pub(crate) secret: Secret,
    /// How long to wait for the answer to a request: 5 s.
    pub timeout: Duration,
}

/// A secret that is shared with a receiver. Nothing shows it.
#[derive(Clone)]
pub(crate) struct Secret(Hmac<Sha256>);

/// As it stands in the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    tenant: String,
    secret: String,
    timeout_ms: Option<u64>,
}

impl Webhook {
    /// The tenant whose changes it tells.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.tenant.as_str()
    }
}

impl TryFrom<Written> for Webhook {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let name = written.name;
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(format!(
                "name: must be 1 to {LONGEST_NAME} of the letters a-z, digits and -"
            ));
        }
        let millis = written.timeout_ms.unwrap_or(5_000);
        if !TIMEOUT.contains(&millis) {
            let (least, most) = TIMEOUT.into_inner();
            return Err(format!(
                "timeout_ms: must be a whole number from {least} to {most}"
            ));
        }
        Ok(Self {
            name,
            tenant: written
                .tenant
                .try_into()
                .map_err(|reason| format!("tenant: {reason}"))?,
            secret: Secret::read(&written.secret)?,
            timeout: Duration::from_millis(millis),
        })
    }
}

impl Secret {
    /// Reads a secret as Standard Webhooks writes one: `whsec_`, which may be left out, and base64.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            let (least, most) = SECRET.into_inner();
            format!(
                "secret: must be \"whsec_\" and {least} to {most} bytes in base64; \
                 `echo whsec_$(openssl rand -base64 32)` makes one"
            )
        };
        let bytes = STANDARD
            .decode(text.strip_prefix("whsec_").unwrap_or(text))
            .ok()
            .filter(|bytes| SECRET.contains(&bytes.len()))
            .ok_or_else(wrong)?;
        <Hmac<Sha256> as Mac>::new_from_slice(&bytes)
            .map(Self)
            .map_err(|_| wrong())
    }

    /// The HMAC-SHA256 of some texts, one after the other, in base64.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> String {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What no webhook can tell alone.
pub(super) fn check(webhooks: &[Webhook]) -> Result<(), ConfigError> {
    if webhooks.len() > MOST {
        let reason = format!("must not be more than {MOST}");
        return Err(ConfigError::new("webhooks", &reason));
    }
    let mut names = BTreeSet::new();
    for (at, webhook) in webhooks.iter().enumerate() {
        if !names.insert(&webhook.name) {
            return Err(ConfigError::new(
                &format!("webhooks[{at}].name"),
                "must not be the name of another webhook",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use serde_json::{Value, json};

    const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn written(change: impl FnOnce(&mut Value)) -> Value {
        let mut webhook = json!({"name": "hr", "tenant": "acme", "secret": WHSEC});
        change(&mut webhook);
        json!({"webhooks": [webhook]})
    }

    #[test]
    fn a_webhook_is_read_and_its_secret_not_shown() {
        let config = Config::from_value(written(|_| {})).unwrap();
        let webhook = &config.webhooks[0];
        assert_eq!((&*webhook.name, webhook.tenant()), ("hr", "acme"));
        assert_eq!(webhook.timeout, Duration::from_secs(5));
        assert!(!format!("{config:?}").contains("MfKQ"));
        let bare = json!("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let bare = Config::from_value(written(|w| w["secret"] = bare)).unwrap();
        let sign = |config: &Config| config.webhooks[0].secret.sign(&[b"x"]);
        assert_eq!(sign(&bare), sign(&config));
    }

    #[test]
    fn a_bad_webhook_is_refused_in_a_sentence_without_its_secret() {
        let set = |key: &'static str, value: Value| written(move |w| w[key] = value);
        let twice = |n: usize| {
            let one = written(|_| {})["webhooks"][0].clone();
            json!({"webhooks": vec![one; n]})
        };
        for (config, says) in [
            (set("name", json!("")), "webhooks[0]: name: must be 1 to 40"),
            (set("name", json!("A/b")), "webhooks[0]: name: must be 1 to"),
            (set("tenant", json!("A")), "webhooks[0]: tenant: must be 1"),
            (set("secret", json!("whsec_c2hvcnQ=")), "24 to 64 bytes"),
            (set("secret", json!("whsec_not base64 so")), "24 to 64"),
            (set("timeout_ms", json!(99)), "timeout_ms: must be a whole"),
            (set("timeout_ms", json!(10_001)), "timeout_ms: must be a"),
            (set("url", json!("x")), "webhooks[0]: unknown field `url`"),
            (
                written(|w| *w = json!({"name": "hr"})),
                "webhooks[0]: missing field",
            ),
            (twice(2), "webhooks[1].name: must not be the name of"),
            (twice(17), "webhooks: must not be more than 16"),
        ] {
            let error = Config::from_value(config).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("not base64 so") && !error.contains("MfKQ"));
        }
    }
}
