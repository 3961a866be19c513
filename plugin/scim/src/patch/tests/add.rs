//! RFC 7644 §3.5.2.1.

use super::*;

#[test]
fn adds_an_attribute_or_sets_the_one_that_is_there() {
    assert_eq!(
        after(&json!([{"op": "add", "path": "nickName", "value": "Babs"},
                      {"op": "add", "path": "title", "value": "Chief"}])),
        barbara_with(|b| {
            b["nickName"] = json!("Babs");
            b["title"] = json!("Chief");
        })
    );
}

#[test]
fn merges_into_a_complex_attribute() {
    assert_eq!(
        after(&json!([{"op": "add", "path": "name", "value": {"middleName": "J"}}])),
        barbara_with(|b| b["name"]["middleName"] = json!("J"))
    );
}

#[test]
fn appends_to_a_list_of_values() {
    let other = json!({"value": "bj@other.example", "type": "other"});
    assert_eq!(
        after(&json!([{"op": "add", "path": "emails", "value": [other]}])),
        barbara_with(|b| b["emails"].as_array_mut().unwrap().push(other))
    );
}

#[test]
fn a_value_that_is_there_is_not_added_again() {
    let registry = Registry::standard().unwrap();
    let user = registry.core().user;
    for value in [
        json!([{"value": "bj@work.example", "type": "work"}]),
        json!([{"value": "BJ@work.example"}]),
        json!({"value": "bj@home.example", "type": "home", "display": "private"}),
        json!([barbara()["emails"][0], barbara()["emails"][1]]),
    ] {
        let request = json!({"Operations": [{"op": "add", "path": "emails", "value": value}]});
        let (_, changed) = patched(&registry, user, &barbara(), &request).unwrap();
        assert!(!changed, "{value}");
    }
}

#[test]
fn the_same_address_of_another_type_is_another_value() {
    let after = after(&json!([{"op": "add", "path": "emails",
        "value": [{"value": "bj@work.example", "type": "other"}]}]));
    assert_eq!(after["emails"].as_array().unwrap().len(), 3);
}

#[test]
fn a_value_that_is_there_gains_what_the_new_one_says() {
    assert_eq!(
        after(&json!([{"op": "add", "path": "emails",
            "value": [{"value": "bj@work.example", "display": "office"}]}])),
        barbara_with(|b| b["emails"][0]["display"] = json!("office"))
    );
}

#[test]
fn a_new_primary_value_takes_it_from_the_old_one() {
    let new = json!({"value": "bj@new.example", "primary": true});
    assert_eq!(
        after(&json!([{"op": "add", "path": "emails", "value": [new]}])),
        barbara_with(|b| {
            b["emails"][0]["primary"] = json!(false);
            b["emails"].as_array_mut().unwrap().push(new);
        })
    );
}

#[test]
fn two_primary_values_in_one_operation_are_refused() {
    let error = refused(&json!([{"op": "add", "path": "emails", "value": [
        {"value": "x@x", "primary": true}, {"value": "y@y", "primary": true}]}]));
    assert!(matches!(error, Error::BadValue { .. }), "{error}");
}

#[test]
fn without_a_path_each_attribute_is_added() {
    assert_eq!(
        after(&json!([{"op": "add", "value": {
            "nickName": "Babs", "name": {"middleName": "J"},
            "emails": [{"value": "bj@other.example"}]}}])),
        barbara_with(|b| {
            b["nickName"] = json!("Babs");
            b["name"]["middleName"] = json!("J");
            b["emails"]
                .as_array_mut()
                .unwrap()
                .push(json!({"value": "bj@other.example"}));
        })
    );
}

#[test]
fn a_filter_selects_the_elements_that_change() {
    assert_eq!(
        after(&json!([
            {"op": "add", "path": "emails[type eq \"work\"]", "value": {"display": "office"}},
            {"op": "add", "path": "emails[type eq \"home\"].display", "value": "home"}])),
        barbara_with(|b| {
            b["emails"][0]["display"] = json!("office");
            b["emails"][1]["display"] = json!("home");
        })
    );
}

#[test]
fn extensions_are_reached_by_every_form_of_path() {
    let expected = barbara_with(|b| b[ENTERPRISE_USER]["division"] = json!("North"));
    for operation in [
        json!({"op": "add", "path": format!("{ENTERPRISE_USER}:division"), "value": "North"}),
        json!({"op": "add", "path": ENTERPRISE_USER, "value": {"division": "North"}}),
        json!({"op": "add", "value": {(ENTERPRISE_USER): {"division": "North"}}}),
        json!({"op": "add", "value": {(format!("{ENTERPRISE_USER}:division")): "North"}}),
        json!({"op": "add", "path": "division", "value": "North"}),
    ] {
        assert_eq!(after(&json!([operation])), expected, "{operation}");
    }
}

#[test]
fn the_core_schema_may_be_named() {
    let urn = crate::schema::USER;
    let expected = barbara_with(|b| b["nickName"] = json!("Babs"));
    for operation in [
        json!({"op": "add", "path": format!("{urn}:nickName"), "value": "Babs"}),
        json!({"op": "add", "path": urn, "value": {"nickName": "Babs"}}),
        json!({"op": "add", "value": {(urn): {"nickName": "Babs"}}}),
    ] {
        assert_eq!(after(&json!([operation])), expected, "{operation}");
    }
}

#[test]
fn a_wrong_type_names_the_attribute() {
    let error = refused(&json!([{"op": "add", "path": "name.givenName", "value": {"x": 1}}]));
    assert!(
        matches!(&error, Error::WrongType { attribute, .. } if attribute == "name.givenName"),
        "{error}"
    );
}

#[test]
fn a_list_grows_up_to_its_bound() {
    let mails = |from: usize, count: usize| -> Vec<Json> {
        let mails = (from..from + count).map(|n| json!({"value": n.to_string(), "type": "work"}));
        mails.collect()
    };
    let full = json!({"userName": "u", "emails": mails(0, 2_000)});
    let one_more = json!({"op": "add", "path": "emails", "value": mails(2_000, 1)});
    let one_again = json!({"op": "add", "path": "emails", "value": mails(1, 1)});
    let made = json!({"op": "add", "path": "emails[type eq \"fax\"].value", "value": "x"});
    let title = json!({"op": "replace", "path": "title", "value": "x"});
    for operations in [
        json!([one_more]),
        json!([title, one_more]),
        json!([made]),
        json!([{"op": "replace", "path": "emails", "value": mails(0, 2_001)}]),
    ] {
        let error = inner(user_after(&full, &operations).unwrap_err()).to_string();
        assert!(error.contains("at most 2000 values"), "{error}");
    }
    assert_eq!(user_after(&full, &json!([one_again])).unwrap(), full);
}
