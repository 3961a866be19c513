//! Who is asking: from the `Authorization` header to a [`Session`]. What a
//! refusal says helps whoever mistyped a token, and tells nobody else anything.

use crate::Directory;
use crate::base_url::base_url;
use crate::bulk::Awaited;
use crate::environment::{Clock, Entropy};
use crate::http::Request;
use crate::keys::{self, Keys};
use crate::kv::{Kv, KvError, Range, RangeReply};
use crate::quota::Attempt;
use crate::session::{Session, from_kv};
use crate::tenant::TenantId;
use crate::token::{DIGITS, Digest, Grant, PREFIX};
use crate::trace::Trace;
use scim::Error;
use std::rc::Rc;
use subtle::ConstantTimeEq;

/// No token was sent.
pub(crate) const MISSING: &str = "send a token, as in \"Authorization: Bearer scim_...\"";
const NO_TEXT: &str = "the Authorization header is not plain text";
const SEVERAL: &str = "send one Authorization header";
/// Something else than a token was sent.
pub(crate) const SCHEME: &str = "the scheme of the Authorization header must be Bearer";
const WRONG_PREFIX: &str = "a token begins with \"scim_\"";
const WRONG_LENGTH: &str = "a token is \"scim_\" and 64 hex digits; this one has another length";
const WRONG_DIGITS: &str =
    "a token is \"scim_\" and 64 hex digits from 0-9 and a-f; this one has others";
const UNKNOWN: &str = "the token is unknown or was revoked";
const EXPIRED: &str = "the token has expired";

/// What events call an administrator's key, which has no id.
pub(crate) const ADMIN_KEY: &str = "admin-key";

/// The credential of a request, whatever it is: without the scheme and the
/// white space around it. A scheme may be missing, for clients that let an
/// administrator fill in the header's value alone.
///
/// ```text
/// Authorization = [ "Bearer" 1*WSP ] token
/// ```
pub(crate) fn credential(request: &Request) -> Result<&str, Error> {
    let mut headers = request.headers("authorization");
    let header = headers.next().unwrap_or_default();
    // Some proxies join two into one, and no token has a comma.
    if headers.next().is_some() || header.contains(&b',') {
        return Err(refused(SEVERAL));
    }
    let header = std::str::from_utf8(header).map_err(|_| refused(NO_TEXT))?;
    let text = match header.trim().split_once([' ', '\t']) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        Some(_) => return Err(refused(SCHEME)),
        None => header.trim(),
    };
    if text.is_empty() || text.eq_ignore_ascii_case("bearer") {
        return Err(refused(MISSING));
    }
    Ok(text)
}

/// Refuses a text that has not the form of a token.
fn form(token: &str) -> Result<(), Error> {
    let Some(digits) = token.strip_prefix(PREFIX) else {
        return Err(refused(WRONG_PREFIX));
    };
    if digits.len() != DIGITS {
        return Err(refused(WRONG_LENGTH));
    }
    if !digits
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(refused(WRONG_DIGITS));
    }
    Ok(())
}

fn refused(reason: &'static str) -> Error {
    Error::Unauthorized { reason }
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Begins the authentication of whoever sent a request, unless too many from there
    /// have failed: before any store is asked.
    pub(crate) fn attempt<'r>(&self, request: &'r Request) -> Result<Attempt<'r>, Error> {
        let credential = credential(request)?;
        let digest = Digest::of(credential);
        if self.tokens.borrow().find(digest).is_some() {
            return Ok(Attempt {
                credential,
                digest,
                source: None,
            });
        }
        let now = self.clock.now_millis();
        self.quotas.attempt(credential, digest, request.source, now)
    }

    /// The session of the token that a request bears, whose locations begin with `base_url`. A
    /// token that was seen before costs no call to the store here: see
    /// [`transact`](Self::transact).
    pub(crate) async fn authenticate<'t>(
        &self,
        attempt: &Attempt<'_>,
        base_url: String,
        trace: &'t mut Trace,
    ) -> Result<Session<'t>, Error> {
        let digest = attempt.digest;
        let hint = self.tokens.borrow().find(digest);
        let (verified, (mod_revision, grant)) = match hint {
            Some((mod_revision, grant)) => {
                self.unexpired(&grant)?;
                (false, (mod_revision, grant))
            }
            None => {
                let read = match form(attempt.credential) {
                    Ok(()) => {
                        let key = keys::token(&self.config.prefix, &digest.hex());
                        trace.store_calls += 1;
                        let reply = self.kv.range(Range::one(key)).await;
                        let reply = reply.map_err(|e: KvError| {
                            trace.fault = Some(e.to_string());
                            from_kv(&e)
                        });
                        reply.and_then(|reply| self.grant(digest, &reply))
                    }
                    Err(error) => Err(error),
                };
                let verdict = match &read {
                    Ok(_) => Some(true),
                    Err(Error::Unauthorized { .. }) => Some(false),
                    Err(_) => None,
                };
                self.quotas.settle(attempt, verdict);
                (true, read?)
            }
        };
        self.tokens
            .borrow_mut()
            .used(digest, self.clock.now_millis());
        trace.tenant = grant.tenant.as_str().to_owned();
        trace.token_id.clone_from(&grant.id);
        Ok(Session {
            keys: Keys::new(&self.config.prefix, grant.tenant.as_str()),
            token_id: grant.id.clone(),
            base_url,
            trace,
            digest,
            grant,
            mod_revision,
            by_key: false,
            access: None,
            verified,
            awaited: Awaited::default(),
        })
    }

    /// Counts a request of a token that limits how often it may ask. A RADIUS server does not
    /// belong here: refused, it would keep users out.
    pub(crate) fn count(&self, session: &Session<'_>) -> Result<(), Error> {
        self.quotas.request(session.digest, self.clock.now_millis())
    }

    /// The session of an administrator's key in a tenant.
    pub(crate) fn session_of_key<'t>(
        &self,
        request: &Request,
        digest: Digest,
        tenant: TenantId,
        trace: &'t mut Trace,
    ) -> Session<'t> {
        let base_url = base_url(&self.config, request);
        Session {
            base_url,
            ..self.session_of_none(digest, tenant, trace)
        }
    }

    /// A session of the service itself in a tenant.
    pub(crate) fn own_session<'t>(&self, tenant: TenantId, trace: &'t mut Trace) -> Session<'t> {
        self.session_of_none(Digest::of(""), tenant, trace)
    }

    /// A session that no token in the store guards.
    fn session_of_none<'t>(
        &self,
        digest: Digest,
        tenant: TenantId,
        trace: &'t mut Trace,
    ) -> Session<'t> {
        tenant.as_str().clone_into(&mut trace.tenant);
        Session {
            keys: Keys::new(&self.config.prefix, tenant.as_str()),
            token_id: ADMIN_KEY.to_owned(),
            base_url: String::new(),
            trace,
            digest,
            grant: Rc::new(Grant::of_key(tenant)),
            mod_revision: 0,
            by_key: true,
            access: None,
            verified: true,
            awaited: Awaited::default(),
        }
    }

    /// The grant in the store's reply, if it still is one.
    pub(crate) fn grant(
        &self,
        digest: Digest,
        reply: &RangeReply,
    ) -> Result<(i64, Rc<Grant>), Error> {
        let Some(found) = reply.kvs.first() else {
            self.tokens.borrow_mut().forget(digest);
            self.quotas.forget(digest);
            return Err(refused(UNKNOWN));
        };
        // Whoever cannot be told to belong somewhere gets nowhere.
        let grant: Grant = serde_json::from_slice(&found.value).map_err(|e| Error::Internal {
            reason: format!("the record of the token is damaged: {e}"),
        })?;
        let grant = Rc::new(grant);
        self.tokens
            .borrow_mut()
            .remember(digest, found.mod_revision, &grant);
        self.unexpired(&grant)?;
        Ok((found.mod_revision, grant))
    }

    fn unexpired(&self, grant: &Grant) -> Result<(), Error> {
        if grant.expired(self.clock.now_millis()) {
            return Err(refused(EXPIRED));
        }
        Ok(())
    }

    /// Whether a credential is one of the administrator's keys. All are compared,
    /// each in constant time.
    pub(crate) fn is_admin_key(&self, digest: Digest) -> bool {
        let keys = self.config.admin_key_sha256.iter();
        keys.fold(subtle::Choice::from(0), |found, key| {
            found | key.as_bytes().ct_eq(&digest.0)
        })
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> String {
        format!("{PREFIX}{}", "0a".repeat(32))
    }

    fn request(value: &str) -> Request {
        Request {
            headers: vec![("authorization".to_owned(), value.as_bytes().to_vec())],
            ..Request::default()
        }
    }

    fn refusal(value: &str) -> Error {
        credential(&request(value)).and_then(form).unwrap_err()
    }

    #[test]
    fn scheme_and_white_space_do_not_matter() {
        let token = token();
        for value in [
            token.clone(),
            format!("Bearer {token}"),
            format!("bearer {token}"),
            format!("  BEARER \t {token}  "),
        ] {
            assert_eq!(credential(&request(&value)), Ok(token.as_str()), "{value}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong_with_the_form() {
        let token = token();
        for (value, reason) in [
            (String::new(), MISSING),
            ("Bearer".to_owned(), MISSING),
            ("Bearer  ".to_owned(), MISSING),
            ("Basic dTpw".to_owned(), SCHEME),
            (format!("Bearer Bearer {token}"), WRONG_PREFIX),
            (format!("Bearer {token}0"), WRONG_LENGTH),
            (token.replace('a', "A"), WRONG_DIGITS),
            (token.to_uppercase(), WRONG_PREFIX),
            (format!("{token} x"), SCHEME),
        ] {
            assert_eq!(refusal(&value), refused(reason), "{value}");
        }
        assert_eq!(credential(&Request::default()), Err(refused(MISSING)));
        let mut twice = request(&token);
        twice.headers.push(twice.headers[0].clone());
        assert_eq!(credential(&twice), Err(refused(SEVERAL)));
        let joined = request(&format!("Bearer {token},Bearer {token}"));
        assert_eq!(credential(&joined), Err(refused(SEVERAL)));
    }
}
