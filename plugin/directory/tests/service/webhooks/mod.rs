//! Webhooks: told at least once, in order, whatever fails.

mod site;

use crate::support::{Dice, now};
use directory::environment::Progress;
use directory::kv::memory::Fault;
use serde_json::json;
use site::{Answer, Running, Site, run, run_any, step};
use std::time::Duration;

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("user{n}"))
}

#[test]
fn each_change_after_the_beginning_is_told_once_in_order() {
    let site = Site::new();
    site.world.user("before");
    let mut running = site.begun();
    let begun = site.world.kv.revision();
    let ids = site.users(names(3));
    site.world.delete(&format!("/Users/{}", ids[0]));
    let events = site.events_after(begun);
    assert_eq!(events.len(), 4);
    run(&mut running, || site.receiver.events().len() == 4);
    let waited = now(&site.world) + 10_000;
    run(&mut running, || now(&site.world) > waited);
    let heard = site.receiver.heard.borrow();
    let told: Vec<_> = heard.iter().map(|heard| heard.id.clone()).collect();
    assert_eq!(told, events);
    assert_eq!(heard[0].body["type"], "user.create");
    assert_eq!(heard[0].body["data"]["id"], json!(ids[0]));
    assert_eq!(heard[0].body["data"]["tenant"], "acme");
    assert_eq!(heard[3].body["type"], "user.delete");
    assert!(site.receiver.was_told(&Progress::Behind(3)));
    assert_eq!(
        site.receiver.told.borrow().last(),
        Some(&Progress::Behind(0))
    );
}

#[test]
fn whoever_is_killed_at_any_step_is_followed_by_another_who_leaves_nothing_out() {
    let mut repeated = 0;
    for steps in 0..140 {
        let site = Site::new();
        let mut first = site.start();
        let mut second = site.start();
        // Others write all the time, also before anybody has taken the webhook.
        for at in 0..steps {
            if at % 20 == 19 {
                site.world.user(&format!("user{at}"));
            }
            step(&mut first);
        }
        drop(first);
        site.world.user("last");
        run(&mut second, || {
            site.receiver.told.borrow().last() == Some(&Progress::Begun)
        });
        site.world.user("afterwards");
        let all = site.events_after(0);
        let last = all.last().unwrap().clone();
        run(&mut second, || site.receiver.events().contains(&last));
        let told = site.receiver.events();
        assert!(
            !told.is_empty() && all.ends_with(&told),
            "{steps}: {told:?}"
        );
        repeated += site.receiver.heard.borrow().len() - told.len();
    }
    assert!(
        repeated > 0,
        "nobody was killed before the acknowledgement was noted"
    );
}

#[test]
fn competing_instances_that_die_and_a_store_and_a_receiver_that_fail_lose_nothing() {
    for seed in 0..150 {
        let dice = Dice::new(seed);
        let site = Site::new();
        drop(site.begun());
        let begun = site.world.kv.revision();
        let mut instances: Vec<Running> = (0..3).map(|_| site.start()).collect();
        for at in 0..1_500 {
            match dice.below(60) {
                0 => {
                    site.world.user(&format!("user{at}"));
                }
                1 => {
                    let killed = dice.below(instances.len());
                    instances[killed] = site.start();
                }
                2 => site.world.clock.advance(Duration::from_secs(7)),
                3 => site.receiver.answers.borrow_mut().push_back(
                    [
                        Answer::Refuse(500),
                        Answer::Refuse(410),
                        Answer::Refuse(302),
                        Answer::Die,
                        Answer::Away,
                        Answer::Slow(Duration::from_secs(3)),
                        Answer::Slow(Duration::from_secs(30)),
                    ][dice.below(7)],
                ),
                // The fault is for the next call, so it must be that of an instance.
                4 => {
                    let fault = [Fault::Unavailable, Fault::RequestLost, Fault::ReplyLost];
                    site.world.kv.set_outage(Some(fault[dice.below(3)]));
                    for _ in 0..dice.below(12) {
                        let one = dice.below(instances.len());
                        step(&mut instances[one]);
                    }
                    site.world.kv.set_outage(None);
                }
                _ => {
                    let one = dice.below(instances.len());
                    step(&mut instances[one]);
                }
            }
        }
        site.receiver.answers.borrow_mut().clear();
        site.world.user("last");
        let events = site.events_after(begun);
        let last = events.last().unwrap();
        let mut all: Vec<_> = instances.iter_mut().collect();
        run_any(&mut all, &dice, || site.receiver.events().contains(last));
        assert_eq!(site.receiver.events(), events, "seed {seed}");
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_again_as_it_was_ever_more_seldom() {
    let site = Site::new();
    let mut running = site.begun();
    site.receiver
        .answers
        .borrow_mut()
        .extend([Answer::Refuse(503); 12]);
    site.users(names(2));
    run(&mut running, || site.receiver.events().len() == 2);
    let heard = site.receiver.heard.borrow();
    assert_eq!(heard.len(), 14);
    for pair in heard[..13].windows(2) {
        assert_eq!((&pair[0].id, &pair[0].body), (&pair[1].id, &pair[1].body));
    }
    let gaps: Vec<_> = heard
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    assert!((500..5_000).contains(&gaps[0]), "{gaps:?}");
    // Half a minute to a minute, and what the steps in between take.
    assert!(
        gaps[7..12].iter().all(|gap| (30_000..70_000).contains(gap)),
        "{gaps:?}"
    );
    let failed = site.receiver.told.borrow().iter().any(|progress| {
        matches!(progress, Progress::Failed { attempts: 12, reason, .. } if reason.contains("503"))
    });
    assert!(failed);
}

#[test]
fn a_holder_that_waits_for_its_receiver_stays_the_holder() {
    let site = Site::new();
    let mut running = site.begun();
    let mut other = site.start();
    site.receiver
        .answers
        .borrow_mut()
        .extend([Answer::Away; 10]);
    site.world.user("alice");
    while site.receiver.events().is_empty() {
        // Time goes on whenever one of them sleeps, and only so fast.
        (0..8).for_each(|_| step(&mut running));
        step(&mut other);
    }
    let told = site.receiver.told.borrow();
    let begun = told.iter().filter(|p| **p == Progress::Begun).count();
    assert_eq!(begun, 1, "{told:?}");
}

#[test]
fn many_events_that_wait_are_told_in_order_whatever_the_clocks_of_their_writers() {
    let site = Site::new();
    drop(site.begun());
    let begun = site.world.kv.revision();
    for at in 0..430 {
        match at % 7 {
            0 => site.late_user(&format!("late{at}"), Duration::from_secs(500 - at)),
            _ => {
                site.world.user(&format!("user{at}"));
            }
        }
        site.world.clock.advance(Duration::from_secs(1));
    }
    let events = site.events_after(begun);
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert_ne!(events, sorted);
    let mut running = site.start();
    run(&mut running, || {
        site.receiver.events().len() == events.len()
    });
    assert_eq!(site.receiver.events(), events);
}

#[test]
fn an_event_of_a_very_late_clock_is_found_by_the_count() {
    let site = Site::new();
    let mut running = site.begun();
    site.late_user("late", Duration::from_hours(3));
    run(&mut running, || site.receiver.events().len() == 1);
    assert!(
        !site
            .receiver
            .told
            .borrow()
            .iter()
            .any(|p| matches!(p, Progress::Missing(_)))
    );
}

#[test]
fn events_that_are_gone_before_they_were_told_are_missed() {
    let site = Site::new();
    drop(site.begun());
    let begun = site.world.kv.revision();
    site.users(names(3));
    let events = site.events_after(begun);
    site.forget(&events[0]);
    site.forget(&events[1]);
    let mut running = site.start();
    run(&mut running, || site.receiver.events().len() == 1);
    assert!(site.receiver.was_told(&Progress::Missing(2)));
    assert_eq!(site.receiver.events(), events[2..]);
    // Nothing is left of them: it goes on, and does not say so again.
    site.world.user("bob");
    let bob = site.events_after(begun).pop().unwrap();
    site.forget(&bob);
    run(&mut running, || {
        site.receiver.was_told(&Progress::Missing(1))
    });
    let later = now(&site.world) + 10_000;
    run(&mut running, || now(&site.world) > later);
    let told = site.receiver.told.borrow();
    let missed = told.iter().filter(|p| matches!(p, Progress::Missing(_)));
    assert_eq!(missed.count(), 2);
}

#[test]
fn a_holder_that_was_asleep_for_too_long_moves_no_cursor() {
    let site = Site::new();
    let mut sleeper = site.begun();
    site.world.user("alice");
    while site.receiver.heard.borrow().is_empty() {
        step(&mut sleeper);
    }
    // It has just sent the first event, and hears nothing more for a long time.
    site.world.clock.advance(Duration::from_mins(5));
    let mut other = site.start();
    site.users(names(3));
    run(&mut other, || site.receiver.events().len() == 4);
    let told = site.receiver.heard.borrow().len();
    let ended = Progress::Ended {
        reason: "another instance has taken it".to_owned(),
    };
    run(&mut sleeper, || site.receiver.was_told(&ended));
    site.world.user("last");
    run(&mut other, || site.receiver.events().len() == 5);
    assert_eq!(site.receiver.heard.borrow().len(), told + 1);
}
