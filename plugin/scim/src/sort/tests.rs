use super::*;
use crate::Mode;
use crate::json::{MAX_DEPTH, parse};
use crate::resource::from_client;
use crate::schema::ENTERPRISE_USER;
use crate::schema::fixture::{EXTENSION, REGISTRY};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn by(name: &str) -> Result<SortBy, Error> {
    SortBy::parse(&REGISTRY, REGISTRY.core().user, name)
}

fn key(name: &str, user: &Json) -> Option<Key> {
    let text = user.to_string();
    let body = parse(text.as_bytes(), MAX_DEPTH).unwrap();
    let user = from_client(&REGISTRY, REGISTRY.core().user, &body, Mode::Lenient).unwrap();
    by(name).unwrap().key(&user)
}

/// Asserts that users with these values stand in this order.
#[track_caller]
fn ascends(name: &str, users: &[Json]) {
    let keys: Vec<_> = users.iter().map(|user| key(name, user)).collect();
    for pair in keys.windows(2) {
        let (a, b) = (pair[0].as_ref(), pair[1].as_ref());
        assert_eq!(
            SortOrder::Ascending.compare(a, b),
            Ordering::Less,
            "{pair:?}"
        );
        assert_eq!(SortOrder::Descending.compare(a, b), Ordering::Greater);
    }
}

fn names(names: &[&str]) -> Vec<Json> {
    let users = names.iter();
    users.map(|name| json!({"displayName": name})).collect()
}

#[test]
fn who_has_no_value_is_last_ascending_and_first_descending() {
    ascends(
        "title",
        &[json!({"title": "a"}), json!({"title": "b"}), json!({})],
    );
}

#[test]
fn case_counts_as_the_attribute_says() {
    ascends("displayName", &names(&["alice", "Bob", "carol"]));
    let same = names(&["ALICE", "alice"]);
    assert_eq!(key("displayName", &same[0]), key("displayName", &same[1]));
    ascends(
        "externalId",
        &[json!({"externalId": "B"}), json!({"externalId": "a"})],
    );
}

#[test]
fn letters_with_accents_stand_with_their_letters() {
    ascends(
        "displayName",
        &names(&["Emil", "Émile", "Emma", "zoë", "Ζωή"]),
    );
    ascends("displayName", &names(&["resume", "résumé", "resumed"]));
}

#[test]
fn types_have_their_own_order() {
    let of = |name: &str, values: &[Json]| -> Vec<Json> {
        let values = values.iter();
        values
            .map(|value| json!({EXTENSION: {name: value}}))
            .collect()
    };
    let named = |name: &str| format!("{EXTENSION}:{name}");
    ascends(
        "active",
        &[json!({"active": false}), json!({"active": true})],
    );
    ascends(
        &named("count"),
        &of("count", &[json!(-10), json!(-9), json!(2), json!(10)]),
    );
    let decimals = [
        json!(-1e300),
        json!(-2.5),
        json!(-1e-9),
        json!(0),
        json!(1e-9),
        json!(2.5),
        json!(10),
    ];
    ascends(&named("ratio"), &of("ratio", &decimals));
    let instants = [
        json!("2026-11-24T23:59:59+14:00"),
        json!("2026-11-24T10:00:00Z"),
        json!("2026-11-24T10:00:00.001"),
        json!("2026-11-24T01:00:00-12:00"),
    ];
    ascends(&named("since"), &of("since", &instants));
}

#[test]
fn negative_zero_is_zero() {
    assert_eq!(in_order(-0.0), in_order(0.0));
}

#[test]
fn of_several_values_the_primary_one_or_else_the_first_counts() {
    let user = json!({"emails": [{"value": "b@x", "type": "home"},
        {"value": "A@x", "primary": true}]});
    let a = key("userName", &json!({"userName": "a@X"}));
    assert_eq!(key("emails", &user), a);
    assert_eq!(key("emails.value", &user), a);
    // The primary one has no type.
    assert_eq!(key("emails.type", &user), None);
    let user = json!({"emails": [{"value": "a@x"}, {"value": "b@x"}]});
    assert_eq!(key("emails", &user), a);
    let user = json!({EXTENSION: {"tags": ["a@x", "0"]}});
    assert_eq!(key("tags", &user), a);
}

#[test]
fn any_way_to_name_an_attribute_will_do() {
    let user = json!({"name": {"familyName": "f"}, ENTERPRISE_USER: {"department": "f",
        "manager": {"value": "f", "displayName": "f"}}});
    for name in [
        "name.familyName",
        "NAME.FAMILYNAME",
        "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:Department",
        "department",
        &format!("{ENTERPRISE_USER}:manager"),
        &format!("{ENTERPRISE_USER}:manager.value"),
    ] {
        let expected = Some(Key::Text(Collation::of("f", true)));
        assert_eq!(key(name, &user), expected, "{name}");
    }
}

#[test]
fn what_is_computed_has_a_key_all_the_same() {
    let key = key("schemas", &json!({}));
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    assert_eq!(key, Some(Key::Text(Collation::of(urn, true))));
    let meta = by("meta.lastModified").unwrap();
    assert!(meta.mentions(REGISTRY.core().meta));
    assert!(!meta.mentions(REGISTRY.core().emails));
}

#[test]
fn what_cannot_be_sorted_by_is_refused() {
    for name in [
        "hobbies",
        "userName.x",
        "members",
        "urn:x:userName",
        "name",
        "meta",
        "addresses",
        ENTERPRISE_USER,
        "emails[primary eq true].value",
    ] {
        let error = by(name).unwrap_err();
        assert_eq!(error.status(), 400, "{name}");
        assert!(error.to_string().contains("sortBy"), "{error}");
    }
}

#[test]
fn nothing_is_sorted_by_what_is_secret() {
    for name in [
        "password",
        &format!("{EXTENSION}:secret"),
        &format!("{EXTENSION}:box.hidden"),
    ] {
        let attribute = name.to_owned();
        assert_eq!(by(name).unwrap_err(), Error::Secret { attribute });
    }
}

/// The order of two users by a dotted name, found over JSON: `None` where one
/// has no value and the other one has.
fn slowly(name: &str, a: &Json, b: &Json) -> Ordering {
    let value = |user: &Json| {
        let mut at = user.clone();
        for part in name.split('.') {
            at = at[part].clone();
            if let Some(elements) = at.as_array() {
                let primary = elements.iter().find(|e| e["primary"] == true);
                at = primary.or(elements.first()).cloned().unwrap_or_default();
            }
        }
        match at {
            Json::String(text) if name == "externalId" => text,
            Json::String(text) => fold(&text).into_owned(),
            Json::Bool(flag) => flag.to_string(),
            _ => String::new(),
        }
    };
    let (a, b) = (value(a), value(b));
    match (a.is_empty(), b.is_empty()) {
        (false, false) => a.cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

fn some_user() -> impl Strategy<Value = Json> {
    let text = || "[abABz]{1,3}";
    let email = (proptest::option::of(text()), any::<bool>());
    let email =
        email.prop_map(|(value, primary)| json!({"type": "x", "value": value, "primary": primary}));
    (
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(any::<bool>()),
        proptest::collection::vec(email, 0..3),
    )
        .prop_map(|(external_id, given_name, active, emails)| {
            json!({"externalId": external_id, "name": {"givenName": given_name},
                "active": active, "emails": emails})
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_order_is_that_of_a_slow_and_obvious_sort(
        users in proptest::collection::vec(some_user(), 0..12),
        name in proptest::sample::select(vec!["externalId", "name.givenName", "active", "emails.value"]),
        descending in any::<bool>(),
    ) {
        let order = if descending { SortOrder::Descending } else { SortOrder::Ascending };
        let mut sorted = users.clone();
        sorted.sort_by(|a, b| order.compare(key(name, a).as_ref(), key(name, b).as_ref()));

        let mut slow: Vec<Json> = Vec::new();
        for user in users {
            let before = |other: &Json| match slowly(name, other, &user) {
                Ordering::Less => !descending,
                Ordering::Equal => true,
                Ordering::Greater => descending,
            };
            let at = slow.iter().take_while(|other| before(other)).count();
            slow.insert(at, user);
        }
        prop_assert_eq!(sorted, slow);
    }

    #[test]
    fn decimals_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
        prop_assume!(!a.is_nan() && !b.is_nan());
        prop_assert_eq!(in_order(a).cmp(&in_order(b)), a.partial_cmp(&b).unwrap());
    }
}
