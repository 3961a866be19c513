//! How often somebody may ask: each token so many requests a second, and each source
//! so many failed authentications a minute. What is counted stands in a table that all
//! workers of a proxy share ([`Shared`]), of a fixed size.
//!
//! Two that meet in one row take it from each other, and who takes it over begins with
//! a full allowance: nobody can use up what belongs to somebody else.

use crate::config::Limits;
use crate::environment::{Row, Shared};
use crate::http::Source;
use crate::token::Digest;
use scim::Error;
use std::net::IpAddr;
use std::rc::Rc;

/// How often a row is tried that others write at the same time. After that the
/// request passes: so many workers there are not.
const TRIES: usize = 32;

const SECOND: u64 = 1_000_000;

/// All that is counted.
pub(crate) struct Quotas {
    shared: Option<Rc<dyn Shared>>,
    requests: Rate,
    failures: Rate,
}

/// An authentication under way.
#[derive(Debug)]
pub(crate) struct Attempt<'r> {
    pub(crate) credential: &'r str,
    pub(crate) digest: Digest,
    /// Whom a failure is counted against; nobody where the credential is known.
    pub(crate) source: Option<Digest>,
}

/// The parts of the table, as the upper two bits of a row.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// By token: when it will have its whole allowance again.
    Requests,
    /// By source: the same.
    Failures,
    /// By credential: that it was confirmed, by whichever worker.
    Confirmed,
    /// By tenant: how often it was written to. See [`Writes`](crate::writes::Writes).
    Writes,
}

impl Part {
    /// The row of whoever has these bytes.
    pub(crate) fn row(self, low: u8, high: u8) -> u16 {
        (self as u16) << 14 | u16::from_le_bytes([low, high]) >> 2
    }
}

/// A token bucket in one number, the time at which it is full again (GCRA, ITU-T
/// I.371), in microseconds since the Unix epoch.
struct Rate {
    /// In which time one comes back.
    interval: u64,
    /// In which time all come back.
    whole: u64,
    what: &'static str,
    limit: usize,
}

impl Rate {
    fn new(limit: usize, period: u64, burst: usize, what: &'static str) -> Self {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let interval = (period / count(limit).max(1)).max(1);
        Self {
            interval,
            whole: interval.saturating_mul(count(burst)),
            what,
            limit,
        }
    }

    /// When the bucket is full again if one more is taken now.
    fn take(&self, full_at: u64, now: u64) -> Result<u64, Error> {
        // Never later than from an empty bucket: neither a clock that was put back nor
        // another configuration shuts anybody out.
        let full_at = full_at.clamp(now, now.saturating_add(self.whole));
        let next = full_at.saturating_add(self.interval);
        let late = (next - now).saturating_sub(self.whole);
        if late > 0 {
            return Err(Error::TooManyRequests {
                what: self.what,
                limit: self.limit,
                retry_after: late.div_ceil(SECOND),
            });
        }
        Ok(next)
    }
}

impl Quotas {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            shared: None,
            requests: Rate::new(
                limits.requests_per_second,
                SECOND,
                limits.request_burst,
                "requests a second with one token",
            ),
            failures: Rate::new(
                limits.auth_failures_per_minute,
                60 * SECOND,
                limits.auth_failure_burst,
                "failed authentications a minute from one address",
            ),
        }
    }

    pub(crate) fn share(&mut self, shared: Rc<dyn Shared>) {
        self.shared = Some(shared);
    }

    /// Counts a request with a credential that is good.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(crate) fn request(&self, credential: Digest, millis: u64) -> Result<(), Error> {
        self.take(Part::Requests, credential, &self.requests, millis)
    }

    /// Begins an authentication that may fail, and counts it as if it had: many at the
    /// same time are not more. A credential that was confirmed before, by whichever
    /// worker, is let through, whatever else comes from its source.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub(crate) fn attempt<'r>(
        &self,
        credential: &'r str,
        digest: Digest,
        source: Source,
        millis: u64,
    ) -> Result<Attempt<'r>, Error> {
        let source = (!self.is_confirmed(digest)).then(|| network(source.address()));
        if let Some(source) = source {
            self.take(Part::Failures, source, &self.failures, millis)?;
        }
        Ok(Attempt {
            credential,
            digest,
            source,
        })
    }

    /// Ends an authentication: `verdict` is whether the credential is good, nothing
    /// where nobody could tell.
    pub(crate) fn settle(&self, attempt: &Attempt<'_>, verdict: Option<bool>) {
        if verdict != Some(false)
            && let Some(source) = attempt.source
        {
            self.replace(Part::Failures, source, |full_at| {
                full_at.saturating_sub(self.failures.interval)
            });
        }
        match verdict {
            Some(true) if !self.is_confirmed(attempt.digest) => {
                self.replace(Part::Confirmed, attempt.digest, |_| 1);
            }
            Some(false) => self.forget(attempt.digest),
            Some(true) | None => {}
        }
    }

    /// A credential is good no longer.
    pub(crate) fn forget(&self, credential: Digest) {
        if self.is_confirmed(credential) {
            self.replace(Part::Confirmed, credential, |_| 0);
        }
    }

    fn is_confirmed(&self, credential: Digest) -> bool {
        let (row, owner) = place(Part::Confirmed, credential);
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| shared.read(row).0 == Row { owner, value: 1 })
    }

    fn take(&self, part: Part, who: Digest, rate: &Rate, millis: u64) -> Result<(), Error> {
        let now = millis.saturating_mul(1_000);
        self.update(part, who, &mut |full_at| rate.take(full_at, now))
    }

    fn replace(&self, part: Part, who: Digest, next: impl Fn(u64) -> u64) {
        // It never refuses.
        let _ = self.update(part, who, &mut |value| Ok(next(value)));
    }

    /// Makes of somebody's number another one, atomically.
    fn update(
        &self,
        part: Part,
        who: Digest,
        next: &mut dyn FnMut(u64) -> Result<u64, Error>,
    ) -> Result<(), Error> {
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        let (row, owner) = place(part, who);
        for _ in 0..TRIES {
            let (found, version) = shared.read(row);
            let before = if found.owner == owner { found.value } else { 0 };
            let value = next(before)?;
            if shared.write(row, Row { owner, value }, version) {
                break;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Quotas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotas").finish_non_exhaustive()
    }
}

/// The row of somebody in a part of the table, and the number that tells others there
/// apart from it.
fn place(part: Part, who: Digest) -> (u16, u64) {
    let [low, high, a, b, c, d, e, f, g, h, ..] = who.0;
    let owner = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    (part.row(low, high), owner)
}

/// What one holder of addresses has at least: of IPv6 a /64.
fn network(source: Option<IpAddr>) -> Digest {
    let octets = source.map(|address| match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // What remains of it is more than any IPv4 address: no global one begins with
        // 32 zeros.
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    });
    Digest::of(&octets.unwrap_or(u64::MAX).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000 * SECOND;

    fn rate(per_second: usize, burst: usize) -> Rate {
        Rate::new(per_second, SECOND, burst, "requests")
    }

    fn wait(taken: &Result<u64, Error>) -> Option<u64> {
        match taken {
            Err(Error::TooManyRequests { retry_after, .. }) => Some(*retry_after),
            _ => None,
        }
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_one_an_interval() {
        let rate = rate(4, 3);
        let mut full_at = 0;
        for _ in 0..3 {
            full_at = rate.take(full_at, NOW).unwrap();
        }
        assert_eq!(wait(&rate.take(full_at, NOW)), Some(1));
        assert!(rate.take(full_at, NOW + SECOND / 4 - 1).is_err());
        full_at = rate.take(full_at, NOW + SECOND / 4).unwrap();
        assert!(rate.take(full_at, NOW + SECOND / 4).is_err());
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_and_is_long_enough() {
        let rate = Rate::new(2, 60 * SECOND, 1, "failures");
        let full_at = rate.take(0, NOW).unwrap();
        for (passed, seconds) in [(0, 30), (1, 30), (SECOND, 29), (30 * SECOND - 1, 1)] {
            assert_eq!(wait(&rate.take(full_at, NOW + passed)), Some(seconds));
        }
        assert!(rate.take(full_at, NOW + 30 * SECOND).is_ok());
    }

    #[test]
    fn a_clock_that_was_put_back_shuts_nobody_out() {
        let rate = rate(1, 5);
        let full_at = rate.take(0, NOW).unwrap();
        let earlier = NOW - 3_600 * SECOND;
        assert_eq!(wait(&rate.take(full_at, earlier)), Some(1));
        assert!(
            rate.take(full_at, earlier + SECOND).is_err(),
            "not yet counted anew"
        );
    }

    #[test]
    fn the_largest_and_the_smallest_rate_are_no_overflow() {
        for (per_second, burst) in [(1, 1_000_000), (1_000_000, 1), (1_000_000, 1_000_000)] {
            let rate = rate(per_second, burst);
            assert!(rate.take(u64::MAX, NOW).is_err());
            assert!(rate.take(0, NOW).is_ok());
            assert!(rate.take(0, u64::MAX).is_ok());
        }
    }

    #[test]
    fn the_parts_of_the_table_have_rows_of_their_own() {
        let parts = [
            Part::Requests,
            Part::Failures,
            Part::Confirmed,
            Part::Writes,
        ];
        let rows = parts.map(|part| part.row(0xFF, 0xFF));
        assert_eq!(rows, [0x3FFF, 0x7FFF, 0xBFFF, 0xFFFF]);
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(network(None), of("0.0.0.0"));
    }
}
