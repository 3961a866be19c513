//! What an operator sees: Envoy's stats, and a log that names nobody.

use serde_json::{Value, json};
use tests::endpoint::{Endpoint, Proxy, Store, log};
use tests::{Findings, Needs, envoy, scim, within};

/// Stands wherever personal data can stand.
const CANARY: &str = "canary7f3a";

#[test]
fn requests_and_store_calls_are_stats_of_envoy() {
    within(60, &[Needs::Envoy], async {
        let endpoint = Endpoint::start(Proxy::Envoy, Store::Embedded).await;
        let mut client = endpoint.client();
        let id = client
            .post("/Users", &scim::user("ada@example.com"))
            .await
            .text("/id");
        for _ in 0..3 {
            client.get(&format!("/Users/{id}")).await;
        }
        client.get("/Users/nobody").await;
        let stats = envoy::stats(endpoint.running(), "wasmcustom.scim").await;
        let count = |name: &str| stats.get(&format!("wasmcustom.scim.{name}")).copied();
        assert_eq!(count("request.user.create.201"), Some(1), "{stats:?}");
        assert_eq!(count("request.user.read.200"), Some(3), "{stats:?}");
        assert_eq!(count("request.user.read.404"), Some(1), "{stats:?}");
        assert!(
            count("store.Txn.ok").is_some_and(|calls| calls >= 5),
            "{stats:?}"
        );
        assert!(stats.keys().all(|name| !name.contains(&id)), "{stats:?}");
        let histograms = envoy::histograms(endpoint.running(), "wasmcustom.scim").await;
        for name in ["request_ms.user.create", "store_ms.Txn"] {
            let full = format!("wasmcustom.scim.{name}");
            assert!(histograms.contains(&full), "{histograms:?}");
        }
    });
}

#[test]
fn each_write_is_one_line_without_personal_data_on_envoy() {
    within(90, &[Needs::Envoy], no_personal_data(Proxy::Envoy));
}

#[test]
fn each_write_is_one_line_without_personal_data_on_wasmtime() {
    within(90, &[], no_personal_data(Proxy::Wasmtime));
}

async fn no_personal_data(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let mut client = endpoint.client();
    let mut user = scim::user(&format!("{CANARY}@example.com"));
    user["name"] = json!({"givenName": CANARY, "familyName": CANARY});
    user["password"] = json!(CANARY);
    let id = client.post("/Users", &user).await.text("/id");
    let path = format!("/Users/{id}");
    let mut writes = vec![("user.create", 201)];
    // Refused, and refused by the parser: errors quote what was wrong.
    assert_eq!(client.post("/Users", &user).await.status, 409);
    writes.push(("user.create", 409));
    user["userName"] = json!({"no": CANARY});
    assert_eq!(client.put(&path, &user).await.status, 400);
    writes.push(("user.replace", 400));
    let rename = json!([{"op": "replace", "path": "displayName", "value": CANARY}]);
    assert_eq!(client.patch(&path, &rename).await.status, 200);
    writes.push(("user.patch", 200));
    let group = client.post("/Groups", &scim::group(CANARY, &[&id])).await;
    assert_eq!(group.status, 201, "{group}");
    writes.push(("group.create", 201));
    client
        .get(&scim::query("/Users", &format!("userName eq \"{CANARY}\"")))
        .await;
    client
        .get(&scim::query("/Users", &format!("userName is \"{CANARY}\"")))
        .await;
    client.get(&format!("/Users/{CANARY}")).await;
    assert_eq!(client.delete(&path).await.status, 204);
    writes.push(("user.delete", 204));
    let stranger = tests::client::Client::new(endpoint.running().address(), "/scim/v2", CANARY);
    let mut stranger = stranger;
    assert_eq!(stranger.post("/Users", &user).await.status, 401);

    let written = log_with(&endpoint, "user.delete").await;
    let mut findings = Findings::default();
    for secret in [
        CANARY,
        &endpoint.running().ready().token,
        &endpoint.running().ready().admin_key,
    ] {
        for line in written.lines().filter(|line| line.contains(secret)) {
            findings.add(format!("the log names {secret}: {line}"));
        }
    }
    let lines: Vec<Value> = written
        .lines()
        .filter_map(|line| serde_json::from_str(line.get(line.find("{\"operation\"")?..)?).ok())
        .filter(|line: &Value| {
            !line["operation"]
                .as_str()
                .is_some_and(|o| o.starts_with("tenant") || o.starts_with("token"))
        })
        .filter(|line| line["status"] != 401)
        .collect();
    let told: Vec<(&str, u64)> = lines
        .iter()
        .filter_map(|line| Some((line["operation"].as_str()?, line["status"].as_u64()?)))
        .collect();
    findings.check(told == writes, || {
        format!("told {told:?} instead of {writes:?}")
    });
    findings.check(lines.iter().all(|line| line["tenant"] == "default"), || {
        format!("{lines:?}")
    });
    findings.none();
}

/// The log, once what was written last is in it.
async fn log_with(endpoint: &Endpoint, last: &str) -> String {
    for _ in 0..100 {
        let log = log(endpoint.running());
        if log.contains(last) {
            return log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the log does not tell of {last}");
}
