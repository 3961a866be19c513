//! Pages of lists whose order is that of the keys: how many entries, and after which one. Each is
//! read when it is asked for, so a page costs what is on it.

use crate::kv::{Range, RangeReply};
use crate::query::parameters;
use scim::Error;

/// How many users or groups are on a page unless the client says otherwise, and how many at most.
pub(super) const USUAL: i64 = 50;
pub(super) const MOST: i64 = 200;

/// What is asked for of a list.
#[derive(Debug)]
pub(super) struct Page {
    count: i64,
    /// The last one that is known, as a page said it.
    after: Option<String>,
}

impl Page {
    /// Reads `count` and `after`. There may be `others`, and nothing else.
    ///
    /// # Errors
    /// [`Error::BadParameter`].
    pub(super) fn of(query: &str, others: &[&str], usual: i64, most: i64) -> Result<Self, Error> {
        let known = [&["count", "after"], others].concat();
        parameters::only(query, &known)?;
        Ok(Self {
            count: parameters::number(query, "count", 1..=most)?.unwrap_or(usual),
            after: parameters::text(query, "after")?,
        })
    }

    /// The range of the page, of all that are below a prefix; `key` gives the key of the last one
    /// that is known.
    ///
    /// # Errors
    /// [`Error::BadParameter`] for a last one that is none of these.
    pub(super) fn range(
        &self,
        prefix: &[u8],
        key: impl FnOnce(&str) -> Option<Vec<u8>>,
    ) -> Result<Range, Error> {
        let all = Range {
            limit: self.count,
            ..Range::prefix(prefix)
        };
        let Some(after) = &self.after else {
            return Ok(all);
        };
        let key = key(after).filter(|key| key.starts_with(prefix));
        let mut key = key.ok_or_else(|| Error::BadParameter {
            name: "after".to_owned(),
            reason: "must be the \"next\" of an earlier answer to the same question".to_owned(),
        })?;
        key.push(0);
        Ok(Range { key, ..all })
    }
}

/// Where the next page begins; nothing after the last one.
pub(super) fn next(
    reply: &RangeReply,
    name: impl FnOnce(&[u8]) -> Option<String>,
) -> Option<String> {
    let last = reply.kvs.last().filter(|_| reply.more)?;
    name(&last.key)
}
