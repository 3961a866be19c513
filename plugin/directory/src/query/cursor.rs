//! Cursors (RFC 9865): where a page begins, in a form that a client can keep but
//! not make or change, and that any instance over the same store reads.
//!
//! ```text
//! cursor  = base64url( content mac )
//! content = expires:8 revision:8 from:8 total:8 count:8 anchor
//! anchor  = *OCTET          ; nothing, or the resource before the page: its
//!                           ; type's name, "/" and its id
//! mac     = 16OCTET         ; HMAC-SHA-256 over the query and the content
//! ```
//!
//! A cursor holds the store's revision at which the walk began, so that all its
//! pages are of one state; the order of that state never changes, so `from`, the
//! number of results before the page, is enough to find it. The anchor finds it
//! without counting.

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys;
use crate::kv::{Compare, Kv, Op, OpReply, Range, Txn};
use crate::session::{Session, unexpected_reply};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use scim::Error;
use scim::search::SearchRequest;
use sha2::Sha256;

/// Bytes of the code that a cursor ends with.
const MAC: usize = 16;

/// Bytes of the key that codes are made with: a block of SHA-256, which HMAC takes
/// as it is.
const KEY: usize = 64;

/// The key that all instances over one store make cursors with.
pub(crate) type CursorKey = [u8; KEY];

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// When the cursor stops being one, in seconds since the Unix epoch.
    pub(crate) expires: u64,
    /// The store's revision that the walk reads.
    pub(crate) revision: i64,
    /// The number of results before the page.
    pub(crate) from: u64,
    /// The number of results of the walk.
    pub(crate) total: u64,
    /// The length of a page, as the client asked for it.
    pub(crate) count: u64,
    /// The last resource before the page in a walk that is not sorted: the name
    /// of its type, and its id.
    pub(crate) anchor: Option<(String, String)>,
}

impl Cursor {
    /// What a cursor is bound to: the tenant, the endpoint, and every parameter but
    /// the count, which it holds itself. "All query parameters and values being
    /// identical" is what RFC 9865 §2 asks of a client.
    pub(crate) fn bound_to(tenant: &str, endpoint: &str, request: &SearchRequest) -> Vec<u8> {
        let order = request.sort_by.as_ref().map(|_| match request.sort_order {
            scim::sort::SortOrder::Ascending => "ascending",
            scim::sort::SortOrder::Descending => "descending",
        });
        let mut bytes = Vec::new();
        for text in [
            Some(tenant),
            Some(endpoint),
            request.filter.as_deref(),
            request.sort_by.as_deref(),
            order,
            request.attributes.as_deref(),
            request.excluded_attributes.as_deref(),
        ] {
            // Each with its length, so that no two lists are the same bytes.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            bytes.extend(length.to_be_bytes());
            bytes.extend(text.unwrap_or_default().bytes());
        }
        bytes
    }

    /// The text for the client. `query` is what the cursor is for.
    fn seal(&self, key: &CursorKey, query: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(self.expires.to_be_bytes());
        bytes.extend(self.revision.to_be_bytes());
        for number in [self.from, self.total, self.count] {
            bytes.extend(number.to_be_bytes());
        }
        if let Some((name, id)) = &self.anchor {
            bytes.extend([name.as_bytes(), b"/", id.as_bytes()].concat());
        }
        let code = mac(key, query, &bytes).finalize().into_bytes();
        bytes.extend(code.iter().take(MAC));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a text; `None` when it was not made with this key for this query.
    fn open(key: &CursorKey, query: &[u8], text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, code) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        // In constant time.
        mac(key, query, content).verify_truncated_left(code).ok()?;
        let mut numbers = [0; 5];
        let mut rest = content;
        for number in &mut numbers {
            let (first, after) = rest.split_first_chunk()?;
            *number = u64::from_be_bytes(*first);
            rest = after;
        }
        let [expires, revision, from, total, count] = numbers;
        let anchor = std::str::from_utf8(rest).ok()?.rsplit_once('/');
        Some(Self {
            expires,
            revision: i64::try_from(revision).ok()?,
            from,
            total,
            count,
            anchor: anchor.map(|(name, id)| (name.to_owned(), id.to_owned())),
        })
    }
}

fn mac(key: &CursorKey, query: &[u8], content: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new(key.into());
    mac.update(query);
    mac.update(content);
    mac
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Reads the cursor that a client sent, for what [`Cursor::bound_to`] says.
    ///
    /// # Errors
    /// [`Error::BadCursor`] for what is none, or one of another query;
    /// [`Error::CursorExpired`]; [`Error::Unavailable`].
    pub(crate) async fn open_cursor(
        &self,
        session: &mut Session<'_>,
        query: &[u8],
        text: &str,
    ) -> Result<Cursor, Error> {
        let key = self.cursor_key(session).await?;
        let cursor = Cursor::open(&key, query, text).ok_or(Error::BadCursor)?;
        if cursor.expires <= self.clock.now_millis() / 1_000 {
            let seconds = self.config.cursor_timeout_seconds;
            return Err(Error::CursorExpired {
                reason: format!("the next page must be asked for within {seconds} seconds"),
            });
        }
        Ok(cursor)
    }

    /// Makes a cursor for the client, for what [`Cursor::bound_to`] says.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn seal_cursor(
        &self,
        session: &mut Session<'_>,
        query: &[u8],
        cursor: &Cursor,
    ) -> Result<String, Error> {
        let key = self.cursor_key(session).await?;
        Ok(cursor.seal(&key, query))
    }

    /// When a cursor that is made now stops being one.
    pub(crate) fn cursor_expiry(&self) -> u64 {
        self.clock.now_millis() / 1_000 + u64::from(self.config.cursor_timeout_seconds)
    }

    /// The key of all instances: whoever needs it first makes it.
    async fn cursor_key(&self, session: &mut Session<'_>) -> Result<CursorKey, Error> {
        if let Some(key) = self.cursor_key.get() {
            return Ok(key);
        }
        let mut made = [0; KEY];
        if !self.entropy.fill(&mut made) {
            return Err(Error::Internal {
                reason: "there are no random numbers".to_owned(),
            });
        }
        let place = keys::cursor_key(&self.config.prefix);
        let value = format!("\"{}\"", URL_SAFE_NO_PAD.encode(made));
        let txn = Txn {
            compares: vec![Compare::absent(place.clone())],
            then: vec![Op::put(place.clone(), value)],
            otherwise: vec![Op::Range(Range::one(place))],
        };
        let reply = self.transact(session, txn).await?;
        let key = match (reply.succeeded, reply.replies.first()) {
            (true, _) => made,
            (false, Some(OpReply::Range(range))) => {
                let stored = range.kvs.first().and_then(|kv| {
                    let text = kv.value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
                    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
                });
                stored.ok_or_else(|| Error::Internal {
                    reason: "the stored key of cursors is damaged".to_owned(),
                })?
            }
            (false, _) => return Err(unexpected_reply()),
        };
        self.cursor_key.set(Some(key));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUERY: &[u8] = b"query";

    fn some_cursor() -> impl Strategy<Value = Cursor> {
        let anchor = proptest::option::of(("[A-Za-z/]{1,20}", "[0-9a-f-]{1,36}"));
        (any::<[u64; 4]>(), 0..i64::MAX, anchor).prop_map(|(numbers, revision, anchor)| {
            let [expires, from, total, count] = numbers;
            Cursor {
                expires,
                revision,
                from,
                total,
                count,
                anchor,
            }
        })
    }

    fn some_key() -> impl Strategy<Value = CursorKey> {
        any::<[[u8; 32]; 2]>().prop_map(|halves| halves.concat().try_into().unwrap())
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back(cursor in some_cursor(), key in some_key()) {
            let text = cursor.seal(&key, QUERY);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
            prop_assert_eq!(Cursor::open(&key, QUERY, &text), Some(cursor));
        }

        #[test]
        fn no_other_key_and_no_other_query_opens_it(cursor in some_cursor(), key in some_key()) {
            let text = cursor.seal(&key, QUERY);
            let mut other = key;
            other[63] ^= 1;
            prop_assert_eq!(Cursor::open(&other, QUERY, &text), None);
            prop_assert_eq!(Cursor::open(&key, b"other", &text), None);
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            prop_assert_eq!(Cursor::open(&[0; KEY], QUERY, &text), None);
        }
    }

    #[test]
    fn every_change_of_one_character_is_refused() {
        let cursor = Cursor {
            expires: 1,
            revision: 2,
            from: 3,
            total: 4,
            count: 5,
            anchor: Some(("User".to_owned(), "0199-ab".to_owned())),
        };
        let text = cursor.seal(&[7; KEY], QUERY);
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.~";
        for at in 0..text.len() {
            let mut shorter = text.clone();
            shorter.remove(at);
            assert_eq!(Cursor::open(&[7; KEY], QUERY, &shorter), None);
            for letter in letters.chars() {
                let mut longer = text.clone();
                longer.insert(at, letter);
                assert_eq!(Cursor::open(&[7; KEY], QUERY, &longer), None);
                let mut other = shorter.clone();
                other.insert(at, letter);
                let opened = Cursor::open(&[7; KEY], QUERY, &other);
                assert_eq!(opened.is_some(), other == text, "{other}");
            }
        }
    }

    #[test]
    fn what_a_query_says_is_told_apart_from_what_it_does_not() {
        let with = |filter: Option<&str>, attributes: Option<&str>| {
            Cursor::bound_to(
                "acme",
                "User",
                &SearchRequest {
                    filter: filter.map(str::to_owned),
                    attributes: attributes.map(str::to_owned),
                    ..SearchRequest::default()
                },
            )
        };
        assert_ne!(with(None, None), with(Some(""), None));
        assert_ne!(with(Some("a"), None), with(None, Some("a")));
        assert_ne!(
            with(None, None),
            Cursor::bound_to("acme", "", &SearchRequest::default())
        );
    }
}
