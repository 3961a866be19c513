//! How often somebody may ask: each token, and each source whose authentications fail.

use crate::support::{ADMIN_KEY, Reply, Service, World, call, configured};
use directory::http::Source;
use directory::simulation::SharedTable;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// Instances of one proxy: they share a table.
fn instances<const N: usize>(world: &World, limits: &Value) -> [Service; N] {
    let table = SharedTable::default();
    let config = json!({"limits": limits});
    std::array::from_fn(|n| {
        let seed = u64::try_from(n).unwrap() + 10;
        configured(&world.kv, &world.clock, seed, config.clone()).sharing(table.clone())
    })
}

fn from(address: &str, service: &Service, path: &str, token: &str) -> Reply {
    let mut call = call(service, "GET", path).bearer(token);
    call.request.source = Source::Known(Some(address.parse().unwrap()));
    call.send()
}

fn get(service: &Service, token: &str) -> Reply {
    from("192.0.2.1", service, "/scim/v2/Schemas", token)
}

/// A token that there is not.
fn wrong(number: usize) -> String {
    format!("scim_{number:064x}")
}

fn refused(reply: &Reply, names: &str) {
    assert_eq!(reply.status, 429, "{reply:?}");
    assert!(reply.detail().contains(names), "{}", reply.detail());
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 1);
}

#[test]
fn a_token_has_its_burst_and_then_its_rate_over_all_workers() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let (other, _) = world.token("acme", &["scim"]);
    let workers: [_; 2] = instances(
        &world,
        &json!({"requests_per_second": 2, "request_burst": 4}),
    );
    for n in 0..4 {
        assert_eq!(get(&workers[n % 2], &token).status, 200, "{n}");
    }
    for worker in &workers {
        let calls = world.kv.calls();
        refused(&get(worker, &token), "2 requests a second with one token");
        assert_eq!(world.kv.calls(), calls, "the store is not asked");
        assert_eq!(get(worker, &other).status, 200);
    }
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(get(&workers[1], &token).status, 200);
    assert_eq!(get(&workers[0], &token).status, 429);
    // After a pause the burst is there again, and no more than that.
    world.clock.advance(Duration::from_secs(3_600));
    for _ in 0..4 {
        assert_eq!(get(&workers[0], &token).status, 200);
    }
    assert_eq!(get(&workers[0], &token).status, 429);
}

#[test]
fn administrators_have_a_rate_too() {
    let world = World::new();
    let (admin, _) = world.token("acme", &["admin"]);
    let [worker] = instances(
        &world,
        &json!({"requests_per_second": 1, "request_burst": 2}),
    );
    for (path, credential) in [
        ("/admin/v1/tenants/acme/tokens", admin.as_str()),
        ("/admin/v1/tenants", ADMIN_KEY),
    ] {
        let ask = || from("192.0.2.1", &worker, path, credential);
        assert_eq!([ask().status, ask().status], [200, 200]);
        refused(&ask(), "1 requests a second");
    }
}

#[test]
fn without_configuration_25_requests_a_second_are_always_taken() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let [worker] = instances(&world, &json!({}));
    for _ in 0..25 * 60 {
        assert_eq!(get(&worker, &token).status, 200);
        world.clock.advance(Duration::from_millis(40));
    }
}

const FEW_FAILURES: &str = r#"{"auth_failures_per_minute": 6, "auth_failure_burst": 3}"#;

fn few_failures() -> Value {
    serde_json::from_str(FEW_FAILURES).unwrap()
}

#[test]
fn failed_authentications_of_a_source_are_refused_before_the_store_is_asked() {
    let world = World::new();
    let workers: [_; 2] = instances(&world, &few_failures());
    for n in 0..3 {
        assert_eq!(get(&workers[n % 2], &wrong(n)).status, 401, "{n}");
    }
    for (n, worker) in workers.iter().enumerate() {
        let calls = world.kv.calls();
        let reply = get(worker, &wrong(10 + n));
        refused(&reply, "6 failed authentications a minute from one address");
        assert_eq!(reply.header("retry-after"), Some("10"));
        assert_eq!(world.kv.calls(), calls, "the store is not asked");
    }
    // Whatever the credential looks like, and on whichever path.
    refused(&get(&workers[0], "guess"), "failed authentications");
    let guess = from("192.0.2.1", &workers[0], "/admin/v1/tenants", "guess");
    refused(&guess, "failed authentications");
    // Others are not concerned.
    let elsewhere = from("192.0.2.2", &workers[0], "/scim/v2/Users", &wrong(1));
    assert_eq!(elsewhere.status, 401);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(get(&workers[0], &wrong(4)).status, 401);
    assert_eq!(get(&workers[0], &wrong(5)).status, 429);
}

#[test]
fn a_source_of_ipv6_is_a_whole_network() {
    let world = World::new();
    let [worker] = instances(&world, &few_failures());
    let ask = |address: &str, n| from(address, &worker, "/scim/v2/Users", &wrong(n)).status;
    for n in 0..3 {
        assert_eq!(ask(&format!("2001:db8:0:1:{n}::1"), n), 401);
    }
    assert_eq!(ask("2001:db8:0:1:ffff::1", 9), 429);
    assert_eq!(ask("2001:db8:0:2::1", 9), 401);
}

/// Many who share an address, behind one NAT or at one identity provider.
#[test]
fn a_good_credential_goes_on_behind_an_address_whose_others_fail() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let workers: [_; 2] = instances(&world, &few_failures());
    let administer = |worker| from("192.0.2.1", worker, "/admin/v1/tenants", ADMIN_KEY).status;
    assert_eq!(get(&workers[0], &token).status, 200);
    assert_eq!(administer(&workers[0]), 200);
    while get(&workers[0], &wrong(1)).status != 429 {}
    // By the worker that has seen it, and by one that has not.
    for worker in &workers {
        assert_eq!(get(worker, &token).status, 200);
        assert_eq!(administer(worker), 200);
    }
}

#[test]
fn what_succeeds_is_not_counted() {
    let world = World::new();
    let [worker] = instances(&world, &few_failures());
    for _ in 0..20 {
        let (token, _) = world.token("acme", &["scim"]);
        assert_eq!(get(&worker, &token).status, 200);
    }
    // Nor is a request without a credential: nothing is tried by it.
    for _ in 0..20 {
        assert_eq!(call(&worker, "GET", "/scim/v2/Users").send().status, 401);
    }
    // Nor what nobody could tell.
    for n in 0..20 {
        world
            .kv
            .fail_next([Some(directory::kv::memory::Fault::Unavailable)]);
        assert_eq!(get(&worker, &wrong(n)).status, 503);
    }
    assert_eq!(get(&worker, &wrong(1)).status, 401);
}

#[test]
fn a_revoked_token_is_known_no_longer() {
    let world = World::new();
    let (token, id) = world.token("acme", &["scim"]);
    let workers: [_; 2] = instances(&world, &few_failures());
    assert_eq!(get(&workers[0], &token).status, 200);
    world.revoke("acme", &id);
    // The first one finds it out; from then on it is one credential among others.
    assert_eq!(get(&workers[0], &token).status, 401);
    for n in 0..3 {
        assert_eq!(get(&workers[n % 2], &token).status, 401, "{n}");
    }
    for worker in &workers {
        refused(&get(worker, &token), "failed authentications");
    }
}

/// The key of the administrator is chosen by a person: it can be guessed.
#[test]
fn a_right_guess_among_too_many_is_refused_like_a_wrong_one() {
    let world = World::new();
    let [worker] = instances(&world, &few_failures());
    let ask = |key: &str| from("192.0.2.1", &worker, "/admin/v1/tenants", key);
    while ask("guess").status != 429 {}
    refused(&ask(ADMIN_KEY), "failed authentications");
    let elsewhere = from("192.0.2.2", &worker, "/admin/v1/tenants", ADMIN_KEY);
    assert_eq!(elsewhere.status, 200, "its holder is elsewhere");
}

#[test]
fn the_table_does_not_grow_with_those_who_ask() {
    let world = World::new();
    let table = SharedTable::default();
    let worker = configured(&world.kv, &world.clock, 1, json!({})).sharing(table.clone());
    for n in 0..60_000_u32 {
        let mut call = call(&worker, "GET", "/scim/v2/Users").bearer("x");
        call.request.source = Source::Known(Some(IpAddr::V4(n.into())));
        assert_eq!(call.answer().response.status, 401);
    }
    assert!((10_000..=16_384).contains(&table.len()), "{}", table.len());
}
