//! kill -9 of the store and of Envoy at any moment of a replace of all members: the list is the
//! old one or the new one, whole, also where a member's groups tell it; and in the end nothing
//! is left of what was under way.

use super::{members, refs, set, users};
use edge_cli::Endpoint as Address;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use tests::client::{Client, Reply};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::etcd::Etcd;
use tests::{Needs, scim, store, within};

/// How often everything is killed, and how many members the list has, without [`KILLS`] and
/// [`MEMBERS`].
const FEW: (usize, usize) = (4, 4_000);
/// How often; `cargo edge faults` sets it.
const KILLS: &str = "SCIM_EDGE_KILLS";
/// How many members; `cargo edge faults` sets it.
const MEMBERS: &str = "SCIM_EDGE_KILLED_MEMBERS";

const PATIENCE: Duration = Duration::from_secs(100);

fn told(variable: &str, otherwise: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn killing_etcd_and_envoy_amid_a_replace_leaves_the_old_list_or_the_new_one() {
    test(&[Needs::Envoy, Needs::Etcd], async || {
        // The default quota is for less than fifty times such a list, and its past.
        let options = [
            "--quota-backend-bytes=8589934592",
            "--auto-compaction-mode=revision",
            "--auto-compaction-retention=1000",
        ];
        let etcd = Etcd::start_with(&options).await;
        let address = etcd.endpoint();
        let endpoint = Endpoint::start_with(Proxy::Envoy, Store::Embedded, |options| {
            options.etcd = vec![address];
        })
        .await;
        Site {
            endpoint,
            etcd: Some(etcd),
        }
    });
}

#[test]
fn killing_the_embedded_store_and_envoy_amid_a_replace_leaves_the_old_list_or_the_new_one() {
    test(&[Needs::Envoy], async || Site {
        endpoint: Endpoint::start(Proxy::Envoy, Store::Embedded).await,
        etcd: None,
    });
}

fn test(needs: &[Needs], start: impl AsyncFnOnce() -> Site) {
    let (kills, members) = (told(KILLS, FEW.0), told(MEMBERS, FEW.1));
    let seconds = 180 + kills * (10 + members / 1_000);
    within(seconds as u64, needs, async move {
        start().await.replaced_under_fire(kills, members).await;
    });
}

/// An Envoy, and its store.
struct Site {
    endpoint: Endpoint,
    /// Without one, the store is the embedded one.
    etcd: Option<Etcd>,
}

/// How it came out.
#[derive(Debug, Default)]
struct Tally {
    old: usize,
    new: usize,
    acknowledged: usize,
}

impl Site {
    async fn replaced_under_fire(mut self, kills: usize, count: usize) {
        let at = self.endpoint.running().store_endpoints()[0].clone();
        let ids = users(&at, 2 * count).await;
        let lists = ids.split_at(count);
        let mut client = self.endpoint.client().waiting(PATIENCE);
        let body = scim::group("Large", &refs(lists.0));
        let created = client.post("/Groups", &body).await;
        assert_eq!(created.status, 201, "{}", created.text("/detail"));
        let path = format!("/Groups/{}", created.text("/id"));
        let (mut old, mut new) = lists;

        let begun = Instant::now();
        let replaced = client.put(&path, &scim::group("Large", &refs(new))).await;
        let usual = begun.elapsed();
        assert_eq!(replaced.status, 200, "{}", replaced.text("/detail"));
        (old, new) = (new, old);

        let (mut random, mut tally) = (StdRng::seed_from_u64(1), Tally::default());
        for kill in 0..kills {
            // One from each of so many parts of the time that the work takes: the upload, the
            // staging, the commit, and the cleaning up that follows the answer.
            let part = (kill as f64 + random.random::<f64>()) / kills as f64;
            let after = usual.mul_f64(1.5 * part);
            let replacing = Replace::begin(client.again(), &path, new);
            tokio::time::sleep(after).await;
            self.kill(random.random());
            let answered = replacing.end().await;
            self.start_again().await;

            let seen = members(&mut client, &path).await;
            let is_new = seen == set(new);
            let what = format!("killed after {after:.2?} of {usual:.2?}, answer {answered:?}");
            assert!(is_new || seen == set(old), "{what}: {} members", seen.len());
            let acknowledged = answered == Some(200);
            assert!(is_new || !acknowledged, "{what}: the old list is there");
            eprintln!("{what}: {}", if is_new { "new" } else { "old" });
            tally.acknowledged += usize::from(acknowledged);
            if is_new {
                tally.new += 1;
                (old, new) = (new, old);
            } else {
                tally.old += 1;
            }
            agree(&mut client, old, 1, &mut random).await;
            agree(&mut client, new, 0, &mut random).await;
        }
        eprintln!("{kills} kills with {count} members: {tally:?}");
        litter_goes(&at, count).await;
        assert!(members(&mut client, &path).await == set(old));
    }

    /// Kills both as `kill -9` does, one right after the other.
    fn kill(&mut self, store_first: bool) {
        let running = self.endpoint.running();
        let kill_envoy = || kill(running.envoy_pid());
        if !store_first {
            kill_envoy();
        }
        match &mut self.etcd {
            Some(etcd) => etcd.kill(),
            None => kill(running.store_pid()),
        }
        if store_first {
            kill_envoy();
        }
    }

    /// Envoy and the embedded store are started again by what watches them.
    async fn start_again(&mut self) {
        if let Some(etcd) = &mut self.etcd {
            etcd.start_again().await;
        }
        self.endpoint.running().answers(PATIENCE).await.unwrap();
    }
}

fn kill(process: Option<u32>) {
    let id = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    kill_process(id.expect("it runs"), Signal::KILL).expect("it runs");
}

/// A PUT that is under way.
struct Replace(tokio::task::JoinHandle<Result<Reply, String>>);

impl Replace {
    fn begin(mut client: Client, path: &str, list: &[String]) -> Self {
        let (path, body) = (path.to_owned(), scim::group("Large", &refs(list)));
        Self(tokio::spawn(async move {
            client
                .try_call(hyper::Method::PUT, &path, Some(&body))
                .await
        }))
    }

    /// The status of the answer, if there was any before its connection was gone.
    async fn end(self) -> Option<u16> {
        self.0.await.unwrap().ok().map(|reply| reply.status)
    }
}

/// Some of `list` are in so many groups.
async fn agree(client: &mut Client, list: &[String], groups: usize, random: &mut StdRng) {
    for id in [
        &list[0],
        &list[list.len() - 1],
        &list[random.random_range(0..list.len())],
    ] {
        let user = client.get(&format!("/Users/{id}")).await;
        assert_eq!(user.status, 200, "{user}");
        let seen = user.json()["groups"].as_array().map_or(0, Vec::len);
        assert_eq!(seen, groups, "{user}");
    }
}

/// What the dead left is cleaned up; what stays is one list, from both sides.
async fn litter_goes(at: &Address, count: usize) {
    let begun = Instant::now();
    store::let_large_changes_expire(at).await;
    while store::keys(at, "scim/unused/").await != store::Keys::new() {
        assert!(begun.elapsed() < PATIENCE * 6, "there is litter still");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!("cleaned up within {:.2?}", begun.elapsed());
    for side in ["member/", "member-of/"] {
        let keys = store::keys(at, &format!("{}{side}", store::TENANT)).await;
        assert_eq!(keys.len(), count, "keys below {side}");
    }
}
