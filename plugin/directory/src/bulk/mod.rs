//! Bulk requests (RFC 7644 §3.7). Each operation is done by the code that does it
//! alone, one after the other, each in a transaction of its own: so a client that
//! goes away, or a proxy that ends, leaves whole operations behind.

mod awaited;
mod job;
mod operation;

pub(crate) use awaited::Awaited;

use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::http::Request;
use crate::kv::Kv;
use crate::session::{Session, is_away};
use crate::trace::Tally;
use job::Job;
use scim::Error;
use scim::bulk::{BulkRequest, DEPTH, Schedule, bulk_response};

/// After how many operations in a row that the store did not answer the others
/// are not tried: each costs several attempts, and their time.
const SILENCES: u32 = 2;

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// POST of a bulk request. Gives a `BulkResponse` with what came of each
    /// operation that was done, in the order of the request.
    ///
    /// # Errors
    /// What is wrong with the form of the request; that the token no longer stands
    /// or the store is away, where that shows before the first operation. Nothing
    /// is done then.
    pub(crate) async fn bulk(
        &self,
        session: &mut Session<'_>,
        request: &Request,
    ) -> Result<Vec<u8>, Error> {
        let body = self.body(request, DEPTH)?;
        let mut bulk = BulkRequest::parse(body, self.config.limits.max_bulk_operations)?;
        let schedule = Schedule::of(&mut bulk)?;
        self.verify(session).await?;

        let most_errors = bulk.fail_on_errors.unwrap_or(usize::MAX);
        let types = bulk.operations.iter();
        let types = types.map(|operation| self.creates(session, operation));
        let types = types.collect();
        let mut job = Job::new(schedule, bulk.operations, types);
        let mut tally = Tally::default();
        let mut errors = 0;
        let mut silences = 0;
        let mut end = None;
        while errors < most_errors
            && let Some((at, mut operation)) = job.take_next()
        {
            let calls = session.trace.store_calls;
            let result = match &end {
                Some(error) => Err(Error::clone(error)),
                None => self.perform(session, &mut job, at, &mut operation).await,
            };
            tally.operations += 1;
            match &result {
                Ok(_) => silences = 0,
                Err(error) => {
                    errors += 1;
                    tally.failed += 1;
                    if is_away(error) {
                        silences += 1;
                    } else if session.trace.store_calls > calls {
                        silences = 0;
                    }
                    // The others would fare no better.
                    let refused =
                        matches!(error, Error::Unauthorized { .. } | Error::Forbidden { .. });
                    if refused || silences == SILENCES {
                        end = Some(error.clone());
                    }
                }
            }
            let outcome = self.outcome(session, operation, result);
            job.done(at, outcome);
        }
        session.trace.resource_id.clear();
        session.trace.bulk = Some(tally);
        Ok(bulk_response(job.outcomes()))
    }
}
