//! Real faults under load: members of etcd killed and frozen, Envoys killed, the network cut,
//! slow or deaf, the store's past taken away. What happens is recorded and checked as simulated
//! histories are: no write that was acknowledged is lost, none is half done, none done twice, and
//! every answer was true at some time during its request. Service resumes by itself.

mod load;
mod site;
mod tampered;

use load::{Load, Tally};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use simulation::recorded::{Client, check};
use site::{CLIENTS, Fault, Site};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{Findings, Needs, within};

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
    // What checks may come behind, on a machine that does other things too.
    within(
        2 * time.as_secs() + 240,
        &[Needs::Envoy, Needs::Etcd],
        async {
            let (mut site, notes) = Site::start().await;
            let checking = std::thread::spawn(move || check(notes));
            let stop = Arc::new(AtomicBool::new(false));
            let clients = Client::all(CLIENTS, seed).into_iter().enumerate();
            let running: Vec<_> = clients
                .map(|(number, client)| {
                    let load = Load::new(number, client, site.clients(), &site.recording.recorder);
                    tokio::spawn(load.run(Arc::clone(&stop)))
                })
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

            let (mut findings, mut tally) = (Findings::default(), Tally::default());
            for client in running {
                let client = client.await.unwrap();
                findings.append(client.findings);
                tally.acknowledged += client.tally.acknowledged;
                tally.reads += client.tally.reads;
                tally.refused += client.tally.refused;
                tally.open += client.tally.open;
            }
            site.end().await;
            let behind = Instant::now();
            let verdict = tokio::task::spawn_blocking(|| checking.join());
            let verdict = verdict.await.unwrap().unwrap();
            eprintln!(
                "{tally:?}, seed {seed}; checked: {} requests, {} answers, {} writes, of which {} \
             were heard of by nobody; the checker was {:?} behind",
                verdict.requests,
                verdict.answers,
                verdict.writes,
                verdict.unheard,
                behind.elapsed(),
            );
            eprintln!("how often, and the longest until both answered:");
            for (fault, (times, longest)) in &happened {
                eprintln!("  {fault:24} {times:4} {longest:?}");
            }
            verdict
                .violations
                .into_iter()
                .for_each(|wrong| findings.add(wrong));
            findings.none();
            let enough = usize::try_from(time.as_secs()).unwrap_or(usize::MAX) * 10;
            assert!(tally.acknowledged > enough, "only {tally:?}");
        },
    );
}
