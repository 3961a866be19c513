//! RFC 7644 §3.5.2.2.

use super::*;

#[test]
fn removes_an_attribute_or_a_sub_attribute() {
    assert_eq!(
        after(&json!([{"op": "remove", "path": "title"},
                      {"op": "remove", "path": "name.familyName"}])),
        barbara_with(|b| {
            b["title"] = json!(null);
            b["name"] = json!({"givenName": "Barbara"});
        })
    );
}

#[test]
fn a_path_is_needed() {
    for path in [json!(null), json!(""), json!("  ")] {
        let error = refused(&json!([{"op": "remove", "path": path}]));
        assert_eq!(error, Error::RemoveWithoutPath);
    }
}

#[test]
fn what_is_required_cannot_be_removed() {
    let error = refused(&json!([{"op": "remove", "path": "userName"}]));
    assert!(matches!(error, Error::NotMutable { .. }), "{error}");
    assert_eq!(error.scim_type(), Some(crate::ScimType::Mutability));
}

#[test]
fn what_is_not_there_is_removed_with_success() {
    for path in [
        "nickName",
        "name.middleName",
        "addresses",
        "emails[type eq \"other\"]",
        "emails[value sw \"zz\"].display",
        "phoneNumbers[type eq \"fax\"].value",
        "costCenter",
    ] {
        assert_eq!(
            after(&json!([{"op": "remove", "path": path}])),
            barbara_with(|_| ()),
            "{path}"
        );
    }
}

#[test]
fn removes_selected_elements() {
    assert_eq!(
        after(&json!([{"op": "remove", "path": "emails[type eq \"work\"]"}])),
        barbara_with(|b| {
            b["emails"].as_array_mut().unwrap().remove(0);
        })
    );
}

#[test]
fn the_last_element_takes_the_list_with_it() {
    assert_eq!(
        after(&json!([{"op": "remove", "path": "emails[type pr]"}])),
        barbara_with(|b| b["emails"] = json!(null))
    );
}

#[test]
fn removes_a_sub_attribute_of_selected_elements() {
    assert_eq!(
        after(&json!([{"op": "remove", "path": "emails[type eq \"home\"].display"}])),
        barbara_with(|b| b["emails"][1]["display"] = json!(null))
    );
}

#[test]
fn an_element_goes_with_its_value() {
    assert_eq!(
        after(&json!([{"op": "remove", "path": "emails[type eq \"home\"].value"}])),
        barbara_with(|b| {
            b["emails"].as_array_mut().unwrap().remove(1);
        })
    );
    assert_eq!(
        after(&json!([{"op": "remove", "path": "manager.value"}])),
        barbara_with(|b| b[ENTERPRISE_USER]["manager"] = json!(null))
    );
}

#[test]
fn an_element_with_a_label_only_goes() {
    let before = json!({"userName": "a", "addresses": [
        {"type": "work", "locality": "Bergen", "primary": true}, {"type": "home", "locality": "Oslo"}]});
    let operations = json!([{"op": "remove", "path": "addresses[type eq \"work\"].locality"}]);
    assert_eq!(
        user_after(&before, &operations).unwrap()["addresses"],
        json!([{"type": "home", "locality": "Oslo"}])
    );
}

#[test]
fn an_extension_goes_with_its_last_attribute() {
    let after = after(&json!([
        {"op": "remove", "path": format!("{ENTERPRISE_USER}:department")},
        {"op": "remove", "path": "manager"}]));
    assert_eq!(after.get(ENTERPRISE_USER), None);
    let whole = super::after(&json!([{"op": "remove", "path": ENTERPRISE_USER}]));
    assert_eq!(whole, after);
}
