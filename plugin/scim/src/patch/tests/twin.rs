//! Standard operations against a slow and obvious PATCH over plain JSON, which
//! knows neither schema nor binding: the few attributes it handles are spelt out.

use super::*;
use proptest::prelude::*;
use serde_json::Map;

#[derive(Clone, Debug)]
enum Target {
    Title,
    Name,
    GivenName,
    Department,
    /// The enterprise extension as a whole.
    Extension,
    Emails,
    /// No path: the value is an object of attributes.
    Resource,
    /// Elements with this type; by `eq` or, which cannot make one, by `sw` or by `and`, which
    /// wants them to have a `display` too.
    Selected {
        kind: String,
        by: &'static str,
        sub: Option<&'static str>,
    },
}

#[derive(Clone, Debug)]
struct Step {
    op: &'static str,
    target: Target,
    value: Json,
}

impl Step {
    fn path(&self) -> String {
        match &self.target {
            Target::Resource => String::new(),
            Target::Extension => ENTERPRISE_USER.to_owned(),
            Target::Title => "title".to_owned(),
            Target::Name => "name".to_owned(),
            Target::GivenName => "name.givenName".to_owned(),
            Target::Department => format!("{ENTERPRISE_USER}:department"),
            Target::Emails => "emails".to_owned(),
            Target::Selected { kind, by, sub } => {
                let sub = sub.map(|sub| format!(".{sub}")).unwrap_or_default();
                match *by {
                    "and" => format!("emails[type eq \"{kind}\" and display pr]{sub}"),
                    by => format!("emails[type {by} \"{kind}\"]{sub}"),
                }
            }
        }
    }

    fn request(&self) -> Json {
        match self.op {
            "remove" => json!({"op": "remove", "path": self.path()}),
            op if matches!(self.target, Target::Resource) => json!({"op": op, "value": self.value}),
            op => json!({"op": op, "path": self.path(), "value": self.value}),
        }
    }
}

/// What a step makes of a user, or nothing when there is no target.
fn slowly(user: &mut Map<String, Json>, step: &Step) -> Option<()> {
    let removes = step.op == "remove";
    match &step.target {
        Target::Title => put(user, "title", (!removes).then(|| step.value.clone())),
        Target::Department => within(user, ENTERPRISE_USER, |extension| {
            put(
                extension,
                "department",
                (!removes).then(|| step.value.clone()),
            );
        }),
        Target::GivenName => within(user, "name", |name| {
            put(name, "givenName", (!removes).then(|| step.value.clone()));
        }),
        Target::Extension if removes => put(user, ENTERPRISE_USER, None),
        Target::Extension => within(user, ENTERPRISE_USER, |extension| {
            extension.extend(step.value.as_object().unwrap().clone());
        }),
        // Without a path nothing says what to remove.
        Target::Resource if removes => return None,
        Target::Resource => {
            for (name, value) in step.value.as_object().unwrap() {
                let target = match name.as_str() {
                    "title" => Target::Title,
                    "name" => Target::Name,
                    "emails" => Target::Emails,
                    _ => Target::Extension,
                };
                let value = value.clone();
                let op = step.op;
                slowly(user, &Step { op, target, value })?;
            }
        }
        Target::Name if removes => put(user, "name", None),
        Target::Name => within(user, "name", |name| {
            name.extend(step.value.as_object().unwrap().clone());
        }),
        Target::Emails => {
            let mut emails = take_emails(user);
            if step.op != "add" {
                emails.clear();
            }
            for new in step
                .value
                .as_array()
                .into_iter()
                .flatten()
                .filter(|_| !removes)
            {
                let at = emails.iter().position(|old| same(old, new));
                let at = at.unwrap_or(emails.len());
                match emails.get_mut(at) {
                    Some(old) => merge(old, new),
                    None => emails.push(new.clone()),
                }
                if new["primary"] == json!(true) {
                    let (before, after) = emails.split_at_mut(at);
                    demote(before, |_| false);
                    demote(&mut after[1..], |_| false);
                }
            }
            put(
                user,
                "emails",
                (!emails.is_empty()).then_some(Json::Array(emails)),
            );
        }
        Target::Selected { kind, by, sub } => {
            let mut emails = take_emails(user);
            let chosen = |email: &Json| match *by {
                "eq" => email["type"] == json!(kind),
                "and" => email["type"] == json!(kind) && !email["display"].is_null(),
                _ => email["type"].as_str().is_some_and(|t| t.starts_with(kind)),
            };
            if !removes && !emails.iter().any(chosen) {
                if *by != "eq" {
                    return None;
                }
                emails.push(json!({"type": kind}));
            }
            for email in emails.iter_mut().filter(|email| chosen(email)) {
                match sub {
                    None if removes => *email = json!({}),
                    None if step.op == "replace" => {
                        *email = if *by == "eq" {
                            json!({"type": kind})
                        } else {
                            json!({})
                        };
                        merge(email, &step.value);
                    }
                    None => merge(email, &step.value),
                    Some("value") if removes => *email = json!({}),
                    Some(sub) if removes => put(email.as_object_mut().unwrap(), sub, None),
                    Some(sub) => email[*sub] = step.value.clone(),
                }
                let only_labels = |email: &Json| {
                    email
                        .as_object()
                        .unwrap()
                        .keys()
                        .all(|k| k == "type" || k == "primary")
                };
                if removes && only_labels(email) {
                    *email = json!({});
                }
            }
            emails.retain(|email| *email != json!({}));
            if !removes && sub.is_none() && step.value["primary"] == json!(true) {
                let value = step.value["value"].clone();
                demote(&mut emails, |email| email["value"] == value);
            }
            put(
                user,
                "emails",
                (!emails.is_empty()).then_some(Json::Array(emails)),
            );
        }
    }
    Some(())
}

fn put(object: &mut Map<String, Json>, key: &str, value: Option<Json>) {
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
}

fn within(user: &mut Map<String, Json>, key: &str, change: impl FnOnce(&mut Map<String, Json>)) {
    let mut inner = user.remove(key).unwrap_or(json!({}));
    change(inner.as_object_mut().unwrap());
    put(user, key, (inner != json!({})).then_some(inner));
}

fn take_emails(user: &mut Map<String, Json>) -> Vec<Json> {
    match user.remove("emails") {
        Some(Json::Array(emails)) => emails,
        _ => Vec::new(),
    }
}

fn same(old: &Json, new: &Json) -> bool {
    let either_untyped = old["type"].is_null() || new["type"].is_null();
    old["value"] == new["value"] && (either_untyped || old["type"] == new["type"])
}

fn merge(old: &mut Json, new: &Json) {
    old.as_object_mut()
        .unwrap()
        .extend(new.as_object().unwrap().clone());
}

fn demote(emails: &mut [Json], chosen: impl Fn(&Json) -> bool) {
    for email in emails.iter_mut().filter(|email| !chosen(email)) {
        if email["primary"] == json!(true) {
            email["primary"] = json!(false);
        }
    }
}

fn text() -> impl Strategy<Value = Json> {
    "[ab]{1,2}".prop_map(Json::from)
}

fn kind() -> impl Strategy<Value = String> {
    "[ab]"
}

/// An address; at most one in a list is primary, which the caller sees to.
fn email() -> impl Strategy<Value = Json> {
    let optional = proptest::option::of(text());
    ("[xyz]", proptest::option::of(kind()), optional).prop_map(|(value, kind, display)| {
        let mut email = json!({"value": value});
        if let Some(kind) = kind {
            email["type"] = json!(kind);
        }
        if let Some(display) = display {
            email["display"] = display;
        }
        email
    })
}

fn emails() -> impl Strategy<Value = Json> {
    (proptest::collection::vec(email(), 1..4), any::<bool>()).prop_map(|(mut emails, primary)| {
        // The same address twice in one list would be one element.
        emails.sort_by_key(|email| email["value"].to_string());
        emails.dedup_by_key(|email| email["value"].to_string());
        if primary {
            emails[0]["primary"] = json!(true);
        }
        Json::Array(emails)
    })
}

fn step() -> impl Strategy<Value = Step> {
    let op = || prop_oneof![Just("add"), Just("remove"), Just("replace")];
    let name = ("[ab]", proptest::option::of(text())).prop_map(|(given, family)| {
        let mut name = json!({"givenName": given});
        if let Some(family) = family {
            name["familyName"] = family;
        }
        name
    });
    let fixed = |target: Target, value: BoxedStrategy<Json>| {
        (op(), value).prop_map(move |(op, value)| Step {
            op,
            target: target.clone(),
            value,
        })
    };
    let by = || prop_oneof![Just("eq"), Just("sw"), Just("and")];
    let selected = || (op(), kind(), by());
    let extension = || {
        ("[ab]", proptest::option::of(text())).prop_map(|(department, division)| {
            let mut extension = json!({"department": department});
            if let Some(division) = division {
                extension["division"] = division;
            }
            extension
        })
    };
    let attributes = (
        proptest::option::of(text()),
        proptest::option::of(emails()),
        proptest::option::of(extension()),
    );
    let attributes = attributes.prop_map(|(title, emails, extension)| {
        let members = [
            ("title", title),
            ("emails", emails),
            (ENTERPRISE_USER, extension),
        ];
        let given = members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Json::Object(given.collect())
    });
    let element = (selected(), email()).prop_map(|((op, kind, by), value)| Step {
        op,
        target: Target::Selected {
            kind,
            by,
            sub: None,
        },
        value,
    });
    let subs = prop_oneof![Just("display"), Just("value"), Just("type")];
    let sub = (selected(), subs, text()).prop_map(|((op, kind, by), sub, value)| Step {
        op,
        target: Target::Selected {
            kind,
            by,
            sub: Some(sub),
        },
        value,
    });
    prop_oneof![
        fixed(Target::Title, text().boxed()),
        fixed(Target::Name, name.boxed()),
        fixed(Target::GivenName, text().boxed()),
        fixed(Target::Department, text().boxed()),
        fixed(Target::Extension, extension().boxed()),
        fixed(Target::Resource, attributes.boxed()),
        fixed(Target::Emails, emails().boxed()),
        element,
        sub,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn patch_equals_the_obvious_one(
        emails in proptest::option::of(emails()),
        steps in proptest::collection::vec(step(), 1..6),
    ) {
        let mut before = json!({"userName": "u", "title": "a", "name": {"familyName": "f"}});
        if let Some(emails) = emails {
            before["emails"] = emails;
        }
        let mut expected = before.as_object().unwrap().clone();
        let done = steps.iter().try_for_each(|step| slowly(&mut expected, step));
        let operations: Vec<Json> = steps.iter().map(Step::request).collect();
        let after = user_after(&before, &json!(operations)).ok();
        prop_assert_eq!(after, done.map(|()| Json::Object(expected)));
    }
}
