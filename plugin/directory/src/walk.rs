//! Walks: ranges of any length, read page by page at one revision.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::kv::{KeyValue, Kv, Op, OpReply, Range, RangeReply};
use crate::pack;
use crate::session::Session;
use scim::Error;

/// How many keys a page of a walk holds.
pub(crate) const PAGE: i64 = 500;

/// How many ranges go into one transaction.
const RANGES: usize = 750;

/// How many ranges of unknown length are begun together, each with so many keys:
/// few calls for many short ranges, and no reply that is too large.
pub(crate) const TOGETHER: usize = 50;
pub(crate) const FIRST: i64 = 100;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads several ranges, up to 750 at one revision. More are read at one
    /// revision if they name it.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(crate) async fn ranges(
        &self,
        session: &mut Session<'_>,
        ranges: Vec<Range>,
    ) -> Result<Vec<RangeReply>, Error> {
        self.ranges_by(session, &ranges, RANGES).await
    }

    /// The same, so many ranges at one revision.
    ///
    /// # Errors
    /// As [`Self::ranges`].
    pub(crate) async fn ranges_by(
        &self,
        session: &mut Session<'_>,
        ranges: &[Range],
        at_a_time: usize,
    ) -> Result<Vec<RangeReply>, Error> {
        let mut found = Vec::with_capacity(ranges.len());
        for part in ranges.chunks(at_a_time) {
            let mut ops = Vec::new();
            pack::append(&mut ops, part.iter().cloned().map(Op::Range).collect())?;
            let reply = self.read(session, ops).await?;
            for read in pack::unpack(reply.replies, part.len()) {
                if let OpReply::Range(range) = read {
                    found.push(RangeReply {
                        revision: reply.revision,
                        ..range
                    });
                }
            }
        }
        if found.len() == ranges.len() {
            Ok(found)
        } else {
            Err(Error::Internal {
                reason: "the store's reply lacks what was asked for".to_owned(),
            })
        }
    }

    /// Reads one range.
    ///
    /// # Errors
    /// As [`Self::ranges`].
    pub(crate) async fn range(
        &self,
        session: &mut Session<'_>,
        range: Range,
    ) -> Result<RangeReply, Error> {
        let found = self.ranges(session, vec![range]).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Reads a range of any length at one revision.
    ///
    /// # Errors
    /// As [`Self::ranges`].
    pub(crate) async fn walk(
        &self,
        session: &mut Session<'_>,
        range: Range,
    ) -> Result<Vec<KeyValue>, Error> {
        let first = self.range(session, range.clone()).await?;
        self.rest(session, &range, first).await
    }

    /// Reads ranges of any length that name their revision, some of them begun, up to
    /// so many keys of each; `None` when they hold more than `most` keys.
    ///
    /// # Errors
    /// As [`Self::ranges`].
    pub(crate) async fn walk_many(
        &self,
        session: &mut Session<'_>,
        walks: Vec<(Range, Option<RangeReply>)>,
        each: usize,
        most: usize,
    ) -> Result<Option<Vec<Vec<KeyValue>>>, Error> {
        let mut found = Vec::with_capacity(walks.len());
        let mut count = 0;
        let mut walks = walks.into_iter().peekable();
        while walks.peek().is_some() {
            let part: Vec<_> = walks.by_ref().take(TOGETHER).collect();
            let new = part.iter().filter(|(_, begun)| begun.is_none());
            let new = new.map(|(range, _)| Range {
                limit: FIRST,
                ..range.clone()
            });
            let mut firsts = self.ranges(session, new.collect()).await?.into_iter();
            for (range, begun) in part {
                let first = begun.or_else(|| firsts.next()).unwrap_or_default();
                count += usize::try_from(first.count).map_or(each, |n| n.min(each));
                if count > most {
                    return Ok(None);
                }
                found.push(self.rest_up_to(session, &range, first, each).await?);
            }
        }
        Ok(Some(found))
    }

    /// Reads what a first reply left out of a range.
    ///
    /// # Errors
    /// As [`Self::ranges`].
    pub(crate) async fn rest(
        &self,
        session: &mut Session<'_>,
        range: &Range,
        first: RangeReply,
    ) -> Result<Vec<KeyValue>, Error> {
        self.rest_up_to(session, range, first, usize::MAX).await
    }

    /// The same, up to so many keys.
    async fn rest_up_to(
        &self,
        session: &mut Session<'_>,
        range: &Range,
        first: RangeReply,
        most: usize,
    ) -> Result<Vec<KeyValue>, Error> {
        let mut next = next_page(range, &first);
        let mut kvs = first.kvs;
        while let Some(page) = next.filter(|_| kvs.len() < most) {
            let reply = self.range(session, page.clone()).await?;
            next = next_page(&page, &reply);
            kvs.extend(reply.kvs);
        }
        kvs.truncate(most);
        Ok(kvs)
    }
}

/// The range that continues where a reply stopped, at the same revision.
pub(crate) fn next_page(range: &Range, reply: &RangeReply) -> Option<Range> {
    let last = reply.kvs.last().filter(|_| reply.more)?;
    let mut key = last.key.clone();
    key.push(0);
    let revision = match range.revision {
        0 => reply.revision,
        named => named,
    };
    Some(Range {
        key,
        revision,
        ..range.clone()
    })
}
