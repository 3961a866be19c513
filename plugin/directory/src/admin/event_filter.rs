//! Which events of the log somebody wants to see.

use crate::commit::{Action, Told};
use crate::feed;
use crate::ids;
use crate::keys::Keys;
use crate::kv::{KeyValue, Range};
use crate::query::parameters;
use crate::stored::decode;
use scim::Error;

/// In a millisecond.
const NANOSECONDS: i128 = 1_000_000;

/// What the events have in common; what is absent may be anything.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Such as `user.create`, or `user.` for all of users.
    of_type: Option<String>,
    resource: Option<String>,
    token: Option<String>,
    /// In nanoseconds since the Unix epoch.
    since: Option<i128>,
    until: Option<i128>,
}

impl Filter {
    /// The parameters that it takes.
    pub(super) const PARAMETERS: [&str; 5] = ["type", "resource", "token", "since", "until"];

    /// # Errors
    /// [`Error::BadParameter`].
    pub(super) fn of(query: &str) -> Result<Self, Error> {
        let text = |name: &str| match parameters::text(query, name)? {
            Some(text) if text.is_empty() => Err(refuse(name, "must not be empty")),
            text => Ok(text),
        };
        let time = |name: &str| match text(name)? {
            None => Ok(None),
            Some(text) => match scim::datetime::parse(&text) {
                Some(time) => Ok(Some(time)),
                None => Err(refuse(name, "must be a time such as 2027-01-31T00:00:00Z")),
            },
        };
        let filter = Self {
            of_type: text("type")?.map(|text| of_type(&text)).transpose()?,
            resource: text("resource")?,
            token: text("token")?,
            since: time("since")?,
            until: time("until")?,
        };
        match (filter.since, filter.until) {
            (Some(since), Some(until)) if since > until => {
                Err(refuse("until", "must not be before \"since\""))
            }
            _ => Ok(filter),
        }
    }

    /// Whether nothing that happens from now on can be wanted.
    pub(super) fn is_past(&self, now_millis: u64) -> bool {
        let now = i128::from(now_millis) * NANOSECONDS;
        self.until.is_some_and(|until| until < now)
    }

    /// The keys among which all wanted events are, of those that are not older than a time. An
    /// event gets its id a moment before it is told of, at most `late` milliseconds.
    pub(super) fn range(&self, keys: &Keys, millis: u64, late: u64) -> Range {
        let of = |nanoseconds: i128| u64::try_from(nanoseconds.max(0) / NANOSECONDS).ok();
        let since = self.since.and_then(of).unwrap_or_default();
        let end = self
            .until
            .and_then(of)
            .and_then(|until| until.checked_add(1));
        let all = feed::since(keys, millis.max(since.saturating_sub(late)));
        Range {
            end: match end {
                Some(end) => Some(keys.event(&ids::first_of(end))),
                None => all.end,
            },
            ..all
        }
    }

    pub(super) fn wants(&self, event: &KeyValue) -> Result<bool, Error> {
        if self.is_empty() {
            return Ok(true);
        }
        let told: Told = decode(&event.value)?;
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let of_type = self.of_type.as_ref().is_none_or(|of_type| {
            *of_type == told.op || of_type.ends_with('.') && told.op.starts_with(of_type.as_str())
        });
        let at = scim::datetime::parse(&told.at).unwrap_or_default();
        Ok(of_type
            && same(&self.resource, &told.id)
            && same(&self.token, &told.token)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at <= until))
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.of_type, &self.resource, &self.token];
        texts.iter().all(|text| text.is_none()) && self.since.is_none() && self.until.is_none()
    }
}

/// What the type of an event is, or begins with.
fn of_type(text: &str) -> Result<String, Error> {
    let (what, action) = text.rsplit_once('.').unwrap_or((text, ""));
    let is_known = Action::ALL.iter().any(|known| known.name() == action);
    match (what.is_empty(), action) {
        (false, "*") => Ok(format!("{what}.")),
        (false, _) if is_known => Ok(text.to_owned()),
        _ => {
            let known = Action::ALL.map(Action::name).join(", ");
            let reason =
                format!("must be such as user.create or user.*; there are the actions {known}");
            Err(refuse("type", &reason))
        }
    }
}

fn refuse(name: &str, reason: &str) -> Error {
    Error::BadParameter {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(op: &str, id: &str, token: &str, at: &str) -> KeyValue {
        KeyValue {
            value: format!(r#"{{"op":"{op}","id":"{id}","token":"{token}","at":"{at}"}}"#)
                .into_bytes(),
            ..KeyValue::default()
        }
    }

    #[test]
    fn all_that_is_asked_for_has_to_fit() {
        let one = event("user.create", "u1", "t1", "2026-11-24T05:00:00.000Z");
        for (query, wanted) in [
            ("", true),
            ("type=user.create", true),
            ("type=user.*", true),
            ("type=use.*", false),
            ("type=user.delete", false),
            ("type=group.*", false),
            ("resource=u1&token=t1", true),
            ("resource=u1&token=t2", false),
            ("resource=u", false),
            (
                "since=2026-11-24T05:00:00Z&until=2026-11-24T05:00:00Z",
                true,
            ),
            ("since=2026-11-24T06:00:00%2B01:00", true),
            ("since=2026-11-24T05:00:00.001Z", false),
            ("until=2026-11-24T04:59:59.999Z", false),
        ] {
            let filter = Filter::of(query).unwrap();
            assert_eq!(filter.wants(&one), Ok(wanted), "{query}");
        }
    }

    #[test]
    fn a_filter_that_nothing_could_fit_is_refused() {
        for query in [
            "type=",
            "type=user",
            "type=*",
            "type=.create",
            "type=user.created",
            "resource=",
            "token=",
            "since=yesterday",
            "since=1795000000",
            "until=",
            "since=2026-11-24T05:00:00Z&until=2026-11-23T05:00:00Z",
            "type=user.*&type=user.*",
        ] {
            assert!(Filter::of(query).is_err(), "{query}");
        }
    }

    #[test]
    fn the_keys_of_a_time_are_read_and_no_others() {
        let keys = Keys::new("scim/", "acme");
        let range = |query: &str, millis| Filter::of(query).unwrap().range(&keys, millis, 1_000);
        let at = |millis| keys.event(&ids::first_of(millis));
        let all = range("", 0);
        assert_eq!(
            (all.key, all.end),
            (at(0), Range::prefix(keys.event("")).end)
        );
        let some = range("since=1970-01-01T00:01:00Z&until=1970-01-01T00:02:00Z", 5);
        assert_eq!((some.key, some.end), (at(59_000), Some(at(120_001))));
        let later = range("since=1970-01-01T00:01:00Z", 80_000);
        assert_eq!(later.key, at(80_000));
    }
}
