//! A disk that fails in the middle of work: whatever part of what was not synced
//! reaches it, an acknowledged write is there when the store is opened again.

use std::io;
use std::sync::{Arc, Mutex};

use etcd_proto::{PutRequest, RangeRequest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::config::History;
use crate::disk::Disk;
use crate::store::Store;

/// What a real disk keeps apart: what a sync has made safe, and what may or may
/// not have arrived.
#[derive(Debug, Default)]
struct Medium {
    synced: Vec<u8>,
    current: Vec<u8>,
    unsynced: Vec<Change>,
    /// Operations until everything fails.
    left: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl Medium {
    fn operation(&mut self) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("injected"))?;
        Ok(())
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.operation()?;
        change.apply(&mut self.current);
        self.unsynced.push(change);
        Ok(())
    }

    /// The power goes: of what was not synced, any part has arrived.
    fn lose_power(&self, random: &mut StdRng) -> Vec<u8> {
        let mut image = self.synced.clone();
        for change in &self.unsynced {
            match change {
                Change::Write(offset, data) if random.random_bool(0.3) => {
                    let torn = random.random_range(0..=data.len());
                    Change::Write(*offset, data[..torn].to_vec()).apply(&mut image);
                }
                change if random.random_bool(0.5) => change.apply(&mut image),
                _ => {}
            }
        }
        image
    }
}

#[derive(Clone, Debug)]
struct FaultyDisk(Arc<Mutex<Medium>>);

impl FaultyDisk {
    fn new(image: Vec<u8>, left: u64) -> Self {
        let current = image.clone();
        let medium = Medium {
            synced: image,
            current,
            unsynced: Vec::new(),
            left,
        };
        Self(Arc::new(Mutex::new(medium)))
    }
}

impl redb::StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut medium = self.0.lock().unwrap();
        medium.operation()?;
        let offset = offset as usize;
        let found = medium.current.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .change(Change::Length(length as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut medium = self.0.lock().unwrap();
        medium.operation()?;
        medium.synced = medium.current.clone();
        medium.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .change(Change::Write(offset as usize, data.to_vec()))
    }
}

/// Writes until the disk fails; answers the acknowledged (revision, number)s.
async fn write_until_failure(store: &Store, random: &mut StdRng) -> Vec<(i64, u32)> {
    let mut acknowledged = Vec::new();
    for number in 0..1000_u32 {
        let request = PutRequest {
            key: format!("key/{}", number % 10).into_bytes(),
            value: [
                number.to_string().into_bytes(),
                vec![b'.'; random.random_range(0..5000)],
            ]
            .concat(),
            ..Default::default()
        };
        match store.put(request).await {
            Ok(response) => acknowledged.push((response.header.unwrap().revision, number)),
            Err(_) => return acknowledged,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_the_disk_fails_at_any_operation() {
    let blank = {
        let disk = FaultyDisk::new(Vec::new(), u64::MAX);
        drop(Disk::open_backend(disk.clone()).unwrap());
        let medium = disk.0.lock().unwrap();
        medium.synced.clone()
    };
    let mut writes = 0;
    for seed in 0..60 {
        let mut random = StdRng::seed_from_u64(seed);
        let failing = FaultyDisk::new(blank.clone(), u64::MAX);
        let opened = Disk::open_backend(failing.clone()).unwrap();
        let (store, writer) = Store::start(opened, History::default()).unwrap();
        failing.0.lock().unwrap().left = random.random_range(1..2000);
        let acknowledged = write_until_failure(&store, &mut random).await;
        drop(store);
        writer.join().unwrap();
        let image = failing.0.lock().unwrap().lose_power(&mut random);

        let opened = Disk::open_backend(FaultyDisk::new(image, u64::MAX)).unwrap();
        let (store, writer) = Store::start(opened, History::default()).unwrap();
        let newest = acknowledged.last().map_or(1, |(revision, _)| *revision);
        // The write under way may have got through.
        let found = store.revision();
        assert!(
            found == newest || found == newest + 1,
            "seed {seed}: {found} after {newest}"
        );
        for (revision, number) in &acknowledged {
            let request = RangeRequest {
                key: format!("key/{}", number % 10).into_bytes(),
                revision: *revision,
                ..Default::default()
            };
            let kv = store.range(&request).unwrap().kvs.remove(0);
            assert_eq!(kv.mod_revision, *revision, "seed {seed}");
            assert!(
                kv.value.starts_with(number.to_string().as_bytes()),
                "seed {seed}"
            );
        }
        writes += acknowledged.len();
        drop(store);
        writer.join().unwrap();
    }
    assert!(
        writes > 100,
        "the disk failed before anything was tested: {writes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_every_call_says_what_to_do() {
    let disk = FaultyDisk::new(Vec::new(), u64::MAX);
    let opened = Disk::open_backend(disk.clone()).unwrap();
    let (store, _writer) = Store::start(opened, History::default()).unwrap();
    disk.0.lock().unwrap().left = 0;
    let put = PutRequest {
        key: b"k".to_vec(),
        ..Default::default()
    };
    let failure = store.put(put).await.unwrap_err().to_string();
    assert!(
        failure.contains("injected") && failure.contains("restart"),
        "{failure}"
    );
    let get = RangeRequest {
        key: b"k".to_vec(),
        ..Default::default()
    };
    assert_eq!(store.range(&get).unwrap_err().to_string(), failure);
}
