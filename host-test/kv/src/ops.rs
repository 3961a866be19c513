//! Reading a range, as etcd's `RangeRequest` has it: past revisions, limits,
//! filters by revision, sorting.

use std::cmp::Ordering;

use etcd_proto::range_request::{SortOrder, SortTarget};
use etcd_proto::{KeyValue, RangeRequest, RangeResponse, ResponseHeader};

use crate::failure::Failure;
use crate::index::{Found, Index, Revision};
use crate::interval::Interval;

/// A state of the store that can be read: the committed one, or that within a
/// transaction, where earlier writes of it are seen.
pub(crate) trait View {
    fn index(&self) -> &Index;
    /// The revision that a read without one sees.
    fn current(&self) -> i64;
    /// Revisions before it cannot be read.
    fn compacted(&self) -> i64;
    /// The record of one change that the index names.
    fn record(&self, revision: Revision) -> Result<KeyValue, Failure>;

    /// The key as it is now.
    fn find(&self, key: &[u8]) -> Option<Found> {
        self.index().find(key, self.current())
    }

    /// The key as it is now, with its value.
    fn get(&self, key: &[u8]) -> Result<Option<KeyValue>, Failure> {
        self.find(key)
            .map(|found| self.record(found.modified))
            .transpose()
    }
}

/// A header of which only the revision is known here; the service adds the rest.
pub(crate) fn header(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader {
        revision,
        ..ResponseHeader::default()
    })
}

/// The records that a range request is about, before they are read.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The store's revision, for the header.
    revision: i64,
    /// All keys of the range, whatever the limit.
    count: usize,
    /// Where the wanted records are, in order of key.
    records: Vec<Revision>,
}

/// Finds the records; needs the index only.
pub(crate) fn select(view: &impl View, request: &RangeRequest) -> Result<Selection, Failure> {
    let current = view.current();
    if request.revision > current {
        return Err(Failure::FutureRevision);
    }
    let at = if request.revision > 0 {
        request.revision
    } else {
        current
    };
    if at < view.compacted() {
        return Err(Failure::Compacted);
    }
    let interval = Interval::new(&request.key, &request.range_end);
    let found = view.index().range(&interval, at).map(|(_, found)| found);
    if request.count_only {
        return Ok(Selection {
            revision: current,
            count: found.count(),
            records: Vec::new(),
        });
    }
    let wanted = fetch_limit(request);
    let mut count = 0;
    let mut records = Vec::new();
    for found in found {
        count += 1;
        if records.len() < wanted {
            records.push(found.modified);
        }
    }
    Ok(Selection {
        revision: current,
        count,
        records,
    })
}

/// How many records are needed to answer. Filters and sorting need all; a limit
/// needs one more, which tells whether there are more.
///
/// A sort target without an order sorts too, but only what the limit left: that
/// is what etcd does.
fn fetch_limit(request: &RangeRequest) -> usize {
    let all = request.sort_order != SortOrder::None as i32
        || request.min_mod_revision != 0
        || request.max_mod_revision != 0
        || request.min_create_revision != 0
        || request.max_create_revision != 0;
    match usize::try_from(request.limit) {
        Ok(limit) if limit > 0 && !all => limit.saturating_add(1),
        Ok(_) | Err(_) => usize::MAX,
    }
}

/// Reads the selected records and makes the reply of them.
pub(crate) fn load(
    request: &RangeRequest,
    selection: Selection,
    record: impl Fn(Revision) -> Result<KeyValue, Failure>,
) -> Result<RangeResponse, Failure> {
    let mut kvs = Vec::with_capacity(selection.records.len());
    for revision in selection.records {
        let kv = record(revision)?;
        if passes(request, &kv) {
            kvs.push(kv);
        }
    }
    sort(request, &mut kvs);
    let limit = usize::try_from(request.limit).unwrap_or(0);
    let more = limit > 0 && kvs.len() > limit;
    if more {
        kvs.truncate(limit);
    }
    if request.keys_only {
        for kv in &mut kvs {
            kv.value = Vec::new();
        }
    }
    let count = i64::try_from(selection.count).unwrap_or(i64::MAX);
    Ok(RangeResponse {
        header: header(selection.revision),
        kvs,
        more,
        count,
    })
}

/// Answers a range request.
pub(crate) fn range(view: &impl View, request: &RangeRequest) -> Result<RangeResponse, Failure> {
    let selection = select(view, request)?;
    load(request, selection, |revision| view.record(revision))
}

fn passes(request: &RangeRequest, kv: &KeyValue) -> bool {
    let at_least = |limit: i64, value: i64| limit == 0 || value >= limit;
    let at_most = |limit: i64, value: i64| limit == 0 || value <= limit;
    at_least(request.min_mod_revision, kv.mod_revision)
        && at_most(request.max_mod_revision, kv.mod_revision)
        && at_least(request.min_create_revision, kv.create_revision)
        && at_most(request.max_create_revision, kv.create_revision)
}

fn sort(request: &RangeRequest, kvs: &mut [KeyValue]) {
    let by = |a: &KeyValue, b: &KeyValue| match request.sort_target() {
        SortTarget::Key => a.key.cmp(&b.key),
        SortTarget::Version => a.version.cmp(&b.version),
        SortTarget::Create => a.create_revision.cmp(&b.create_revision),
        SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
        SortTarget::Value => a.value.cmp(&b.value),
    };
    let descending = |a: &KeyValue, b: &KeyValue| -> Ordering { by(b, a) };
    match (request.sort_order(), request.sort_target()) {
        // Already in this order.
        (SortOrder::None | SortOrder::Ascend, SortTarget::Key) => {}
        (SortOrder::None | SortOrder::Ascend, _) => kvs.sort_by(by),
        (SortOrder::Descend, _) => kvs.sort_by(descending),
    }
}
