//! A look into the store, past the plugin: every key, and whether records, indexes and memberships
//! agree with each other.

use crate::Findings;
use edge_cli::Endpoint;
use etcd_proto::kv_client::KvClient;
use etcd_proto::{PutRequest, RangeRequest, RequestOp, TxnRequest, request_op};
use serde_json::Value;
use std::collections::BTreeMap;
use tonic::transport::Channel;

/// The keys of the tenant that every endpoint makes.
pub const TENANT: &str = "scim/default/";

/// Everything below a prefix, keys without it.
pub type Keys = BTreeMap<String, Vec<u8>>;

/// Reads everything below `prefix`.
///
/// # Panics
/// When the store does not answer.
pub async fn keys(at: &Endpoint, prefix: &str) -> Keys {
    const PAGE: i64 = 500;
    let mut client = client(at).await;
    let mut end = prefix.as_bytes().to_vec();
    *end.last_mut().expect("a prefix") += 1;
    let (mut keys, mut from) = (Keys::new(), prefix.as_bytes().to_vec());
    loop {
        let request = RangeRequest {
            key: from,
            range_end: end.clone(),
            limit: PAGE,
            ..RangeRequest::default()
        };
        let page = client.range(request).await.expect("a range").into_inner();
        from = page
            .kvs
            .last()
            .map(|kv| [kv.key.as_slice(), b"\0"].concat())
            .unwrap_or_default();
        for kv in page.kvs {
            let key = String::from_utf8(kv.key).expect("keys are text");
            keys.insert(key[prefix.len()..].to_owned(), kv.value);
        }
        if !page.more {
            return keys;
        }
    }
}

/// Lets the time pass that writers of large changes have, for all that are under way or dead:
/// what they left is to be cleaned up now.
///
/// # Panics
/// When the store does not answer, or what it has is no such record.
pub async fn let_large_changes_expire(at: &Endpoint) {
    const UNUSED: &str = "scim/unused/";
    let records = keys(at, UNUSED).await.into_iter().map(|(key, record)| {
        let mut record: Value = serde_json::from_slice(&record).expect("records are JSON");
        assert!(record["until"].is_string(), "{key}: {record}");
        record["until"] = "2000-01-01T00:00:00.000Z".into();
        (key, record.to_string())
    });
    put(at, UNUSED, &records.collect::<Vec<_>>()).await;
}

/// Puts keys below `prefix`, a hundred at a time.
///
/// # Panics
/// When the store does not take them.
pub async fn put(at: &Endpoint, prefix: &str, keys: &[(String, String)]) {
    let mut client = client(at).await;
    for some in keys.chunks(100) {
        let puts = some.iter().map(|(key, value)| {
            let put = PutRequest {
                key: format!("{prefix}{key}").into_bytes(),
                value: value.clone().into_bytes(),
                ..PutRequest::default()
            };
            RequestOp {
                request: Some(request_op::Request::RequestPut(put)),
            }
        });
        let txn = TxnRequest {
            success: puts.collect(),
            ..TxnRequest::default()
        };
        client.txn(txn).await.expect("a transaction");
    }
}

async fn client(at: &Endpoint) -> KvClient<Channel> {
    let uri = match at {
        Endpoint::Unix(path) => format!("unix://{}", path.display()),
        Endpoint::Tcp(host, port) => format!("http://{host}:{port}"),
    };
    let channel = tonic::transport::Endpoint::from_shared(uri)
        .expect("a URI")
        .connect()
        .await
        .expect("the store");
    KvClient::new(channel).max_decoding_message_size(usize::MAX)
}

/// Finds what is there by halves in a tenant's keys: a record without its index keys or the other
/// way round, a membership on one side only or of somebody who is gone.
///
/// # Panics
/// When a record is no JSON.
pub fn check(keys: &Keys, findings: &mut Findings) {
    for (kind, name) in [("user", "userName"), ("group", "displayName")] {
        let names = owners(keys, &format!("{kind}-name/"), true);
        let externals = owners(keys, &format!("{kind}-external/"), false);
        for (id, record) in below(keys, &format!("{kind}/")) {
            let record: Value = serde_json::from_slice(record).expect("records are JSON");
            let what = format!("{kind} {id} ({})", record[name]);
            let count = |index: &[String]| index.iter().filter(|owner| *owner == id).count();
            findings.check(record["id"] == id, || {
                format!("{what} has another id in it")
            });
            findings.check(count(&names) == 1, || {
                format!("{what}: {} name keys", count(&names))
            });
            let due = usize::from(record.get("externalId").is_some());
            findings.check(count(&externals) == due, || {
                format!("{what}: {} externalId keys, not {due}", count(&externals))
            });
            if kind == "user" {
                let mails = owners(keys, "user-email/", false);
                let due = record["emails"].as_array().map_or(0, Vec::len);
                findings.check(count(&mails) == due, || {
                    format!("{what}: {} email keys, not {due}", count(&mails))
                });
            }
        }
        for id in names.iter().chain(&externals) {
            findings.check(keys.contains_key(&format!("{kind}/{id}")), || {
                format!("an index names the {kind} {id}, which is not there")
            });
        }
    }
    check_memberships(keys, findings);
}

/// A membership has two keys of the same value. Those of a generation that the group does not
/// have are on their way in or out; those of the one that it has are of somebody who is there.
fn check_memberships(keys: &Keys, findings: &mut Findings) {
    for (key, value) in below(keys, "member/") {
        let [group, generation, member] = segments(key);
        let other = format!("member-of/{member}/{group}/{generation}");
        findings.check(keys.get(&other) == Some(value), || {
            format!("member/{key} has no other side")
        });
        let current = keys.get(&format!("group-generation/{group}"));
        let current = current.map_or("0".into(), |name| String::from_utf8_lossy(name));
        if !keys.contains_key(&format!("group/{group}")) || current.trim_matches('"') != generation
        {
            continue;
        }
        let there = ["user", "group"].map(|kind| keys.contains_key(&format!("{kind}/{member}")));
        findings.check(there.contains(&true), || {
            format!("member/{key} is of a member that is not there")
        });
    }
    for (key, _) in below(keys, "member-of/") {
        let [member, group, generation] = segments(key);
        let other = format!("member/{group}/{generation}/{member}");
        findings.check(keys.contains_key(&other), || {
            format!("member-of/{key} has no other side")
        });
    }
}

fn segments(key: &str) -> [&str; 3] {
    let segments: Vec<&str> = key.split('/').collect();
    segments.try_into().expect("three segments")
}

fn below<'a>(keys: &'a Keys, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Vec<u8>)> {
    keys.range(prefix.to_owned()..)
        .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
}

/// The ids that an index names, in its values or at the end of its keys.
fn owners(keys: &Keys, prefix: &str, in_value: bool) -> Vec<String> {
    below(keys, prefix)
        .map(|(key, value)| {
            if in_value {
                String::from_utf8_lossy(value).trim_matches('"').to_owned()
            } else {
                key.rsplit('/').next().unwrap_or_default().to_owned()
            }
        })
        .collect()
}
