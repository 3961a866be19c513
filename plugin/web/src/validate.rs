//! All that is wrong with a resource.
//!
//! A service stops at the first fault. To find the others no rule is written twice: where
//! a resource cannot be read, its parts are read by themselves, ever smaller ones, until
//! the smallest that still fail are found. What can be read is then checked for what it
//! lacks.

use crate::outcome::{Problem, Refusal};
use scim::json::{self, Json};
use scim::resource::{Resource, complete, each_fault, from_client};
use scim::schema::{Registry, ResourceTypeId};
use scim::{Error, Mode};
use std::borrow::Cow;

/// The most problems that are listed.
const MAX_PROBLEMS: usize = 100;

/// What is wrong with a resource, and the resource when nothing is.
pub(crate) fn validate(
    registry: &Registry,
    resource_type: ResourceTypeId,
    text: &str,
    first_only: bool,
) -> (Vec<Problem>, Option<Resource>) {
    let search = Search {
        registry,
        resource_type,
    };
    match search.whole(text) {
        Ok(resource) => (Vec::new(), Some(resource)),
        Err(error) if first_only => (vec![Problem::new(&error.into(), "")], None),
        Err(error) => (search.all(text, error), None),
    }
}

struct Search<'r> {
    registry: &'r Registry,
    resource_type: ResourceTypeId,
}

/// A step from a value to one inside it.
#[derive(Clone, Copy)]
enum Step<'j> {
    Member(&'j str),
    Element(usize),
}

impl Search<'_> {
    fn whole(&self, text: &str) -> Result<Resource, Error> {
        let body = json::parse(text.as_bytes(), json::MAX_DEPTH)?;
        let resource = from_client(self.registry, self.resource_type, &body, Mode::Lenient)?;
        complete(self.registry, &resource)?;
        Ok(resource)
    }

    /// All problems of a text of which the first one is known.
    fn all(&self, text: &str, first: Error) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Ok(body) = json::parse(text.as_bytes(), json::MAX_DEPTH)
            && let Some(readable) = self.narrow(&mut Vec::new(), &body, &mut problems)
            && let Ok(resource) =
                from_client(self.registry, self.resource_type, &readable, Mode::Lenient)
        {
            let named: Vec<String> = problems
                .iter()
                .filter_map(|p| p.attribute.clone())
                .collect();
            // The report never ends the search.
            let _ = each_fault(self.registry, &resource, &mut |fault| {
                // What was there and could not be read is not missing.
                let is_known = |name: &str| named.iter().any(|known| known == name);
                if problems.len() < MAX_PROBLEMS && !fault.attribute().is_some_and(is_known) {
                    problems.push(Problem::new(&fault.into(), ""));
                }
                Ok(())
            });
        }
        if problems.is_empty() {
            problems.push(Problem::new(&Refusal::Scim(first), ""));
        }
        problems
    }

    /// Reads `json` at its place in a resource that has nothing else, notes what is wrong
    /// with it and gives back what of it can be read.
    fn narrow<'j>(
        &self,
        place: &mut Vec<Step<'j>>,
        json: &'j Json<'j>,
        problems: &mut Vec<Problem>,
    ) -> Option<Json<'j>> {
        let Err(error) = self.read(place, json) else {
            return Some(json.clone());
        };
        if problems.len() >= MAX_PROBLEMS {
            return None;
        }
        let before = problems.len();
        let readable = match json {
            // The place takes no list or no object at all.
            Json::Array(_) if self.read(place, &Json::Array(Vec::new())).is_err() => Json::Null,
            Json::Object(_) if self.read(place, &Json::Object(Vec::new())).is_err() => Json::Null,
            Json::Array(elements) => {
                let parts = elements.iter().enumerate().filter_map(|(at, element)| {
                    self.part(place, Step::Element(at), element, problems)
                });
                Json::Array(parts.collect())
            }
            Json::Object(members) => {
                let parts = members.iter().filter_map(|(name, member)| {
                    let part = self.part(place, Step::Member(name), member, problems)?;
                    Some((Cow::Borrowed(&**name), part))
                });
                Json::Object(parts.collect())
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Decimal(_) | Json::String(_) => {
                Json::Null
            }
        };
        Self::blame(place, error, before, problems);
        match self.read(place, &readable) {
            Ok(()) => Some(readable),
            Err(error) => {
                Self::blame(place, error, before, problems);
                None
            }
        }
    }

    /// Notes an error of what is at `place`, unless it is that of a part of it, which was
    /// noted since there were `before` problems.
    fn blame(place: &[Step<'_>], error: Error, before: usize, problems: &mut Vec<Problem>) {
        let mut problem = Problem::new(&error.into(), "");
        let mut parts = problems.iter().skip(before);
        if parts.all(|part| part.detail != problem.detail) {
            problem.pointer = Some(pointer(place));
            problems.push(problem);
        }
    }

    fn part<'j>(
        &self,
        place: &mut Vec<Step<'j>>,
        step: Step<'j>,
        json: &'j Json<'j>,
        problems: &mut Vec<Problem>,
    ) -> Option<Json<'j>> {
        place.push(step);
        let readable = self.narrow(place, json, problems);
        place.pop();
        readable
    }

    fn read(&self, place: &[Step<'_>], json: &Json<'_>) -> Result<(), Error> {
        let body = place
            .iter()
            .rev()
            .fold(json.clone(), |inner, step| match step {
                Step::Member(name) => Json::Object(vec![(Cow::Borrowed(*name), inner)]),
                Step::Element(_) => Json::Array(vec![inner]),
            });
        from_client(self.registry, self.resource_type, &body, Mode::Lenient).map(drop)
    }
}

/// The place as RFC 6901 writes it.
fn pointer(place: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in place {
        pointer.push('/');
        match step {
            Step::Member(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Step::Element(at) => pointer.push_str(&at.to_string()),
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scim::schema::USER;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::standard().unwrap());

    /// Attribute and pointer of each problem.
    fn problems(body: &Value) -> Vec<(String, String)> {
        let user = REGISTRY.core().user;
        let (problems, _) = validate(&REGISTRY, user, &body.to_string(), false);
        let of = |problem: Problem| {
            let attribute = problem.attribute.unwrap_or_default();
            (attribute, problem.pointer.unwrap_or_default())
        };
        problems.into_iter().map(of).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        expected.iter().map(own).collect()
    }

    #[test]
    fn each_wrong_value_is_found_at_its_place_and_what_is_missing_besides() {
        let body = json!({
            "schemas": [USER],
            "active": "perhaps",
            "emails": [{ "value": "a@b.example" }, { "value": {}, "primary": 7 }, 3],
            "name": { "givenName": ["a", "b"], "familyName": "F" },
        });
        assert_eq!(
            problems(&body),
            pairs(&[
                ("active", "/active"),
                ("emails.primary", "/emails/1/primary"),
                ("emails.value", "/emails/1/value"),
                ("emails", "/emails/2"),
                ("name.givenName", "/name/givenName"),
                ("userName", ""),
            ])
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_missing() {
        assert_eq!(
            problems(&json!({ "userName": { "a": 1 } })),
            pairs(&[("userName", "/userName")])
        );
    }

    #[test]
    fn what_is_no_resource_is_one_problem() {
        for body in [json!([]), json!(7), json!("userName")] {
            assert_eq!(problems(&body), pairs(&[("", "")]), "{body}");
        }
        let user = REGISTRY.core().user;
        let (problems, _) = validate(&REGISTRY, user, "{", false);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn the_list_of_problems_is_bounded() {
        let emails: Vec<Value> = (0..10_000).map(|n| json!(n)).collect();
        assert_eq!(problems(&json!({ "emails": emails })).len(), MAX_PROBLEMS);
    }

    const NAMES: [&str; 7] = [
        "userName",
        "emails",
        "value",
        "primary",
        "name",
        "givenName",
        "active",
    ];

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z~/\"]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let object = proptest::collection::hash_map(
                proptest::sample::select(&NAMES[..]),
                inner.clone(),
                0..4,
            );
            prop_oneof![
                proptest::collection::vec(inner, 0..3).prop_map(Value::from),
                object.prop_map(|map| map
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_first_problem_is_one_of_all(body in any_json()) {
            let user = REGISTRY.core().user;
            let (all, resource) = validate(&REGISTRY, user, &body.to_string(), false);
            let (first, same) = validate(&REGISTRY, user, &body.to_string(), true);
            prop_assert_eq!(&resource, &same);
            prop_assert_eq!(all.is_empty(), resource.is_some());
            prop_assert_eq!(first.len(), usize::from(resource.is_none()));
            for problem in first {
                prop_assert!(
                    all.iter().any(|p| p.detail == problem.detail),
                    "{:?} is not among {:?}", problem, all
                );
            }
        }
    }
}
