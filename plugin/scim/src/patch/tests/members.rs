//! Changes of members that need not know the others.

use super::super::{Member, MemberChange};
use super::*;

fn changes(operations: &Json) -> Option<Vec<MemberChange>> {
    let registry = Registry::standard().unwrap();
    let request = json!({"Operations": operations});
    let patch = parsed(&registry, registry.core().group, &request).unwrap();
    patch.member_changes(&registry)
}

fn member(value: &str, display: Option<&str>) -> MemberChange {
    MemberChange::Add(Member {
        value: value.to_owned(),
        kind: None,
        display: display.map(str::to_owned),
        reference: None,
    })
}

fn removed(value: &str) -> MemberChange {
    MemberChange::Remove(value.to_owned())
}

#[test]
fn named_members_are_added_and_removed_without_the_list() {
    assert_eq!(
        changes(&json!([
            {"op": "add", "path": "members", "value": [{"value": "a", "display": "A"}, {"value": "b"}]},
            {"op": "remove", "path": "members[value eq \"c\"]"},
            {"op": "remove", "path": "members[value eq \"d\" or value eq \"e\"]"},
            {"op": "Remove", "path": "members", "value": [{"value": "f"}, {"value": "g"}]},
            {"op": "remove", "path": "members[value eq \"h\"].value"},
            {"op": "replace", "path": "displayName", "value": "x"},
            {"op": "add", "value": {"members": [{"value": "i"}], "externalId": "y"}},
        ])),
        Some(vec![
            member("a", Some("A")),
            member("b", None),
            removed("c"),
            removed("d"),
            removed("e"),
            removed("f"),
            removed("g"),
            removed("h"),
            member("i", None),
        ])
    );
}

#[test]
fn what_depends_on_the_list_needs_it() {
    for operation in [
        json!({"op": "replace", "path": "members", "value": [{"value": "a"}]}),
        json!({"op": "replace", "path": "members", "value": null}),
        json!({"op": "remove", "path": "members"}),
        json!({"op": "remove", "path": "members[type eq \"User\"]"}),
        json!({"op": "remove", "path": "members[value eq \"a\"].display"}),
        json!({"op": "replace", "path": "members[value eq \"a\"].display", "value": "x"}),
        json!({"op": "replace", "value": {"members": [{"value": "a"}]}}),
    ] {
        assert_eq!(changes(&json!([operation])), None, "{operation}");
    }
}

#[test]
fn operations_elsewhere_leave_the_members_alone() {
    assert_eq!(
        changes(&json!([{"op": "replace", "path": "displayName", "value": "x"}])),
        Some(Vec::new())
    );
}

#[test]
fn a_group_without_its_members_takes_the_other_operations() {
    let registry = Registry::standard().unwrap();
    let group = registry.core().group;
    let request = json!({"Operations": [
        {"op": "add", "path": "members", "value": [{"value": "z"}]},
        {"op": "replace", "path": "displayName", "value": "New"}]});
    let patch = parsed(&registry, group, &request).unwrap();
    let mut before = resource(&registry, group, &json!({"displayName": "Old"}));
    assert_eq!(
        patch.apply_besides_members(&registry, &mut before),
        Ok(true)
    );
    assert_eq!(before.text(registry.core().group_display_name), Some("New"));
    assert_eq!(before.get(registry.core().members), None);
}

#[test]
fn a_member_without_value_is_nobody() {
    let registry = Registry::standard().unwrap();
    let request =
        json!({"Operations": [{"op": "add", "path": "members", "value": [{"display": "x"}]}]});
    let error = inner(parsed(&registry, registry.core().group, &request).unwrap_err());
    assert!(matches!(error, Error::Required { .. }), "{error}");
}

#[test]
fn long_lists_do_not_take_the_square_of_their_length() {
    let registry = Registry::standard().unwrap();
    let group = registry.core().group;
    let members: Vec<Json> = (0..20_000)
        .map(|n| json!({"value": format!("m{n}")}))
        .collect();
    let before = json!({"displayName": "g", "members": members});
    let started = std::time::Instant::now();
    let add = json!({"Operations": [{"op": "add", "path": "members", "value": members}]});
    let (_, changed) = patched(&registry, group, &before, &add).unwrap();
    assert!(!changed);
    let remove = json!({"Operations": [{"op": "remove", "path": "members", "value": members}]});
    let (after, _) = patched(&registry, group, &before, &remove).unwrap();
    assert_eq!(after.get("members"), None);
    assert!(started.elapsed().as_secs() < 5);
}
