//! Real faults under load: members of etcd killed and frozen, Envoys killed, the network cut,
//! slow or deaf, the store's past taken away. No write that was acknowledged is lost, none is
//! half done, none done twice; reads are of the last write; service resumes by itself.

mod ledger;
mod load;
mod site;

use ledger::overlap;
use load::{Load, Tally};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use site::{Fault, Site};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{Findings, Needs, scim, store, within};

const CLIENTS: usize = 12;
/// How long the faults go on, without [`MINUTES`].
const FAULTS: Duration = Duration::from_secs(60);
/// How many minutes they go on; `cargo edge faults` sets it.
const MINUTES: &str = "SCIM_EDGE_FAULT_MINUTES";
/// Where the random choices begin, without [`SEED`].
const FIRST_SEED: u64 = 1;
/// Where they begin; `cargo edge faults` sets it.
const SEED: &str = "SCIM_EDGE_FAULT_SEED";

fn told(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}

#[test]
fn no_fault_of_etcd_envoy_or_network_loses_halves_or_doubles_a_write() {
    let time = told(MINUTES).map_or(FAULTS, |minutes| Duration::from_secs(60 * minutes));
    let seed = told(SEED).unwrap_or(FIRST_SEED);
    within(time.as_secs() + 240, &[Needs::Envoy, Needs::Etcd], async {
        let mut site = Site::start().await;
        let shared = site.clients()[0]
            .post("/Groups", &scim::group("All", &[]))
            .await;
        let shared = shared.text("/id");
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            clients.push(Load::prepare(number, seed, site.clients(), &shared).await);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let running: Vec<_> = clients
            .into_iter()
            .map(|client| tokio::spawn(client.run(Arc::clone(&stop))))
            .collect();

        let (mut random, begun) = (StdRng::seed_from_u64(seed), Instant::now());
        let mut happened: BTreeMap<String, (u32, Duration)> = BTreeMap::new();
        // Each kind in turn, so that a short run meets all of them.
        for fault in Fault::ALL.iter().cycle() {
            if begun.elapsed() > time {
                break;
            }
            let took = site.befall(*fault, &mut random).await;
            let (times, longest) = happened.entry(format!("{fault:?}")).or_default();
            (*times, *longest) = (*times + 1, took.max(*longest));
            tokio::time::sleep(Duration::from_millis(random.random_range(200..1_500))).await;
        }
        stop.store(true, Ordering::Relaxed);

        let mut findings = Findings::default();
        let (mut tenures, mut tally) = (Vec::new(), Tally::default());
        for client in running {
            let mut client = client.await.unwrap();
            client.verify().await;
            client
                .findings
                .drain(..)
                .for_each(|finding| findings.add(finding));
            tenures.append(&mut client.tenures);
            tally.acknowledged += client.tally.acknowledged;
            tally.reads += client.tally.reads;
            tally.in_doubt += client.tally.in_doubt;
        }
        eprintln!("{tally:?}, seed {seed}; how often, and the longest until both answered:");
        for (fault, (times, longest)) in &happened {
            eprintln!("  {fault:24} {times:4} {longest:?}");
        }
        overlap(&mut tenures)
            .into_iter()
            .for_each(|two| findings.add(two));
        store::check(
            &store::keys(&site.store(), store::TENANT).await,
            &mut findings,
        );
        findings.none();
        let enough = usize::try_from(time.as_secs()).unwrap_or(usize::MAX) * 10;
        assert!(tally.acknowledged > enough, "only {tally:?}");
    });
}
