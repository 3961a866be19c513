//! That the checker of real histories notices what is wrong with one: each history here is a real
//! one, of which one thing was changed afterwards.

use super::load::Load;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use simulation::recorded::{Answer, Client, Note, Seen, Verdict, check, founding};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::endpoint::{Proxy, options, start};
use tests::etcd::Etcd;
use tests::recording::Recording;
use tests::{Needs, client, store, within};

const CLIENTS: usize = 4;
const TIME: Duration = Duration::from_secs(3);

/// A real history without faults.
async fn record() -> Vec<Note> {
    let etcd = Etcd::start().await;
    let (recording, notes) = Recording::start(&[etcd.endpoint()]);
    store::put(&etcd.endpoint(), "", &founding(CLIENTS)).await;
    let data = tempfile::tempdir().unwrap();
    let mut options = options(data.path());
    options.etcd = vec![etcd.endpoint()];
    let running = start(Proxy::Wasmtime, options).await;
    recording.catch_up().await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = Client::all(CLIENTS, 7).into_iter().enumerate();
    let clients: Vec<_> = clients
        .map(|(number, client)| {
            let connection = client::Client::new(running.address(), "", "");
            let load = Load::new(number, client, vec![connection], &recording.recorder);
            tokio::spawn(load.run(Arc::clone(&stop)))
        })
        .collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap().findings.none();
    }
    drop(running);
    recording.end("scim/").await;
    notes.into_iter().collect()
}

fn verdict(notes: &[Note]) -> Verdict {
    check(notes.iter().cloned())
}

/// The places of the notes that a change can be made to; some of them.
fn some(notes: &[Note], fits: impl Fn(&Seen) -> bool) -> Vec<usize> {
    let places = notes
        .iter()
        .enumerate()
        .filter(|(_, note)| fits(&note.seen));
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    assert!(places.len() > 3, "the history has too few of them");
    let mut random = StdRng::seed_from_u64(7);
    places.choose_multiple(&mut random, 3).copied().collect()
}

/// Changes a note in each of the places, one at a time.
fn must_be_noticed(
    notes: &[Note],
    what: &str,
    fits: impl Fn(&Seen) -> bool,
    change: impl Fn(&mut Seen),
) {
    for at in some(notes, fits) {
        let mut changed = notes.to_vec();
        change(&mut changed[at].seen);
        let verdict = verdict(&changed);
        assert!(
            !verdict.violations.is_empty(),
            "not noticed: {what}: {:?}",
            notes[at]
        );
    }
}

fn answers(fits: impl Fn(&Answer) -> bool) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Ended { answer: Some(answer), .. } if fits(answer))
}

fn answer(change: impl Fn(&mut Answer)) -> impl Fn(&mut Seen) {
    move |seen| {
        if let Seen::Ended {
            answer: Some(answer),
            ..
        } = seen
        {
            change(answer);
        }
    }
}

fn has(answer: &Answer, text: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(text)
}

fn swap(answer: &mut Answer, from: &str, to: &str) {
    answer.body = String::from_utf8_lossy(&answer.body)
        .replace(from, to)
        .into_bytes();
}

/// Whether a commit changes what such a key holds. (To add a member who is one already writes what
/// is there: without that write nothing would be otherwise.)
fn changes(notes: &[Note], kind: &str) -> impl Fn(&Seen) -> bool {
    let (mut held, mut revisions) = (BTreeMap::new(), BTreeSet::new());
    for note in notes {
        let Seen::Committed { revision, writes } = &note.seen else {
            continue;
        };
        for write in writes.iter().filter(|write| write.key.contains(kind)) {
            let value = write.put.as_ref().map(|(value, _)| value);
            if held.insert(&write.key, value).flatten() != value {
                revisions.insert(*revision);
            }
        }
    }
    move |seen| matches!(seen, Seen::Committed { revision, .. } if revisions.contains(revision))
}

/// Whether a commit writes below such a key.
fn commits(kind: &'static str) -> impl Fn(&Seen) -> bool {
    move |seen| match seen {
        Seen::Committed { writes, .. } => writes.iter().any(|write| write.key.contains(kind)),
        _ => false,
    }
}

#[test]
fn a_real_history_that_was_tampered_with_is_noticed() {
    within(180, &[Needs::Etcd], async {
        let notes = record().await;
        let clean = verdict(&notes);
        assert_eq!(clean.violations, Vec::<String>::new());
        assert!(clean.writes > 100 && clean.answers > 200, "only {clean:?}");

        let lose = |key: &'static str| {
            move |seen: &mut Seen| {
                if let Seen::Committed { writes, .. } = seen {
                    writes.retain(|write| !write.key.contains(key));
                }
            }
        };
        must_be_noticed(
            &notes,
            "an acknowledged write is lost",
            commits("/event/"),
            lose("/"),
        );
        must_be_noticed(
            &notes,
            "a write without event",
            commits("/event/"),
            lose("/event/"),
        );
        must_be_noticed(
            &notes,
            "an index is not kept",
            changes(&notes, "/user-name/"),
            lose("/user-name/"),
        );
        must_be_noticed(
            &notes,
            "a membership has one side",
            changes(&notes, "/member-of/"),
            lose("/member-of/"),
        );
        must_be_noticed(
            &notes,
            "a revision is missing",
            commits("/event/"),
            |seen| {
                *seen = Seen::Compacting(0);
            },
        );
        must_be_noticed(
            &notes,
            "another version is shown",
            answers(|answer| answer.tag.is_some() && answer.status == 200),
            answer(|answer| answer.tag = Some("W/\"1\"".to_owned())),
        );
        must_be_noticed(
            &notes,
            "a user is not there",
            answers(|answer| answer.status == 200 && has(answer, "\"userName\"")),
            answer(|answer| {
                answer.status = 404;
                answer.tag = None;
            }),
        );
        must_be_noticed(
            &notes,
            "the past is read",
            answers(|answer| answer.status == 200 && has(answer, "\"active\":true")),
            answer(|answer| swap(answer, "\"active\":true", "\"active\":false")),
        );
        must_be_noticed(
            &notes,
            "a refused write is acknowledged",
            answers(|answer| answer.status == 409),
            answer(|answer| {
                answer.status = 201;
                answer.body = br#"{"id":"nobody","meta":{"version":"W/\"3\""}}"#.to_vec();
            }),
        );
    });
}
