//! Many clients at once over two Envoys with two workers each on one etcd: nothing twice (P3),
//! nothing lost (P2).

use hyper::Method;
use hyper::header::{CONTENT_TYPE, IF_MATCH};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tests::client::{Client, Reply, full};
use tests::endpoint::{Endpoint, Proxy, Store, client, options, start};
use tests::{Findings, Needs, scim, store, within};
use tokio::sync::Barrier;

const CLIENTS: usize = 64;

#[test]
fn two_envoys_on_one_etcd_lose_and_double_nothing() {
    within(180, &[Needs::Envoy, Needs::Etcd], async {
        let mut first = Endpoint::start_with(Proxy::Envoy, Store::Etcd, |o| o.workers = 2).await;
        let etcd = first.etcd().endpoint();
        let data = tempfile::tempdir().unwrap();
        let mut other = options(data.path());
        (other.workers, other.etcd) = (2, vec![etcd.clone()]);
        let second = start(Proxy::Envoy, other).await;
        let client_of = |n: usize| match n % 2 {
            0 => first.client(),
            _ => client(&second),
        };

        one_of_many_gets_a_user_name(&client_of).await;
        one_of_many_gets_a_display_name(&client_of).await;
        one_of_many_renames_gets_the_name(&client_of).await;
        every_member_added_at_once_is_there(&client_of).await;
        every_acknowledged_change_of_a_user_is_there(&client_of).await;
        one_of_many_with_the_same_etag_wins(&client_of).await;
        members_added_while_the_group_is_deleted_leave_nothing(&client_of).await;

        let mut findings = Findings::default();
        store::check(&store::keys(&etcd, store::TENANT).await, &mut findings);
        findings.none();
        second.stop().await;
    });
}

/// Runs `request` once for each client, all at the same moment, and returns the answers in the
/// order of the clients.
async fn at_once<F>(
    clients: usize,
    client_of: &impl Fn(usize) -> Client,
    request: impl Fn(usize, Client) -> F,
) -> Vec<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(clients));
    let mut tasks = Vec::new();
    for n in 0..clients {
        let mut client = client_of(n);
        // Connected before the start, so that connecting does not put them in a row.
        assert_eq!(client.get("/ServiceProviderConfig").await.status, 200);
        let (barrier, request) = (Arc::clone(&barrier), request(n, client));
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            request.await
        }));
    }
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}

fn statuses(replies: &[Reply]) -> Vec<u16> {
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    statuses
}

/// One success, then refusals.
fn one_then(success: u16, refusal: u16, clients: usize) -> Vec<u16> {
    let mut expected = vec![refusal; clients - 1];
    expected.push(success);
    expected.sort_unstable();
    expected
}

async fn one_of_many_gets_a_user_name(client_of: &impl Fn(usize) -> Client) {
    let replies = at_once(CLIENTS, client_of, |n, mut client| async move {
        // Names are compared without regard to case.
        let name = if n % 3 == 0 {
            "Race@Example.com"
        } else {
            "race@example.com"
        };
        client.post("/Users", &scim::user(name)).await
    })
    .await;
    assert_eq!(statuses(&replies), one_then(201, 409, CLIENTS));
    for reply in replies.iter().filter(|reply| reply.status == 409) {
        scim::expect_error(reply, &[409]).unwrap();
        assert_eq!(reply.text("/scimType"), "uniqueness");
    }
    let found = client_of(1)
        .get(&scim::query("/Users", "userName eq \"RACE@example.com\""))
        .await;
    assert_eq!(found.json()["totalResults"], 1, "{found}");
}

async fn one_of_many_gets_a_display_name(client_of: &impl Fn(usize) -> Client) {
    let replies = at_once(16, client_of, |_, mut client| async move {
        client.post("/Groups", &scim::group("Race", &[])).await
    })
    .await;
    assert_eq!(statuses(&replies), one_then(201, 409, 16));
}

async fn one_of_many_renames_gets_the_name(client_of: &impl Fn(usize) -> Client) {
    let replies = at_once(16, client_of, |n, mut client| async move {
        let user = client
            .post("/Users", &scim::user(&format!("before-{n}@example.com")))
            .await;
        let path = format!("/Users/{}", user.text("/id"));
        let rename = json!([{"op": "replace", "path": "userName", "value": "After@example.com"}]);
        client.patch(&path, &rename).await
    })
    .await;
    assert_eq!(statuses(&replies), one_then(200, 409, 16));
}

async fn every_member_added_at_once_is_there(client_of: &impl Fn(usize) -> Client) {
    let mut client = client_of(0);
    let mut ids = Vec::new();
    for n in 0..CLIENTS {
        let user = client
            .post("/Users", &scim::user(&format!("member-{n}@example.com")))
            .await;
        assert_eq!(user.status, 201, "{user}");
        ids.push(user.text("/id"));
    }
    let group = client.post("/Groups", &scim::group("Everybody", &[])).await;
    let path = format!("/Groups/{}", group.text("/id"));
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let replies = at_once(CLIENTS, client_of, |n, mut client| {
        let (path, operations) = (path.clone(), add(&ids[n]));
        async move { client.patch(&path, &operations).await }
    })
    .await;
    assert_eq!(
        statuses(&replies),
        vec![200; CLIENTS],
        "adding members never conflicts"
    );
    for n in 0..2 {
        let read = client_of(n).get(&path).await.json();
        let members: BTreeSet<&str> = read["members"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|m| m["value"].as_str())
            .collect();
        assert_eq!(members, ids.iter().map(String::as_str).collect());
    }
}

async fn every_acknowledged_change_of_a_user_is_there(client_of: &impl Fn(usize) -> Client) {
    const WRITERS: usize = 16;
    const CHANGES: usize = 5;
    let document = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "storm@example.com",
    });
    let user = client_of(0).post("/Users", &document).await;
    let path = format!("/Users/{}", user.text("/id"));
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (mut client, path) = (client_of(writer), path.clone());
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for change in 0..CHANGES {
                let mail = format!("{writer}-{change}@example.com");
                let operations =
                    json!([{"op": "add", "path": "emails", "value": [{"value": mail}]}]);
                let reply = client.patch(&path, &operations).await;
                if reply.status == 200 {
                    acknowledged.push(mail);
                } else {
                    scim::expect_error(&reply, &[503]).unwrap();
                }
            }
            acknowledged
        }));
    }
    let mut acknowledged = BTreeSet::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    let read = client_of(1).get(&path).await.json();
    let there: BTreeSet<String> = read["emails"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|mail| Some(mail["value"].as_str()?.to_owned()))
        .collect();
    assert_eq!(there, acknowledged);
    // Retrying, not refusing, is the rule.
    assert!(
        acknowledged.len() >= WRITERS * CHANGES / 2,
        "{} got through",
        acknowledged.len()
    );
}

async fn one_of_many_with_the_same_etag_wins(client_of: &impl Fn(usize) -> Client) {
    let user = client_of(0)
        .post("/Users", &scim::user("etag@example.com"))
        .await;
    let (id, etag) = (user.text("/id"), user.header("etag").to_owned());
    let replies = at_once(16, client_of, |n, mut client| {
        let mut document: Value = scim::user("etag@example.com");
        document["displayName"] = json!(format!("Writer {n}"));
        let request = client
            .request(Method::PUT, &format!("/Users/{id}"))
            .header(CONTENT_TYPE, scim::MEDIA_TYPE)
            .header(IF_MATCH, &etag)
            .body(full(document.to_string()))
            .unwrap();
        async move { client.try_send(request).await.unwrap() }
    })
    .await;
    assert_eq!(statuses(&replies), one_then(200, 412, 16));
}

async fn members_added_while_the_group_is_deleted_leave_nothing(
    client_of: &impl Fn(usize) -> Client,
) {
    let mut client = client_of(0);
    let group = client
        .post("/Groups", &scim::group("Short-lived", &[]))
        .await;
    let path = format!("/Groups/{}", group.text("/id"));
    let users = client.get("/Users?count=16").await.json();
    let ids: Vec<String> = users["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|user| Some(user["id"].as_str()?.to_owned()))
        .collect();
    let replies = at_once(ids.len(), client_of, |n, mut client| {
        let (path, id) = (path.clone(), ids[n].clone());
        async move {
            if n == 7 {
                return client.delete(&path).await;
            }
            let operations = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
            client.patch(&path, &operations).await
        }
    })
    .await;
    for reply in &replies {
        assert!([200, 204, 404, 503].contains(&reply.status), "{reply}");
    }
    if replies[7].status != 204 {
        scim::expect_error(&replies[7], &[503]).unwrap();
        assert_eq!(client.delete(&path).await.status, 204);
    }
    assert_eq!(client.get(&path).await.status, 404);
}
