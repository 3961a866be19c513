//! Generations: a group's members lie below the generation that they belong to, and
//! the group has one of them at a time. A change that is too large for one
//! transaction writes a new generation, which nobody sees, and then one transaction
//! makes it the group's: whoever reads sees the old list or the new one, and so does
//! whoever reads the `groups` of a member.

use crate::keys::{Keys, last_segments};
use crate::kv::{Compare, Op, RangeReply};
use scim::Error;

/// The name of a generation: the id of the event that it came with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(String);

/// A membership as its key below the member names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InGroup {
    pub(crate) group: String,
    pub(crate) generation: Generation,
}

impl Generation {
    /// The one that a group begins with, and that most never leave.
    pub(crate) fn first() -> Self {
        Self("0".to_owned())
    }

    /// A new one.
    pub(crate) fn named(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The one that a group has, by what was read at [`Keys::generation`].
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged.
    pub(crate) fn read(reply: Option<&RangeReply>) -> Result<Self, Error> {
        let Some(kv) = reply.and_then(|reply| reply.kvs.first()) else {
            return Ok(Self::first());
        };
        let name = serde_json::from_slice(&kv.value).map_err(|e| Error::Internal {
            reason: format!("a stored generation is damaged; {e}"),
        })?;
        Ok(Self(name))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to be read at [`Keys::generation`] for it.
    pub(crate) fn is_first(&self) -> bool {
        *self == Self::first()
    }

    /// Holds as long as it is the group's.
    pub(crate) fn is_current(&self, keys: &Keys, group: &str) -> Compare {
        let key = keys.generation(group);
        match self.is_first() {
            true => Compare::absent(key),
            false => Compare::value(key, self.value()),
        }
    }

    /// Makes it the group's.
    pub(crate) fn switch(&self, keys: &Keys, group: &str) -> Op {
        Op::put(keys.generation(group), self.value())
    }

    /// An id needs no escape.
    fn value(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl InGroup {
    /// The membership that a key below [`Keys::members_of`] stands for.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let [group, generation] = last_segments(key)?;
        Some(Self {
            group,
            generation: Generation(generation),
        })
    }
}
