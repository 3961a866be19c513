//! Users, groups and sessions as an administrator sees them, page by page.

use crate::support::World;
use serde_json::{Value, json};

fn get(world: &World, path: &str) -> Value {
    let reply = world.admin("GET", &format!("/tenants/acme{path}")).send();
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.body
}

/// What all pages of a list show of each entry.
fn walk(world: &World, path: &str, list: &str, name: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(world, &format!("{path}{after}"));
        let entries = page[list].as_array().unwrap();
        found.extend(
            entries
                .iter()
                .map(|one| one[name].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

#[test]
fn a_user_is_shown_with_groups_and_the_same_decision_as_the_network_gets() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let (guard, _) = world.token("acme", &["access"]);
    let made = world
        .scim("POST", "/Users")
        .bearer(&token)
        .body(&json!({"userName": "ada@example.com", "displayName": "Ada",
            "name": {"givenName": "Ada", "familyName": "Lovelace"}, "password": "canary",
            "emails": [{"value": "home@example.com", "type": "home"}, {"value": "ada@example.com", "type": "work"}],
            "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}, {"value": "+44 7700 900000", "type": "mobile"}]}))
        .send();
    let ada = made.body["id"].as_str().unwrap();
    let staff = world.group(&token, "Staff", &[ada]);
    let all = world.group(&token, "All", &[&staff]);
    world.policy(
        "Staff",
        &json!({"name": "corporate", "priority": 1, "vlan": 100}),
    );
    world.policy(
        "All",
        &json!({"name": "basic", "vlan": 1, "sessionTimeout": 3_600}),
    );
    let seen = get(&world, &format!("/users/{ada}"));
    assert_eq!(get(&world, "/users")["users"], json!([seen]));
    let decided = world
        .access("GET", "/users/ada@example.com")
        .bearer(&guard)
        .send();
    let expected = json!({"id": ada, "userName": "ada@example.com", "givenName": "Ada",
        "familyName": "Lovelace", "displayName": "Ada", "workMail": "ada@example.com",
        "mobilePhone": "+44 7700 900000", "active": true, "allowed": true,
        "groups": [{"id": staff, "displayName": "Staff", "type": "direct"},
            {"id": all, "displayName": "All", "type": "indirect"}],
        "policy": decided.body["policy"], "decision": decided.body["decision"]});
    assert_eq!(seen, expected);
    assert_eq!(seen["policy"]["sources"]["sessionTimeout"], "basic");

    let inactive = json!({"op": "replace", "path": "active", "value": false});
    world.patch(&token, &format!("/Users/{ada}"), &inactive);
    let seen = get(&world, &format!("/users/{ada}"));
    assert_eq!(
        (&seen["active"], &seen["allowed"], &seen["denial"]),
        (&json!(false), &json!(false), &json!("inactive"))
    );
    assert_eq!(
        (seen.get("policy"), seen["groups"].as_array().unwrap().len()),
        (None, 2)
    );
    let bob = world.user(&token, "bob");
    let seen = get(&world, &format!("/users/{bob}"));
    assert_eq!(
        (&seen["denial"], &seen["groups"]),
        (&json!("noPolicy"), &json!([]))
    );
    assert_eq!(
        seen["reason"],
        "The user or device is in no group that has a policy."
    );
    world.delete(&token, &format!("/Users/{bob}"));
    for id in [bob.as_str(), "none", "..%2Fgroup%2Fx"] {
        let path = format!("/tenants/acme/users/{id}");
        assert_eq!(world.admin("GET", &path).send().status, 404, "{id}");
    }
}

#[test]
fn users_have_pages_and_are_found_by_the_beginning_of_their_name() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let names = ["Émile", "bob", "alice", "ALfred", "a/b", "carol"];
    let ids: Vec<String> = names.map(|name| world.user(&token, name)).to_vec();
    let (theirs, _) = world.token("other", &["scim"]);
    world.user(&theirs, "alien");
    assert_eq!(walk(&world, "/users?count=2", "users", "id"), ids);
    assert_eq!(walk(&world, "/users?", "users", "userName"), names);
    for (search, found) in [
        ("al", vec!["ALfred", "alice"]),
        ("AL", vec!["ALfred", "alice"]),
        ("a", vec!["a/b", "ALfred", "alice"]),
        ("a%2F", vec!["a/b"]),
        ("%C3%A9", vec!["Émile"]),
        ("x", vec![]),
        ("", vec!["a/b", "ALfred", "alice", "bob", "carol", "Émile"]),
    ] {
        for count in [1, 2, 200] {
            let path = format!("/users?search={search}&count={count}");
            assert_eq!(walk(&world, &path, "users", "userName"), found, "{path}");
        }
    }
    for query in [
        "count=0",
        "count=201",
        "search=a&search=b",
        "search=al&after=bob",
        "startIndex=1",
        "search=%ff",
    ] {
        let path = format!("/tenants/acme/users?{query}");
        assert_eq!(world.admin("GET", &path).send().status, 400, "{query}");
    }
}

#[test]
fn a_page_costs_the_store_as_many_calls_whatever_is_on_it() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let ids: Vec<String> = (0..100)
        .map(|n| world.user(&token, &format!("u{n}")))
        .collect();
    for n in 0..3 {
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        world.group(&token, &format!("g{n}"), &members);
        world.policy(&format!("g{n}"), &json!({"name": "p"}));
    }
    let cost = |path: &str| {
        let before = world.kv.calls();
        get(&world, path);
        world.kv.calls() - before
    };
    for (path, list) in [("/users?count=", 8), ("/groups?count=", 5)] {
        let (one, all) = (cost(&format!("{path}1")), cost(&format!("{path}200")));
        assert_eq!(one, all, "{path}");
        assert!(all <= list, "{path}: {all}");
    }
}

#[test]
fn groups_tell_how_many_members_they_have_and_which_policy() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let ids: Vec<String> = (0..3)
        .map(|n| world.user(&token, &format!("u{n}")))
        .collect();
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let staff = world.group(&token, "Staff", &members);
    let all = world.group(&token, "All", &[&staff, &ids[0]]);
    world.policy("Staff", &json!({"name": "corporate", "vlan": 100}));
    world.policy("all", &json!({"name": "of another group"}));
    assert_eq!(
        get(&world, "/groups"),
        json!({"groups": [
            {"id": staff, "displayName": "Staff", "members": 3,
                "policy": {"name": "corporate", "priority": 100, "vlan": 100}},
            {"id": all, "displayName": "All", "members": 2}]})
    );
    assert_eq!(
        walk(&world, "/groups?count=1", "groups", "id"),
        [staff, all]
    );
    for query in ["count=x", "search=a", "after=%zz"] {
        let path = format!("/tenants/acme/groups?{query}");
        assert_eq!(world.admin("GET", &path).send().status, 400, "{query}");
    }
}

#[test]
fn sessions_have_pages() {
    let world = World::new();
    let (token, _) = world.token("acme", &["scim"]);
    let (guard, _) = world.token("acme", &["access"]);
    let mut users = Vec::new();
    for name in ["alice", "bob"] {
        users.push(world.user(&token, name));
        for n in 0..3 {
            let body = json!({"User-Name": name, "Acct-Status-Type": "Start",
                "Acct-Session-Id": format!("{name}{n}"), "NAS-IP-Address": "192.0.2.1"});
            let call = world.access("POST", "/accounting").bearer(&guard);
            assert_eq!(call.body(&body).send().status, 200);
        }
    }
    let all = walk(&world, "/sessions?count=4", "sessions", "acctSessionId");
    assert_eq!(all.len(), 6);
    assert_eq!(walk(&world, "/sessions?", "sessions", "acctSessionId"), all);
    let of_bob = format!("/sessions?count=2&user={}", users[1]);
    assert_eq!(walk(&world, &of_bob, "sessions", "acctSessionId"), all[3..]);
    assert_eq!(get(&world, "/sessions").get("next"), None);
    for query in [
        "count=1001",
        "count=0",
        "after=x",
        "usr=x",
        &format!("user={}&after={}/x", users[1], users[0]),
    ] {
        let path = format!("/tenants/acme/sessions?{query}");
        assert_eq!(world.admin("GET", &path).send().status, 400, "{query}");
    }
}
