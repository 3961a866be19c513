//! How long it takes from the directory's answer to the order at the gear. By hand:
//! `SCIM_EDGE_CUT_OFFS=200 cargo test --workspace --test suite -- --nocapture radius::measure`.

use crate::radius::site::{Site, session};
use edge_radius::Code;
use std::time::{Duration, Instant};
use tests::endpoint::Store;
use tests::radius::nas::Status;
use tests::{Needs, within};

/// How many users are cut off, one after the other, unless told otherwise.
const CUT_OFFS: usize = 5;

#[test]
fn deactivated_users_are_rejected_and_cut_off_each_once() {
    let count = std::env::var("SCIM_EDGE_CUT_OFFS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CUT_OFFS);
    let seconds = 60 + u64::try_from(count).unwrap();
    let needs = [Needs::Envoy, Needs::Etcd, Needs::FreeRadius];
    within(seconds, &needs, async move {
        let names: Vec<String> = (0..count).map(|n| format!("{n}@example.com")).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut site = Site::start(Store::Etcd, &known).await;
        site.office().await;
        let mut ids = Vec::new();
        for name in &names {
            ids.push(site.user(name).await);
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        site.group("Employees", &members).await;
        for name in &names {
            let accept = site.connect(name).await;
            let session = session(name, name, &accept);
            site.nas
                .account(site.freeradius.accounting, Status::Start, &session)
                .await;
        }
        let _agent = site.agent(&[]);
        let mut times = Vec::new();
        for (at, (id, name)) in ids.iter().zip(&names).enumerate() {
            site.deactivate(id).await;
            let answered = Instant::now();
            let answer = site.connect(name).await;
            assert_eq!(answer.code, Code::AccessReject, "{name}");
            let orders = site.nas.ordered(at + 1, Duration::from_secs(10)).await;
            times.push(orders[at].at.saturating_duration_since(answered));
        }
        times.sort();
        let of_hundred = |n: usize| times[(times.len() * n).div_ceil(100).max(1) - 1];
        eprintln!(
            "{count} cut off: p50 {:?}, p99 {:?}, max {:?}",
            of_hundred(50),
            of_hundred(99),
            times[times.len() - 1]
        );
    });
}
