//! The answer to a PATCH of a group (RFC 7644 §3.5.2): the group while it is small,
//! else 204 without a body, for nobody wants fifty thousand members back for each that
//! is added. What is shown is read by the commit itself, behind its writes.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::generation::Generation;
use crate::group_edit::{Edited, group_ranges};
use crate::keys::{Keys, Kind};
use crate::kv::{Kv, Range};
use crate::memberships::members;
use crate::record::Rendered;
use crate::session::Session;
use scim::Error;
use scim::projection::Projection;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A group with more members is not shown.
const SHOWN_MEMBERS: usize = 100;

/// For how long a group is taken for large that was.
const REMEMBERED_MILLIS: u64 = 60_000;

/// How many groups are remembered.
const REMEMBERED: usize = 256;

/// The groups that were too large to be shown. etcd counts all keys of a range,
/// whatever the limit, so to ask each time would cost more the larger a group is.
#[derive(Debug, Default)]
pub(crate) struct LargeGroups(RefCell<BTreeMap<Vec<u8>, u64>>);

impl LargeGroups {
    fn contains(&self, key: &[u8], now: u64) -> bool {
        let until = self.0.borrow().get(key).copied();
        until.is_some_and(|until| now < until)
    }

    fn remember(&self, key: Vec<u8>, now: u64) {
        let mut groups = self.0.borrow_mut();
        if groups.len() >= REMEMBERED {
            groups.clear();
        }
        groups.insert(key, now.saturating_add(REMEMBERED_MILLIS));
    }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// What the commit is to read of the group for the answer: nothing of one that
    /// is known to be large.
    pub(crate) fn shown_ranges(&self, keys: &Keys, id: &str, of: &Generation) -> Vec<Range> {
        let now = self.clock.now_millis();
        if self
            .large_groups
            .contains(&keys.record(Kind::Group, id), now)
        {
            return Vec::new();
        }
        let [record, touch, _] = group_ranges(keys, id);
        let members = Range {
            limit: SHOWN_MEMBERS as i64 + 1,
            ..Range::prefix(keys.members(id, of))
        };
        vec![record, touch, members]
    }

    /// The answer: without a body where the commit read nothing, where its reply was
    /// lost, or where there are too many members.
    pub(crate) fn patched(
        &self,
        session: &Session<'_>,
        id: &str,
        edited: &Edited,
    ) -> Result<Rendered, Error> {
        if let [record, touch, list] = edited.read.as_slice() {
            if list.kvs.len() <= SHOWN_MEMBERS {
                let stored = self.stored_group(id, &[record.clone(), touch.clone()])?;
                let group = self.unedited(stored, members(&list.kvs)?);
                return Ok(self.render_group(session, group, &Projection::all()));
            }
            let now = self.clock.now_millis();
            self.large_groups
                .remember(session.keys.record(Kind::Group, id), now);
        }
        Ok(Rendered {
            id: id.to_owned(),
            version: edited.version,
            location: self.location(session, Kind::Group, id),
            body: Vec::new(),
            next: None,
        })
    }
}
