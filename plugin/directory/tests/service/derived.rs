//! The keys that follow from the records of a tenant.

use directory::kv::memory::MemoryKv;
use scim::schema::ETHERNET_MAB;
use scim::text::fold;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn below(kv: &MemoryKv, prefix: &str) -> BTreeMap<String, String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    kv.dump()
        .into_iter()
        .map(|(key, value)| (text(key), text(value)))
        .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value)))
        .collect()
}

/// What must be there, with its value where that follows too.
pub(crate) fn derived(stored: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let mut keys = BTreeMap::new();
    for (key, value) in stored {
        let segments: Vec<&str> = key.split('/').collect();
        let json = || serde_json::from_str::<Value>(value).unwrap();
        let there = |key: String| stored.contains_key(&key);
        match segments.as_slice() {
            ["event" | "user-deleted", _] => {
                json();
                keys.insert(key.clone(), None);
                if segments[0] == "event" {
                    keys.insert("last-event".to_owned(), None);
                }
            }
            ["last-event"] => assert!(there(format!("event/{value}")), "{key} is {value}"),
            [kind @ ("user" | "group"), id] => {
                let record = json();
                assert_eq!(record["id"], *id);
                assert!(record["meta"]["created"].is_string());
                keys.insert(key.clone(), None);
                let name = if *kind == "user" {
                    "userName"
                } else {
                    "displayName"
                };
                let name = encode(&fold(record[name].as_str().unwrap()));
                keys.insert(format!("{kind}-name/{name}"), Some((*id).to_owned()));
                if let Some(external) = record["externalId"].as_str() {
                    keys.insert(format!("{kind}-external/{}/{id}", encode(external)), None);
                }
                for email in record["emails"].as_array().into_iter().flatten() {
                    if let Some(email) = email["value"].as_str() {
                        keys.insert(format!("user-email/{}/{id}", encode(&fold(email))), None);
                    }
                }
                assert!(record.get("password").is_none());
            }
            ["device", id] => {
                let record = json();
                assert_eq!(record["id"], *id);
                assert!(record.get("groups").is_none(), "{record}");
                keys.insert(key.clone(), None);
                let address = record[ETHERNET_MAB]["deviceMacAddress"].as_str();
                if let Some(address) = address {
                    let key = format!("device-address/{}", address.to_lowercase());
                    keys.insert(key, Some((*id).to_owned()));
                }
                if let Some(external) = record["externalId"].as_str() {
                    keys.insert(format!("device-external/{}/{id}", encode(external)), None);
                }
            }
            ["user-password", id] if there(format!("user/{id}")) => {
                assert!(value.starts_with("$argon2id$"), "{value}");
                keys.insert(key.clone(), None);
            }
            ["group-touch", group] if there(format!("group/{group}")) => {
                keys.insert(key.clone(), None);
            }
            ["group-generation", group] if there(format!("group/{group}")) => {
                keys.insert(key.clone(), None);
            }
            ["member", group, generation, member] if there(format!("group/{group}")) => {
                let current = stored.get(&format!("group-generation/{group}"));
                let current = current.map_or("0", |value| value.trim_matches('"'));
                assert_eq!(*generation, current, "{key} is of no use");
                let kind = json()["type"].as_str().unwrap().to_lowercase();
                assert!(there(format!("{kind}/{member}")), "{key} dangles");
                keys.insert(key.clone(), None);
                let reverse = format!("member-of/{member}/{group}/{generation}");
                keys.insert(reverse, Some(value.clone()));
            }
            _ => {}
        }
    }
    keys
}

fn encode(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\0'..='%' | '/' | '\x7f' => format!("%{:02X}", c as u32),
            c => c.to_string(),
        })
        .collect()
}
