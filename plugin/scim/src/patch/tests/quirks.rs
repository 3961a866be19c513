//! What clients send instead of RFC 7644's PATCH.

use super::*;

#[test]
fn entra_writes_operations_in_capitals() {
    assert_eq!(
        after(&json!([{"op": "Replace", "path": "title", "value": "x"},
                      {"op": "ADD", "path": "nickName", "value": "y"},
                      {"Op": "Remove", "Path": "externalId"}])),
        barbara_with(|b| {
            b["title"] = json!("x");
            b["nickName"] = json!("y");
            b["externalId"] = json!(null);
        })
    );
}

#[test]
fn the_message_may_have_another_form() {
    let registry = Registry::standard().unwrap();
    let user = registry.core().user;
    let operation = json!({"op": "replace", "path": "title", "value": "x", "name": "setTitle"});
    let expected = barbara_with(|b| b["title"] = json!("x"));
    for request in [
        json!({"Operations": [operation], "id": ID}),
        json!({"operations": operation}),
        json!({"schemas": null, "OPERATIONS": [operation]}),
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:patchop"], "Operations": [operation]}),
        json!([operation]),
        operation.clone(),
    ] {
        let (after, _) = patched(&registry, user, &barbara(), &request).unwrap();
        assert_eq!(after, expected, "{request}");
    }
}

#[test]
fn an_empty_path_is_none() {
    for path in [json!(""), json!(null), json!(" ")] {
        assert_eq!(
            after(&json!([{"op": "replace", "path": path, "value": {"title": "x"}}])),
            barbara_with(|b| b["title"] = json!("x"))
        );
    }
}

#[test]
fn entra_names_paths_as_keys() {
    let urn = ENTERPRISE_USER;
    assert_eq!(
        after(&json!([{"op": "replace", "value": {
            "displayName": "B", "name.givenName": "Babs", "NAME.familyName": "",
            "emails[type eq \"work\"].value": "new@work.example",
            (format!("{urn}:employeeNumber")): "7",
            (format!("{urn}:manager.value")): "m-2",
            "noSuch": "ignored", "no such": 1, "noSuch[value pr].x": 2}}])),
        barbara_with(|b| {
            b["displayName"] = json!("B");
            b["name"] = json!({"givenName": "Babs"});
            b["emails"][0]["value"] = json!("new@work.example");
            b[urn]["employeeNumber"] = json!("7");
            b[urn]["manager"] = json!({"value": "m-2"});
        })
    );
}

#[test]
fn a_list_of_objects_without_path_is_taken() {
    assert_eq!(
        after(&json!([{"op": "replace", "value": [{"title": "x"}, {"active": "False"}]}])),
        barbara_with(|b| {
            b["title"] = json!("x");
            b["active"] = json!(false);
        })
    );
}

#[test]
fn okta_repeats_the_id() {
    let own = json!([{"op": "replace", "value": {"id": ID, "schemas": ["urn:x"], "title": "x"}},
                     {"op": "replace", "path": "id", "value": ID},
                     {"op": "add", "path": "schemas", "value": ["urn:x"]}]);
    assert_eq!(after(&own), barbara_with(|b| b["title"] = json!("x")));
    let error = refused(&json!([{"op": "replace", "value": {"id": "other"}}]));
    assert!(matches!(error, Error::NotMutable { .. }), "{error}");
}

#[test]
fn listed_members_are_removed_and_no_others() {
    let b = json!([{"value": "b", "display": "Bea"}]);
    for value in [
        json!([{"value": "a"}]),
        json!([{"$ref": null, "value": "a"}, {"value": "nobody"}]),
        json!({"value": "a"}),
        json!("a"),
        json!(["a"]),
    ] {
        let after = group_after(&json!([{"op": "Remove", "path": "members", "value": value}]));
        assert_eq!(after["members"], b, "{value}");
    }
}

#[test]
fn an_empty_list_removes_nobody_and_no_list_everybody() {
    let after = group_after(&json!([{"op": "Remove", "path": "members", "value": []}]));
    assert_eq!(after["members"], group()["members"]);
    for operation in [
        json!({"op": "Remove", "path": "members"}),
        json!({"op": "Remove", "path": "members", "value": null}),
        json!({"op": "Replace", "path": "members", "value": null}),
        json!({"op": "Replace", "path": "members", "value": []}),
    ] {
        assert_eq!(
            group_after(&json!([operation])).get("members"),
            None,
            "{operation}"
        );
    }
}

#[test]
fn entra_sends_a_stray_value_with_a_removal() {
    assert_eq!(
        after(&json!([
            {"op": "Remove", "path": "emails[type eq \"home\"].value", "value": "other@x"},
            {"op": "Remove", "path": "title", "value": "not the title"}])),
        barbara_with(|b| {
            b["emails"].as_array_mut().unwrap().remove(1);
            b["title"] = json!(null);
        })
    );
}

#[test]
fn a_simple_value_may_come_in_an_object_or_a_list() {
    for value in [
        json!("x"),
        json!(["x"]),
        json!({"value": "x"}),
        json!([{"$ref": null, "value": "x"}]),
    ] {
        assert_eq!(
            after(&json!([{"op": "Replace", "path": "title", "value": value}])),
            barbara_with(|b| b["title"] = json!("x")),
            "{value}"
        );
    }
}

#[test]
fn booleans_may_be_strings() {
    for value in [
        json!("False"),
        json!("false"),
        json!([false]),
        json!([{"value": "False"}]),
    ] {
        assert_eq!(
            after(&json!([{"op": "Replace", "path": "active", "value": value}])),
            barbara_with(|b| b["active"] = json!(false)),
            "{value}"
        );
    }
}

#[test]
fn a_manager_comes_in_every_form() {
    let full = format!("{ENTERPRISE_USER}:manager");
    for path in [full.as_str(), "manager", "Manager"] {
        for value in [
            json!("m-2"),
            json!({"value": "m-2"}),
            json!([{"value": "m-2"}]),
            json!(["m-2"]),
            json!({"managerId": "m-2", "displayName": "M"}),
        ] {
            assert_eq!(
                after(&json!([{"op": "Add", "path": path, "value": value}])),
                barbara_with(|b| b[ENTERPRISE_USER]["manager"] = json!({"value": "m-2"})),
                "{path} {value}"
            );
        }
        for nothing in [
            json!(""),
            json!(null),
            json!([]),
            json!({"value": ""}),
            json!({"value": null}),
        ] {
            assert_eq!(
                after(&json!([{"op": "Replace", "path": path, "value": nothing}])),
                barbara_with(|b| b[ENTERPRISE_USER]["manager"] = json!(null)),
                "{path} {nothing}"
            );
        }
    }
}

#[test]
fn adding_nothing_changes_nothing() {
    for nothing in [json!(null), json!(""), json!([]), json!([null])] {
        for path in [
            "title",
            "emails",
            "manager",
            "userName",
            "emails[type eq \"fax\"].value",
        ] {
            assert_eq!(
                after(&json!([{"op": "Add", "path": path, "value": nothing}])),
                barbara_with(|_| ()),
                "{path} {nothing}"
            );
        }
    }
}

#[test]
fn entra_expects_a_missing_element_to_be_made_once() {
    let before = json!({"userName": "a"});
    let operations = json!([
        {"op": "add", "path": "addresses[type eq \"work\"].formatted", "value": "f"},
        {"op": "replace", "path": "addresses[type eq \"work\"].locality", "value": "l"},
        {"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Pilot"},
        {"op": "Replace", "path": "roles[primary eq \"True\"].display", "value": "Harbour pilot"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"]", "value": "123"}]);
    assert_eq!(
        user_after(&before, &operations).unwrap(),
        json!({"userName": "a",
            "addresses": [{"type": "work", "formatted": "f", "locality": "l"}],
            "roles": [{"primary": true, "value": "Pilot", "display": "Harbour pilot"}],
            "phoneNumbers": [{"type": "mobile", "value": "123"}]})
    );
}

#[test]
fn a_made_element_that_is_primary_takes_it_from_the_others() {
    let path = "emails[type eq \"other\" and primary eq true].value";
    assert_eq!(
        after(&json!([{"op": "replace", "path": path, "value": "o@x"}])),
        barbara_with(|b| {
            b["emails"][0]["primary"] = json!(false);
            let new = json!({"type": "other", "primary": true, "value": "o@x"});
            b["emails"].as_array_mut().unwrap().push(new);
        })
    );
}

#[test]
fn one_object_or_text_may_stand_for_a_list() {
    for value in [json!({"value": "x@x"}), json!("x@x"), json!(["x@x"])] {
        assert_eq!(
            after(&json!([{"op": "replace", "path": "emails", "value": value}])),
            barbara_with(|b| b["emails"] = json!([{"value": "x@x"}])),
            "{value}"
        );
    }
    let after = group_after(&json!([{"op": "add", "path": "members", "value": "c"},
        {"op": "add", "path": "members", "value": [{"displayName": "D", "value": "d"}]}]));
    assert_eq!(after["members"][2], json!({"value": "c"}));
    assert_eq!(after["members"][3], json!({"value": "d", "display": "D"}));
}

#[test]
fn entra_packs_role_objects_into_a_string_which_stays_as_it_is() {
    let packed = r#"{"id":"3f0c","value":"Dredger","displayName":"Dredger"}"#;
    let after = after(&json!([{"op": "Add", "path": "roles", "value": [{"value": packed}]}]));
    assert_eq!(after["roles"], json!([{"value": packed}]));
}

#[test]
fn listed_values_of_other_attributes_are_removed_too() {
    assert_eq!(
        after(
            &json!([{"op": "remove", "path": "emails", "value": [{"value": "BJ@work.example"}]}])
        ),
        barbara_with(|b| {
            b["emails"].as_array_mut().unwrap().remove(0);
        })
    );
    let before = json!({"userName": "a", "addresses": [
        {"type": "work", "locality": "Bergen"}, {"type": "home", "locality": "Oslo"}]});
    let remove = json!([{"op": "remove", "path": "addresses", "value": [{"type": "WORK"}]}]);
    assert_eq!(
        user_after(&before, &remove).unwrap()["addresses"],
        json!([{"type": "home", "locality": "Oslo"}])
    );
}

#[test]
fn lists_of_simple_values_take_the_same_operations() {
    use crate::schema::fixture::{EXTENSION, REGISTRY};
    let tags = |tags: Json| json!({"userName": "a", (EXTENSION): {"tags": tags}});
    let path = format!("{EXTENSION}:tags");
    for (operation, expected) in [
        (
            json!({"op": "add", "path": path, "value": ["b", "c"]}),
            json!(["a", "b", "c"]),
        ),
        (
            json!({"op": "add", "path": path, "value": "c"}),
            json!(["a", "b", "c"]),
        ),
        (
            json!({"op": "replace", "path": path, "value": ["c"]}),
            json!(["c"]),
        ),
        (
            json!({"op": "remove", "path": path, "value": ["A"]}),
            json!(["b"]),
        ),
        (
            json!({"op": "remove", "path": format!("{path}[value eq \"a\"]")}),
            json!(["b"]),
        ),
        (
            json!({"op": "remove", "path": path, "value": []}),
            json!(["a", "b"]),
        ),
    ] {
        let request = json!({"Operations": [operation]});
        let user = REGISTRY.core().user;
        let (after, _) = patched(&REGISTRY, user, &tags(json!(["a", "b"])), &request).unwrap();
        assert_eq!(after, tags(expected), "{operation}");
    }
}
