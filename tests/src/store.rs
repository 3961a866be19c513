//! A look into the store, past the plugin: every key, and whether records, indexes and memberships
//! agree with each other.

use crate::Findings;
use edge_cli::Endpoint;
use etcd_proto::RangeRequest;
use etcd_proto::kv_client::KvClient;
use serde_json::Value;
use std::collections::BTreeMap;

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
    let uri = match at {
        Endpoint::Unix(path) => format!("unix://{}", path.display()),
        Endpoint::Tcp(host, port) => format!("http://{host}:{port}"),
    };
    let channel = tonic::transport::Endpoint::from_shared(uri)
        .expect("a URI")
        .connect()
        .await
        .expect("the store");
    let mut client = KvClient::new(channel).max_decoding_message_size(usize::MAX);
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

fn check_memberships(keys: &Keys, findings: &mut Findings) {
    for (one, other) in [("member", "member-of"), ("member-of", "member")] {
        for (pair, _) in below(keys, &format!("{one}/")) {
            let (left, right) = pair.split_once('/').expect("two ids");
            findings.check(
                keys.contains_key(&format!("{other}/{right}/{left}")),
                || format!("{one}/{pair} has no other side"),
            );
            let (group, member) = if one == "member" {
                (left, right)
            } else {
                (right, left)
            };
            findings.check(keys.contains_key(&format!("group/{group}")), || {
                format!("{one}/{pair} is of a group that is not there")
            });
            let there =
                ["user", "group"].map(|kind| keys.contains_key(&format!("{kind}/{member}")));
            findings.check(there.contains(&true), || {
                format!("{one}/{pair} is of a member that is not there")
            });
        }
    }
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
