//! RFC 7644 §3.5.2.3.

use super::*;

#[test]
fn sets_an_attribute_whether_it_is_there_or_not() {
    assert_eq!(
        after(
            &json!([{"op": "replace", "path": "title", "value": "Chief"},
                      {"op": "replace", "path": "nickName", "value": "Babs"}])
        ),
        barbara_with(|b| {
            b["title"] = json!("Chief");
            b["nickName"] = json!("Babs");
        })
    );
}

#[test]
fn replaces_the_given_sub_attributes_and_keeps_the_others() {
    let expected = barbara_with(|b| b["name"]["familyName"] = json!("Smith"));
    for operation in [
        json!({"op": "replace", "path": "name", "value": {"familyName": "Smith"}}),
        json!({"op": "replace", "path": "name.familyName", "value": "Smith"}),
        json!({"op": "replace", "value": {"name": {"familyName": "Smith"}}}),
    ] {
        assert_eq!(after(&json!([operation])), expected, "{operation}");
    }
}

#[test]
fn an_empty_sub_attribute_within_an_object_is_cleared() {
    assert_eq!(
        after(&json!([{"op": "replace", "path": "name",
            "value": {"familyName": null, "middleName": "J"}}])),
        barbara_with(|b| b["name"] = json!({"givenName": "Barbara", "middleName": "J"}))
    );
}

#[test]
fn replaces_a_list_as_a_whole() {
    assert_eq!(
        after(&json!([{"op": "replace", "path": "emails", "value": [{"value": "x@x"}]}])),
        barbara_with(|b| b["emails"] = json!([{"value": "x@x"}]))
    );
}

#[test]
fn replacing_by_nothing_removes() {
    for nothing in [json!(null), json!([]), json!("")] {
        assert_eq!(
            after(
                &json!([{"op": "replace", "path": "title", "value": nothing},
                          {"op": "replace", "value": {"emails": nothing}}])
            ),
            barbara_with(|b| {
                b["title"] = json!(null);
                b["emails"] = json!(null);
            }),
            "{nothing}"
        );
    }
}

#[test]
fn what_is_required_cannot_become_empty() {
    for value in [json!(null), json!("")] {
        let error = refused(&json!([{"op": "replace", "path": "userName", "value": value}]));
        assert!(matches!(error, Error::Required { .. }), "{error}");
    }
}

#[test]
fn a_selected_element_is_replaced_and_stays_the_selected_one() {
    assert_eq!(
        after(
            &json!([{"op": "replace", "path": "emails[type eq \"home\"]",
            "value": {"value": "new@home.example"}}])
        ),
        barbara_with(|b| b["emails"][1] = json!({"value": "new@home.example", "type": "home"}))
    );
}

#[test]
fn a_sub_attribute_of_selected_elements_is_replaced() {
    assert_eq!(
        after(&json!([{"op": "replace",
            "path": "emails[type eq \"home\" or type eq \"work\"].display", "value": "x"}])),
        barbara_with(|b| {
            b["emails"][0]["display"] = json!("x");
            b["emails"][1]["display"] = json!("x");
        })
    );
    assert_eq!(
        after(&json!([{"op": "replace", "path": "emails.display", "value": "x"}])),
        barbara_with(|b| {
            b["emails"][0]["display"] = json!("x");
            b["emails"][1]["display"] = json!("x");
        })
    );
}

#[test]
fn a_filter_that_selects_nothing_is_no_target() {
    for path in [
        "emails[value ew \"@nowhere\"].display",
        "emails[type eq \"x\" or type eq \"y\"]",
        "emails[not (type pr)].value",
        // An empty text is no value, so no element can have it.
        "emails[type eq \"\"].value",
    ] {
        for op in ["add", "replace"] {
            let value = if path.ends_with(']') {
                json!({"value": "x"})
            } else {
                json!("x")
            };
            let error = refused(&json!([{"op": op, "path": path, "value": value}]));
            assert!(
                matches!(error, Error::NothingSelected { .. }),
                "{path}: {error}"
            );
        }
    }
}

#[test]
fn the_newest_primary_wins_over_several_operations() {
    let home = json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true});
    assert_eq!(
        after(&json!([home])),
        barbara_with(|b| {
            b["emails"][0]["primary"] = json!(false);
            b["emails"][1]["primary"] = json!(true);
        })
    );
    let work = json!({"op": "replace", "path": "emails[type eq \"work\"].primary", "value": true});
    assert_eq!(
        after(&json!([home, work])),
        barbara_with(|b| b["emails"][1]["primary"] = json!(false))
    );
}

#[test]
fn another_reference_drops_what_described_the_old_one() {
    assert_eq!(
        after(&json!([{"op": "replace", "path": "manager", "value": {"value": "m-2"}}])),
        barbara_with(|b| b[ENTERPRISE_USER]["manager"] = json!({"value": "m-2"}))
    );
    assert_eq!(
        after(&json!([{"op": "replace", "path": "manager",
            "value": {"$ref": "../Users/m-2", "value": "m-2"}}])),
        barbara_with(|b| {
            b[ENTERPRISE_USER]["manager"] = json!({"value": "m-2", "$ref": "../Users/m-2"});
        })
    );
}

#[test]
fn read_only_attributes_are_refused_by_path_and_ignored_within_values() {
    for path in ["id", "meta.created", "groups", "manager.displayName"] {
        let error = refused(&json!([{"op": "replace", "path": path, "value": "x"}]));
        assert!(matches!(error, Error::NotMutable { .. }), "{path}: {error}");
        let error = refused(&json!([{"op": "remove", "path": path}]));
        assert!(matches!(error, Error::NotMutable { .. }), "{path}: {error}");
    }
    let value = json!({"meta": {"created": "x"}, "groups": [{"value": "g"}],
        "manager": {"displayName": "M"}});
    assert_eq!(
        after(&json!([{"op": "replace", "value": value}])),
        barbara_with(|_| ())
    );
}

#[test]
fn immutable_attributes_are_written_once() {
    let schema = r#"{"id": "urn:x", "name": "X", "attributes": [
        {"name": "badge", "type": "string", "mutability": "immutable"}]}"#;
    let registry = crate::filter::tests::with_extension(schema);
    let user = registry.core().user;
    let set = |before: &Json, operation: Json| {
        patched(&registry, user, before, &json!({"Operations": [operation]}))
    };
    let with_badge = json!({"userName": "a", "urn:x": {"badge": "1"}});
    let to = |badge| json!({"op": "replace", "path": "urn:x:badge", "value": badge});
    assert_eq!(
        set(&json!({"userName": "a"}), to("1")).unwrap().0,
        with_badge
    );
    assert!(!set(&with_badge, to("1")).unwrap().1);
    for operation in [to("2"), json!({"op": "remove", "path": "badge"})] {
        let error = inner(set(&with_badge, operation).unwrap_err());
        assert!(matches!(error, Error::NotMutable { .. }), "{error}");
    }
}

#[test]
fn a_member_list_may_change_although_its_elements_are_immutable() {
    assert_eq!(
        group_after(&json!([{"op": "replace", "path": "members", "value": [{"value": "c"}]}]))["members"],
        json!([{"value": "c"}])
    );
}

#[test]
fn a_text_is_not_copied_beyond_what_a_record_can_hold() {
    let mails: Vec<_> = (0..2_000)
        .map(|n| json!({"value": n.to_string(), "type": "work"}))
        .collect();
    let before = json!({"userName": "u", "emails": mails});
    let text = "x".repeat(1_100);
    for (path, value) in [
        ("emails[type eq \"work\"].display", json!(text)),
        ("emails.display", json!(text)),
        (
            "emails[type eq \"work\"]",
            json!({"type": "work", "display": text}),
        ),
    ] {
        let operation = json!({"op": "replace", "path": path, "value": value});
        let error = inner(user_after(&before, &json!([operation])).unwrap_err());
        assert!(
            matches!(error, Error::ChangeTooLarge { .. }),
            "{path}: {error}"
        );
        assert_eq!(error.status(), 413);
    }
    let short = json!([{"op": "replace", "path": "emails.display", "value": "x"}]);
    assert!(user_after(&before, &short).is_ok());
}
